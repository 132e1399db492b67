internal import Consensus
package import MailModel
internal import MailStore

/// What a node tells the directory of itself and of its cluster.
package struct Registration: Sendable {
    /// The cluster's ID on the wire: ``NodeSettings/clusterID``.
    package let clusterID: UInt64
    /// This node: its number, its address for peers, its labels, and the versions that its program knows.
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
    /// The versions that this program can read and write.
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

/// What reaches ``RegistrationRoom`` from the directory.
package enum RegistrationInput: Sendable {
    /// The last run of this node that the directory has heard of; nil when it cannot be read.
    case lastRunRead(UInt64?)
    case told(Result<MailOutcome, ServiceFailure>)
}

/// Tells the directory which program runs on this node. The version of the cluster follows, when all nodes know the
/// next (`Docs/decisions/0011-cluster-version.md`).
struct RegistrationRoom {
    private static let retryMilliseconds: Int64 = 1_000

    private enum Message {
        case found(clusterID: UInt64, oldest: ClusterVersion)
        case register(NodeDescription)
    }

    /// What the directory is still to be told, in this order.
    private var untold: [Message]
    private var isTelling = false
    private var nextMilliseconds: Int64 = 0

    init(_ registration: Registration) {
        let oldest = registration.node.versions.oldest
        untold = [.found(clusterID: registration.clusterID, oldest: oldest), .register(registration.node)]
    }

    /// Whether the directory has carried out what this run of the node had to say.
    var isOver: Bool { untold.isEmpty }

    /// On every tick, until the directory has heard who this is.
    mutating func tick(_ identity: NodeIdentity, _ desk: AgentDesk) {
        guard let message = untold.first, !isTelling, identity.isFounded, desk.nowMilliseconds >= nextMilliseconds
        else {
            return
        }
        isTelling = true
        switch message {
        case .found(let clusterID, let oldest):
            let founders = identity.founders
            tell(
                .found(clusterID: clusterID, mailGroups: identity.mailGroups, version: oldest, founders: founders),
                desk
            )
        case .register(let node): readLastRun(of: node, desk)
        }
    }

    mutating func finished(_ input: RegistrationInput, _ desk: AgentDesk) {
        switch input {
        case .lastRunRead(let last):
            guard case .register(let node)? = untold.first else { return }
            guard let last, last < .max else { return noteAnswer(.failure(.unavailable), desk) }
            tell(.registerNode(node, run: last + 1), desk)
        case .told(let result): noteAnswer(result, desk)
        }
    }

    /// The node registers under a run above the last one that the directory has heard of, so that what an earlier run
    /// of this node has sent, and may still be on its way, counts no more.
    private func readLastRun(of node: NodeDescription, _ desk: AgentDesk) {
        let reader = MailReader(store: desk.ways.state)
        let inbox = desk.ways.inboxes.agent
        let call = ReadCall(
            group: .directory,
            deadlineMilliseconds: desk.nowMilliseconds + desk.settings.callMilliseconds,
            read: {
                let last = try? reader.registeredRun(of: NodeID(node.id))
                return { inbox.put(.registration(.lastRunRead(last))) }
            },
            fail: { failure in inbox.put(.registration(.told(.failure(failure)))) }
        )
        desk.ways.inboxes.put(.read(call), for: .directory)
    }

    private func tell(_ command: DirectoryCommand, _ desk: AgentDesk) {
        let inbox = desk.ways.inboxes.agent
        let call = ClientCall(
            group: .directory,
            account: AccountID(0),
            command: .directory(command),
            deadlineMilliseconds: desk.nowMilliseconds + desk.settings.callMilliseconds,
            completion: Completion(on: nil) { result in inbox.put(.registration(.told(result))) }
        )
        desk.ways.inboxes.put(.submit(call), for: .directory)
    }

    private mutating func noteAnswer(_ result: Result<MailOutcome, ServiceFailure>, _ desk: AgentDesk) {
        isTelling = false
        switch result {
        case .success(.done): untold.removeFirst()
        case .success(let outcome):
            nextMilliseconds = desk.nowMilliseconds + Self.retryMilliseconds
            guard outcome == .refused(.unsupportedVersion) else { return }
            // What this node has of the directory may be older.
            let isTooNew = desk.version.cluster < desk.version.known.oldest
            desk.ways.failed(VersionError(cluster: isTooNew ? desk.version.cluster : nil, known: desk.version.known))
        case .failure: nextMilliseconds = desk.nowMilliseconds + Self.retryMilliseconds
        }
    }
}
