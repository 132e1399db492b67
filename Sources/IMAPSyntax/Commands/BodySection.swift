/// The part of a message that `BODY[...]` names (RFC 9051 section 6.4.5.1).
public struct BodySection: Hashable, Sendable {
    /// What of a part is meant (`section-text`).
    public enum Text: Hashable, Sendable {
        /// `HEADER`
        case header
        /// `HEADER.FIELDS (...)`, the names as the client wrote them.
        case headerFields([String])
        /// `HEADER.FIELDS.NOT (...)`
        case headerFieldsNot([String])
        /// `TEXT`
        case text
        /// `MIME`, only behind a part number.
        case mime
    }

    /// Part numbers; empty for the message itself.
    public var part: [UInt32]
    /// Nil for all of the part.
    public var text: Text?

    public init(part: [UInt32] = [], text: Text? = nil) {
        self.part = part
        self.text = text
    }
}

/// `<offset.length>`
public struct BytePartial: Hashable, Sendable {
    /// The first byte that is asked for, counted from 0.
    public var offset: UInt64
    /// How many bytes are asked for; never 0.
    public var length: UInt64

    public init(offset: UInt64, length: UInt64) {
        self.offset = offset
        self.length = length
    }
}

extension Cursor {
    /// `section`, with its brackets.
    mutating func section() throws(SyntaxError) -> BodySection {
        try require("[", "a section")
        var section = BodySection()
        if take("]") { return section }
        section.part = try partNumbers()
        if section.part.isEmpty || take(".") {
            section.text = try sectionText(isInPart: !section.part.isEmpty)
        }
        try require("]", "a closing bracket behind the section")
        return section
    }

    /// `section-binary`, with its brackets.
    mutating func binarySection() throws(SyntaxError) -> [UInt32] {
        try require("[", "a section")
        let part = try partNumbers()
        try require("]", "a closing bracket behind the section")
        return part
    }

    /// `["<" number "." nz-number ">"]`
    mutating func partialIfPresent() throws(SyntaxError) -> BytePartial? {
        guard take("<") else { return nil }
        let offset = try number64("the offset of a partial")
        try require(".", "a dot within the partial")
        let length = try number64("the length of a partial")
        guard length > 0 else { throw expected("the length of a partial above zero") }
        try require(">", "the end of the partial")
        return BytePartial(offset: offset, length: length)
    }

    /// Numbers with dots between; a dot behind them that leads to something else is left.
    private mutating func partNumbers() throws(SyntaxError) -> [UInt32] {
        var numbers: [UInt32] = []
        guard next?.isDigit == true else { return numbers }
        while true {
            guard numbers.count < limits.sectionDepth else { throw tooMany("part numbers", limits.sectionDepth) }
            numbers.append(try nonZeroNumber("a part number"))
            guard isNext("."), byte(ahead: 1)?.isDigit == true else { return numbers }
            advance()
        }
    }

    private mutating func sectionText(isInPart: Bool) throws(SyntaxError) -> BodySection.Text {
        let start = self
        switch word() {
        case "HEADER": return .header
        case "TEXT": return .text
        case "MIME" where isInPart: return .mime
        case "HEADER.FIELDS": return .headerFields(try headerFields())
        case "HEADER.FIELDS.NOT": return .headerFieldsNot(try headerFields())
        default: throw start.expected("a section such as HEADER or TEXT")
        }
    }

    private mutating func headerFields() throws(SyntaxError) -> [String] {
        var fields: [String] = []
        try space(before: "names of header fields")
        try list("names of header fields", limit: limits.headerFields) { (cursor) throws(SyntaxError) in
            let start = cursor
            cursor.namedFields += 1
            guard cursor.namedFields <= cursor.limits.headerFields else {
                throw cursor.tooMany("names of header fields", cursor.limits.headerFields)
            }
            let name = try cursor.astring("the name of a header field")
            // RFC 5322 section 2.2: printable ASCII without the colon.
            guard !name.isEmpty, name.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: ":") }) else {
                throw start.expected("the name of a header field")
            }
            fields.append(String(decoding: name, as: UTF8.self))
        }
        return fields
    }
}

extension BodySection: CustomStringConvertible {
    /// As between the brackets of a response; names of header fields are quoted where they need be.
    public var description: String {
        let path = part.map(String.init).joined(separator: ".")
        guard let text else { return path }
        return path + (path.isEmpty ? "" : ".") + text.description
    }
}

extension BodySection.Text: CustomStringConvertible {
    public var description: String {
        switch self {
        case .header: "HEADER"
        case .headerFields(let names): "HEADER.FIELDS (\(Self.list(names)))"
        case .headerFieldsNot(let names): "HEADER.FIELDS.NOT (\(Self.list(names)))"
        case .text: "TEXT"
        case .mime: "MIME"
        }
    }

    private static func list(_ names: [String]) -> String {
        names.map { name in
            guard !name.utf8.allSatisfy(\.isAStringCharacter) else { return name }
            return "\"\(name.flatMap { $0 == "\"" || $0 == "\\" ? ["\\", $0] : [$0] }.map(String.init).joined())\""
        }.joined(separator: " ")
    }
}
