/// Reads structured header fields leniently (RFC 2045, section 5.1; RFC 5322, section 3.2).
struct FieldScanner {
    let bytes: [UInt8]
    private(set) var index = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    var next: UInt8? { index < bytes.count ? bytes[index] : nil }

    mutating func skip() { index += 1 }

    /// Takes the byte when it is the next.
    mutating func take(_ byte: UInt8) -> Bool {
        guard next == byte else { return false }
        index += 1
        return true
    }

    mutating func skipBlanks() {
        while let byte = next, ASCII.isSpace(byte) { index += 1 }
    }

    /// Leaves out spaces and comments.
    mutating func skipSpace() {
        while let byte = next {
            if ASCII.isSpace(byte) {
                index += 1
            } else if byte == UInt8(ascii: "(") {
                _ = comment()
            } else {
                return
            }
        }
    }

    /// The text of the comment that starts here, without its outer parentheses.
    mutating func comment() -> [UInt8] {
        var text: [UInt8] = []
        var depth = 0
        while let byte = next {
            index += 1
            switch byte {
            case UInt8(ascii: "("):
                depth += 1
                if depth > 1 { text.append(byte) }
            case UInt8(ascii: ")"):
                depth -= 1
                if depth == 0 { return text }
                text.append(byte)
            case ASCII.backslash:
                if let escaped = next {
                    text.append(escaped)
                    index += 1
                }
            default:
                text.append(byte)
            }
        }
        return text
    }

    /// The content of the quoted string that starts here; one that is not closed ends with the field.
    mutating func quotedString() -> [UInt8] {
        var text: [UInt8] = []
        index += 1
        while let byte = next {
            index += 1
            if byte == ASCII.quote { return text }
            if byte == ASCII.backslash, let escaped = next {
                text.append(escaped)
                index += 1
            } else {
                text.append(byte)
            }
        }
        return text
    }

    /// Everything up to a byte that `isEnd`, a space or a comment.
    mutating func token(until isEnd: (UInt8) -> Bool) -> [UInt8] { Array(tokenSlice(until: isEnd)) }

    /// The same without a copy.
    mutating func tokenSlice(until isEnd: (UInt8) -> Bool) -> ArraySlice<UInt8> {
        let start = index
        while let byte = next, !ASCII.isSpace(byte), byte != UInt8(ascii: "("), !isEnd(byte) { index += 1 }
        return bytes[start..<index]
    }

    /// A quoted string, or whatever stands before the next semicolon, comma or space.
    mutating func value() -> [UInt8] {
        skipSpace()
        if next == ASCII.quote { return quotedString() }
        return token { $0 == UInt8(ascii: ";") || $0 == UInt8(ascii: ",") }
    }

    /// The parameters that follow, each behind a semicolon.
    mutating func parameters(maximum: Int = .max) -> [Parameter] {
        var found: [Parameter] = []
        while found.count < maximum {
            skipSpace()
            while let byte = next, byte != UInt8(ascii: ";") {
                if byte == ASCII.quote { _ = quotedString() } else { index += 1 }
            }
            guard take(UInt8(ascii: ";")) else { return found }
            skipSpace()
            let name = token { $0 == UInt8(ascii: "=") || $0 == UInt8(ascii: ";") || $0 == ASCII.quote }
            skipSpace()
            guard !name.isEmpty, take(UInt8(ascii: "=")) else { continue }
            skipSpace()
            let isQuoted = next == ASCII.quote
            let value = isQuoted ? quotedString() : token { $0 == UInt8(ascii: ";") || $0 == ASCII.quote }
            found.append(Parameter(name: name, value: value))
        }
        return found
    }
}
