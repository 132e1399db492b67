internal import Configuration
public import MailModel
internal import SystemPackage

/// Settings by precedence: command line, environment, file, default.
public struct SettingsReader: Sendable {
    private let sources: [(name: String, provider: any ConfigProvider)]

    /// Opens the sources of settings.
    ///
    /// - Parameters:
    ///   - flags: values by key, from the command line.
    ///   - environment: all variables of the process.
    ///   - file: a YAML file; nil for none.
    /// - Throws: ``SettingError`` for a variable or a name in the file that no setting has, and a file that cannot be
    ///   read.
    public static func open(
        flags: [String: String],
        environment: [String: String],
        file: String?
    ) async throws -> SettingsReader {
        for name in environment.keys.sorted() where name.hasPrefix("STAFFETTA_") && !isServiceLink(name) {
            guard SettingSpec.all.contains(where: { $0.variable == name }) || reserved.contains(name) else {
                throw SettingError("the environment variable \(name) is no setting; see `staffetta serve --help`")
            }
        }
        var values: [AbsoluteConfigKey: ConfigValue] = [:]
        for (key, value) in flags {
            values[AbsoluteConfigKey(key.split(separator: ".").map(String.init))] = ConfigValue(
                .string(value),
                isSecret: false
            )
        }
        var sources: [(String, any ConfigProvider)] = [
            ("command line", InMemoryProvider(name: "command line", values: values)),
            (
                "environment",
                EnvironmentVariablesProvider(
                    environmentVariables: Dictionary(
                        uniqueKeysWithValues: SettingSpec.all.compactMap { spec in
                            environment[spec.variable].map { (String(spec.variable.dropFirst(10)), $0) }
                        }
                    )
                )
            ),
        ]
        if let file, try SettingsFile.check(file) {
            do {
                sources.append(("file \(file)", try await FileProvider<YAMLSnapshot>(filePath: FilePath(file))))
            } catch {
                throw SettingError("the settings file \(file) cannot be read: \(error)")
            }
        }
        return SettingsReader(sources: sources)
    }

    /// Variables that other programs of the package use.
    private static let reserved = ["STAFFETTA_ENDPOINT", "STAFFETTA_CONFIG", "STAFFETTA_REWRITE"]

    /// Kubernetes tells every container about a service called "staffetta", or "staffetta-something", by variables of
    /// such names. They are nobody's mistake.
    private static func isServiceLink(_ name: String) -> Bool {
        let words = name.split(separator: "_").dropFirst()
        guard let last = words.last else { return false }
        return name.hasSuffix("_SERVICE_HOST") || words.contains("SERVICE") && words.contains("PORT")
            || last == "PORT" || words.contains("PORT") && words.contains { $0 == "TCP" || $0 == "UDP" }
    }

    private func find(_ key: String) throws -> (value: String, source: String) {
        guard let spec = SettingSpec.all.first(where: { $0.key == key }) else {
            preconditionFailure("\(key) is not in the table of settings")
        }
        let path = AbsoluteConfigKey(key.split(separator: ".").map(String.init))
        for (name, provider) in sources {
            for type in [ConfigType.string, .int, .bool, .double] {
                guard let found = try? provider.value(forKey: path, type: type).value else { continue }
                switch found.content {
                case .string(let text): return (text, name)
                case .int(let number): return (String(number), name)
                case .bool(let flag): return (String(flag), name)
                case .double(let number): return (String(number), name)
                case .bytes, .stringArray, .intArray, .doubleArray, .boolArray, .byteChunkArray:
                    throw SettingError(key, value: "…", source: name, expected: "one value")
                }
            }
        }
        return (spec.defaultValue, "default")
    }

    /// The value as it stands.
    ///
    /// - Throws: ``SettingError``, as all functions here, where the value is none that the setting takes, or a list.
    public func text(_ key: String) throws -> String { try find(key).value }

    /// The value as it stands; nil where the setting is empty.
    public func optional(_ key: String) throws -> String? {
        let text = try find(key).value
        return text.isEmpty ? nil : text
    }

    /// A number in decimal, within a range.
    public func integer(_ key: String, _ range: ClosedRange<Int>) throws -> Int {
        let (text, source) = try find(key)
        guard let number = Int(text), range.contains(number) else {
            throw SettingError(
                key,
                value: text,
                source: source,
                expected: "a number from \(range.lowerBound) to \(range.upperBound)"
            )
        }
        return number
    }

    /// `true`, `yes`, `on`, `1` or `false`, `no`, `off`, `0`, in any case.
    public func flag(_ key: String) throws -> Bool {
        let (text, source) = try find(key)
        switch text.lowercased() {
        case "true", "yes", "on", "1": return true
        case "false", "no", "off", "0": return false
        default: throw SettingError(key, value: text, source: source, expected: "true or false")
        }
    }

    /// One of `choices`, written as there.
    public func choice(_ key: String, _ choices: [String]) throws -> String {
        let (text, source) = try find(key)
        guard choices.contains(text) else {
            throw SettingError(key, value: text, source: source, expected: choices.joined(separator: ", "))
        }
        return text
    }

    /// `host:port`; nil where the setting is empty.
    public func address(_ key: String) throws -> HostPort? {
        let (text, source) = try find(key)
        if text.isEmpty { return nil }
        guard let address = HostPort(text) else {
            throw SettingError(key, value: text, source: source, expected: "host:port, such as 127.0.0.1:14000")
        }
        return address
    }

    /// Addresses, separated by commas.
    public func addresses(_ key: String) throws -> [HostPort] {
        let (text, source) = try find(key)
        return try text.split(separator: ",").map { item in
            guard let address = HostPort(String(item)) else {
                throw SettingError(key, value: text, source: source, expected: "host:port,host:port")
            }
            return address
        }
    }

    /// A domain of account addresses; nil where the setting is empty.
    public func domain(_ key: String) throws -> String? {
        let (text, source) = try find(key)
        if text.isEmpty { return nil }
        guard !text.contains("@"), AccountAddress("name@\(text)") != nil else {
            throw SettingError(key, value: text, source: source, expected: "a domain, such as example.org")
        }
        return text
    }

    /// Addresses and networks, with commas between.
    public func addressRanges(_ key: String) throws -> [ClientAddressRange] {
        let (text, source) = try find(key)
        return try text.split(separator: ",").map { item in
            guard let range = ClientAddressRange(item) else {
                throw SettingError(
                    key,
                    value: text,
                    source: source,
                    expected: "addresses and networks, such as 192.0.2.7,10.0.0.0/8,2001:db8::/32"
                )
            }
            return range
        }
    }

    /// An account's address; nil where the setting is empty.
    public func account(_ key: String) throws -> AccountAddress? {
        let (text, source) = try find(key)
        if text.isEmpty { return nil }
        guard let address = AccountAddress(path: text) else {
            throw SettingError(key, value: text, source: source, expected: "an address, such as anna@example.org")
        }
        return address
    }

    /// One byte that may stand in an address as it is, and is no letter, digit or dot (`atext` of RFC 5322, section
    /// 3.2.3); nil where the setting is empty.
    public func separator(_ key: String) throws -> UInt8? {
        let (text, source) = try find(key)
        if text.isEmpty { return nil }
        let allowed = "!#$%&'*+-/=?^_`{|}~"
        guard let byte = text.utf8.first, text.utf8.count == 1, allowed.utf8.contains(byte) else {
            throw SettingError(key, value: text, source: source, expected: "nothing, or one of \(allowed)")
        }
        return byte
    }

    /// `a=b,c=d` in the order given.
    public func pairs(_ key: String, expected: String) throws -> [(String, String)] {
        let (text, source) = try find(key)
        return try text.split(separator: ",").map { item in
            let parts = item.split(separator: "=", maxSplits: 1).map(String.init)
            guard parts.count == 2, !parts[0].isEmpty else {
                throw SettingError(key, value: text, source: source, expected: expected)
            }
            return (parts[0], parts[1])
        }
    }
}

/// A host (name or address, IPv6 in brackets) and a port.
public struct HostPort: Hashable, Sendable, CustomStringConvertible {
    /// Without brackets.
    public let host: String
    /// From 0 to 65,535.
    public let port: Int

    /// Nil for what is not of the form `host:port`.
    public init?(_ text: String) {
        guard let colon = text.lastIndex(of: ":"), let port = Int(text[text.index(after: colon)...]),
            (0...65_535).contains(port)
        else { return nil }
        var host = String(text[..<colon])
        if host.hasPrefix("["), host.hasSuffix("]") { host = String(host.dropFirst().dropLast()) }
        guard !host.isEmpty else { return nil }
        self.host = host
        self.port = port
    }

    public var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
}
