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
            let command = try cursor.command()
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

extension Cursor {
    mutating func tag() throws(SyntaxError) -> String {
        let tag = take(while: \.isTagCharacter)
        guard !tag.isEmpty, isAtEnd || isNext(" ") else {
            throw SyntaxError(.invalidTag, offset: index, message: "A command starts with a tag and a space")
        }
        guard tag.count <= limits.tagBytes else {
            throw SyntaxError(.invalidTag, offset: index, message: "A tag has at most \(limits.tagBytes) bytes")
        }
        return String(decoding: tag, as: UTF8.self)
    }

    fileprivate mutating func command() throws(SyntaxError) -> Command {
        let start = self
        let name = word()
        commandName = name
        switch name {
        case "UID":
            try space(before: "a command name")
            return try uidCommand()
        case "FETCH": return .fetch(try fetchCommand(.sequenceNumber))
        case "STORE": return .store(try storeCommand(.sequenceNumber))
        case "SEARCH": return .search(try searchCommand(.sequenceNumber))
        case "COPY": return .copy(try copyCommand(.sequenceNumber))
        case "MOVE": return .move(try copyCommand(.sequenceNumber))
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
        case "LOGIN": return try loginCommand()
        case "AUTHENTICATE": return try authenticateCommand()
        case "ENABLE": return try enableCommand()
        case "COMPRESS": return try compressCommand()
        case "ID": return try idCommand()
        default: return try mailboxCommand(name, start)
        }
    }

    private mutating func mailboxCommand(_ name: String, _ start: Cursor) throws(SyntaxError) -> Command {
        switch name {
        case "SELECT":
            let (name, parameters) = try selectCommand()
            return .select(name, parameters)
        case "EXAMINE":
            let (name, parameters) = try selectCommand()
            return .examine(name, parameters)
        case "CREATE": return try createCommand()
        case "DELETE": return .delete(try soleMailbox())
        case "RENAME":
            let from = try soleMailbox()
            return .rename(from, to: try soleMailbox().withoutTrailingDelimiter)
        case "SUBSCRIBE": return .subscribe(try soleMailbox())
        case "UNSUBSCRIBE": return .unsubscribe(try soleMailbox())
        case "LIST": return .list(try listCommand())
        case "LSUB": return try lsubCommand()
        case "STATUS": return try statusCommand()
        case "APPEND": throw expected("a mailbox and a message as literal")
        case "": throw start.failure(.malformed, "A tag is followed by a command name")
        default: throw start.failure(.unknownCommand, "There is no such command")
        }
    }

    private mutating func uidCommand() throws(SyntaxError) -> Command {
        let start = self
        let name = word()
        commandName = "UID \(name)"
        switch name {
        case "FETCH": return .fetch(try fetchCommand(.uid))
        case "STORE": return .store(try storeCommand(.uid))
        case "SEARCH": return .search(try searchCommand(.uid))
        case "COPY": return .copy(try copyCommand(.uid))
        case "MOVE": return .move(try copyCommand(.uid))
        case "EXPUNGE":
            try space(before: "a UID set")
            return .uidExpunge(try messageSet())
        default: throw start.failure(.unknownCommand, "There is no such UID command")
        }
    }

    private mutating func soleMailbox() throws(SyntaxError) -> MailboxName {
        try space(before: "a mailbox name")
        return try mailbox()
    }
}
