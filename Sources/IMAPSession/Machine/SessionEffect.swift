public import MailModel
public import NIOCore

/// What a session asks its owner to do, in this order.
public enum SessionEffect: Hashable, Sendable {
    /// Sends bytes to the client.
    case write(ByteBuffer)
    /// Asks the store; the answer comes back by `answered(_:)`.
    case query(MailQuery, AccountReference)
    /// Asks the store, where an answer will do that shows the mailbox as new as it is known; it comes back by
    /// `answered(_:)`.
    case queryNearby(MailQuery, AccountReference, KnownMailbox)
    /// Has the store carry out a command; the outcome comes back by `finished(_:)`.
    case submit(MailCommand, AccountReference)
    /// Takes the UIDs of a mailbox from one on, up to another, as `\Recent` for this session; which of them others have
    /// left comes back by `recentTaken(from:)`, at once.
    case takeRecent(in: MailboxID, of: AccountReference, from: UID, upTo: UID)
    /// Looks for rows of a mailbox that a session of this node has kept; they come back by `rowsFound(_:)`, at once.
    case findRows(of: MailboxID, AccountReference)
    /// Keeps rows for sessions of this node, where there is room.
    case keepRows(MailboxRows, AccountReference)
    /// Has a password checked; the result comes back by `authenticated(_:)`.
    case authenticate(name: ByteBuffer, password: ByteBuffer)
    /// Gives way to other connections, and calls `resume()` as soon as the client takes more bytes.
    case resumeWhenWritable
    /// Reports changes of the account by `accountChanged()` from now on.
    case watch(AccountReference)
    /// The framer lets the announced message in, or not.
    case acceptMessage
    case refuseAppend
    /// The framer's next line is DONE, or belongs to AUTHENTICATE.
    case expectDone
    case expectAuthenticationLine
    /// Starts the TLS handshake behind what was written, and calls `secured()`. Bytes that the client sent before it
    /// are an attack: close.
    case startTLS
    /// Closes the connection behind what was written.
    case close
}

/// Why a session is ended from outside.
public enum SessionEnd: Hashable, Sendable {
    case idleTooLong
    case loginTooSlow
    case stopping
    case tooManySessions
    case tooManyFromAddress

    var sentence: String {
        switch self {
        case .idleTooLong: "Autologout: no command for too long"
        case .loginTooSlow: "No login within the time for it"
        case .stopping: "The server is stopping; please connect again"
        case .tooManySessions: "Too many sessions on this server; please try again later"
        case .tooManyFromAddress:
            "Too many sessions from your address on this server; please close some, or try again later"
        }
    }
}
