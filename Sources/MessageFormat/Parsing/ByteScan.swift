/// Looks for line ends, eight bytes at a time.
enum ByteScan {
    private static let lineFeeds: UInt64 = 0x0a0a_0a0a_0a0a_0a0a
    private static let low: UInt64 = 0x7f7f_7f7f_7f7f_7f7f

    /// The highest bit of every byte that is a line feed, and no other.
    @inline(__always)
    private static func matches(_ bytes: UnsafeRawBufferPointer, at index: Int) -> UInt64 {
        let word = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: index, as: UInt64.self)) ^ lineFeeds
        return ~(((word & low) &+ low) | word | low)
    }

    static func firstLineFeed(in bytes: UnsafeRawBufferPointer) -> Int? {
        var index = 0
        let count = bytes.count
        while index &+ 8 <= count {
            let found = matches(bytes, at: index)
            if found != 0 { return index &+ found.trailingZeroBitCount / 8 }
            index &+= 8
        }
        while index < count {
            if bytes[index] == ASCII.lineFeed { return index }
            index &+= 1
        }
        return nil
    }

    static func countLineFeeds(in bytes: UnsafeRawBufferPointer) -> Int {
        var index = 0
        var total = 0
        let count = bytes.count
        while index &+ 8 <= count {
            total &+= matches(bytes, at: index).nonzeroBitCount
            index &+= 8
        }
        while index < count {
            if bytes[index] == ASCII.lineFeed { total &+= 1 }
            index &+= 1
        }
        return total
    }
}
