/// The encoding of mailbox names (RFC 3501 section 5.1.3), strict in both directions: every name has one encoding.
public enum ModifiedUTF7 {
    /// Why bytes are no name in modified UTF-7.
    public enum DecodingError: Error, Hashable, Sendable {
        /// A control character or a byte above 0x7E outside of a shifted part.
        case invalidByte
        /// A shifted part without its `-`.
        case unterminated
        /// A letter outside of the modified base64, or bits left over.
        case invalidBase64
        /// Half a surrogate pair.
        case invalidUTF16
        /// A shifted part that holds printable ASCII, or directly follows another one.
        case superfluousShift

        var sentence: String {
            switch self {
            case .invalidByte: "it holds a byte that must be encoded"
            case .unterminated: "an ampersand is not ended by a hyphen"
            case .invalidBase64: "a part is not modified base64"
            case .invalidUTF16: "a part is not UTF-16"
            case .superfluousShift: "a part is encoded that need not be"
            }
        }
    }

    private static let ampersand = UInt8(ascii: "&")
    private static let hyphen = UInt8(ascii: "-")

    /// The name that the bytes encode.
    ///
    /// - Throws: ``DecodingError``, also for a name that has another, proper encoding.
    public static func decode(_ bytes: [UInt8]) throws(DecodingError) -> String {
        var result = String()
        var index = 0
        var plainStart = 0
        var endOfShift = -1
        while index < bytes.count {
            let byte = bytes[index]
            guard byte >= 0x20, byte <= 0x7E else { throw .invalidByte }
            guard byte == ampersand else {
                index += 1
                continue
            }
            result += String(decoding: bytes[plainStart..<index], as: UTF8.self)
            guard let end = bytes[index...].firstIndex(of: hyphen) else { throw .unterminated }
            if end == index + 1 {
                result.unicodeScalars.append("&")
            } else {
                guard endOfShift != index else { throw .superfluousShift }
                try decodeShifted(bytes[(index + 1)..<end], into: &result)
                endOfShift = end + 1
            }
            index = end + 1
            plainStart = index
        }
        result += String(decoding: bytes[plainStart...], as: UTF8.self)
        return result
    }

    private static func decodeShifted(_ text: ArraySlice<UInt8>, into result: inout String) throws(DecodingError) {
        var bits: UInt32 = 0
        var bitCount = 0
        var units: [UInt16] = []
        for byte in text {
            guard byte != UInt8(ascii: "/"), let value = Base64.value(of: byte == UInt8(ascii: ",") ? 0x2F : byte)
            else { throw .invalidBase64 }
            bits = bits << 6 | UInt32(value)
            bitCount += 6
            guard bitCount >= 16 else { continue }
            bitCount -= 16
            units.append(UInt16(truncatingIfNeeded: bits >> UInt32(bitCount)))
            bits &= (1 << UInt32(bitCount)) - 1
        }
        guard bitCount < 6, bits == 0, !units.isEmpty else { throw .invalidBase64 }
        guard let decoded = String(validating: units, as: UTF16.self) else { throw .invalidUTF16 }
        guard !units.contains(where: { $0 >= 0x20 && $0 <= 0x7E }) else { throw .superfluousShift }
        result += decoded
    }

    /// The encoding of a name.
    public static func encode(_ name: String) -> [UInt8] {
        // Most names are as they are.
        let bytes = Array(name.utf8)
        if bytes.allSatisfy({ $0 >= 0x20 && $0 <= 0x7E && $0 != ampersand }) { return bytes }
        var result: [UInt8] = []
        result.reserveCapacity(name.utf8.count)
        var shifted: [UInt16] = []
        for scalar in name.unicodeScalars {
            guard scalar.value >= 0x20, scalar.value <= 0x7E else {
                shifted.append(contentsOf: UTF16.encode(scalar)!)
                continue
            }
            encodeShifted(&shifted, into: &result)
            result.append(UInt8(scalar.value))
            if scalar == "&" { result.append(hyphen) }
        }
        encodeShifted(&shifted, into: &result)
        return result
    }

    private static func encodeShifted(_ units: inout [UInt16], into result: inout [UInt8]) {
        guard !units.isEmpty else { return }
        result.append(ampersand)
        var bits: UInt32 = 0
        var bitCount = 0
        func emit(_ value: UInt32) {
            let letter = Base64.letter(UInt8(value & 0x3F))
            result.append(letter == UInt8(ascii: "/") ? UInt8(ascii: ",") : letter)
        }
        for unit in units {
            bits = (bits & 0x3F) << 16 | UInt32(unit)
            bitCount += 16
            while bitCount >= 6 {
                bitCount -= 6
                emit(bits >> UInt32(bitCount))
            }
        }
        if bitCount > 0 { emit(bits << UInt32(6 - bitCount)) }
        result.append(hyphen)
        units.removeAll(keepingCapacity: true)
    }
}
