/// Names a piece of a body, as the body is stored: ``MailLimits/bodyChunkBytes`` of the body's bytes, less at its end.
public struct BodyChunk: Hashable, Sendable {
    /// The account whose message has the body.
    public let account: AccountID
    /// The body that the piece belongs to.
    public let body: BodyID
    /// Counts the pieces of a body from 0.
    public let index: UInt32

    public init(account: AccountID, body: BodyID, index: UInt32) {
        self.account = account
        self.body = body
        self.index = index
    }
}
