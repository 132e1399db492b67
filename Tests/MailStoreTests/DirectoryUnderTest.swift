import Consensus
import MailModel
import NIOCore
import StateStorage
import Testing

@testable import MailStore

/// Group 0 by itself: three founders that have registered, and groups 1 to 3.
final class DirectoryUnderTest {
    let store = CountingStateStore(over: MemoryStateStore())
    let applier: MailApplier
    private var index: UInt64 = 0
    /// By the proposer's clock, of the commands to come.
    var milliseconds: Int64 = 1

    init() throws {
        applier = MailApplier(store: store)
        try applier.open(.directory)
        let founders = (1...3).map { Founder(node: NodeID($0), directory: 10 * $0) }
        try apply(.found(clusterID: 7, mailGroups: 3, version: .first, founders: founders))
        for node: UInt64 in 1...3 { try register(node) }
    }

    @discardableResult
    func apply(_ command: DirectoryCommand) throws -> MailOutcome {
        index += 1
        let envelope = CommandEnvelope(
            request: RequestID(session: 1, sequence: index),
            settledBelow: index,
            timestamp: Timestamp(milliseconds: milliseconds),
            account: AccountID(0),
            command: .directory(command)
        )
        let payload = envelope.encoded()
        return try applier.apply(group: .directory, index: LogIndex(index), term: Term(1), payload: payload).1
    }

    @discardableResult
    func register(_ node: UInt64, labels: [Label] = []) throws -> MailOutcome {
        let description = NodeDescription(id: node, peerAddress: "a", labels: labels)
        return try apply(.registerNode(description, run: index + 1))
    }

    @discardableResult
    func begin(_ id: UInt64, _ kind: OperationKind, _ work: OperationWork = OperationWork()) throws -> MailOutcome {
        try apply(.beginOperation(OperationID(rawValue: id), kind, work))
    }

    @discardableResult
    func end(_ id: UInt64, _ state: OperationState) throws -> MailOutcome {
        try apply(.endOperation(OperationID(rawValue: id), state))
    }

    /// A group has these voters from now on, and no learners.
    func reportVoters(_ nodes: [UInt64], of group: UInt32) throws {
        let members = nodes.map { Member(replica: ReplicaID(10 * $0), node: NodeID($0)) }
        try apply(.reportMembers(GroupID(group), at: LogIndex(index + 1), Configuration(voters: members)))
    }

    func directory() throws -> Directory {
        try applier.commit()
        return try #require(try MailReader(store: store).directory())
    }

    func state(of node: UInt64) throws -> NodeState? { try directory().node(NodeID(node))?.state }

    func voters(of group: UInt32) throws -> [UInt64]? {
        try directory().group(GroupID(group))?.placing.voters.map(\.rawValue)
    }

    func operation(_ id: UInt64) throws -> OperationRecord? {
        try directory().operations.first { $0.id.rawValue == id }
    }

    /// What happened behind an event, or behind all events when the closure begins.
    func events(after sequence: UInt64 = 0) throws -> [DirectoryEvent] {
        try applier.commit()
        return try MailReader(store: store).events(after: sequence, limit: .max).map(\.event)
    }

    func lastEvent() throws -> UInt64 {
        try applier.commit()
        return try MailReader(store: store).lastEvent()
    }

    /// The events of what `body` has applied.
    func events(of body: () throws -> Void) throws -> [DirectoryEvent] {
        let before = try lastEvent()
        try body()
        return try events(after: before)
    }
}

/// Voters on these nodes.
func placing(_ nodes: UInt64..., leader: UInt64? = nil, mayFormMajority: Bool = false) -> Placing {
    Placing(
        voters: nodes.map { NodeID($0) },
        preferredLeader: leader.map { NodeID($0) },
        mayFormMajority: mayFormMajority
    )
}
