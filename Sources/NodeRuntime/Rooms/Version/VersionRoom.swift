internal import Consensus
internal import MailModel
internal import MailStore
internal import ReplicaCore
internal import StateStorage

/// Now and then, where the directory is led: when every node knows the next version, the cluster goes there
/// (`Docs/decisions/0011-cluster-version.md`).
struct VersionRoom {
    private static let lookMilliseconds: Int64 = 5_000

    private var nextMilliseconds: Int64 = 0

    /// On every tick.
    mutating func tick(_ floor: Floor) {
        guard floor.nowMilliseconds >= nextMilliseconds, floor.replica(.directory)?.isLeader == true else { return }
        nextMilliseconds = floor.nowMilliseconds + Self.lookMilliseconds
        let reader = floor.reader
        let ways = floor.ways
        ways.background.run {
            do {
                if let cluster = try reader.cluster() { ways.inbox.put(.clusterRead(cluster)) }
            } catch let error as StateError {
                ways.failed(error)
            } catch {
                ways.inbox.put(.unreadable(.directory, reason: "\(error)"))
            }
        }
    }

    /// What the directory says of the cluster's nodes was read.
    func finished(_ cluster: MailReader.Cluster, _ floor: Floor) {
        guard let next = cluster.nextVersion, floor.version.known.contains(next),
            let directory = floor.replica(.directory)
        else { return }
        // A node that has a replica and was never heard of may know nothing of it.
        let heard = Set(cluster.nodes.map(\.id))
        guard directory.raft.configuration.members.allSatisfy({ heard.contains($0.node.rawValue) }) else { return }
        floor.proposeCommands([(AccountID(0), .directory(.raiseVersion(next)))], to: .directory)
    }
}
