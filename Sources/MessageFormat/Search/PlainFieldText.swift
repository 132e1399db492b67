/// The values of header fields that need no decoding, and their addresses.
enum PlainFieldText {
    /// Stands between two texts; no text that is looked for has this byte, which is none of UTF-8.
    private static let separator: UInt8 = 0xff

    /// Whether a field's text is what stands there: ASCII, without encoded words and what decoding leaves out.
    static func isPlain(_ value: UnsafeRawBufferPointer) -> Bool {
        guard let first = value.first, let last = value.last else { return true }
        guard !ASCII.isSpace(first), !ASCII.isSpace(last) else { return false }
        var before: UInt8 = 0
        for byte in value {
            guard byte < 0x80, byte >= 0x20 || byte == ASCII.tab else { return false }
            if byte == UInt8(ascii: "?"), before == UInt8(ascii: "=") { return false }
            before = byte
        }
        return true
    }

    /// Appends a field's text as it stands in a header, without line ends and the blanks around it.
    ///
    /// - Returns: false where the text has to be decoded; some of it was appended then.
    static func unfold(_ value: UnsafeRawBufferPointer, into text: inout [UInt8]) -> Bool {
        var start = 0
        var end = value.count
        while start < end, ASCII.isSpace(value[start]) { start += 1 }
        while end > start, ASCII.isSpace(value[end - 1]) { end -= 1 }
        var before: UInt8 = 0
        var pieceStart = start
        for index in start..<end {
            let byte = value[index]
            guard byte < 0x80, byte != 0 else { return false }
            if byte == ASCII.lineFeed || byte == ASCII.carriageReturn {
                // A CR that ends no line is left out of a text, and stands between two words of an address.
                guard byte == ASCII.lineFeed || ASCII.isSpace(value[index + 1]) && !ASCII.isBlank(value[index + 1])
                else {
                    return false
                }
                append(value, pieceStart..<index, to: &text)
                pieceStart = index + 1
                continue
            }
            if byte == UInt8(ascii: "?"), before == UInt8(ascii: "=") { return false }
            before = byte
        }
        append(value, pieceStart..<end, to: &text)
        return true
    }

    /// Appends the addresses of a plain value as `AddressNormaliser` tells them, with a separator behind each.
    ///
    /// - Returns: false where the value has more in it than names, quoted or not, and addresses.
    static func appendAddresses(_ value: UnsafeRawBufferPointer, to text: inout [UInt8]) -> Bool {
        var index = 0
        while index < value.count {
            if ASCII.isBlank(value[index]) || value[index] == UInt8(ascii: ",") {
                index += 1
            } else {
                guard appendAddress(value, at: &index, to: &text) else { return false }
                text.append(separator)
            }
        }
        return true
    }

    /// Appends the address that begins here, and moves behind it.
    private static func appendAddress(
        _ value: UnsafeRawBufferPointer,
        at index: inout Int,
        to text: inout [UInt8]
    ) -> Bool {
        var hasWords = false
        while index < value.count {
            let byte = value[index]
            if ASCII.isBlank(byte) {
                index += 1
            } else if byte == UInt8(ascii: "<") {
                index += 1
                if hasWords { text.append(ASCII.space) }
                guard appendAngles(value, at: &index, to: &text) else { return false }
                guard index < value.count, value[index] == UInt8(ascii: ">") else { return false }
                index += 1
                return isAtEnd(value, at: &index)
            } else if byte == ASCII.quote {
                if hasWords { text.append(ASCII.space) }
                guard appendQuoted(value, at: &index, to: &text) else { return false }
                hasWords = true
            } else {
                let end = atomEnd(value, from: index)
                guard end > index else { return false }
                if end < value.count, value[end] == UInt8(ascii: "@") {
                    // No name may stand before an address without angles.
                    guard !hasWords, appendAngles(value, at: &index, to: &text) else { return false }
                    return isAtEnd(value, at: &index)
                }
                if hasWords { text.append(ASCII.space) }
                append(value, index..<end, to: &text)
                index = end
                hasWords = true
            }
        }
        // Words without an address.
        return false
    }

    /// Appends `local@domain` in angles.
    private static func appendAngles(
        _ value: UnsafeRawBufferPointer,
        at index: inout Int,
        to text: inout [UInt8]
    ) -> Bool {
        let at = atomEnd(value, from: index)
        guard at > index, at < value.count, value[at] == UInt8(ascii: "@") else { return false }
        let end = atomEnd(value, from: at + 1)
        guard end > at + 1 else { return false }
        text.append(UInt8(ascii: "<"))
        append(value, index..<end, to: &text)
        text.append(UInt8(ascii: ">"))
        index = end
        return true
    }

    private static func appendQuoted(
        _ value: UnsafeRawBufferPointer,
        at index: inout Int,
        to text: inout [UInt8]
    ) -> Bool {
        let start = index + 1
        var end = start
        while end < value.count, value[end] != ASCII.quote {
            guard value[end] != ASCII.backslash else { return false }
            end += 1
        }
        // Blanks around a name are left out of its text.
        guard end < value.count, end > start, !ASCII.isBlank(value[start]), !ASCII.isBlank(value[end - 1]) else {
            return false
        }
        append(value, start..<end, to: &text)
        index = end + 1
        return true
    }

    private static func append(_ value: UnsafeRawBufferPointer, _ range: Range<Int>, to text: inout [UInt8]) {
        text.append(contentsOf: UnsafeRawBufferPointer(rebasing: value[range]))
    }

    /// Whether nothing but blanks stands before the next address.
    private static func isAtEnd(_ value: UnsafeRawBufferPointer, at index: inout Int) -> Bool {
        while index < value.count, ASCII.isBlank(value[index]) { index += 1 }
        return index == value.count || value[index] == UInt8(ascii: ",")
    }

    /// Where the word that begins here ends.
    private static func atomEnd(_ value: UnsafeRawBufferPointer, from start: Int) -> Int {
        var end = start
        while end < value.count, isAtom(value[end]) { end += 1 }
        return end
    }

    private static func isAtom(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: ","), UInt8(ascii: ";"), UInt8(ascii: ":"), UInt8(ascii: "<"), UInt8(ascii: ">"),
            UInt8(ascii: "@"), UInt8(ascii: "("), UInt8(ascii: ")"), ASCII.quote, ASCII.backslash, ASCII.space,
            ASCII.tab:
            false
        default: true
        }
    }
}
