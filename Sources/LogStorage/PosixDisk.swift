internal import Glibc

/// A directory of the operating system.
public final class PosixDisk: Disk {
    /// The path of the directory.
    public let path: String
    /// Held open, so that it can be synced.
    private let descriptor: Int32

    /// Opens the directory.
    ///
    /// - Parameter path: an existing directory.
    /// - Throws: ``DiskError``, when it cannot be opened.
    public init(path: String) throws(DiskError) {
        self.path = path
        descriptor = unsafe Glibc.open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .system(errno, call: "open", path: path) }
    }

    deinit { _ = Glibc.close(descriptor) }

    private func path(of name: String) -> String { path + "/" + name }

    public func create(_ name: String, bytes: Int) throws(DiskError) -> any DiskFile {
        let file = try openFile(name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC)
        try file.allocate(bytes)
        return file
    }

    public func open(_ name: String) throws(DiskError) -> any DiskFile { try openFile(name, O_RDWR | O_CLOEXEC) }

    private func openFile(_ name: String, _ flags: Int32) throws(DiskError) -> PosixFile {
        while true {
            let file = unsafe openat(descriptor, name, flags, 0o600)
            if file >= 0 { return PosixFile(descriptor: file, path: path(of: name)) }
            guard errno == EINTR else { throw .system(errno, call: "open", path: path(of: name)) }
        }
    }

    public func list() throws(DiskError) -> [String] {
        guard let stream = unsafe opendir(path) else { throw .system(errno, call: "opendir", path: path) }
        defer { unsafe closedir(stream) }
        var names: [String] = []
        errno = 0
        while let entry = unsafe readdir(stream) {
            guard unsafe entry.pointee.d_type == UInt8(DT_REG) || entry.pointee.d_type == UInt8(DT_UNKNOWN) else {
                continue
            }
            // `d_name` ends with a zero; the imported type is a tuple.
            let name = unsafe withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != "." && name != ".." { names.append(name) }
        }
        guard errno == 0 else { throw .system(errno, call: "readdir", path: path) }
        return names.sorted()
    }

    public func delete(_ name: String) throws(DiskError) {
        guard unsafe unlinkat(descriptor, name, 0) == 0 else {
            throw .system(errno, call: "unlink", path: path(of: name))
        }
    }

    public func rename(_ name: String, to newName: String) throws(DiskError) {
        guard unsafe renameat(descriptor, name, descriptor, newName) == 0 else {
            throw .system(errno, call: "rename", path: path(of: name))
        }
    }

    public func syncDirectory() throws(DiskError) {
        guard fsync(descriptor) == 0 else { throw .system(errno, call: "fsync of the directory", path: path) }
    }
}

extension DiskError {
    static func system(_ code: Int32, call: String, path: String) -> DiskError {
        let kind: Kind =
            switch code {
            case ENOSPC, EDQUOT: .noSpace
            case ENOENT: .notFound
            case EEXIST: .alreadyExists
            default: .inputOutput
            }
        let reason = unsafe String(cString: strerror(code))
        return DiskError(kind: kind, message: "\(call): \(reason)", path: path)
    }
}
