internal import Glibc
public import NIOCore

/// Writes the inputs that fuzzing starts from into the directory that the program's argument names.
public struct Seeds {
    private let directory: String

    public init() {
        guard CommandLine.arguments.count == 2 else { fatalError("give the directory for the inputs") }
        directory = CommandLine.arguments[1]
    }

    public func write(_ name: String, _ bytes: ByteBuffer) {
        guard let file = fopen("\(directory)/\(name)", "w") else { fatalError("cannot write to \(directory)") }
        let written = bytes.withUnsafeReadableBytes { fwrite($0.baseAddress, 1, $0.count, file) }
        guard fclose(file) == 0, written == bytes.readableBytes else { fatalError("cannot write to \(directory)") }
    }
}
