package import Consensus
internal import ReplicaCore

/// A group that cannot go on here is stopped, alone, and stays as it is: log and state are kept, so that a newer program
/// can go on with them, and whoever looks finds what was there.
extension NodeLoop {
    /// Lets a group stand still on this node. Its replica takes part in nothing until the node starts again.
    func stopGroup(_ group: GroupID, at index: LogIndex, reason: String) {
        guard stopped[group] == nil else { return }
        stopped[group] = StoppedGroup(index: index, reason: reason)
        joining.remove(group)
        remove(group)
        membershipObserver?(.stopped(group, at: index, reason: reason))
    }
}

/// Why a group stands still on this node.
package struct StoppedGroup: Sendable {
    /// The entry that is not applied.
    package let index: LogIndex
    package let reason: String
}
