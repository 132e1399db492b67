internal import Glibc

/// A line that is printed when a precondition ends the process.
enum CrashNote {
    nonisolated(unsafe) private static let buffer = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: 512)
    nonisolated(unsafe) private static var count = 0

    static func set(_ text: String) {
        if count == 0 {
            for number in [SIGILL, SIGTRAP, SIGSEGV, SIGABRT] { signal(number) { CrashNote.write($0) } }
        }
        count = 0
        for byte in text.utf8.prefix(buffer.count) {
            buffer[count] = byte
            count += 1
        }
    }

    private static func write(_ number: Int32) {
        _ = Glibc.write(2, buffer.baseAddress, count)
        signal(number, SIG_DFL)
        raise(number)
    }
}
