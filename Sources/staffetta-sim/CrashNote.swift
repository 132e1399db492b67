internal import Glibc

/// A line that is printed when a precondition ends the process, before any other handler runs.
enum CrashNote {
    static let opening = "a precondition failed"

    // Written by the one thread that runs simulations; read when a signal has stopped it.
    nonisolated(unsafe) private static let buffer = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: 512)
    nonisolated(unsafe) private static var count = 0
    nonisolated(unsafe) private static var earlier: [Int32: sigaction] = [:]

    static func set(_ text: String) {
        if earlier.isEmpty { for number in [SIGILL, SIGTRAP, SIGSEGV, SIGABRT] { install(number) } }
        count = 0
        for byte in text.utf8.prefix(buffer.count) {
            buffer[count] = byte
            count += 1
        }
    }

    private static func install(_ number: Int32) {
        var action = sigaction()
        action.__sigaction_handler.sa_handler = { CrashNote.write($0) }
        var old = sigaction()
        sigaction(number, &action, &old)
        earlier[number] = old
    }

    /// Writes the line and lets the same happen again, to the handler that was there before.
    private static func write(_ number: Int32) {
        _ = Glibc.write(2, buffer.baseAddress, count)
        if var old = earlier[number] { sigaction(number, &old, nil) }
    }
}
