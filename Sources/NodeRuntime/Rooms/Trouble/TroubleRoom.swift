internal import Consensus
internal import ReplicaCore

/// Reads of a group that have failed on this node, though the disk says that what it gave is whole.
struct UnreadableGroup: Sendable {
    var count = 0
    /// Why the last of these reads failed.
    var reason = ""
    fileprivate var toldMilliseconds: Int64?
}

/// What goes wrong with single groups: peers that say what no correct one says, and reads that fail.
struct TroubleRoom {
    /// Observers are told of the same trouble of one group at most so often.
    private static let toldMilliseconds: Int64 = 60_000

    /// Groups of which a read has failed since the node started.
    private(set) var unreadable: [GroupID: UnreadableGroup] = [:]
    /// When a contradiction was last told of, by group.
    private var contradictedMilliseconds: [GroupID: Int64] = [:]

    /// A peer sent what no correct one sends. The message had no effect; a snapshot that is live already has one.
    mutating func noteContradiction(
        _ contradiction: Contradiction,
        in group: GroupID,
        by sender: NodeID?,
        _ floor: Floor
    ) {
        if contradiction == .snapshotOfAnotherHistory, let raft = floor.replica(group)?.raft {
            return floor.stop(group, at: raft.appliedIndex.next, reason: contradiction.rawValue)
        }
        let now = floor.nowMilliseconds
        if let last = contradictedMilliseconds[group], now - last < Self.toldMilliseconds { return }
        contradictedMilliseconds[group] = now
        floor.observers.membership?(.contradicted(group, contradiction, by: sender))
    }

    /// Notes that a read of a group has failed. Observers are told, and a node that leads the group compares all its
    /// replicas, row by row: one that differs is given up and built anew. A node that does not lead the group leaves
    /// that to the leader's schedule.
    mutating func noteUnreadable(_ group: GroupID, reason: String, _ floor: Floor) {
        var noted = unreadable[group] ?? UnreadableGroup()
        noted.count += 1
        noted.reason = reason
        defer { unreadable[group] = noted }
        if let told = noted.toldMilliseconds, floor.nowMilliseconds - told < Self.toldMilliseconds { return }
        noted.toldMilliseconds = floor.nowMilliseconds
        floor.observers.membership?(.unreadable(group, count: noted.count, reason: reason))
        if floor.replica(group)?.isLeader == true { floor.tell(.scrubWanted(group)) }
    }
}
