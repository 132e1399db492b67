internal import Glibc

/// A directory of its own for each test, removed with all in it when the object goes.
public final class TemporaryDirectory: Sendable {
    /// Absolute, without a slash at the end.
    public let path: String

    /// Makes an empty directory.
    public init() {
        var template = Array("/tmp/staffetta-test-XXXXXX\0".utf8CString)
        guard mkdtemp(&template) != nil else { preconditionFailure("no temporary directory: \(errno)") }
        path = template.withUnsafeBufferPointer { String(cString: $0.baseAddress!) }
    }

    deinit { Self.remove(path) }

    /// Writes a file of the directory as a whole.
    public func write(_ name: String, _ text: String) {
        let bytes = Array(text.utf8)
        let file = open("\(path)/\(name)", O_WRONLY | O_CREAT | O_TRUNC, 0o640)
        precondition(file >= 0 && Glibc.write(file, bytes, bytes.count) == bytes.count, "cannot write \(name)")
        close(file)
    }

    /// Makes a directory in the directory.
    public func makeDirectory(_ name: String) {
        precondition(mkdir("\(path)/\(name)", 0o750) == 0, "cannot make \(name)")
    }

    /// The first 64 KiB of a file; nil where there is no such file.
    public func read(_ name: String) -> String? {
        let file = open("\(path)/\(name)", O_RDONLY)
        guard file >= 0 else { return nil }
        defer { close(file) }
        var bytes = [UInt8](repeating: 0, count: 1 << 16)
        let count = Glibc.read(file, &bytes, bytes.count)
        return String(decoding: bytes[..<max(0, count)], as: UTF8.self)
    }

    /// Turns the bits of some bytes of a file over.
    public func change(_ name: String, at range: Range<Int>) {
        let file = open("\(path)/\(name)", O_RDWR)
        defer { close(file) }
        var bytes = [UInt8](repeating: 0, count: range.count)
        precondition(file >= 0 && pread(file, &bytes, bytes.count, range.lowerBound) == bytes.count, "no \(name)")
        for index in bytes.indices { bytes[index] = ~bytes[index] }
        precondition(pwrite(file, bytes, bytes.count, range.lowerBound) == bytes.count, "cannot change \(name)")
    }

    /// Whether there is a file or directory of that name.
    public func exists(_ name: String) -> Bool { access("\(path)/\(name)", F_OK) == 0 }

    /// What is in the directory, or in a directory in it, sorted.
    public func names(in name: String = "") -> [String] { Self.names("\(path)/\(name)") }

    private static func names(_ path: String) -> [String] {
        guard let directory = opendir(path) else { return [] }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names.sorted()
    }

    private static func remove(_ path: String) {
        for name in names(path) where unlink("\(path)/\(name)") != 0 { remove("\(path)/\(name)") }
        rmdir(path)
    }
}
