public import NIOCore

/// Strings: quoted where that is possible, literals where not (RFC 9051 section 4.3).
extension ResponseEncoder {
    /// Longer strings are literals: some clients read lines into small buffers.
    private static let maximumQuotedBytes = 1_024

    /// What is sent for a NUL: no string and no literal may hold one (RFC 3501, section 4.3.1), some clients hang up
    /// when one does, and a byte in its place keeps every size that was told. 0x80 stands for nothing in ASCII and
    /// begins no character of UTF-8, so that nobody takes it for text.
    static let nulStandIn: UInt8 = 0x80

    /// `string`. NUL, which no string may hold, becomes `nulStandIn`.
    public mutating func string(_ bytes: some Collection<UInt8>) {
        guard isQuotable(bytes) else {
            raw("{\(bytes.count)}\r\n")
            buffer.writeBytes(bytes.map { $0 == 0 ? Self.nulStandIn : $0 })
            return
        }
        quoted(bytes)
    }

    /// `string` from UTF-8. NUL becomes `nulStandIn`.
    public mutating func string(_ text: String) {
        string(text.utf8)
    }

    /// `nstring`
    public mutating func nstring(_ bytes: (some Collection<UInt8>)?) {
        if let bytes { string(bytes) } else { raw("NIL") }
    }

    /// `nstring` from UTF-8
    public mutating func textOrNIL(_ text: String?) {
        if let text { string(text.utf8) } else { raw("NIL") }
    }

    /// `mailbox`: an atom if it can be one, in modified UTF-7 or, where enabled, UTF-8.
    public mutating func mailbox(_ name: MailboxName) {
        let bytes = usesUTF8 ? Array(name.text.utf8) : ModifiedUTF7.encode(name.text)
        let isNil = bytes.count == 3 && bytes.map(\.uppercased).elementsEqual("NIL".utf8)
        if !bytes.isEmpty, !isNil, bytes.allSatisfy(\.isAtomCharacter) {
            buffer.writeBytes(bytes)
        } else {
            string(bytes)
        }
    }

    /// `flag-list`
    mutating func flagList(_ flags: [Flag]) {
        raw("(")
        for (index, flag) in flags.enumerated() {
            if index > 0 { raw(" ") }
            raw(flag.description)
        }
        raw(")")
    }

    private func isQuotable(_ bytes: some Collection<UInt8>) -> Bool {
        guard bytes.count <= Self.maximumQuotedBytes else { return false }
        var is7Bit = true
        for byte in bytes {
            if byte.isControl { return false }
            if byte >= 0x80 { is7Bit = false }
        }
        return is7Bit || (usesUTF8 && String(validating: bytes, as: UTF8.self) != nil)
    }

    private mutating func quoted(_ bytes: some Collection<UInt8>) {
        raw("\"")
        for byte in bytes {
            if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") { buffer.writeInteger(UInt8(ascii: "\\")) }
            buffer.writeInteger(byte)
        }
        raw("\"")
    }
}

// MARK: - Streamed literals

extension ResponseEncoder {
    /// Announces a literal, whose bytes follow by `literalBytes` or past the encoder.
    ///
    /// - Parameter isBinary: a `literal8`, which may hold NUL; only for BINARY.
    public mutating func beginLiteral(length: Int, isBinary: Bool = false) {
        precondition(pendingLiteralBytes == 0, "a literal within a literal")
        raw("\(isBinary ? "~" : ""){\(length)}\r\n")
        pendingLiteralBytes = length
        mayPendingLiteralHoldNUL = isBinary
    }

    /// Bytes of the literal under way.
    public mutating func literalBytes(_ bytes: ByteBuffer) {
        buffer.writeImmutableBuffer(literalBytesPassing(bytes))
    }

    /// Bytes of the literal under way, which the owner sends itself, behind what `takeBuffer()` returned.
    ///
    /// - Returns: what is to be sent: the same bytes, with every NUL replaced unless the literal is a `literal8`.
    public mutating func literalBytesPassing(_ bytes: ByteBuffer) -> ByteBuffer {
        precondition(bytes.readableBytes <= pendingLiteralBytes, "more bytes than the literal announced")
        pendingLiteralBytes -= bytes.readableBytes
        guard !mayPendingLiteralHoldNUL, NULScan.containsNUL(bytes) else { return bytes }
        return ByteBuffer(bytes: bytes.readableBytesView.map { $0 == 0 ? Self.nulStandIn : $0 })
    }
}
