/// How an election stands.
public enum VoteResult: Hashable, Sendable {
    case won
    case lost
    /// Votes that could decide it are still missing.
    case pending
}
