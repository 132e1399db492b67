public import NIOCore

/// Where an account is: enough for the router to find its group.
public struct AccountReference: Hashable, Sendable {
    /// The account.
    public let id: AccountID
    /// The slot of its address, which names its group.
    public let slot: Slot
    public init(id: AccountID, slot: Slot) {
        self.id = id
        self.slot = slot
    }
}

/// Why the store could not answer. Never a reason to tell a user that a password is wrong or a mailbox is gone.
public enum ServiceFailure: Error, Hashable, Sendable {
    /// No quorum answered in time. For a command: it may have been carried out, or not (rule: unknown is an answer).
    case unavailable
    /// Nothing was done: too much is under way already.
    case busy
    /// The node is stopping.
    case stopping
    /// The disks have no room for new mail.
    case noSpace
}

/// What a client says of itself to log in.
public struct LoginAttempt: Sendable, CustomStringConvertible {
    /// The account's address.
    public let name: ByteBuffer
    /// The password.
    public let password: ByteBuffer
    /// Whom the client counts as, where that is known; attempts of all are dealt with in turn.
    public let origin: ClientAddress?

    public init(name: ByteBuffer, password: ByteBuffer, origin: ClientAddress?) {
        self.name = name
        self.password = password
        self.origin = origin
    }

    public var description: String { "<login>" }
}

/// What came of an attempt to log in.
public enum AuthenticationResult: Hashable, Sendable {
    case authenticated(AccountReference, AccountAddress)
    /// Unknown account or wrong password: one answer for both.
    case refused
    case suspended
    /// More attempts are waiting than the pool takes.
    case busy
}

/// What gateways know of the store: account-addressed calls with exactly-once effects.
///
/// Every call completes on the event loop it names. Calls of one session that depend on each other are made one after
/// the other by the session.
public protocol MailService: AnyObject, Sendable {
    /// Verifies a password off the event loops, on a bounded pool.
    func authenticate(_ login: LoginAttempt, on loop: any EventLoop) -> EventLoopFuture<AuthenticationResult>

    /// Finds an account by its address; nil when there is none.
    func find(_ address: AccountAddress, on loop: any EventLoop) -> EventLoopFuture<AccountRecord?>

    /// Finds an account to deliver to. May miss a change of the last moments, but never says that there is no account
    /// where one was acknowledged: the delivery itself checks again.
    func findForDelivery(_ address: AccountAddress, on loop: any EventLoop) -> EventLoopFuture<AccountID?>

    /// Carries out a command exactly once, retrying under one request ID until it is known what happened or the
    /// deadline passes (`ServiceFailure.unavailable`).
    func submit(
        _ command: MailCommand,
        for account: AccountReference,
        on loop: any EventLoop
    ) -> EventLoopFuture<MailOutcome>

    /// Reads, linearizably: what was acknowledged anywhere before the call is seen.
    func query(
        _ query: MailQuery,
        of account: AccountReference,
        on loop: any EventLoop
    ) -> EventLoopFuture<MailAnswer>

    /// Reads what this node has, where that shows a mailbox as new as a session knows it, and the node is in touch with
    /// the leader; otherwise as ``query(_:of:on:)``. No node is asked in the first case.
    ///
    /// - Parameter known: what the session has seen of the mailbox that the query is about, and done there.
    func queryNearby(
        _ query: MailQuery,
        of account: AccountReference,
        showing known: KnownMailbox,
        on loop: any EventLoop
    ) -> EventLoopFuture<MailAnswer>

    /// Gives a session of this node what is `\Recent` of a mailbox, at once: nothing is written, and other nodes hear
    /// nothing of it.
    ///
    /// - Parameters:
    ///   - from: the first UID that may be recent, as the mailbox's record or the session has it.
    ///   - upTo: UIDs from here on are left to others.
    /// - Returns: the first UID that no session of this node was given, as far as the node remembers.
    func takeRecent(in mailbox: MailboxID, of account: AccountReference, from: UID, upTo: UID) -> UID

    /// Calls `changed` on the loop after this node applied a change to the account, or heard of one from a node that
    /// did; bursts come as one call. It may be called where nothing has changed.
    func watch(
        _ account: AccountReference,
        on loop: any EventLoop,
        changed: @escaping @Sendable () -> Void
    ) -> any AccountWatch

    /// A fresh body name, from the node's clock and randomness.
    func makeBodyID() -> BodyID
    /// The node's clock.
    func now() -> Timestamp
}

/// A watch of one account: its changes are told until ``cancel()``.
public protocol AccountWatch: Sendable {
    /// Ends the watch. A call that is on its way may still come.
    func cancel()
}

extension MailService {
    /// Reads linearizably, which is always new enough.
    public func queryNearby(
        _ query: MailQuery,
        of account: AccountReference,
        showing known: KnownMailbox,
        on loop: any EventLoop
    ) -> EventLoopFuture<MailAnswer> {
        self.query(query, of: account, on: loop)
    }

    /// Finds the account as ``find(_:on:)`` does.
    public func findForDelivery(_ address: AccountAddress, on loop: any EventLoop) -> EventLoopFuture<AccountID?> {
        find(address, on: loop).map { $0?.id }
    }
}
