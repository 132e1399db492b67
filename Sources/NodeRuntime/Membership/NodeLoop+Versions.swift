internal import Consensus
package import MailModel
internal import MailStore
internal import ReplicaCore

/// What a node tells the directory of itself and of its cluster.
package struct Registration: Sendable {
    package let clusterID: UInt64
    package let node: NodeDescription

    package init(clusterID: UInt64, node: NodeDescription) {
        self.clusterID = clusterID
        self.node = node
    }
}

/// The cluster is at a version that this program does not know.
package struct VersionError: Error, Sendable, CustomStringConvertible {
    /// Nil where it is only known that it is none of those that the program knows.
    package let cluster: ClusterVersion?
    package let known: KnownVersions

    package var description: String {
        let range =
            known.oldest == known.newest
            ? "version \(known.newest.rawValue)" : "versions \(known.oldest.rawValue) to \(known.newest.rawValue)"
        let version = cluster.map { "version \($0.rawValue)" } ?? "another version"
        let isOlder = cluster.map { $0 < known.oldest } ?? false
        let advice =
            isOlder
            ? "Start the program before this one, on all nodes, and then go on one program at a time."
            : "Start the newer program that this node or the others ran before."
        return "the cluster is at \(version), and this program knows \(range) only. \(advice)"
    }
}

/// What a node still has to say of itself.
package struct VersionState {
    /// What the directory is still to be told, in this order.
    fileprivate var untold: [Message]
    fileprivate var isTelling = false
    fileprivate var nextMilliseconds: Int64 = 0

    fileprivate enum Message {
        case found(DirectoryCommand)
        case register(NodeDescription)
    }

    init(_ registration: Registration, mailGroups: UInt32) {
        let oldest = registration.node.versions.oldest
        untold = [
            .found(.found(clusterID: registration.clusterID, mailGroups: mailGroups, version: oldest)),
            .register(registration.node),
        ]
    }

    /// The directory has carried out what this run of the node had to say.
    package var isTold: Bool { untold.isEmpty }
}

/// The directory knows which program runs on which node. The version of the cluster follows, when all know the next.
extension NodeLoop {
    private static let retryMilliseconds: Int64 = 1_000

    /// On every tick, until the directory has heard who this is.
    func tendRegistration() {
        guard let message = versions.untold.first, !versions.isTelling, identity.isFounded, !isStopping,
            nowMilliseconds >= versions.nextMilliseconds
        else { return }
        versions.isTelling = true
        switch message {
        case .found(let command): tell(command)
        case .register(let node): register(node)
        }
    }

    /// Registers under a run above the last one that the directory has heard of, so that what an earlier run of this
    /// node has sent, and may still be on its way, counts no more.
    private func register(_ node: NodeDescription) {
        let reader = floor.reader
        let inbox = inbox
        rooms.reads.enqueue(
            ReadCall(
                group: .directory,
                deadlineMilliseconds: nowMilliseconds + settings.callMilliseconds,
                read: {
                    let last = try? reader.registeredRun(of: node.id)
                    return { inbox.put(.control { $0.register(node, after: last) }) }
                },
                fail: { failure in inbox.put(.control { $0.told(.failure(failure)) }) }
            ),
            floor
        )
    }

    private func register(_ node: NodeDescription, after last: UInt64?) {
        guard let last, last < .max else { return told(.failure(.unavailable)) }
        tell(.registerNode(node, run: last + 1))
    }

    private func tell(_ command: DirectoryCommand) {
        let inbox = inbox
        rooms.calls.submit(
            ClientCall(
                group: .directory,
                account: AccountID(0),
                command: .directory(command),
                deadlineMilliseconds: nowMilliseconds + settings.callMilliseconds,
                completion: Completion(on: nil) { result in inbox.put(.control { $0.told(result) }) }
            ),
            floor
        )
    }

    private func told(_ result: Result<MailOutcome, ServiceFailure>) {
        versions.isTelling = false
        switch result {
        case .success(.done): versions.untold.removeFirst()
        case .success(let outcome):
            versions.nextMilliseconds = nowMilliseconds + Self.retryMilliseconds
            guard outcome == .refused(.unsupportedVersion) else { return }
            // What this node has of the directory may be older.
            let isTooNew = floor.version.cluster < floor.version.known.oldest
            failed(VersionError(cluster: isTooNew ? floor.version.cluster : nil, known: floor.version.known))
        case .failure: versions.nextMilliseconds = nowMilliseconds + Self.retryMilliseconds
        }
    }

    /// The directory here has come to this version. It may have been further, before its state was lost.
    func take(_ version: ClusterVersion) {
        guard version > floor.version.cluster else { return }
        guard version <= floor.version.known.newest else {
            return failed(VersionError(cluster: version, known: floor.version.known))
        }
        floor.version.cluster = version
        floor.observers.membership?(.version(version))
    }

    /// Now and then, where the directory is led: when every node knows the next version, the cluster goes there.
    func raiseVersion(_ cluster: MailReader.Cluster) {
        guard let next = cluster.nextVersion, floor.version.known.contains(next), let directory = replica(.directory)
        else { return }
        // A node that has a replica and was never heard of may know nothing of it.
        let heard = Set(cluster.nodes.map(\.id))
        guard directory.raft.configuration.members.allSatisfy({ heard.contains($0.node.rawValue) }) else { return }
        floor.propose([(AccountID(0), .directory(.raiseVersion(next)))], to: .directory)
    }
}
