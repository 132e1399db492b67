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

extension Cursor {
    mutating func storeCommand(_ numberSpace: NumberSpace) throws(SyntaxError) -> StoreCommand {
        try space(before: "a message set")
        let messages = try messageSet()
        try space(before: "FLAGS, +FLAGS or -FLAGS")
        var unchangedSince: UInt64?
        if isNext("(") {
            try list("modifiers", limit: 1) { (cursor) throws(SyntaxError) in
                guard cursor.word() == "UNCHANGEDSINCE" else { throw cursor.expected("UNCHANGEDSINCE") }
                try cursor.space(before: "a mod-sequence")
                unchangedSince = try cursor.number64("a mod-sequence")
            }
            try space(before: "FLAGS, +FLAGS or -FLAGS")
        }
        let action: StoreCommand.Action = take("+") ? .add : take("-") ? .remove : .replace
        let start = self
        let isSilent: Bool
        switch word() {
        case "FLAGS": isSilent = false
        case "FLAGS.SILENT": isSilent = true
        default: throw start.expected("FLAGS, +FLAGS or -FLAGS")
        }
        try space(before: "flags")
        let flags = isNext("(") ? try flagList() : try bareFlags()
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
    private mutating func bareFlags() throws(SyntaxError) -> [Flag] {
        var flags = [try flag()]
        while takeSpaces(), !isAtEnd {
            guard flags.count < limits.flagsPerCommand else { throw tooMany("flags", limits.flagsPerCommand) }
            flags.append(try flag())
        }
        return flags
    }
}
