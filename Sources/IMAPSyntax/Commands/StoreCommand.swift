/// STORE and UID STORE (RFC 9051 section 6.4.6, RFC 7162 section 3.1.3).
public struct StoreCommand: Hashable, Sendable {
    /// What is done with the flags.
    public enum Action: Hashable, Sendable {
        /// `FLAGS`
        case replace
        /// `+FLAGS`
        case add
        /// `-FLAGS`
        case remove
    }

    /// What the numbers of `messages` are.
    public var numberSpace: NumberSpace
    /// The messages whose flags change.
    public var messages: MessageSet
    /// `UNCHANGEDSINCE`: messages with a higher mod-sequence are left alone.
    public var unchangedSince: UInt64?
    /// What is done with `flags`.
    public var action: Action
    /// Whether `.SILENT` was named: the new flags need not be told.
    public var isSilent: Bool
    /// The flags that are set, added or removed.
    public var flags: [Flag]

    public init(
        _ numberSpace: NumberSpace,
        _ messages: MessageSet,
        _ action: Action,
        _ flags: [Flag],
        isSilent: Bool = false,
        unchangedSince: UInt64? = nil
    ) {
        self.numberSpace = numberSpace
        self.messages = messages
        self.action = action
        self.flags = flags
        self.isSilent = isSilent
        self.unchangedSince = unchangedSince
    }
}

extension StoreCommand {
    /// What follows STORE: a set, a modifier and flags.
    static func parse(_ cursor: inout Cursor, in numberSpace: NumberSpace) throws(SyntaxError) -> StoreCommand {
        try cursor.space(before: "a message set")
        let messages = try MessageSet.parse(&cursor)
        try cursor.space(before: "FLAGS, +FLAGS or -FLAGS")
        var unchangedSince: UInt64?
        if cursor.isNext("(") {
            try cursor.list("modifiers", limit: 1) { (cursor) throws(SyntaxError) in
                guard cursor.word() == "UNCHANGEDSINCE" else { throw cursor.expected("UNCHANGEDSINCE") }
                try cursor.space(before: "a mod-sequence")
                unchangedSince = try cursor.number64("a mod-sequence")
            }
            try cursor.space(before: "FLAGS, +FLAGS or -FLAGS")
        }
        let action: Action = cursor.takeIfNext("+") ? .add : cursor.takeIfNext("-") ? .remove : .replace
        let start = cursor
        let isSilent: Bool
        switch cursor.word() {
        case "FLAGS": isSilent = false
        case "FLAGS.SILENT": isSilent = true
        default: throw start.expected("FLAGS, +FLAGS or -FLAGS")
        }
        try cursor.space(before: "flags")
        let flags = cursor.isNext("(") ? try Flag.parseList(&cursor) : try parseBareFlags(&cursor)
        return StoreCommand(
            numberSpace,
            messages,
            action,
            flags,
            isSilent: isSilent,
            unchangedSince: unchangedSince
        )
    }

    /// `flag *(SP flag)`, without parentheses.
    private static func parseBareFlags(_ cursor: inout Cursor) throws(SyntaxError) -> [Flag] {
        var flags = [try Flag.parse(&cursor)]
        while cursor.takeSpaces(), !cursor.isAtEnd {
            let limit = cursor.limits.flagsPerCommand
            guard flags.count < limit else { throw cursor.tooMany("flags", limit) }
            flags.append(try Flag.parse(&cursor))
        }
        return flags
    }
}
