internal import Glibc

/// Another run of a program, with what it printed.
struct ChildRun {
    struct Failure: Error, CustomStringConvertible { let description: String }

    let output: String
    /// It did not end in time, and was killed.
    let isKilled: Bool
    /// 0 only when it ended well; a signal is no good end.
    let status: Int32

    init(_ program: String, _ words: [String], seconds: Int64) throws {
        var ends: [Int32] = [0, 0]
        guard pipe(&ends) == 0 else { throw Failure(description: "no pipe: \(String(cString: strerror(errno)))") }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, ends[1], 1)
        posix_spawn_file_actions_addclose(&actions, ends[0])
        posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0)
        var arguments: [UnsafeMutablePointer<CChar>?] = ([program] + words).map { strdup($0) } + [nil]
        // Nobody reads the backtraces of those that are meant to fail, and each takes seconds.
        var environment: [UnsafeMutablePointer<CChar>?] = [strdup("SWIFT_BACKTRACE=enable=no"), nil]
        defer { for pointer in arguments + environment { free(pointer) } }
        var process = pid_t()
        let error = posix_spawn(&process, "/proc/self/exe", &actions, nil, &arguments, &environment)
        close(ends[1])
        defer { close(ends[0]) }
        guard error == 0 else {
            throw Failure(description: "cannot start \(program): \(String(cString: strerror(error)))")
        }
        let deadline = ContinuousClock.now + .seconds(seconds)
        let (output, isWhole) = Self.read(ends[0], until: deadline)
        if !isWhole { kill(process, SIGKILL) }
        self.output = output
        isKilled = !isWhole
        var status: Int32 = 0
        while waitpid(process, &status, 0) < 0, errno == EINTR {}
        self.status = status
    }

    /// All that is written until the other side closes, or until the deadline.
    private static func read(_ file: Int32, until deadline: ContinuousClock.Instant) -> (text: String, isWhole: Bool) {
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            let left = (deadline - ContinuousClock.now).components.seconds
            guard left > 0 else { return (String(decoding: bytes, as: UTF8.self), false) }
            var wait = pollfd(fd: file, events: Int16(POLLIN), revents: 0)
            guard poll(&wait, 1, Int32(min(left, 60) * 1_000)) > 0 else { continue }
            let count = Glibc.read(file, &buffer, buffer.count)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return (String(decoding: bytes, as: UTF8.self), true) }
            bytes += buffer[..<count]
        }
    }
}
