import NIOCore

/// Checks that bytes are what IMAP's grammar allows in a FETCH response: nested lists of strings, literals, numbers,
/// NIL, seven-bit but for literals (RFC 3501, section 9).
struct ResponseReader {
    private var rest: ArraySlice<UInt8>

    static func isOneList(_ buffer: ByteBuffer) -> Bool {
        var reader = ResponseReader(rest: Array(buffer.readableBytesView)[...])
        return reader.list() && reader.rest.isEmpty
    }

    private mutating func list() -> Bool {
        guard rest.popFirst() == UInt8(ascii: "(") else { return false }
        var depth = 1
        while depth > 0 {
            switch rest.first {
            case nil: return false
            case UInt8(ascii: "("):
                depth += 1
                rest.removeFirst()
            case UInt8(ascii: ")"):
                depth -= 1
                rest.removeFirst()
            case UInt8(ascii: " "): rest.removeFirst()
            case UInt8(ascii: "\""): guard quoted() else { return false }
            case UInt8(ascii: "{"): guard literal() else { return false }
            case .some: guard atom() else { return false }
            }
        }
        return true
    }

    private mutating func quoted() -> Bool {
        rest.removeFirst()
        while let byte = rest.popFirst() {
            switch byte {
            case UInt8(ascii: "\""): return true
            case UInt8(ascii: "\\"):
                guard let next = rest.popFirst(), next == UInt8(ascii: "\"") || next == UInt8(ascii: "\\") else {
                    return false
                }
            default: guard byte >= 0x20, byte < 0x7f else { return false }
            }
        }
        return false
    }

    private mutating func literal() -> Bool {
        rest.removeFirst()
        var length = 0
        while let byte = rest.popFirst(), byte != UInt8(ascii: "}") {
            guard (0x30...0x39).contains(byte) else { return false }
            length = length * 10 + Int(byte - 0x30)
        }
        guard rest.popFirst() == 13, rest.popFirst() == 10, rest.count >= length else { return false }
        let content = rest.prefix(length)
        rest = rest.dropFirst(length)
        return content.allSatisfy { $0 != 0 }
    }

    private mutating func atom() -> Bool {
        var text: [UInt8] = []
        while let byte = rest.first, byte != UInt8(ascii: " "), byte != UInt8(ascii: ")"), byte != UInt8(ascii: "(") {
            text.append(byte)
            rest.removeFirst()
        }
        return text == Array("NIL".utf8) || (!text.isEmpty && text.allSatisfy { (0x30...0x39).contains($0) })
    }
}
