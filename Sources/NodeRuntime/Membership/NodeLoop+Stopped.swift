internal import Consensus
internal import ReplicaCore

/// A group that cannot go on here is stopped, alone, and stays as it is: log and state are kept, so that a newer
/// program can go on with them, and whoever looks finds what was there.
extension NodeLoop {
    /// Lets a group stand still on this node. Its replica takes part in nothing until the node starts again.
    func stopGroup(_ group: GroupID, at index: LogIndex, reason: String) {
        if case .stopped = standing(of: group) { return }
        joining.remove(group)
        remove(group, leaving: .stopped(StoppedGroup(index: index, reason: reason)))
        floor.observers.membership?(.stopped(group, at: index, reason: reason))
    }

    /// A peer sent what no correct one sends. The message had no effect; a snapshot that is live already has one.
    func contradicted(_ group: GroupID, _ contradiction: Contradiction, by sender: NodeID?) {
        if contradiction == .snapshotOfAnotherHistory, let raft = replica(group)?.raft {
            return stopGroup(group, at: raft.appliedIndex.next, reason: contradiction.rawValue)
        }
        if let last = contradictedMilliseconds[group], nowMilliseconds - last < Self.contradictionMilliseconds {
            return
        }
        contradictedMilliseconds[group] = nowMilliseconds
        floor.observers.membership?(.contradicted(group, contradiction, by: sender))
    }

    /// A peer that goes on and on is told of so often.
    private static let contradictionMilliseconds: Int64 = 60_000
}

/// Reads of a group that have failed on this node, though the disk says that what it gave is whole.
package struct UnreadableGroup: Sendable {
    package internal(set) var count = 0
    package internal(set) var reason = ""
    var toldMilliseconds: Int64?
}

extension NodeLoop {
    /// Such failures are told of so often.
    private static let unreadableMilliseconds: Int64 = 60_000

    /// A read has failed: whoever runs the node is told, and all replicas of the group are compared, row by row, where
    /// it is led from here. One that differs is given up and built anew; others find it on their schedule.
    func noteUnreadable(_ group: GroupID, _ reason: String) {
        var noted = unreadable[group] ?? UnreadableGroup()
        noted.count += 1
        noted.reason = reason
        defer { unreadable[group] = noted }
        if let told = noted.toldMilliseconds, nowMilliseconds - told < Self.unreadableMilliseconds { return }
        noted.toldMilliseconds = nowMilliseconds
        floor.observers.membership?(.unreadable(group, count: noted.count, reason: reason))
        if replica(group)?.isLeader == true { _ = verify(group, isScrub: true) }
    }
}
