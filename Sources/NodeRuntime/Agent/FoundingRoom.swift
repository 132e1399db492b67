internal import Consensus
internal import LogStorage
internal import MailModel
internal import PeerTransport

/// What reaches ``FoundingRoom`` from the disk.
package enum FoundingInput: Sendable {
    /// The identity is on the disk as it was changed.
    case saved(NodeIdentity)
    /// The groups with which the cluster began are in the log.
    case groupsCreated([FoundedGroup])
}

/// A group as the cluster began with it, or as it was added.
package struct FoundedGroup: Sendable {
    let group: GroupID
    /// This node's.
    let replica: ReplicaID
    let configuration: Configuration

    /// Begins the group's log.
    var creation: LogOperation {
        let point = SnapshotPoint(index: .zero, term: .zero, configuration: configuration)
        return .createGroup(group, replica: replica, point)
    }
}

/// A cluster begins once: when every node it is configured with is there with an empty directory. The lowest of them
/// decides, and tells the others who began. A directory that was not there then never votes for what the founding
/// replicas of its node knew.
struct FoundingRoom {
    private static let introductionMilliseconds: Int64 = 200
    private static let reportMilliseconds: Int64 = 5_000

    private(set) var identity: NodeIdentity
    private let store: any NodeIdentityStore
    /// The groups of which this node has nothing yet.
    private let missing: [GroupID]
    /// The directories of the nodes that wait as well, as they said last.
    private var introduced: [NodeID: UInt64] = [:]
    private var nextMilliseconds: Int64 = 0
    private var reportedMilliseconds: Int64?
    /// The decision has fallen and is being made durable.
    private var isDecided = false
    private var hasBegun = false
    /// The nodes that were last noted as those to ask for the directory.
    private var contacts: [JoinContact] = []

    /// - Parameter missing: the groups that recovery has found nothing of.
    init(_ identity: NodeIdentity, _ store: any NodeIdentityStore, missing: [GroupID]) {
        self.identity = identity
        self.store = store
        self.missing = missing
    }

    /// On every tick, until the cluster has begun.
    mutating func tick(_ desk: AgentDesk) {
        if !hasBegun {
            hasBegun = true
            // A founding that was interrupted goes on.
            if identity.isFounded { complete(desk) }
        }
        guard !identity.isFounded, !isDecided, desk.nowMilliseconds >= nextMilliseconds else { return }
        nextMilliseconds = desk.nowMilliseconds + Self.introductionMilliseconds
        let others = desk.place.peers.filter { $0 != desk.node }
        let absent = others.filter { introduced[$0] == nil }
        guard absent.isEmpty, desk.node == desk.place.peers.min() else {
            for peer in others { desk.send(.introduction(directory: identity.directory), to: peer) }
            return report(absent, desk)
        }
        var founders = others.compactMap { peer in introduced[peer].map { Founder(node: peer, directory: $0) } }
        founders.append(Founder(node: desk.node, directory: identity.directory))
        decide(founders.sorted { $0.node < $1.node }, desk)
    }

    private mutating func report(_ absent: [NodeID], _ desk: AgentDesk) {
        guard let since = reportedMilliseconds else {
            reportedMilliseconds = desk.nowMilliseconds
            return
        }
        guard desk.nowMilliseconds - since >= Self.reportMilliseconds else { return }
        reportedMilliseconds = desk.nowMilliseconds
        desk.observers.membership?(.waiting(for: absent.isEmpty ? [desk.place.peers.min() ?? desk.node] : absent))
    }

    /// Another node waits for the cluster to begin.
    mutating func receiveIntroduction(of directory: UInt64, from peer: NodeID, _ desk: AgentDesk) {
        if identity.isFounded {
            return desk.send(.founded(identity.founders, mailGroups: identity.mailGroups), to: peer)
        }
        guard !isDecided, desk.place.peers.contains(peer) else { return }
        introduced[peer] = directory
    }

    /// The cluster has begun, with this node or without it.
    mutating func receiveFounding(by founders: [Founder], mailGroups: UInt32, _ desk: AgentDesk) {
        guard !identity.isFounded, !isDecided, !founders.isEmpty else { return }
        guard mailGroups == identity.mailGroups else {
            isDecided = true
            return desk.ways.failed(
                StartupError(
                    "The cluster has \(mailGroups) groups, and the setting cluster.groups says \(identity.mailGroups). "
                        + "Start this node again with cluster.groups \(mailGroups)."
                )
            )
        }
        decide(founders, desk)
    }

    /// Makes the decision durable before anything that follows from it: a start after a crash between finds the
    /// decision.
    private mutating func decide(_ founders: [Founder], _ desk: AgentDesk) {
        isDecided = true
        var decided = identity
        decided.founders = founders
        save(decided, desk)
    }

    mutating func finished(_ input: FoundingInput, _ desk: AgentDesk) {
        switch input {
        case .saved(let saved):
            let former = identity
            identity = saved
            if !former.isFounded { desk.observers.membership?(.founded(saved.founders)) }
            if !former.isComplete { complete(desk) }
        case .groupsCreated(let groups):
            for group in groups { desk.ways.inboxes.put(.order(.beginFounded(group)), for: group.group) }
            finish(desk)
        }
    }

    /// Makes the groups as they were founded, those that are not there yet.
    private func complete(_ desk: AgentDesk) {
        guard !identity.isComplete else { return desk.ways.inboxes.putToAll(.order(.replaceMissing)) }
        let own = Founder(node: desk.node, directory: identity.directory)
        guard identity.founders.contains(own), !missing.isEmpty else { return finish(desk) }
        let groups = missing.map { group in
            FoundedGroup(
                group: group,
                replica: Founder.replica(of: group, in: identity.directory, 0),
                configuration: identity.configuration(of: group)
            )
        }
        let operations = groups.map(\.creation)
        desk.ways.writer.put(.perform(operations, telling: .agent(.founding(.groupsCreated(groups)))))
    }

    private func finish(_ desk: AgentDesk) {
        var complete = identity
        complete.isComplete = true
        save(complete, desk)
    }

    /// Notes that the node has begun all groups up to a number that it is to begin. Not while the cluster begins: one
    /// change of the identity is made at a time.
    func note(begunUpTo group: GroupID, _ desk: AgentDesk) {
        precondition(identity.isComplete)
        var noted = identity
        noted.addedUpTo = max(noted.addedUpTo, group)
        save(noted, desk)
    }

    /// Nodes come and go: those that the node was told of when it joined may all be gone one day.
    mutating func noteContacts(in directory: Directory, _ desk: AgentDesk) {
        let contacts = directory.contacts.filter { $0.node != desk.node }
        guard contacts != self.contacts, !contacts.isEmpty else { return }
        self.contacts = contacts
        let store = store
        let failed = desk.ways.failed
        desk.ways.background.run {
            do {
                try store.saveContacts(contacts)
            } catch {
                failed(error)
            }
        }
    }

    private func save(_ changed: NodeIdentity, _ desk: AgentDesk) {
        let store = store
        let inbox = desk.ways.inboxes.agent
        let failed = desk.ways.failed
        desk.ways.background.run {
            do {
                try store.save(changed)
                inbox.put(.founding(.saved(changed)))
            } catch {
                failed(error)
            }
        }
    }
}
