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

extension BodySection {
    /// `section`, with its brackets.
    static func parse(_ cursor: inout Cursor) throws(SyntaxError) -> BodySection {
        try cursor.require("[", "a section")
        var section = BodySection()
        if cursor.takeIfNext("]") { return section }
        section.part = try parsePartNumbers(&cursor)
        if section.part.isEmpty || cursor.takeIfNext(".") {
            section.text = try Text.parse(&cursor, isInPart: !section.part.isEmpty)
        }
        try cursor.require("]", "a closing bracket behind the section")
        return section
    }

    /// `section-binary`, with its brackets: the numbers of a part alone.
    static func parsePart(_ cursor: inout Cursor) throws(SyntaxError) -> [UInt32] {
        try cursor.require("[", "a section")
        let part = try parsePartNumbers(&cursor)
        try cursor.require("]", "a closing bracket behind the section")
        return part
    }

    /// Numbers with dots between; a dot behind them that leads to something else is left.
    private static func parsePartNumbers(_ cursor: inout Cursor) throws(SyntaxError) -> [UInt32] {
        var numbers: [UInt32] = []
        guard cursor.next?.isDigit == true else { return numbers }
        while true {
            guard numbers.count < cursor.limits.sectionDepth else {
                throw cursor.tooMany("part numbers", cursor.limits.sectionDepth)
            }
            numbers.append(try cursor.nonZeroNumber("a part number"))
            guard cursor.isNext("."), cursor.byte(ahead: 1)?.isDigit == true else { return numbers }
            cursor.advance()
        }
    }
}

extension BodySection.Text {
    /// `section-text`, of a part or of the message itself.
    fileprivate static func parse(_ cursor: inout Cursor, isInPart: Bool) throws(SyntaxError) -> BodySection.Text {
        let start = cursor
        switch cursor.word() {
        case "HEADER": return .header
        case "TEXT": return .text
        case "MIME" where isInPart: return .mime
        case "HEADER.FIELDS": return .headerFields(try parseFieldNames(&cursor))
        case "HEADER.FIELDS.NOT": return .headerFieldsNot(try parseFieldNames(&cursor))
        default: throw start.expected("a section such as HEADER or TEXT")
        }
    }

    /// `header-list`: names in parentheses.
    private static func parseFieldNames(_ cursor: inout Cursor) throws(SyntaxError) -> [String] {
        var fields: [String] = []
        try cursor.space(before: "names of header fields")
        try cursor.list("names of header fields", limit: cursor.limits.headerFields) { (cursor) throws(SyntaxError) in
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

extension BytePartial {
    /// `["<" number "." nz-number ">"]`
    static func parseIfPresent(_ cursor: inout Cursor) throws(SyntaxError) -> BytePartial? {
        guard cursor.takeIfNext("<") else { return nil }
        let offset = try cursor.number64("the offset of a partial")
        try cursor.require(".", "a dot within the partial")
        let length = try cursor.number64("the length of a partial")
        guard length > 0 else { throw cursor.expected("the length of a partial above zero") }
        try cursor.require(">", "the end of the partial")
        return BytePartial(offset: offset, length: length)
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
