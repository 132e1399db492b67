import Consensus
import LogStorage
import MailModel
import PeerTransport
import ReplicaCore
import StateStorage
import Testing

@testable import NodeRuntime

/// How a cluster begins: once, with the directories that its nodes have then.
@Suite struct FoundingTests {
    /// Ticks in which a cluster whose nodes are all there begins, and elects.
    private static let beginTicks = 200
    /// Somewhat more than the time after which a node says for whom it waits.
    private static let waitTicks = 110

    private func cluster(_ change: (inout CoreSettings) -> Void = { _ in }) throws -> TestCluster {
        try TestCluster(groups: 4, isFounded: false, change)
    }

    private func begunCluster() throws -> TestCluster {
        let cluster = try cluster()
        cluster.run(ticks: Self.beginTicks)
        try #require(cluster.nodes.allSatisfy { $0.identity.isComplete } && cluster.allAreLed)
        return cluster
    }

    private static func founders(_ directories: UInt64...) -> [Founder] {
        directories.enumerated().map { Founder(node: NodeID(UInt64($0 + 1)), directory: $1) }
    }
    private static let begun = founders(11, 12, 13)

    private func founders(_ cluster: TestCluster) -> [[Founder]] { cluster.nodes.map(\.identity.founders) }

    private func replicas(of node: TestNode) -> [ReplicaID] { node.core?.replicas.map(\.id) ?? [] }

    private func foundingReplicas(of directory: UInt64, _ cluster: TestCluster) -> [ReplicaID] {
        cluster.groups.map { Founder.replica(of: $0, in: directory, 0) }
    }

    /// `@unchecked Sendable`: a test cluster has one thread.
    private final class Told: @unchecked Sendable {
        var waits: [[NodeID]] = []
        var foundings: [[Founder]] = []

        init(_ node: TestNode) {
            var observers = Observers()
            observers.membership = { [self] event in
                switch event {
                case .waiting(let nodes): waits.append(nodes)
                case .founded(let founders): foundings.append(founders)
                default: break
                }
            }
            node.core?.observe(observers)
        }
    }

    @Test func aClusterBeginsWhenAllItsNodesAreThere() throws {
        let cluster = try cluster()
        cluster[3].kill()
        let told = [Told(cluster[1]), Told(cluster[2])]
        cluster.run(ticks: Self.waitTicks)
        #expect(founders(cluster) == [[], [], []])
        #expect(cluster.nodes.allSatisfy { replicas(of: $0).isEmpty })
        #expect(told.map { $0.waits } == [[[NodeID(3)]], [[NodeID(3)]]])

        try cluster.start(cluster[3])
        cluster.run(ticks: Self.beginTicks)
        #expect(founders(cluster) == Array(repeating: Self.begun, count: 3))
        #expect(told.map { $0.foundings } == [[Self.begun], [Self.begun]])
        #expect(cluster.nodes.allSatisfy { $0.identity.isComplete })
        #expect(cluster.allAreLed)
        for node in cluster.nodes {
            #expect(replicas(of: node) == foundingReplicas(of: node.id.rawValue + 10, cluster))
            for group in cluster.groups {
                #expect(node.core?.replica(group)?.raft.configuration == node.identity.configuration(of: group))
            }
        }
    }

    /// Everybody has heard of everybody but the lowest, which hears nobody: nobody decides in its place.
    @Test func onlyTheLowestNodeDecides() throws {
        let cluster = try cluster()
        let told = cluster.nodes.map(Told.init)
        cluster.run(ticks: Self.waitTicks) { _, _, to in to == NodeID(1) }
        #expect(founders(cluster) == [[], [], []])
        #expect(told.map { $0.waits } == [[[NodeID(2), NodeID(3)]], [[NodeID(1)]], [[NodeID(1)]]])
        cluster.run(ticks: 20)
        #expect(founders(cluster) == Array(repeating: Self.begun, count: 3))
    }

    /// What a node said last counts: nobody votes with a directory that is gone.
    @Test func aDirectoryThatIsReplacedBeforeIsNoFounder() throws {
        let cluster = try cluster()
        cluster[2].kill()
        cluster.run(ticks: 20)
        cluster[3].loseDisk()
        cluster[3].identity = cluster.unfounded(directory: 33)
        try cluster.start(cluster[3])
        cluster.run(ticks: 20)
        try cluster.start(cluster[2])
        cluster.run(ticks: Self.beginTicks)
        #expect(founders(cluster) == Array(repeating: Self.founders(11, 12, 33), count: 3))
        #expect(cluster.allAreLed)
    }

    /// A node that comes with another directory is told how the cluster began, without it: its replicas ask to be taken
    /// in, and are others than those that voted from its node.
    @Test(arguments: [1, 3]) func aDirectoryThatComesLaterIsNoFounder(_ number: Int) throws {
        let cluster = try begunCluster()
        let node = cluster[number]
        node.loseDisk()
        cluster.run(ticks: 40)
        node.identity = cluster.unfounded(directory: 33)
        try cluster.start(node)
        cluster.run(ticks: 600)
        #expect(node.identity.founders == Self.begun && node.identity.isComplete)
        let old = Set(foundingReplicas(of: UInt64(number) + 10, cluster) + foundingReplicas(of: 33, cluster))
        try expectTakenIn(node, notAs: old, cluster)
    }

    /// The directory knows that it had its groups. Its replicas may have promised what the log does not have any more.
    @Test func aFounderThatHasLostItsGroupsDoesNotBeginThemAnew() throws {
        let cluster = try begunCluster()
        cluster[2].loseDisk()
        cluster.run(ticks: 40)
        try cluster.start(cluster[2])
        cluster.run(ticks: 600)
        try expectTakenIn(cluster[2], notAs: Set(foundingReplicas(of: 12, cluster)), cluster)
    }

    private func expectTakenIn(_ node: TestNode, notAs old: Set<ReplicaID>, _ cluster: TestCluster) throws {
        for group in cluster.groups {
            let own = try #require(node.core?.replica(group))
            #expect(!old.contains(own.id))
            let configuration = try #require(cluster.leader(of: group)?.core?.replica(group)).raft.configuration
            #expect(configuration.voters.count == 3 && configuration.isVoter(own.id) && !configuration.isJoint)
            #expect(configuration.members.count { $0.node == node.id } == 1)
        }
    }

    // MARK: Interrupted

    /// Until the decision is on the disk, nothing follows from it: no group begins, and nobody is told.
    @Test func nothingFollowsFromADecisionBeforeItIsDurable() throws {
        let cluster = try cluster()
        let background = HeldBlocking()
        cluster[1].kill()
        cluster[1].background = background
        try cluster.start(cluster[1])
        background.hold()
        cluster.run(ticks: 40)
        #expect(founders(cluster) == [[], [], []])
        #expect(cluster.nodes.allSatisfy { replicas(of: $0).isEmpty })
        background.letGo()
        cluster.run(ticks: Self.beginTicks)
        #expect(founders(cluster) == Array(repeating: Self.begun, count: 3))
        #expect(cluster.allAreLed)
    }

    /// A crash behind the decision, with some of the groups in the log: the others are made as they were founded.
    @Test func aFoundingThatWasInterruptedGoesOn() throws {
        let cluster = try cluster()
        for node in cluster.nodes {
            node.kill()
            node.identity.founders = Self.begun
        }
        let settings = LogSettings(logID: cluster[2].id.rawValue)
        let (log, _) = try SegmentedLog.open(disk: cluster[2].disk, settings: settings)
        let groups = cluster.groups.dropLast(2)
        try log.append(
            LogRound(
                groups.map { group in
                    let configuration = cluster[2].identity.configuration(of: group)
                    let point = SnapshotPoint(index: .zero, term: .zero, configuration: configuration)
                    return .createGroup(group, replica: Founder.replica(of: group, in: 12, 0), point)
                }
            )
        )
        for node in cluster.nodes { try cluster.start(node) }
        cluster.run(ticks: Self.beginTicks)
        #expect(cluster.allAreLed)
        for node in cluster.nodes {
            #expect(node.identity.isComplete)
            #expect(replicas(of: node) == foundingReplicas(of: node.id.rawValue + 10, cluster))
        }
    }

    @Test func aDecisionThatCannotBeSavedEndsTheNode() throws {
        let cluster = try cluster()
        cluster[1].expectsFailure = true
        cluster[1].savingFailure = StateError(kind: .noSpace, message: "the disk is full", path: "")
        cluster.run(ticks: Self.waitTicks)
        #expect(cluster[1].failure is StateError)
        #expect(founders(cluster) == [[], [], []])
        #expect(cluster.nodes.allSatisfy { replicas(of: $0).isEmpty })
    }

    /// The number of groups is the cluster's, whatever a node's settings say.
    @Test func aNodeWithAnotherNumberOfGroupsIsRefused() throws {
        let cluster = try cluster()
        cluster[3].kill()
        cluster[3].identity = NodeIdentity(directory: 13, mailGroups: 5)
        cluster[3].expectsFailure = true
        try cluster.start(cluster[3])
        cluster.run(ticks: Self.beginTicks)
        let failure = try #require(cluster[3].failure as? StartupError)
        #expect(failure.description.contains("has 3 groups") && failure.description.contains("cluster.groups 3"))
        #expect(!cluster[3].identity.isFounded && replicas(of: cluster[3]).isEmpty)
    }
}
