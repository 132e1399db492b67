internal import SystemPackage
internal import Yams

/// A settings file: YAML, whose nested keys are the parts of setting names.
enum SettingsFile {
    static let maximumBytes = 1 << 20

    /// A name that no setting has is a mistake that would otherwise go unnoticed.
    ///
    /// - Returns: whether the file holds anything.
    static func check(_ file: String) throws(SettingError) -> Bool {
        let text: String
        do {
            text = try read(file)
        } catch {
            throw SettingError("the settings file \(file) cannot be read: \(error)")
        }
        let root: Yams.Node?
        do {
            root = try compose(yaml: text)
        } catch {
            let reason = "\(error)".split(separator: "\n").first ?? ""
            throw SettingError("the settings file \(file) is not YAML: \(reason)")
        }
        guard let root else { return false }
        if case .scalar(let scalar) = root, scalar.string.isEmpty { return false }
        guard case .mapping = root else {
            throw SettingError("the settings file \(file) has no settings: expected lines such as log: {level: debug}")
        }
        try checkNames(in: root, under: "", of: file)
        return true
    }

    private static func checkNames(in node: Yams.Node, under name: String, of file: String) throws(SettingError) {
        switch node {
        case .mapping(let mapping):
            for (key, value) in mapping {
                let part = key.string ?? ""
                try checkNames(in: value, under: name.isEmpty ? part : "\(name).\(part)", of: file)
            }
        case .sequence:
            // The reader would find no value of its type, and take the default.
            throw SettingError("the settings file \(file) gives \(name) a list: expected one value")
        case .scalar, .alias:
            guard SettingSpec.all.contains(where: { $0.key == name }) else {
                throw SettingError(
                    "the settings file \(file) names \(name), which is no setting; see `staffetta serve --help`"
                )
            }
        }
    }

    private static func read(_ file: String) throws -> String {
        let descriptor = try FileDescriptor.open(FilePath(file), .readOnly)
        return try descriptor.closeAfter {
            var bytes: [UInt8] = []
            var buffer = [UInt8](repeating: 0, count: 65_536)
            while bytes.count < maximumBytes {
                let count = try buffer.withUnsafeMutableBytes { try descriptor.read(into: $0) }
                if count == 0 { break }
                bytes += buffer[..<count]
            }
            return String(decoding: bytes, as: UTF8.self)
        }
    }
}
