/// Makes encoded-words (RFC 2047) of raw 8-bit header bytes, which responses cannot carry.
enum EncodedWords {
    /// What fits in 75 characters beside `=?UTF-8?Q?` and `?=`.
    private static let textBytes = 63

    /// Encodes from the first word with 8-bit bytes to the last; words before and behind stay as they are. Bytes that
    /// are not UTF-8 are taken for ISO-8859-1.
    static func encode(_ value: [UInt8]) -> [UInt8] {
        guard let first = value.firstIndex(where: { $0 >= 0x80 }), let last = value.lastIndex(where: { $0 >= 0x80 })
        else { return value }
        let start = value[..<first].lastIndex(where: ASCII.isSpace).map { $0 + 1 } ?? 0
        let end = value[last...].firstIndex(where: ASCII.isSpace) ?? value.count
        var result = Array(value[..<start])
        let text = String(validating: value[start..<end], as: UTF8.self)
        if let text {
            write(text.unicodeScalars, into: &result)
        } else {
            write(value[start..<end].map { Unicode.Scalar($0) }, into: &result)
        }
        return result + value[end...]
    }

    private static func write(_ text: some Sequence<Unicode.Scalar>, into result: inout [UInt8]) {
        var room = 0
        var isOpen = false
        for scalar in text {
            let encoded = quoted(scalar)
            if encoded.count > room {
                if isOpen { result += Array("?= ".utf8) }
                result += Array("=?UTF-8?Q?".utf8)
                room = textBytes
                isOpen = true
            }
            result += encoded
            room -= encoded.count
        }
        result += Array("?=".utf8)
    }

    /// In the form that is allowed everywhere, in phrases too (section 5, rule 3).
    private static func quoted(_ scalar: Unicode.Scalar) -> [UInt8] {
        let digits = Array("0123456789ABCDEF".utf8)
        var encoded: [UInt8] = []
        for byte in UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter {
            if byte == ASCII.space {
                encoded.append(UInt8(ascii: "_"))
            } else if ASCII.isLetter(byte) || ASCII.isDigit(byte) {
                encoded.append(byte)
            } else {
                encoded += [UInt8(ascii: "="), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        return encoded
    }
}
