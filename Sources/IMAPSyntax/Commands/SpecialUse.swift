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

extension Cursor {
    mutating func createCommand() throws(SyntaxError) -> Command {
        try space(before: "a mailbox name")
        let name = try mailbox().withoutTrailingDelimiter
        var uses: [SpecialUse] = []
        guard nextBehindSpaces == UInt8(ascii: "(") else { return .create(name, uses: uses) }
        takeSpaces()
        advance()
        takeSpaces()
        guard word() == "USE", takeSpaces() else { throw expected("USE and a list of special uses") }
        try require("(", "a list of special uses")
        takeSpaces()
        if !take(")") {
            repeat {
                let use = try specialUse()
                if !uses.contains(use) { uses.append(use) }
            } while takeSpacesBeforeElement()
            try require(")", "a closing parenthesis")
        }
        takeSpaces()
        try require(")", "a closing parenthesis")
        return .create(name, uses: uses)
    }

    private mutating func specialUse() throws(SyntaxError) -> SpecialUse {
        let start = self
        try require("\\", "a special use such as \\Sent")
        let name = "\\\(try atom("a special use such as \\Sent"))".asciiLowercased
        guard let use = SpecialUse.allCases.first(where: { $0.rawValue.asciiLowercased == name }) else {
            throw start.failure(.unknownSpecialUse, "There is no such special use")
        }
        return use
    }
}
