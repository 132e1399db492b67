import NIOCore

/// The strings of IMAP responses (RFC 3501, section 9), for bytes of any kind: no NUL, always parsable.
extension ByteBuffer {
    /// The longest quoted string. A longer one is written as a literal.
    private static let quotedBytes = 4_096

    mutating func writeNString(_ value: [UInt8]?) {
        if let value { writeIMAPString(value) } else { writeStaticString("NIL") }
    }

    /// A value that cannot be quoted goes out as a literal, unchanged: raw 8-bit bytes too, for an encoded-word in
    /// their place would make another address of an address (RFC 2047, section 5, rule 3), and hide from the client
    /// what the message says. NUL alone cannot be in a literal; 0x80 stands for it.
    mutating func writeIMAPString(_ value: [UInt8]) {
        let isPlain = value.allSatisfy { $0 >= 0x20 && $0 < 0x7f && $0 != ASCII.quote && $0 != ASCII.backslash }
        guard !isPlain || value.count > Self.quotedBytes else { return writeQuoted(value) }
        let isQuotable = value.allSatisfy { $0 >= 0x20 && $0 < 0x7f || $0 == ASCII.tab }
        guard isQuotable, value.count <= Self.quotedBytes else {
            writeString("{\(value.count)}\r\n")
            writeBytes(value.contains(0) ? value.map { $0 == 0 ? 0x80 : $0 } : value)
            return
        }
        writeInteger(ASCII.quote)
        for byte in value {
            if byte == ASCII.quote || byte == ASCII.backslash { writeInteger(ASCII.backslash) }
            // A folded line has left a tab.
            writeInteger(byte == ASCII.tab ? ASCII.space : byte)
        }
        writeInteger(ASCII.quote)
    }

    /// Writes what needs no escape: nearly all strings, and lists of messages have a dozen for each.
    private mutating func writeQuoted(_ value: [UInt8]) {
        writeWithUnsafeMutableBytes(minimumWritableBytes: value.count + 2) { room in
            room[0] = ASCII.quote
            UnsafeMutableRawBufferPointer(rebasing: room[1...]).copyBytes(from: value)
            room[value.count + 1] = ASCII.quote
            return value.count + 2
        }
    }

    /// A string of tokens that our own parser let pass.
    mutating func writeIMAPString(_ value: String) { writeIMAPString(Array(value.utf8)) }

    mutating func writeDecimal(_ value: UInt64) { writeString(String(value)) }

    mutating func writeSpace() { writeInteger(ASCII.space) }
}
