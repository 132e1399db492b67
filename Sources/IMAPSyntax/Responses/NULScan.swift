internal import NIOCore

/// Looks for NUL in message bytes, eight at a time: all mail that is fetched passes through here.
enum NULScan {
    static func containsNUL(_ bytes: ByteBuffer) -> Bool {
        bytes.withUnsafeReadableBytes { bytes in
            let ones: UInt64 = 0x0101_0101_0101_0101
            let highBits: UInt64 = 0x8080_8080_8080_8080
            let wholeBytes = bytes.count & ~7
            for index in stride(from: 0, to: wholeBytes, by: 8) {
                let word = bytes.loadUnaligned(fromByteOffset: index, as: UInt64.self)
                // A byte's highest bit remains only when the byte was zero, or behind one that was.
                if (word &- ones) & ~word & highBits != 0 { return true }
            }
            return bytes[wholeBytes...].contains(0)
        }
    }
}
