/// A command that the grammar refuses: what is wrong, where, and, where it could be read, whose tag to answer.
///
/// The message is a sentence for the client's user or developer. It never quotes more than one byte of the command,
/// so it can be logged even when the command holds a password.
public struct SyntaxError: Error, Hashable, Sendable {
    /// What is wrong with the command.
    public enum Kind: Hashable, Sendable {
        /// Not in the grammar.
        case malformed
        /// The tag is missing or holds bytes that a tag must not hold.
        case invalidTag
        case unknownCommand
        /// The command without its literals is longer than `IMAPLimits.commandLineBytes`.
        case lineTooLong
        /// A literal outside of APPEND's messages is too large, or a LITERAL- literal is.
        case literalTooLarge
        /// APPEND announced a message above `IMAPLimits.appendLiteralBytes`.
        case messageTooLarge
        /// Too many items, keys, flags, levels.
        case limitExceeded
        /// A mailbox name that is neither modified UTF-7 nor, where enabled, UTF-8.
        case invalidMailboxName
        /// CREATE with a special use that is not known (RFC 6154 section 3).
        case unknownSpecialUse
        /// Something else than DONE while idling (RFC 2177).
        case expectedDone
        /// An AUTHENTICATE line that is not base64.
        case invalidBase64
    }

    /// What is wrong, for programs.
    public var kind: Kind
    /// The command's tag, when a valid one was read. Without it, the answer is untagged.
    public var tag: String?
    /// Offset in bytes from the start of the command, literals included.
    public var offset: Int
    /// What is wrong, for people; it never quotes more than one byte of the command.
    public var message: String

    public init(_ kind: Kind, tag: String? = nil, offset: Int = 0, message: String) {
        self.kind = kind
        self.tag = tag
        self.offset = offset
        self.message = message
    }
}

extension SyntaxError {
    /// The condition and code that answer this error best.
    public var response: (condition: StatusCondition, code: ResponseCode?) {
        switch kind {
        case .malformed, .invalidTag, .unknownCommand, .lineTooLong, .literalTooLarge, .expectedDone, .invalidBase64:
            (.bad, nil)
        case .messageTooLarge: (.no, .tooBig)
        case .limitExceeded: (.no, .limit)
        case .invalidMailboxName: (.no, .cannot)
        case .unknownSpecialUse: (.no, .useAttribute)
        }
    }
}

extension SyntaxError: CustomStringConvertible {
    public var description: String { "\(kind) at byte \(offset): \(message)" }
}
