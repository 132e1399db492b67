import NIOCore

/// The strings of IMAP responses (RFC 3501, section 9), for bytes of any kind: seven-bit, no NUL, always parsable.
extension ByteBuffer {
    /// The longest quoted string: what is longer is written as a literal.
    private static let quotedBytes = 4_096

    mutating func writeNString(_ value: [UInt8]?) {
        if let value { writeIMAPString(value) } else { writeStaticString("NIL") }
    }

    mutating func writeIMAPString(_ value: [UInt8]) {
        var isQuotable = true
        for byte in value {
            if byte >= 0x80 || byte == 0 { return writeIMAPString(EncodedWords.encode(value.filter { $0 != 0 })) }
            if byte < 0x20 && byte != ASCII.tab || byte == 0x7f { isQuotable = false }
        }
        guard isQuotable, value.count <= Self.quotedBytes else {
            writeString("{\(value.count)}\r\n")
            writeBytes(value)
            return
        }
        writeInteger(ASCII.quote)
        if value.contains(where: { $0 == ASCII.quote || $0 == ASCII.backslash || $0 == ASCII.tab }) {
            for byte in value {
                if byte == ASCII.quote || byte == ASCII.backslash { writeInteger(ASCII.backslash) }
                // A tab is what is left of a folded line.
                writeInteger(byte == ASCII.tab ? ASCII.space : byte)
            }
        } else {
            writeBytes(value)
        }
        writeInteger(ASCII.quote)
    }

    /// A string of tokens that our own parser let pass.
    mutating func writeIMAPString(_ value: String) { writeIMAPString(Array(value.utf8)) }

    mutating func writeDecimal(_ value: UInt64) { writeString(String(value)) }

    mutating func writeSpace() { writeInteger(ASCII.space) }
}
