/// What a mailbox is for (RFC 6154 section 2, RFC 8457).
public enum SpecialUse: String, Hashable, Sendable, CaseIterable {
    case all = "\\All"
    case archive = "\\Archive"
    case drafts = "\\Drafts"
    case flagged = "\\Flagged"
    case important = "\\Important"
    case junk = "\\Junk"
    case sent = "\\Sent"
    case trash = "\\Trash"
}

extension SpecialUse {
    /// What may follow the name in CREATE: `(USE (...))`. Repeated uses are there once.
    static func parseUsesIfPresent(_ cursor: inout Cursor) throws(SyntaxError) -> [SpecialUse] {
        var uses: [SpecialUse] = []
        guard cursor.nextBehindSpaces == UInt8(ascii: "(") else { return uses }
        cursor.takeSpaces()
        cursor.advance()
        cursor.takeSpaces()
        guard cursor.word() == "USE", cursor.takeSpaces() else {
            throw cursor.expected("USE and a list of special uses")
        }
        try cursor.require("(", "a list of special uses")
        cursor.takeSpaces()
        if !cursor.takeIfNext(")") {
            repeat {
                let use = try parse(&cursor)
                if !uses.contains(use) { uses.append(use) }
            } while cursor.takeSpacesBeforeElement()
            try cursor.require(")", "a closing parenthesis")
        }
        cursor.takeSpaces()
        try cursor.require(")", "a closing parenthesis")
        return uses
    }

    private static func parse(_ cursor: inout Cursor) throws(SyntaxError) -> SpecialUse {
        let start = cursor
        try cursor.require("\\", "a special use such as \\Sent")
        let name = "\\\(try cursor.atom("a special use such as \\Sent"))".asciiLowercased
        guard let use = SpecialUse.allCases.first(where: { $0.rawValue.asciiLowercased == name }) else {
            throw start.failure(.unknownSpecialUse, "There is no such special use")
        }
        return use
    }
}
