internal import Glibc

/// Another run of this program, with the last of what it printed.
struct ChildRun {
    struct Failure: Error, CustomStringConvertible { let description: String }

    enum Ending {
        case exited(Int32)
        case signalled(Int32)
        /// The run did not end in time, and was killed.
        case outOfTime
    }

    /// What is kept of the output, from its end.
    private static let maximumBytes = 1 << 20

    /// Both of its outputs, in the order in which it wrote them.
    let output: String
    let ending: Ending

    /// - Parameter backtrace: the value of `SWIFT_BACKTRACE`: what the runtime prints of a process that traps.
    init(_ words: [String], seconds: Int64, backtrace: String) throws {
        let (process, file) = try Self.start(words, environment: ["SWIFT_BACKTRACE=\(backtrace)"])
        defer { close(file) }
        let read = Self.read(file, until: ContinuousClock.now + .seconds(seconds))
        if !read.isWhole { kill(process, SIGKILL) }
        var status: Int32 = 0
        while waitpid(process, &status, 0) < 0, errno == EINTR {}
        output = read.text
        // What WIFSIGNALED and its like do, which are macros.
        let signal = status & 0x7f
        ending = !read.isWhole ? .outOfTime : signal == 0 ? .exited(status >> 8 & 0xff) : .signalled(signal)
    }

    /// - Returns: the process, and the end of a pipe where its outputs come.
    private static func start(_ words: [String], environment: [String]) throws -> (pid_t, Int32) {
        var ends: [Int32] = [0, 0]
        guard pipe(&ends) == 0 else { throw Failure(description: "no pipe: \(String(cString: strerror(errno)))") }
        defer { close(ends[1]) }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, ends[1], 1)
        posix_spawn_file_actions_adddup2(&actions, ends[1], 2)
        posix_spawn_file_actions_addclose(&actions, ends[0])
        let name = CommandLine.arguments[0]
        var arguments: [UnsafeMutablePointer<CChar>?] = ([name] + words).map { strdup($0) } + [nil]
        var variables: [UnsafeMutablePointer<CChar>?] = environment.map { strdup($0) } + [nil]
        defer { for pointer in arguments + variables { free(pointer) } }
        var process = pid_t()
        let error = posix_spawn(&process, "/proc/self/exe", &actions, nil, &arguments, &variables)
        guard error == 0 else {
            close(ends[0])
            throw Failure(description: "cannot start \(name): \(String(cString: strerror(error)))")
        }
        return (process, ends[0])
    }

    /// The last of what is written until the other side closes, or until the deadline.
    private static func read(_ file: Int32, until deadline: ContinuousClock.Instant) -> (text: String, isWhole: Bool) {
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        var isWhole = false
        while !isWhole {
            let left = (deadline - ContinuousClock.now).components.seconds
            guard left > 0 else { break }
            var wait = pollfd(fd: file, events: Int16(POLLIN), revents: 0)
            guard poll(&wait, 1, Int32(min(left, 60) * 1_000)) > 0 else { continue }
            let count = Glibc.read(file, &buffer, buffer.count)
            if count < 0, errno == EINTR { continue }
            isWhole = count <= 0
            bytes += buffer[..<max(count, 0)]
            if bytes.count > 2 * maximumBytes { bytes.removeFirst(bytes.count - maximumBytes) }
        }
        return (String(decoding: bytes.suffix(maximumBytes), as: UTF8.self), isWhole)
    }
}
