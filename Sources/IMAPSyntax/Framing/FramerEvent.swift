public import NIOCore

/// What the framer found in the client's bytes, in their order.
public enum FramerEvent: Hashable, Sendable {
    /// A complete command.
    case command(TaggedCommand)

    /// A command, or an APPEND under way, that is refused: answer it (`SyntaxError.response` says how). What was
    /// received of an APPEND is void. The rest of the command is skipped, and the next one is read as usual.
    case refused(SyntaxError)

    /// As `refused`, but what follows cannot be told from commands: answer `BYE` and close. No event follows.
    case unrecoverable(SyntaxError)

    /// The client waits for `+` before it sends a literal.
    case continuationNeeded

    /// An APPEND up to its first message. No event follows until `acceptMessage()` or `refuseAppend()` is called.
    case append(AppendStart)

    /// The literal of a message, in parts as they arrive; a part is a slice of what was received.
    case messageBytes(ByteBuffer)

    /// All bytes of one message are here; more messages or the end of the command follow.
    case messageEnded

    /// A further message of a MULTIAPPEND (RFC 3502). As with `append`, a decision is awaited.
    case appendNext(AppendMessage)

    /// The APPEND is complete: commit what was received, and answer.
    case appendEnded

    /// `DONE`, while idling.
    case idleEnded

    /// A line that is not `DONE`, while idling. Idling is over: answer the IDLE's tag.
    case idleBroken(SyntaxError)

    /// The line that `expectAuthenticationLine()` asked for.
    case authenticationLine(AuthenticationLine)
}

/// One line of an AUTHENTICATE exchange (RFC 9051 section 6.2.2).
public enum AuthenticationLine: Hashable, Sendable {
    /// Decoded.
    case response(Secret)
    /// `*`
    case cancelled
    /// Not base64, or too long: answer the AUTHENTICATE's tag with BAD.
    case malformed(SyntaxError)
}
