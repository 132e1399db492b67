/// What the shell was told last, so that it is told changes only.
struct Announced: Sendable {
    private var role = RoleKind.follower
    private var term: Term
    private var leader: ReplicaID?
    private var applyIndex: LogIndex

    /// What the shell knows of a replica that begins: it has read the hard state and the applied index.
    init(term: Term, applyIndex: LogIndex) {
        self.term = term
        self.applyIndex = applyIndex
    }

    /// Tells role, term and leader where one of them has changed.
    mutating func announceRole(_ role: RoleKind, term: Term, leader: ReplicaID?, into effects: inout Effects) {
        guard role != self.role || term != self.term || leader != self.leader else { return }
        effects.append(.roleChanged(role, term: term, leader: leader))
        self.role = role
        self.term = term
        self.leader = leader
    }

    /// Tells up to where entries may be applied, where that is further than before.
    mutating func announceApply(upTo index: LogIndex, into effects: inout Effects) {
        guard index > applyIndex else { return }
        effects.append(.apply(upTo: index))
        applyIndex = index
    }

    /// A snapshot at `index` was installed: the entries that it covers are not applied.
    mutating func noteInstalled(at index: LogIndex) { applyIndex = max(applyIndex, index) }
}
