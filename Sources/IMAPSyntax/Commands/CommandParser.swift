/// Turns the bytes of one command into a typed value.
public enum CommandParser {
    /// Parses a command.
    ///
    /// - Parameters:
    ///   - bytes: the command without its final line break; literals inline, behind their `{n}` and a line break.
    ///   - acceptsUTF8: whether mailbox names are UTF-8 (after ENABLE UTF8=ACCEPT or IMAP4rev2).
    /// - Throws: what is wrong, with the tag if it could be read.
    public static func parse(
        _ bytes: [UInt8],
        limits: IMAPLimits = IMAPLimits(),
        acceptsUTF8: Bool = false
    ) throws(SyntaxError) -> TaggedCommand {
        var cursor = Cursor(bytes, limits: limits, acceptsUTF8: acceptsUTF8)
        let tag = try cursor.tag()
        do throws(SyntaxError) {
            try cursor.space(before: "a command name behind the tag")
            let command = try Command.parse(&cursor)
            try cursor.end()
            return TaggedCommand(tag: tag, command: command)
        } catch {
            var tagged = error
            tagged.tag = tag
            throw tagged
        }
    }

    /// The tag that a command starts with, if it is a valid one.
    static func tag(of bytes: some Collection<UInt8>, limits: IMAPLimits) -> String? {
        let start = Array(bytes.prefix(limits.tagBytes + 1))
        var cursor = Cursor(start, limits: limits)
        guard let tag = try? cursor.tag(), cursor.isNext(" ") else { return nil }
        return tag
    }
}

extension Command {
    /// The command behind the tag, up to the end of what belongs to it.
    fileprivate static func parse(_ cursor: inout Cursor) throws(SyntaxError) -> Command {
        let start = cursor
        let name = cursor.word()
        cursor.commandName = name
        switch name {
        case "UID":
            try cursor.space(before: "a command name")
            return try parseUIDCommand(&cursor)
        case "FETCH": return .fetch(try FetchCommand.parse(&cursor, in: .sequenceNumber))
        case "STORE": return .store(try StoreCommand.parse(&cursor, in: .sequenceNumber))
        case "SEARCH": return .search(try SearchCommand.parse(&cursor, in: .sequenceNumber))
        case "COPY": return .copy(try CopyCommand.parse(&cursor, in: .sequenceNumber))
        case "MOVE": return .move(try CopyCommand.parse(&cursor, in: .sequenceNumber))
        case "NOOP": return .noop
        case "IDLE": return .idle
        case "CHECK": return .check
        case "CLOSE": return .close
        case "UNSELECT": return .unselect
        case "EXPUNGE": return .expunge
        case "CAPABILITY": return .capability
        case "LOGOUT": return .logout
        case "STARTTLS": return .startTLS
        case "NAMESPACE": return .namespace
        case "LOGIN": return try parseLogin(&cursor)
        case "AUTHENTICATE": return try parseAuthenticate(&cursor)
        case "ENABLE": return try parseEnable(&cursor)
        case "COMPRESS": return try parseCompress(&cursor)
        case "ID": return .id(try IDField.parseAll(&cursor))
        default: return try parseMailboxCommand(&cursor, named: name, from: start)
        }
    }

    /// What follows the name of a command that names mailboxes.
    ///
    /// - Parameter start: where the name of the command stands.
    private static func parseMailboxCommand(
        _ cursor: inout Cursor,
        named name: String,
        from start: Cursor
    ) throws(SyntaxError) -> Command {
        switch name {
        case "SELECT":
            let name = try MailboxName.parseArgument(&cursor)
            return .select(name, try SelectParameters.parseIfPresent(&cursor))
        case "EXAMINE":
            let name = try MailboxName.parseArgument(&cursor)
            return .examine(name, try SelectParameters.parseIfPresent(&cursor))
        case "CREATE":
            let name = try MailboxName.parseArgument(&cursor).withoutTrailingDelimiter
            return .create(name, uses: try SpecialUse.parseUsesIfPresent(&cursor))
        case "DELETE": return .delete(try MailboxName.parseArgument(&cursor))
        case "RENAME":
            let from = try MailboxName.parseArgument(&cursor)
            return .rename(from, to: try MailboxName.parseArgument(&cursor).withoutTrailingDelimiter)
        case "SUBSCRIBE": return .subscribe(try MailboxName.parseArgument(&cursor))
        case "UNSUBSCRIBE": return .unsubscribe(try MailboxName.parseArgument(&cursor))
        case "LIST": return .list(try ListCommand.parse(&cursor))
        case "LSUB": return try parseLsub(&cursor)
        case "STATUS":
            let name = try MailboxName.parseArgument(&cursor)
            try cursor.space(before: "status items")
            return .status(name, try StatusItem.parseList(&cursor))
        case "APPEND": throw cursor.expected("a mailbox and a message as literal")
        case "": throw start.failure(.malformed, "A tag is followed by a command name")
        default: throw start.failure(.unknownCommand, "There is no such command")
        }
    }

    /// What follows `UID`.
    private static func parseUIDCommand(_ cursor: inout Cursor) throws(SyntaxError) -> Command {
        let start = cursor
        let name = cursor.word()
        cursor.commandName = "UID \(name)"
        switch name {
        case "FETCH": return .fetch(try FetchCommand.parse(&cursor, in: .uid))
        case "STORE": return .store(try StoreCommand.parse(&cursor, in: .uid))
        case "SEARCH": return .search(try SearchCommand.parse(&cursor, in: .uid))
        case "COPY": return .copy(try CopyCommand.parse(&cursor, in: .uid))
        case "MOVE": return .move(try CopyCommand.parse(&cursor, in: .uid))
        case "EXPUNGE":
            try cursor.space(before: "a UID set")
            return .uidExpunge(try MessageSet.parse(&cursor))
        default: throw start.failure(.unknownCommand, "There is no such UID command")
        }
    }
}
