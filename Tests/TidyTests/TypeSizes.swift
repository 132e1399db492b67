/// How large types are, over all files of their module: a type that grows by extensions is as hard to know as one long
/// file.
enum TypeSizes {
    static let maximumStoredProperties = 20
    static let maximumLines = 600

    struct Size: Hashable {
        var storedProperties = 0
        var lines = 0

        func fits(_ other: Size) -> Bool { storedProperties <= other.storedProperties && lines <= other.lines }
    }

    /// Types that are larger, and how large they are: they may only become smaller.
    static let known: [String: Size] = [:]

    static func violations(_ files: [SwiftFile]) -> [Violation] {
        let sizes = sizes(of: files)
        let limit = Size(storedProperties: maximumStoredProperties, lines: maximumLines)
        var found: [Violation] = []
        for (type, measured) in sizes.sorted(by: { $0.key < $1.key }) {
            let size = measured.size
            let allowed = known[type] ?? limit
            if !size.fits(allowed) {
                let what = "\(type) has \(size.storedProperties) stored properties and \(size.lines) lines"
                found.append(Violation(path: measured.path, line: 1, what: what))
            } else if allowed != limit, size.fits(limit) {
                found.append(Violation(path: measured.path, line: 1, what: "\(type) is no exception any more"))
            }
        }
        for type in known.keys.sorted() where sizes[type] == nil {
            found.append(Violation(path: "Tests/TidyTests/TypeSizes.swift", line: 1, what: "there is no \(type)"))
        }
        return found
    }

    /// By `Module.Type`, with the file that declares most of it.
    static func sizes(of files: [SwiftFile]) -> [String: (size: Size, path: String)] {
        var sizes: [String: (size: Size, path: String)] = [:]
        for file in files {
            guard let module = file.module else { continue }
            for (type, size) in declarations(in: file) {
                let name = "\(module).\(type)"
                var (sum, path) = sizes[name] ?? (Size(), file.path)
                if size.storedProperties > 0 { path = file.path }
                sum.storedProperties += size.storedProperties
                sum.lines += size.lines
                sizes[name] = (sum, path)
            }
        }
        return sizes
    }

    /// The types and extensions at the top of a file; what is nested in them is a part of them.
    private static func declarations(in file: SwiftFile) -> [(type: String, size: Size)] {
        var found: [(type: String, size: Size)] = []
        var depth = 0
        var parentheses = 0
        var current: (type: String, size: Size)?
        for line in file.code {
            if depth == 0, parentheses == 0, let type = declaredType(line) { current = (type, Size()) }
            current?.size.lines += 1
            if depth == 1, parentheses == 0, storesProperty(line) { current?.size.storedProperties += 1 }
            let wasInside = depth > 0
            for character in line {
                switch character {
                case "{": depth += 1
                case "}": depth -= 1
                case "(", "[": parentheses += 1
                case ")", "]": parentheses -= 1
                default: break
                }
            }
            let closes = depth == 0 && parentheses == 0 && (wasInside || line.contains("}"))
            if closes, let declaration = current {
                found.append(declaration)
                current = nil
            }
        }
        return found
    }

    private static func declaredType(_ line: Substring) -> String? {
        let declaration =
            #/^(?:@\w+(?:\(.*\))?\s+)*(?:\w+\s+)*?(?:class|struct|enum|actor|extension)\s+(?<name>[\w.]+)/#
        guard !line.hasPrefix(" "), let match = line.firstMatch(of: declaration.wordBoundaryKind(.simple)) else {
            return nil
        }
        return String(match.output.name)
    }

    private static func storesProperty(_ line: Substring) -> Bool {
        let words = line.split { $0 == " " || $0 == "(" }
        guard let at = words.firstIndex(where: { $0 == "let" || $0 == "var" }), !words[..<at].contains("static") else {
            return false
        }
        let mayPrecede: Set<Substring> = [
            "public", "package", "internal", "private", "fileprivate", "set)", "unowned", "weak", "lazy", "nonisolated",
            "unsafe)",
        ]
        guard words[..<at].allSatisfy({ mayPrecede.contains($0) || $0.hasPrefix("@") }) else { return false }
        if words[at] == "let" { return true }
        // A brace that no value precedes begins a computed property, unless it observes.
        guard let brace = line.firstIndex(of: "{") else { return true }
        return line[..<brace].contains("=") || line.contains("didSet") || line.contains("willSet")
    }
}
