package import Consensus
package import ReplicaCore

/// What one loop has of a group: the replica, how far it can be used, and who waits for it.
package final class HostedGroup {
    package let id: GroupID
    /// Nil while there is none: see ``Standing``.
    package internal(set) var replica: Replica?
    package fileprivate(set) var standing = Standing.absent
    let calls = CallTable()
    let reads = ReadTable()

    init(_ id: GroupID) { self.id = id }
}

/// The groups of one loop, in the order of their IDs: what is iterated over must come in the same order everywhere.
package struct HostedGroups {
    private var groups: [HostedGroup] = []
    private var positions: [GroupID: Int] = [:]
    /// The groups that need a snapshot and have asked nobody yet: nobody has to look at all groups to find them.
    private(set) var rebuilding = GroupSet()

    package subscript(_ id: GroupID) -> HostedGroup? { positions[id].map { groups[$0] } }

    /// Replicas, in the order of their groups.
    package var replicas: some Sequence<Replica> { groups.lazy.compactMap(\.replica) }

    /// The groups that stand still, in order.
    package var stopped: [(group: GroupID, stop: StoppedGroup)] {
        groups.compactMap { group in
            if case .stopped(let stop) = group.standing { (group.id, stop) } else { nil }
        }
    }

    /// Whether a replica was given up whose successor has not begun.
    package var areBeingReplaced: Bool { groups.contains { $0.standing == .replacing } }

    func standing(of id: GroupID) -> Standing { self[id]?.standing ?? .absent }

    mutating func stand(_ id: GroupID, as standing: Standing) {
        insert(id).standing = standing
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
