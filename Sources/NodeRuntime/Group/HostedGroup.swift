package import Consensus
package import ReplicaCore

/// What one loop has of a group: the replica, how far it can be used, and who waits for it.
package final class HostedGroup {
    package let id: GroupID
    /// Nil while there is none: see ``Standing``.
    package internal(set) var replica: Replica?
    package fileprivate(set) var standing = Standing.absent
    /// Whether its rows are known to be those that were written.
    package internal(set) var doubt = Doubt.none
    /// How its last verification ended, as far as this node was told.
    package internal(set) var verificationNote: VerificationNote?
    let calls = CallTable()
    let reads = ReadTable()

    init(_ id: GroupID) { self.id = id }

    /// Whether its rows may be copied to another node.
    var servesSnapshots: Bool { standing.hasState && doubt == .none }
}

/// Whether a group's rows on this node are those that were written.
package enum Doubt: Hashable, Sendable {
    case none
    /// The rows differ from those of others, and nobody can say which are right.
    case suspected
    /// The rows are not those of the majority: the replica is to be given up.
    case condemned
}

/// The groups of one loop, in the order of their IDs: what is iterated over must come in the same order everywhere.
package struct HostedGroups {
    private var groups: [HostedGroup] = []
    private var positions: [GroupID: Int] = [:]
    /// The groups that need a snapshot and have asked nobody yet: nobody has to look at all groups to find them.
    private(set) var rebuilding = GroupSet()
    /// The groups with entries that the state may not keep durably yet: nobody has to look at all groups to find them.
    var unflushed = GroupSet()
    /// How many snapshots have taken the place of a state.
    private(set) var replacedStates: UInt64 = 0

    package subscript(_ id: GroupID) -> HostedGroup? { positions[id].map { groups[$0] } }

    /// Replicas, in the order of their groups.
    package var replicas: some Sequence<Replica> { groups.lazy.compactMap(\.replica) }

    /// The groups that stand still, in order.
    package var stopped: [(group: GroupID, stop: StoppedGroup)] {
        groups.compactMap { group in
            if case .stopped(let stop) = group.standing { (group.id, stop) } else { nil }
        }
    }

    /// The groups whose rows differ from those of others, where nobody can say which are right; in order.
    var doubted: [GroupID] { groups.filter { $0.doubt == .suspected }.map(\.id) }

    /// All groups, in order.
    var ids: [GroupID] { groups.map(\.id) }

    /// The groups that have not begun here.
    var absent: [GroupID] { groups.filter { $0.standing == .absent }.map(\.id) }

    /// Whether a snapshot is on its way to any of them.
    package var isInstalling: Bool { groups.contains { $0.standing == .installing } }

    /// Whether a replica was given up whose successor has not begun.
    package var areBeingReplaced: Bool { groups.contains { $0.standing == .replacing } }

    func standing(of id: GroupID) -> Standing { self[id]?.standing ?? .absent }

    mutating func admit(_ replica: Replica, as standing: Standing) {
        insert(replica.group).replica = replica
        stand(replica.group, as: standing)
        unflushed.insert(replica.group)
    }

    mutating func removeReplica(of id: GroupID, leaving standing: Standing) {
        let group = insert(id)
        group.reads.restart()
        group.replica = nil
        group.doubt = .none
        stand(id, as: standing)
    }

    mutating func stand(_ id: GroupID, as standing: Standing) {
        let group = insert(id)
        if group.standing == .installing, standing == .live { replacedStates += 1 }
        group.standing = standing
        if case .rebuilding = standing { rebuilding.insert(id) } else { rebuilding.remove(id) }
    }

    /// The group, which is made when it is not there.
    @discardableResult
    mutating func insert(_ id: GroupID) -> HostedGroup {
        if let known = self[id] { return known }
        let new = HostedGroup(id)
        if let last = groups.last, last.id > id {
            groups.insert(new, at: groups.firstIndex { $0.id > id } ?? groups.endIndex)
            for (index, group) in groups.enumerated() { positions[group.id] = index }
        } else {
            positions[id] = groups.count
            groups.append(new)
        }
        return new
    }
}
