/// Looks for line ends and other bytes, eight at a time.
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

    /// Bytes eight times over.
    private static func pattern(_ byte: UInt8) -> UInt64 { UInt64(byte) &* 0x0101_0101_0101_0101 }

    /// The bits to set in a text's bytes so that a letter, which is given in lower case, is found in any case.
    private static func caseBits(_ byte: UInt8) -> UInt64 { byte &- 0x61 < 26 ? 0x2020_2020_2020_2020 : 0 }

    /// The first index from `start` on at which these two bytes stand one behind the other, or at which the text ends
    /// behind the first, or within eight bytes of its end just the first stands. Letters are given in lower case, and
    /// found in any.
    static func firstPair(_ one: UInt8, _ other: UInt8?, in text: UnsafeRawBufferPointer, from start: Int) -> Int? {
        let ones = pattern(one)
        let oneCase = caseBits(one)
        let others = pattern(other ?? 0)
        let otherCase = other.map(caseBits) ?? 0
        var index = start
        let count = text.count
        while index &+ 9 <= count {
            var word = (text.loadUnaligned(fromByteOffset: index, as: UInt64.self) | oneCase) ^ ones
            if other != nil {
                word |= (text.loadUnaligned(fromByteOffset: index &+ 1, as: UInt64.self) | otherCase) ^ others
            }
            let found = ~(((word & low) &+ low) | word | low)
            if found != 0 { return index &+ UInt64(littleEndian: found).trailingZeroBitCount / 8 }
            index &+= 8
        }
        while index < count {
            if ASCII.lower(text[index]) == one { return index }
            index &+= 1
        }
        return nil
    }

    /// The first index from `start` on of a byte that is not ASCII.
    static func firstBeyondASCII(in bytes: UnsafeRawBufferPointer, from start: Int) -> Int? {
        var index = start
        let count = bytes.count
        while index &+ 8 <= count {
            let found = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: index, as: UInt64.self)) & ~low
            if found != 0 { return index &+ found.trailingZeroBitCount / 8 }
            index &+= 8
        }
        while index < count {
            if bytes[index] >= 0x80 { return index }
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
