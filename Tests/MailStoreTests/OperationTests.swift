import Consensus
import MailModel
import Testing

@testable import MailStore

/// What operations change when they begin and when they end.
@Suite struct OperationTests {
    private let group0: DirectoryUnderTest

    init() throws { group0 = try DirectoryUnderTest() }

    private func conflict(with id: UInt64) -> MailOutcome { .operationConflicts(OperationID(rawValue: id)) }

    // MARK: Beginning

    @Test func eachKindChangesSomethingAtOnce() throws {
        let old = try #require(try group0.directory().group(GroupID(1))?.placing)
        group0.milliseconds = 50
        let work = OperationWork(replicas: 3, bytes: 9)
        #expect(try group0.begin(1, .drain(NodeID(1)), work) == .done)
        #expect(try group0.begin(2, .decommission(NodeID(2))) == .done)
        #expect(try group0.begin(3, .moveReplicas(GroupID(1), from: old, to: placing(1, 3))) == .done)
        #expect(try group0.begin(4, .rebalance) == .done)
        let directory = try group0.directory()
        #expect(directory.nodes.map(\.state) == [.draining, .decommissioning, .active])
        #expect(try group0.voters(of: 1) == [1, 3])
        #expect(directory.runningOperations.map(\.id.rawValue) == [1, 2, 3, 4])
        let first = OperationRecord(
            id: OperationID(rawValue: 1),
            kind: .drain(NodeID(1)),
            began: Timestamp(milliseconds: 50),
            work: work
        )
        #expect(directory.operations.first == first)
    }

    @Test func theSameNumberIsTheSameOperation() throws {
        #expect(try group0.begin(1, .drain(NodeID(1))) == .done)
        group0.milliseconds = 9
        #expect(try group0.begin(1, .drain(NodeID(1))) == .done)
        #expect(try group0.begin(1, .drain(NodeID(2))) == .done, "who asks for another one draws another number")
        #expect(try group0.state(of: 2) == .active)
        #expect(try group0.operation(1)?.began == Timestamp(milliseconds: 1))
        #expect(try group0.end(1, .cancelled) == .done)
        #expect(try group0.begin(1, .drain(NodeID(1))) == .done)
        #expect(try group0.state(of: 1) == .active, "it has ended, and does not begin again")
        #expect(try group0.operation(1)?.state == .cancelled)
    }

    @Test func whatStandsInTheWayIsNamed() throws {
        let old = try #require(try group0.directory().group(GroupID(1))?.placing)
        #expect(try group0.begin(7, .drain(NodeID(1))) == .done)
        #expect(try group0.begin(5, .drain(NodeID(1))) == conflict(with: 7))
        #expect(try group0.begin(5, .decommission(NodeID(1))) == conflict(with: 7))
        #expect(try group0.begin(8, .moveReplicas(GroupID(1), from: old, to: placing(2, 3))) == .done)
        let other = OperationKind.moveReplicas(GroupID(1), from: placing(2, 3), to: placing(2))
        #expect(try group0.begin(9, other) == conflict(with: 8))
        #expect(try group0.begin(10, .rebalance) == .done)
        #expect(try group0.begin(11, .rebalance) == conflict(with: 10))
        let before = try group0.directory()
        #expect(before.operations.map(\.id.rawValue) == [7, 8, 10])
        #expect(try group0.voters(of: 1) == [2, 3])
        // What has ended stands in nobody's way.
        #expect(try group0.end(7, .cancelled) == .done)
        #expect(try group0.begin(5, .decommission(NodeID(1))) == .done)
    }

    /// Nothing is left of an operation that could not begin.
    @Test func whatCannotBeginChangesNothing() throws {
        let old = try #require(try group0.directory().group(GroupID(1))?.placing)
        #expect(try group0.begin(1, .drain(NodeID(9))) == .refused(.noSuchNode))
        #expect(try group0.apply(.setNodeState(NodeID(3), .decommissioning)) == .done)
        #expect(try group0.begin(2, .drain(NodeID(3))) == .refused(.notFromHere))
        let late = OperationKind.moveReplicas(GroupID(1), from: placing(1), to: placing(2))
        #expect(try group0.begin(3, late) == .refused(.changedMeanwhile))
        try group0.reportVoters([1, 2], of: 1)
        #expect(try group0.apply(.placeGroup(GroupID(1), placing(1, 2), replacing: old)) == .done)
        let toNobody = OperationKind.moveReplicas(GroupID(1), from: placing(1, 2), to: placing(1, 3))
        #expect(try group0.begin(4, toNobody) == .refused(.nodeTakesNothing))
        #expect(try group0.begin(5, .moveReplicas(GroupID(9), from: old, to: old)) == .refused(.noSuchGroup))
        #expect(try group0.directory().operations == [])
        #expect(try group0.voters(of: 1) == [1, 2])
    }

    // MARK: Limits

    @Test func soManyRunAtOnceAndNoMore() throws {
        for node in 0..<OperationRecord.maximumRunning {
            let id = UInt64(node)
            // Groups that are there already are moved: each has one operation.
            #expect(try group0.apply(.addGroup(pool: "paid", placing(1))) == .groupAdded(GroupID(UInt32(4 + node))))
            let group = GroupID(UInt32(4 + node))
            #expect(try group0.begin(id, .moveReplicas(group, from: placing(1), to: placing(2))) == .done)
        }
        #expect(try group0.begin(1_000, .rebalance) == .refused(.tooManyEntries))
        #expect(try group0.begin(5, .rebalance) == .done, "the same again takes no more room")
        #expect(try group0.end(9, .succeeded) == .done)
        #expect(try group0.begin(1_000, .rebalance) == .done)
        #expect(try group0.directory().runningOperations.count == OperationRecord.maximumRunning)
    }

    @Test func theOldestThatHaveEndedAreForgotten() throws {
        let count = OperationRecord.maximumEnded + 30
        for number in 0..<count {
            group0.milliseconds = 1_000 + Int64(number)
            // In the order in which they end, and not in that of their numbers.
            let id = UInt64(10_000 - number)
            #expect(try group0.begin(id, .rebalance) == .done)
            #expect(try group0.end(id, number % 2 == 0 ? .succeeded : .failed) == .done)
        }
        #expect(try group0.begin(1, .drain(NodeID(1))) == .done)
        let operations = try group0.directory().operations
        #expect(operations.count == OperationRecord.maximumEnded + 1)
        let ended = operations.filter { $0.state != .running }
        #expect(ended.compactMap(\.ended?.rawValue).min() == 1_000 + Int64(count - OperationRecord.maximumEnded))
        #expect(try group0.end(10_000, .succeeded) == .refused(.noSuchOperation))
    }

    // MARK: Ending

    @Test(arguments: [OperationState.succeeded, .failed, .cancelled])
    func aDrainEnds(_ state: OperationState) throws {
        #expect(try group0.begin(1, .drain(NodeID(1))) == .done)
        group0.milliseconds = 70
        #expect(try group0.end(1, state) == .done)
        let wanted: [OperationState: NodeState] = [.succeeded: .drained, .failed: .draining, .cancelled: .active]
        #expect(try group0.state(of: 1) == wanted[state])
        #expect(try group0.operation(1)?.state == state)
        #expect(try group0.operation(1)?.ended == Timestamp(milliseconds: 70))
    }

    @Test(arguments: [OperationState.succeeded, .failed, .cancelled])
    func aDecommissionEnds(_ state: OperationState) throws {
        #expect(try group0.begin(1, .decommission(NodeID(1))) == .done)
        #expect(try group0.end(1, state) == .done)
        let wanted: [OperationState: NodeState] = [
            .succeeded: .decommissioned, .failed: .decommissioning, .cancelled: .active,
        ]
        #expect(try group0.state(of: 1) == wanted[state])
    }

    @Test(arguments: [OperationState.succeeded, .failed, .cancelled])
    func aMoveEnds(_ state: OperationState) throws {
        let old = try #require(try group0.directory().group(GroupID(1))?.placing)
        try group0.reportVoters([1, 2, 3], of: 1)
        #expect(try group0.begin(1, .moveReplicas(GroupID(1), from: old, to: placing(1, 2))) == .done)
        #expect(try group0.end(1, state) == .done)
        #expect(try group0.voters(of: 1) == (state == .cancelled ? [1, 2, 3] : [1, 2]))
    }

    @Test func anOperationEndsOnce() throws {
        #expect(try group0.end(1, .succeeded) == .refused(.noSuchOperation))
        #expect(try group0.begin(1, .drain(NodeID(1))) == .done)
        #expect(try group0.end(1, .running) == .refused(.notFromHere))
        #expect(try group0.end(1, .succeeded) == .done)
        #expect(try group0.end(1, .succeeded) == .done, "said twice")
        #expect(try group0.end(1, .cancelled) == .refused(.notFromHere))
        #expect(try group0.state(of: 1) == .drained)
    }

    /// An admin has decided otherwise meanwhile: the end of the operation does not undo that.
    @Test func whatWasChangedMeanwhileStays() throws {
        let old = try #require(try group0.directory().group(GroupID(1))?.placing)
        #expect(try group0.begin(1, .drain(NodeID(1))) == .done)
        #expect(try group0.apply(.setNodeState(NodeID(1), .cordoned)) == .done)
        #expect(try group0.end(1, .cancelled) == .done)
        #expect(try group0.state(of: 1) == .cordoned)
        #expect(try group0.begin(2, .decommission(NodeID(2))) == .done)
        #expect(try group0.apply(.setNodeState(NodeID(2), .cordoned)) == .done)
        #expect(try group0.end(2, .succeeded) == .done)
        #expect(try group0.state(of: 2) == .cordoned)
        #expect(try group0.begin(3, .moveReplicas(GroupID(1), from: old, to: placing(1, 2))) == .done)
        #expect(try group0.apply(.placeGroup(GroupID(1), placing(2), replacing: nil)) == .done)
        #expect(try group0.end(3, .cancelled) == .done)
        #expect(try group0.voters(of: 1) == [2])
    }

    /// The node that the group was to leave has gone meanwhile: the move is cancelled, and the group stays.
    @Test func aMoveWhoseWayBackIsClosed() throws {
        let old = try #require(try group0.directory().group(GroupID(1))?.placing)
        #expect(try group0.begin(1, .moveReplicas(GroupID(1), from: old, to: placing(1, 2))) == .done)
        try group0.reportVoters([1, 2], of: 1)
        #expect(try group0.apply(.setNodeState(NodeID(3), .decommissioning)) == .done)
        #expect(try group0.end(1, .cancelled) == .done)
        #expect(try group0.operation(1)?.state == .cancelled)
        #expect(try group0.voters(of: 1) == [1, 2])
    }

    /// What was removed is not brought back.
    @Test func aMoveOfAGroupThatIsGone() throws {
        #expect(try group0.apply(.addGroup(pool: "paid", placing(1))) == .groupAdded(GroupID(4)))
        #expect(try group0.begin(1, .moveReplicas(GroupID(4), from: placing(1), to: placing(2))) == .done)
        #expect(try group0.apply(.removeGroup(GroupID(4))) == .done)
        #expect(try group0.end(1, .cancelled) == .done)
        #expect(try group0.directory().group(GroupID(4)) == nil)
    }
}
