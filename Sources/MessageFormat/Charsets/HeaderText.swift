/// The text that a header field's raw value stands for.
public enum HeaderText {
    /// Unfolds and decodes encoded-words (RFC 2047). 8-bit bytes are UTF-8 when they can be, else ISO-8859-1; a word
    /// that is not right stays as it is.
    public static func decode(_ raw: some Sequence<UInt8>) -> String {
        String(decoding: decodedBytes(Array(raw)), as: UTF8.self)
    }

    /// The same as UTF-8, not always valid.
    static func decodedBytes(_ raw: [UInt8]) -> [UInt8] {
        // RFC 5322, section 2.2.3.
        var value = raw.filter { $0 != ASCII.carriageReturn && $0 != ASCII.lineFeed && $0 != 0 }
        if value.contains(where: { $0 >= 0x80 }), String(validating: value, as: UTF8.self) == nil {
            var text: [UInt8] = []
            Charset.table(.windows1252).decode(value, into: &text)
            value = text
        }
        value = ASCII.trimmed(value)
        guard value.contains(UInt8(ascii: "?")) else { return value }
        var decoder = WordDecoder()
        var index = 0
        while index < value.count {
            if value[index] == UInt8(ascii: "="), let (word, end) = EncodedWord.read(value, at: index) {
                decoder.add(word)
                index = end
            } else {
                decoder.add(value[index])
                index += 1
            }
        }
        return decoder.finish()
    }
}

/// Joins words: blanks between two encoded ones are not text, and a character may be split between two of one charset.
private struct WordDecoder {
    private var text: [UInt8] = []
    /// Blanks that may turn out to be between encoded words.
    private var blanks: [UInt8] = []
    private var charset: Charset?
    private var bytes: [UInt8] = []

    mutating func add(_ word: EncodedWord) {
        if let charset, charset != word.charset { flush(charset) }
        if charset == nil { text += blanks }
        blanks.removeAll()
        charset = word.charset
        bytes += word.bytes
    }

    mutating func add(_ byte: UInt8) {
        guard !ASCII.isBlank(byte) else { return blanks.append(byte) }
        if let charset { flush(charset) }
        charset = nil
        text += blanks
        blanks.removeAll()
        text.append(byte)
    }

    private mutating func flush(_ charset: Charset) {
        charset.decode(bytes, into: &text)
        bytes.removeAll()
    }

    mutating func finish() -> [UInt8] {
        if let charset { flush(charset) }
        return text + blanks
    }
}
