/// Undoes a transfer encoding (RFC 2045, section 6) piece by piece. What is not of the encoding is left out of base64,
/// and left as it is in quoted-printable.
struct TransferDecoder {
    private enum State {
        case text
        case afterEquals
        case afterDigit(UInt8)
        /// Behind `=` and CR: a line end that was put in.
        case afterBreak
    }
    private let encoding: TransferEncoding
    private var state = State.text
    /// Base64: bits not written yet, and how many.
    private var bits: UInt32 = 0
    private var bitCount = 0

    init(_ encoding: TransferEncoding) { self.encoding = encoding }

    /// Whether these bytes stand for themselves.
    func isPassing(_ bytes: UnsafeRawBufferPointer) -> Bool {
        switch encoding {
        case .sevenBit, .eightBit, .binary, .other: return true
        case .base64: return false
        case .quotedPrintable:
            guard case .text = state else { return false }
            return ByteScan.firstPair(UInt8(ascii: "="), nil, in: bytes, from: 0) == nil
        }
    }

    /// Appends what the bytes stand for.
    mutating func decode(_ bytes: some Collection<UInt8>, into text: inout [UInt8]) {
        switch encoding {
        case .sevenBit, .eightBit, .binary, .other: text.append(contentsOf: bytes)
        case .base64: for byte in bytes { base64(byte, into: &text) }
        case .quotedPrintable: for byte in bytes { quotedPrintable(byte, into: &text) }
        }
    }

    private mutating func base64(_ byte: UInt8, into text: inout [UInt8]) {
        let value: UInt8
        switch byte {
        case 0x41...0x5a: value = byte - 0x41
        case 0x61...0x7a: value = byte - 0x61 + 26
        case 0x30...0x39: value = byte - 0x30 + 52
        case UInt8(ascii: "+"): value = 62
        case UInt8(ascii: "/"): value = 63
        case UInt8(ascii: "="):
            // The end of a group; another may follow.
            bitCount = 0
            return
        default: return
        }
        bits = bits << 6 | UInt32(value)
        bitCount += 6
        if bitCount >= 8 {
            bitCount -= 8
            text.append(UInt8(truncatingIfNeeded: bits >> UInt32(bitCount)))
        }
    }

    private mutating func quotedPrintable(_ byte: UInt8, into text: inout [UInt8]) {
        switch state {
        case .text:
            if byte == UInt8(ascii: "=") { state = .afterEquals } else { text.append(byte) }
        case .afterEquals:
            if ASCII.hexValue(byte) != nil {
                state = .afterDigit(byte)
            } else if byte == ASCII.lineFeed {
                state = .text
            } else if byte == ASCII.carriageReturn {
                state = .afterBreak
            } else if !ASCII.isBlank(byte) {
                state = .text
                text.append(UInt8(ascii: "="))
                quotedPrintable(byte, into: &text)
            }
        case .afterDigit(let first):
            state = .text
            if let high = ASCII.hexValue(first), let low = ASCII.hexValue(byte) {
                text.append(high << 4 | low)
            } else {
                text += [UInt8(ascii: "="), first]
                quotedPrintable(byte, into: &text)
            }
        case .afterBreak:
            state = .text
            if byte != ASCII.lineFeed { quotedPrintable(byte, into: &text) }
        }
    }
}
