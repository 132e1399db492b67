internal import Consensus
internal import ReplicaCore

/// Reads of a group that have failed on this node, though the disk says that what it gave is whole.
struct UnreadableGroup: Sendable {
    var count = 0
    /// Of the last one.
    var reason = ""
    fileprivate var toldMilliseconds: Int64?
}

/// What goes wrong with single groups: peers that say what no correct one says, and reads that fail.
struct TroubleRoom {
    /// The same trouble of one group is told of so often.
    private static let toldMilliseconds: Int64 = 60_000

    /// By group.
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

    /// A read has failed: whoever runs the node is told, and all replicas of the group are compared, row by row, where
    /// it is led from here. One that differs is given up and built anew; others find it on their schedule.
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
