public import NIOCore

/// Strings: quoted where that is possible, literals where not (RFC 9051 section 4.3).
extension ResponseEncoder {
    /// Longer strings are literals: some clients read lines into small buffers.
    private static let maximumQuotedBytes = 1_024

    /// `string`. NUL, which no string may hold, becomes `?`.
    public mutating func string(_ bytes: some Collection<UInt8>) {
        guard isQuotable(bytes) else {
            raw("{\(bytes.count)}\r\n")
            if bytes.contains(0) {
                buffer.writeBytes(bytes.map { $0 == 0 ? UInt8(ascii: "?") : $0 })
            } else {
                buffer.writeBytes(bytes)
            }
            return
        }
        quoted(bytes)
    }

    public mutating func string(_ text: String) {
        string(text.utf8)
    }

    /// `nstring`
    public mutating func nstring(_ bytes: (some Collection<UInt8>)?) {
        if let bytes { string(bytes) } else { raw("NIL") }
    }

    public mutating func nstring(_ text: String?) {
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
    }

    /// Bytes of the literal under way.
    public mutating func literalBytes(_ bytes: ByteBuffer) {
        literalBytesSent(bytes.readableBytes)
        buffer.writeImmutableBuffer(bytes)
    }

    /// The owner sends so many bytes of the literal under way itself, behind what `takeBuffer()` returned.
    public mutating func literalBytesSent(_ count: Int) {
        precondition(count <= pendingLiteralBytes, "more bytes than the literal announced")
        pendingLiteralBytes -= count
    }

    /// Makes message bytes fit for a literal that must not hold NUL, without a change of length.
    ///
    /// - Returns: whether there were any; otherwise the buffer is not touched, and not copied.
    @discardableResult
    public static func replaceNULs(in bytes: inout ByteBuffer) -> Bool {
        guard bytes.readableBytesView.contains(0) else { return false }
        bytes = ByteBuffer(bytes: bytes.readableBytesView.map { $0 == 0 ? UInt8(ascii: "?") : $0 })
        return true
    }
}
