internal import FoundationEssentials
internal import Glibc

/// A process that this one started, in a group of its own so that Ctrl-C reaches it only through us.
struct ChildProcess {
    let id: pid_t

    static func start(script: String) throws -> ChildProcess {
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETPGROUP))
        posix_spawnattr_setpgroup(&attributes, 0)
        var id: pid_t = 0
        let arguments = ["/bin/sh", script]
        var words: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) }
        defer { for word in words { free(word) } }
        words.append(nil)
        let status = posix_spawn(&id, "/bin/sh", nil, &attributes, words, environ)
        guard status == 0 else { throw DevError("cannot start \(script): \(String(cString: strerror(status)))") }
        return ChildProcess(id: id)
    }

    /// How the process ended, in words; nil while it runs.
    func ended() -> String? {
        var status: Int32 = 0
        guard waitpid(id, &status, WNOHANG) == id else { return nil }
        let signal = status & 0x7f
        return signal == 0 ? "exit status \((status >> 8) & 0xff)" : "signal \(signal)"
    }

    /// Whether the process of that ID works on this data directory: a number alone may be another's by now.
    static func isNode(_ id: pid_t, dataDirectory: String) -> Bool {
        guard let data = FileManager.default.contents(atPath: "/proc/\(id)/cmdline") else { return false }
        return data.split(separator: 0).contains { $0.elementsEqual(dataDirectory.utf8) }
    }
}

/// Why the development cluster cannot go on.
public struct DevError: Error, Sendable, CustomStringConvertible {
    public let description: String
    init(_ description: String) { self.description = description }
}
