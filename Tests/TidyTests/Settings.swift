/// The table of settings and what reads them.
enum Settings {
    private static let table = "Sources/NodeRuntime/Settings/SettingSpec.swift"

    /// Every key of the table stands in another file as well. A setting that nobody reads would be taken, and would
    /// change nothing.
    static func unread(_ files: [SwiftFile]) -> [Violation] {
        guard let specs = files.first(where: { $0.path == table }) else { return [] }
        let others = files.filter { $0.path != table }.flatMap(\.lines)
        return specs.lines.enumerated().compactMap { number, line in
            guard let key = key(in: line) else { return nil }
            // Both gateways read some of theirs with one call: `"\(gateway).rest"`.
            let rest = key.drop { $0 != "." }
            guard !others.contains(where: { $0.contains("\"\(key)\"") || $0.contains(")\(rest)\"") }) else {
                return nil
            }
            return specs.violation(number + 1, "nobody reads the setting \(key)")
        }
    }

    private static func key(in line: Substring) -> Substring? {
        let parts = line.split(separator: "\"", maxSplits: 2, omittingEmptySubsequences: false)
        return parts.count == 3 && parts[0].hasSuffix(" SettingSpec(") ? parts[1] : nil
    }
}
