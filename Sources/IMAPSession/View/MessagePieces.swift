internal import MailModel

/// Messages that a command names, in sets that the store takes one after the other.
struct MessagePieces {
    /// The sets that are left, the next one last.
    private var sets: [UIDSet]
    private var limit = Int.max

    init(_ sets: [UIDSet]) { self.sets = sets.reversed() }

    /// Takes the next set.
    mutating func next() -> UIDSet? {
        guard let set = sets.popLast() else { return nil }
        guard set.count > limit else { return set }
        let (first, rest) = set.split(after: limit)
        sets.append(rest)
        return first
    }

    /// Puts a set back that the store found too large, because of its number of messages or what is stored of them: its
    /// halves come next, and nothing larger from then on.
    ///
    /// - Returns: false for a single message, which has no halves.
    mutating func halve(_ refused: UIDSet) -> Bool {
        guard refused.count > 1 else { return false }
        limit = refused.count / 2
        sets.append(refused)
        return true
    }
}
