internal import Consensus
internal import MailModel
internal import ReplicaCore

/// Now and then, where the directory is led: when every node knows the next version, the cluster goes there
/// (`Docs/decisions/0011-cluster-version.md`).
struct VersionRoom {
    private static let lookMilliseconds: Int64 = 5_000

    private var nextMilliseconds: Int64 = 0

    /// On every tick. What this node knows of the directory may be old: whether all nodes know the version is looked at
    /// again where it is raised.
    mutating func tick(_ floor: Floor) {
        guard floor.nowMilliseconds >= nextMilliseconds, let group = floor.replica(.directory), group.isLeader else {
            return
        }
        nextMilliseconds = floor.nowMilliseconds + Self.lookMilliseconds
        let directory = floor.directory
        guard let next = directory.nextVersion, floor.version.known.contains(next) else { return }
        // A node that has a replica and was never heard of may know nothing of it.
        guard group.raft.configuration.members.allSatisfy({ directory.node($0.node) != nil }) else { return }
        floor.proposeCommands([(AccountID(0), .directory(.raiseVersion(next)))], to: .directory)
    }
}
