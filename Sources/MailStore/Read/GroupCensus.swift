public import Consensus

/// How many accounts a group has, and how much mail.
public struct GroupCensus: Hashable, Sendable {
    /// Behind which entry that was so.
    public let index: LogIndex
    /// All accounts, suspended ones included.
    public let accounts: UInt32
    /// What counts against their quotas, in bytes.
    public let bytes: UInt64
}
