/// Base64 (RFC 4648 section 4), strict: padded, no line breaks, no stray bits.
public enum Base64 {
    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

    /// The bytes that a text stands for.
    ///
    /// - Returns: nil when the text is not base64.
    public static func decode(_ text: some Collection<UInt8>) -> [UInt8]? {
        guard text.count % 4 == 0 else { return nil }
        var result: [UInt8] = []
        result.reserveCapacity(text.count / 4 * 3)
        var accumulated: UInt32 = 0
        var digits = 0
        var padding = 0
        for byte in text {
            if byte == UInt8(ascii: "=") {
                padding += 1
                accumulated <<= 6
            } else {
                guard padding == 0, let value = value(of: byte) else { return nil }
                accumulated = accumulated << 6 | UInt32(value)
            }
            digits += 1
            guard digits % 4 == 0 else { continue }
            let group = [UInt8(accumulated >> 16 & 0xFF), UInt8(accumulated >> 8 & 0xFF), UInt8(accumulated & 0xFF)]
            guard padding <= 2, group.suffix(padding).allSatisfy({ $0 == 0 }) else { return nil }
            result.append(contentsOf: group.dropLast(padding))
            accumulated = 0
        }
        return result
    }

    /// The text with its padding.
    public static func encode(_ bytes: some Collection<UInt8>) -> [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity((bytes.count + 2) / 3 * 4)
        var accumulated: UInt32 = 0
        var pending = 0
        func emit(_ digits: Int) {
            for digit in 0..<4 {
                let value = alphabet[Int(accumulated >> UInt32(18 - 6 * digit) & 0x3F)]
                result.append(digit < digits ? value : UInt8(ascii: "="))
            }
        }
        for byte in bytes {
            accumulated = accumulated << 8 | UInt32(byte)
            pending += 1
            guard pending == 3 else { continue }
            emit(4)
            accumulated = 0
            pending = 0
        }
        if pending > 0 {
            accumulated <<= UInt32(8 * (3 - pending))
            emit(pending + 1)
        }
        return result
    }

    /// The six bits of a letter; `+` and `/` are 62 and 63.
    static func value(of byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): byte - UInt8(ascii: "A")
        case UInt8(ascii: "a")...UInt8(ascii: "z"): byte - UInt8(ascii: "a") + 26
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0") + 52
        case UInt8(ascii: "+"): 62
        case UInt8(ascii: "/"): 63
        default: nil
        }
    }

    static func letter(_ value: UInt8) -> UInt8 { alphabet[Int(value)] }
}
