internal import CChecksum
public import NIOCore

/// What libFuzzer hands over, as a buffer of its own.
public func input(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> ByteBuffer {
    ByteBuffer(bytes: UnsafeRawBufferPointer(start: bytes, count: count))
}

/// CRC-32C of a run of bytes, to make inputs whole again: no fuzzer guesses a checksum.
public func checksum(_ buffer: ByteBuffer, _ range: Range<Int>) -> UInt32 {
    guard let slice = buffer.getSlice(at: buffer.readerIndex + range.lowerBound, length: range.count) else { return 0 }
    return slice.withUnsafeReadableBytes { staffetta_crc32c(0, $0.baseAddress, $0.count) }
}

/// Ends the process: a property does not hold.
public func require(_ condition: Bool, _ what: @autoclosure () -> String) {
    if !condition { fatalError(what()) }
}
