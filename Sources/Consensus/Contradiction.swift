/// What a correct peer never sends: a replica broke the protocol, or a disk lied. Such a message changes nothing here
/// and is not answered, so that what is committed stays. The effect ``Effect/contradicted(_:by:)`` lets the shell tell
/// the admins.
public enum Contradiction: String, Hashable, Sendable {
    case twoLeadersInOneTerm = "another replica says that it leads the same term"
    case committedEntryChanged = "an entry that is committed here would be another one"
    case termsOutOfOrder = "entries whose terms go back, or are of the future"
    case indexOutOfRange = "entries behind the last possible index"
    case snapshotOfAnotherHistory = "a snapshot that lacks what is committed here"
}

extension HeaderLog {
    /// Why an append cannot come from a leader that follows the protocol; nil for all others.
    func contradiction(
        in append: AppendEntries,
        of messageTerm: Term,
        commitIndex: LogIndex
    ) -> Contradiction? {
        guard append.previousIndex <= .maximum, append.entries.count <= LogIndex.maximum - append.previousIndex else {
            return .indexOutOfRange
        }
        var last = append.previousTerm
        for header in append.entries {
            guard header.term >= last, header.term <= messageTerm else { return .termsOutOfOrder }
            last = header.term
        }
        // Entries that are compacted cannot be compared.
        var index = append.previousIndex
        for header in append.entries {
            index = index.next
            guard index <= commitIndex else { break }
            if let known = term(at: index), known != header.term { return .committedEntryChanged }
        }
        return nil
    }
}
