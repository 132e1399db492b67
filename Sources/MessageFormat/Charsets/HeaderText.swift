/// The text that a header field's raw value stands for.
public enum HeaderText {
    /// Unfolds and decodes encoded-words (RFC 2047). 8-bit bytes are UTF-8 when they can be, else ISO-8859-1. A
    /// malformed word stays as it is.
    public static func decode(_ raw: some Sequence<UInt8>, charsets: (any CharsetSource)? = nil) -> String {
        var converters = Converters(charsets)
        return String(decoding: decodedBytes(raw, &converters), as: UTF8.self)
    }

    /// The same as UTF-8, not always valid.
    static func decodedBytes(_ raw: some Sequence<UInt8>, _ converters: inout Converters) -> [UInt8] {
        var decoder = HeaderTextDecoder()
        var text: [UInt8] = []
        decoder.decode(raw, &converters, into: &text)
        decoder.finish(&converters, into: &text)
        return text
    }
}

/// Decodes one field's value piece by piece. The decoder keeps bytes that may be the start of an
/// encoded word, some 4 KiB.
///
/// Blanks between two encoded words are not text, and a character may be split between two of one charset.
struct HeaderTextDecoder {
    /// Bytes that were not looked at yet.
    private var pending: [UInt8] = []
    /// No word ends before this index of `pending`.
    private var endFreeUpTo = 0
    /// Blanks that may turn out to be between encoded words, or at the end.
    private var blanks: [UInt8] = []
    private var isAtStart = true
    /// The charset of the last encoded word, while nothing stands behind the word.
    private var charset: Charset?

    mutating func decode(_ raw: some Sequence<UInt8>, _ converters: inout Converters, into text: inout [UInt8]) {
        // RFC 5322, section 2.2.3.
        for byte in raw where byte != ASCII.carriageReturn && byte != ASCII.lineFeed && byte != 0 {
            pending.append(byte)
        }
        decodePending(isLast: false, &converters, into: &text)
    }

    /// Ends the value; blanks around it are no text.
    mutating func finish(_ converters: inout Converters, into text: inout [UInt8]) {
        decodePending(isLast: true, &converters, into: &text)
        endWord(&converters, into: &text)
        self = HeaderTextDecoder()
    }

    private mutating func decodePending(isLast: Bool, _ converters: inout Converters, into text: inout [UInt8]) {
        var index = 0
        scan: while index < pending.count {
            let byte = pending[index]
            let left = pending.count - index
            switch byte {
            case ASCII.space, ASCII.tab:
                blanks.append(byte)
                index += 1
            case UInt8(ascii: "="):
                guard isLast || left > EncodedWord.maximumBytes else { break scan }
                if let (word, end) = EncodedWord.read(pending, at: index, endFreeUpTo: &endFreeUpTo) {
                    add(word, &converters, into: &text)
                    index = end
                } else {
                    addPlain(pending[index..<(index + 1)], &converters, into: &text)
                    index += 1
                }
            case 0x80...:
                guard isLast || left >= 4 else { break scan }
                if let length = Self.characterLength(pending[index...]) {
                    addPlain(pending[index..<(index + length)], &converters, into: &text)
                    index += length
                } else {
                    var character: [UInt8] = []
                    Charset.append(SingleByteTable.windows1252.scalar(byte), to: &character)
                    addPlain(character[...], &converters, into: &text)
                    index += 1
                }
            default:
                var end = index + 1
                while end < pending.count, pending[end] != UInt8(ascii: "="), pending[end] < 0x80,
                    !ASCII.isBlank(pending[end])
                {
                    end += 1
                }
                addPlain(pending[index..<end], &converters, into: &text)
                index = end
            }
        }
        pending.removeFirst(index)
        endFreeUpTo = max(0, endFreeUpTo - index)
    }

    private mutating func add(_ word: EncodedWord, _ converters: inout Converters, into text: inout [UInt8]) {
        if word.charset != charset {
            let isBehindWord = charset != nil
            endWord(&converters, into: &text)
            if !isBehindWord { flushBlanks(into: &text) }
            charset = word.charset
        }
        blanks.removeAll(keepingCapacity: true)
        isAtStart = false
        converters.decode(word.bytes[...], of: word.charset, into: &text)
    }

    private mutating func addPlain(
        _ bytes: ArraySlice<UInt8>,
        _ converters: inout Converters,
        into text: inout [UInt8]
    ) {
        endWord(&converters, into: &text)
        flushBlanks(into: &text)
        isAtStart = false
        text.append(contentsOf: bytes)
    }

    private mutating func flushBlanks(into text: inout [UInt8]) {
        guard !blanks.isEmpty else { return }
        if !isAtStart { text.append(contentsOf: blanks) }
        blanks.removeAll(keepingCapacity: true)
    }

    private mutating func endWord(_ converters: inout Converters, into text: inout [UInt8]) {
        guard let ended = charset else { return }
        charset = nil
        converters.finish(ended, into: &text)
    }

    /// How many bytes the character of UTF-8 at the start takes; nil when there is none (RFC 3629, section 4).
    private static func characterLength(_ bytes: ArraySlice<UInt8>) -> Int? {
        guard let first = bytes.first else { return nil }
        let length: Int
        var second: ClosedRange<UInt8> = 0x80...0xbf
        switch first {
        case 0xc2...0xdf: length = 2
        case 0xe0...0xef:
            length = 3
            if first == 0xe0 { second = 0xa0...0xbf } else if first == 0xed { second = 0x80...0x9f }
        case 0xf0...0xf4:
            length = 4
            if first == 0xf0 { second = 0x90...0xbf } else if first == 0xf4 { second = 0x80...0x8f }
        default: return nil
        }
        guard bytes.count >= length, second.contains(bytes[bytes.startIndex + 1]),
            bytes.prefix(length).dropFirst(2).allSatisfy({ (0x80...0xbf).contains($0) })
        else { return nil }
        return length
    }
}
