package import Consensus
internal import ReplicaCore

/// A group that cannot go on here is stopped, alone, and stays as it is: log and state are kept, so that a newer
/// program can go on with them, and whoever looks finds what was there.
extension NodeLoop {
    /// Lets a group stand still on this node. Its replica takes part in nothing until the node starts again.
    func stopGroup(_ group: GroupID, at index: LogIndex, reason: String) {
        guard stopped[group] == nil else { return }
        stopped[group] = StoppedGroup(index: index, reason: reason)
        joining.remove(group)
        remove(group)
        membershipObserver?(.stopped(group, at: index, reason: reason))
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
        membershipObserver?(.contradicted(group, contradiction, by: sender))
    }

    /// A peer that goes on and on is told of so often.
    private static let contradictionMilliseconds: Int64 = 60_000
}

/// Why a group stands still on this node.
package struct StoppedGroup: Sendable {
    /// The entry that is not applied.
    package let index: LogIndex
    package let reason: String
}
