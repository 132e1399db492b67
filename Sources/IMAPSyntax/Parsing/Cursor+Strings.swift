/// Strings (RFC 9051 sections 4.3 and 9).
extension Cursor {
    /// `astring`: an atom (with `]`), a quoted string or a literal.
    mutating func astring(_ what: String) throws(SyntaxError) -> [UInt8] {
        if let string = try stringIfPresent() { return string }
        let atom = takeBytes(while: \.isAStringCharacter)
        guard !atom.isEmpty else { throw expected(what) }
        return Array(atom)
    }

    /// `string`: a quoted string or a literal.
    mutating func string(_ what: String) throws(SyntaxError) -> [UInt8] {
        guard let string = try stringIfPresent() else { throw expected(what) }
        return string
    }

    /// `nstring`: a string or NIL.
    mutating func nstring(_ what: String) throws(SyntaxError) -> [UInt8]? {
        if let string = try stringIfPresent() { return string }
        guard peekWord() == "NIL" else { throw expected(what) }
        advance(by: 3)
        return nil
    }

    /// `list-mailbox`: an atom with wildcards, or a string.
    mutating func listMailbox(_ what: String) throws(SyntaxError) -> [UInt8] {
        if let string = try stringIfPresent() { return string }
        let pattern = takeBytes(while: \.isListCharacter)
        guard !pattern.isEmpty else { throw expected(what) }
        return Array(pattern)
    }

    /// `atom`, as text.
    mutating func atom(_ what: String) throws(SyntaxError) -> String {
        let atom = takeBytes(while: \.isAtomCharacter)
        guard !atom.isEmpty else { throw expected(what) }
        return String(decoding: atom, as: UTF8.self)
    }

    private mutating func stringIfPresent() throws(SyntaxError) -> [UInt8]? {
        if isNext("\"") { return try quoted() }
        if isNext("{") { return try literal() }
        return nil
    }

    /// `quoted`. Bytes above 0x7F are let through: search strings in UTF-8 are common in quoted form, and who needs
    /// text checks it.
    private mutating func quoted() throws(SyntaxError) -> [UInt8] {
        advance()
        var content: [UInt8] = []
        while let byte = next {
            switch byte {
            case UInt8(ascii: "\""):
                advance()
                return content
            case UInt8(ascii: "\\"):
                advance()
                guard let escaped = next, escaped == UInt8(ascii: "\"") || escaped == UInt8(ascii: "\\") else {
                    throw expected("a quote or a backslash behind a backslash")
                }
                content.append(escaped)
                advance()
            case 0x00, 0x0A, 0x0D:
                throw expected("a quoted string without line breaks and NUL")
            default:
                content.append(byte)
                advance()
            }
        }
        throw expected("the end of the quoted string")
    }

    /// `literal`: the framer has put the announced bytes behind the header's line break.
    private mutating func literal() throws(SyntaxError) -> [UInt8] {
        var end = index
        while end < bytes.count, bytes[end] != 0x0A, end - index <= LiteralHeader.maximumBytes { end += 1 }
        guard end < bytes.count, bytes[end] == 0x0A, end > index else { throw expected("a complete literal") }
        let headerEnd = bytes[end - 1] == 0x0D ? end - 1 : end
        guard let header = LiteralHeader(endOf: bytes[index..<headerEnd]), header.headerBytes == headerEnd - index
        else { throw expected("a well-formed literal") }
        let start = end + 1
        guard header.length <= bytes.count - start else { throw expected("a complete literal") }
        let content = bytes[start..<(start + header.length)]
        guard !content.contains(0) else { throw expected("a literal without NUL") }
        advance(by: start + header.length - index)
        return Array(content)
    }

    /// `tag`, which ends the input or has a space behind it.
    mutating func tag() throws(SyntaxError) -> String {
        let tag = takeBytes(while: \.isTagCharacter)
        guard !tag.isEmpty, isAtEnd || isNext(" ") else {
            throw SyntaxError(.invalidTag, offset: index, message: "A command starts with a tag and a space")
        }
        guard tag.count <= limits.tagBytes else {
            throw SyntaxError(.invalidTag, offset: index, message: "A tag has at most \(limits.tagBytes) bytes")
        }
        return String(decoding: tag, as: UTF8.self)
    }

    /// Decodes the name or pattern of a mailbox.
    func mailboxText(_ raw: [UInt8], from start: Int) throws(SyntaxError) -> String {
        do throws(ModifiedUTF7.DecodingError) {
            if acceptsUTF8, let text = String(validating: raw, as: UTF8.self) {
                // RFC 6855 section 3: with UTF8=ACCEPT, names are UTF-8 and an ampersand is only that.
                return text
            }
            return try ModifiedUTF7.decode(raw)
        } catch {
            throw SyntaxError(
                .invalidMailboxName,
                offset: start,
                message: "The mailbox name is not in \(acceptsUTF8 ? "UTF-8" : "modified UTF-7"): \(error.sentence)"
            )
        }
    }
}
