public import NIOCore

/// Writes responses into a buffer. Whatever strings it is given, what it writes can be parsed.
///
/// The owner writes responses one after the other, takes them with `takeBuffer()`, and sends them. While a literal is
/// streamed (`beginLiteral`), its bytes may go past the encoder's buffer (`literalBytesPassing`).
public struct ResponseEncoder: Sendable {
    var buffer: ByteBuffer
    /// Whether the client enabled UTF8=ACCEPT or IMAP4rev2: mailbox names and quoted strings may then be UTF-8.
    public var usesUTF8 = false
    /// Bytes that the literal under way still needs.
    public internal(set) var pendingLiteralBytes = 0
    /// Whether that literal is a `literal8`.
    var mayPendingLiteralHoldNUL = false
    /// Whether the next item of a list needs no space in front.
    var isFirstItem = true

    public init(buffer: ByteBuffer = ByteBuffer()) {
        self.buffer = buffer
    }

    /// Written and not yet taken.
    public var writtenBytes: Int { buffer.readableBytes }

    /// What was written since the last time.
    public mutating func takeBuffer() -> ByteBuffer {
        defer { buffer = ByteBuffer() }
        return buffer
    }

    mutating func raw(_ text: String) {
        buffer.writeString(text)
    }

    mutating func line(_ text: String) {
        precondition(pendingLiteralBytes == 0, "a response within a literal")
        buffer.writeString(text)
        buffer.writeStaticString("\r\n")
    }
}

// MARK: - Status responses

extension ResponseEncoder {
    /// `tag OK [CODE] text`
    public mutating func tagged(
        _ tag: String,
        _ condition: StatusCondition,
        code: ResponseCode? = nil,
        text: String
    ) {
        precondition(condition != .bye && condition != .preauth, "\(condition) is untagged")
        writeCondition(tag, condition, code: code, text: text)
    }

    /// `* OK [CODE] text`
    public mutating func untagged(_ condition: StatusCondition, code: ResponseCode? = nil, text: String) {
        writeCondition("*", condition, code: code, text: text)
    }

    /// The answer to a command that the grammar refuses.
    public mutating func refusal(_ error: SyntaxError) {
        let (condition, code) = error.response
        // NO without a tag would be a warning only: what has no tag is BAD.
        writeCondition(error.tag ?? "*", error.tag == nil ? .bad : condition, code: code, text: error.message)
    }

    /// `+ text`
    public mutating func continuation(_ text: String = "OK") {
        line("+ \(safeText(text))")
    }

    /// A SASL challenge: `+` and base64.
    public mutating func challenge(_ bytes: [UInt8]) {
        line("+ \(String(decoding: Base64.encode(bytes), as: UTF8.self))")
    }

    private mutating func writeCondition(_ tag: String, _ condition: StatusCondition, code: ResponseCode?, text: String)
    {
        guard let code else { return line("\(tag) \(condition.rawValue) \(safeText(text))") }
        line("\(tag) \(condition.rawValue) [\(safeCode(code.description))] \(safeText(text))")
    }

    /// `text` (RFC 9051 section 9): never empty, no line breaks, 7-bit unless UTF-8 is enabled, and never what looks
    /// like a code.
    private func safeText(_ text: String) -> String {
        let safe = safeCode(text)
        guard let first = safe.first else { return "." }
        return first == "[" ? ". \(safe)" : safe
    }

    private func safeCode(_ text: String) -> String {
        let isSafe = text.utf8.allSatisfy { !$0.isControl && (usesUTF8 || $0 < 0x80) }
        guard !isSafe else { return text }
        var safe = ""
        for scalar in text.unicodeScalars {
            let isAllowed = scalar.value >= 0x20 && scalar.value != 0x7F && (usesUTF8 || scalar.isASCII)
            safe.unicodeScalars.append(isAllowed ? scalar : scalar.value < 0x20 ? " " : "?")
        }
        return safe
    }
}
