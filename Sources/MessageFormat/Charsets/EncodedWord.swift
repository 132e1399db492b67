/// One `=?charset?encoding?text?=` (RFC 2047, section 2).
struct EncodedWord {
    /// Bytes of one word that are looked at. A word should have 75 at most.
    private static let textBytes = 4_096
    let charset: Charset
    let bytes: [UInt8]

    /// Bytes of a value that are looked at to find a word, with its charset and its marks.
    static let maximumBytes = textBytes + 128

    /// Reads the word at an index; nil when there is none.
    /// - Parameter endFreeUpTo: Where the search for the end of a word before this one gave up: there is no end before.
    /// - Returns: The word, and where it ends.
    static func read(_ value: [UInt8], at start: Int, endFreeUpTo: inout Int) -> (EncodedWord, end: Int)? {
        let mark = UInt8(ascii: "?")
        guard start + 6 < value.count, value[start + 1] == mark,
            let charsetEnd = value[(start + 2)...].prefix(64).firstIndex(of: mark), charsetEnd > start + 2,
            charsetEnd + 3 < value.count, value[charsetEnd + 2] == mark
        else { return nil }
        let textStart = charsetEnd + 3
        var end = max(textStart, endFreeUpTo)
        let limit = min(value.count - 1, textStart + textBytes)
        while end < limit, value[end] != mark || value[end + 1] != UInt8(ascii: "=") { end += 1 }
        guard end < limit else {
            endFreeUpTo = max(endFreeUpTo, limit)
            return nil
        }
        // RFC 2231, section 5: a language may follow the charset.
        let name = value[(start + 2)..<charsetEnd].prefix { $0 != UInt8(ascii: "*") }
        var decoder: TransferDecoder
        var text = value[textStart..<end]
        switch ASCII.lower(value[charsetEnd + 1]) {
        case UInt8(ascii: "b"): decoder = TransferDecoder(.base64)
        case UInt8(ascii: "q"):
            decoder = TransferDecoder(.quotedPrintable)
            for index in text.indices where text[index] == UInt8(ascii: "_") { text[index] = ASCII.space }
        default: return nil
        }
        var bytes: [UInt8] = []
        decoder.decode(text, into: &bytes)
        return (EncodedWord(charset: Charset(name: name), bytes: bytes), end + 2)
    }
}
