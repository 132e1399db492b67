import Consensus
import MailModel
import MailStore
import PeerTransport
import Placement
import ReplicaCore
import Testing

@testable import NodeRuntime

/// The node that leads the directory brings about what the scheduler decides.
@Suite struct SchedulingTests {
    private static let group = GroupID(1)
    private static let deadAfterSeconds = 20

    /// A cluster in order: each group has three voters, as its rule wants.
    private final class Bench {
        let cluster: TestCluster
        private(set) var heard: [(message: PeerMessage, from: NodeID)] = []

        init(nodes: Int = 4, isScheduling: Bool = true) throws {
            cluster = try TestCluster(nodes: nodes, groups: 4) { $0.isScheduling = isScheduling }
            for node in cluster.nodes { node.diskSpace = DiskSpace(freeBytes: 1 << 39, capacityBytes: 1 << 40) }
            cluster.run(ticks: 160)
            let placement = PlacementSettings(deadAfterSeconds: SchedulingTests.deadAfterSeconds)
            try direct(.setScheduler(SchedulerSettings(placement: placement)))
            guard isScheduling else { return }
            try #require(run(until: { self.allHaveThree }), "\(story)")
        }

        var chief: TestNode? { cluster.nodes.first { !$0.isStopped && $0.core?.replica(.directory)?.isLeader == true } }
        var directory: Directory? { chief?.core?.directory.now }

        var allHaveThree: Bool {
            guard let directory else { return false }
            return directory.groups.allSatisfy { group in
                group.isSettled && group.placing.voters.count == 3
                    && (group.id == .directory || group.members.learners.isEmpty)
            }
        }

        /// What the directory says, for those who read of a failure.
        var story: String {
            let nodes = directory?.nodes.map { "\($0.id.rawValue) \($0.state)" } ?? []
            let groups = directory?.groups.map { group in
                let (present, wanted) = (group.members.voterNodes, group.placing.voters)
                let learners = group.members.learners
                return "\(group.id.rawValue): \(present.map(\.rawValue)) to \(wanted.map(\.rawValue)), \(learners)"
            }
            return "\(nodes), \(groups ?? [])"
        }

        func direct(_ command: DirectoryCommand) throws {
            let heard = Heard<MailOutcome>()
            let node = try #require(chief)
            node.service?.submit(.directory(command), to: .directory, account: AccountID(0), heard.completion)
            run(ticks: 10)
            try #require(heard.value == .success(.done))
        }

        func run(ticks: Int) {
            cluster.run(ticks: ticks) { message, from, _ in
                if case .survey = message { self.heard.append((message, from)) }
                return false
            }
        }

        func takeHeard() -> [(message: PeerMessage, from: NodeID)] {
            defer { heard = [] }
            return heard
        }

        /// - Returns: whether it came true in time.
        @discardableResult
        func run(until isTrue: () -> Bool, ticks limit: Int = 3_000) -> Bool {
            for _ in 0..<limit / 10 {
                if isTrue() { return true }
                run(ticks: 10)
            }
            return isTrue()
        }

        func voters(of group: GroupID) -> [UInt64] {
            directory?.group(group)?.members.voterNodes.map(\.rawValue) ?? []
        }

        func led(by node: TestNode) -> [GroupID] {
            cluster.groups.filter { node.core?.replica($0)?.isLeader == true }
        }

        func operation(_ id: UInt64) -> OperationState? {
            directory?.operations.first { $0.id.rawValue == id }?.state
        }

        func begin(_ id: UInt64, _ kind: OperationKind) throws {
            try direct(.beginOperation(OperationID(rawValue: id), kind, OperationWork()))
        }
    }

    @Test func aGroupWithTooFewVotersGetsAnother() throws {
        let bench = try Bench()
        let voters = bench.voters(of: Self.group)
        let former = try #require(bench.directory?.group(Self.group)?.placing)
        let two = Placing(voters: voters.prefix(2).map { NodeID($0) })
        try bench.direct(.placeGroup(Self.group, two, replacing: former))
        #expect(bench.run { bench.directory?.group(Self.group)?.members.voterNodes.count == 2 })
        #expect(bench.run { bench.allHaveThree })
        #expect(bench.voters(of: Self.group).count == 3)
    }

    @Test func theReplicasOfADeadNodeAreReplaced() throws {
        let bench = try Bench()
        let node = try #require(bench.cluster.nodes.first { $0 !== bench.chief })
        node.kill()
        bench.run(ticks: 20 * (Self.deadAfterSeconds - 5))
        let before = bench.directory?.groups.map(\.placing.voters)
        #expect(before?.contains { $0.contains(node.id) } == true, "it may come back")
        let isReplaced = bench.run {
            bench.allHaveThree && bench.directory?.groups.allSatisfy { !$0.placing.voters.contains(node.id) } == true
        }
        #expect(isReplaced)
        // When it is back, it knows that it is not to have them any more.
        try bench.cluster.start(node)
        let isLeft = bench.run {
            bench.cluster.groups.dropFirst().allSatisfy { group in
                node.core?.replica(group) == nil || bench.voters(of: group).contains(node.id.rawValue)
            }
        }
        #expect(isLeft)
    }

    /// What an admin says of copies counts on every node at once, and the nodes' own settings when it is taken back.
    @Test func theRateOfCopiesIsThatOfTheDirectory() throws {
        let bench = try Bench()
        func rates() -> Set<Int?> { Set(bench.cluster.nodes.map { $0.core?.loop.floor.ways.snapshots.bytesPerSecond }) }
        let own = bench.cluster.settings.snapshots.bytesPerSecond
        #expect(rates() == [own])
        try bench.direct(.setScheduler(SchedulerSettings(copyMebibytesPerSecond: 5)))
        bench.run(ticks: 20)
        #expect(rates() == [5 << 20])
        try bench.direct(.setScheduler(SchedulerSettings()))
        bench.run(ticks: 20)
        #expect(rates() == [own])
    }

    @Test func aDrainedNodeLeadsNothing() throws {
        let bench = try Bench()
        let node = try #require(bench.cluster.nodes.first { $0 !== bench.chief && !bench.led(by: $0).isEmpty })
        try bench.begin(1, .drain(node.id))
        #expect(bench.run { bench.operation(1) == .succeeded })
        #expect(bench.led(by: node) == [])
        #expect(bench.directory?.node(node.id)?.state == .drained)
        bench.run(ticks: 400)
        #expect(bench.led(by: node) == [], "nothing comes back")
        #expect(bench.allHaveThree, "its replicas stay")
    }

    /// The node that plans is drained itself: the next one goes on.
    @Test func whoLeadsTheDirectoryNextGoesOn() throws {
        let bench = try Bench()
        let chief = try #require(bench.chief)
        try bench.begin(1, .drain(chief.id))
        #expect(bench.run { bench.operation(1) == .succeeded })
        #expect(bench.chief !== chief)
        #expect(bench.led(by: chief) == [])
    }

    @Test func whoPlansMayDieMeanwhile() throws {
        let bench = try Bench(nodes: 5)
        let chief = try #require(bench.chief)
        let node = try #require(bench.cluster.nodes.first { $0 !== chief })
        try bench.begin(1, .decommission(node.id))
        chief.kill()
        #expect(bench.run { bench.chief != nil })
        #expect(bench.run { bench.operation(1) == .succeeded })
        #expect(bench.directory?.node(node.id)?.state == .decommissioned)
        let held = bench.directory?.groups.filter { $0.id != .directory && $0.holders.contains(node.id) }
        #expect(held?.isEmpty == true)
    }

    /// The directory takes its time: what it was told once, it is not told again before it has answered.
    @Test func nothingIsDecidedTwiceWhileItIsUnderWay() throws {
        let bench = try Bench()
        let chief = try #require(bench.chief)
        let node = try #require(bench.cluster.nodes.first { $0 !== chief })
        let reader = MailReader(store: chief.state)
        let event = try reader.lastEvent()
        try bench.begin(1, .decommission(node.id))
        chief.isStateBusy = true
        func lastIndex() -> UInt64 { chief.core?.replica(.directory)?.raft.status.lastIndex.rawValue ?? 0 }
        let before = lastIndex()
        bench.run(ticks: 200)
        let told = lastIndex() - before
        // Each group once, and what its leader says of its members. Without restraint it would be ten times as much.
        #expect(told <= UInt64(2 * bench.cluster.groups.count))
        chief.isStateBusy = false
        #expect(bench.run { bench.operation(1) == .succeeded })
        let placed = try reader.events(after: event, limit: .max).map(\.event).filter { $0.kind == .groupPlaced }
        #expect(Set(placed.map(\.group)).count == placed.count, "each group was placed once")
    }

    @Test func withoutSchedulingNothingIsAskedAndNothingDecided() throws {
        let bench = try Bench(isScheduling: false)
        _ = bench.takeHeard()
        let index = bench.directory?.index
        bench.run(ticks: 600)
        #expect(bench.takeHeard().isEmpty)
        #expect(bench.directory?.index == index)
        #expect(bench.directory?.groups.allSatisfy { $0.placing.voters.count == 4 } == true)
    }

    /// Only the node that leads the directory asks, once a second, and each of the others answers.
    @Test func whereAllIsWellOneNodeAsks() throws {
        let bench = try Bench()
        bench.run(ticks: 400)
        _ = bench.takeHeard()
        let index = bench.directory?.index
        bench.run(ticks: 200)
        let heard = bench.takeHeard()
        let asking = heard.filter { if case .survey(.ask) = $0.message { true } else { false } }
        #expect(Set(asking.map(\.from)) == Set([bench.chief?.id].compactMap(\.self)))
        #expect((24...36).contains(asking.count), "three others, ten times")
        #expect(heard.count == 2 * asking.count)
        #expect(bench.directory?.index == index, "nothing is to be done")
    }
}
