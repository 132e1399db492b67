public import Consensus

extension MailReader {
    /// The index up to which the state holds a group's entries, as it is seen now.
    public func appliedIndex(_ group: GroupID) throws -> LogIndex { try digest(group).index }
}
