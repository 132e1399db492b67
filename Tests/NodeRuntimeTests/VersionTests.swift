import Consensus
import MailModel
import MailStore
import NIOConcurrencyHelpers
import NIOCore
import PeerTransport
import ReplicaCore
import Testing

@testable import NodeRuntime

/// The cluster goes on to the next version when all its nodes know it, and nobody is left behind.
@Suite struct VersionTests {
    private static let first = KnownVersions(.first, .first)
    private static let second = ClusterVersion(rawValue: 2)
    private static let both = KnownVersions(.first, second)
    /// Long enough for nodes to be heard of, and for the leader to look at them.
    private static let ticks = 300

    private func cluster(_ versions: [KnownVersions]) throws -> TestCluster {
        let cluster = try TestCluster(nodes: versions.count, groups: 2, versions: versions)
        cluster.run(ticks: Self.ticks)
        try #require(cluster.allAreLed)
        return cluster
    }

    private func versions(_ cluster: TestCluster) -> [UInt8] {
        cluster.nodes.map { $0.core?.loop.floor.version.cluster.rawValue ?? 0 }
    }

    private func restart(_ node: TestNode, _ versions: KnownVersions, in cluster: TestCluster) throws {
        node.kill()
        node.versions = versions
        try cluster.start(node)
    }

    @Test func itStaysWhereAllCanFollow() throws {
        let cluster = try cluster([Self.both, Self.first, Self.both])
        #expect(versions(cluster) == [1, 1, 1])
        let directory = try #require(try cluster[3].core?.reader.directory())
        #expect(directory.nodes.map(\.description.versions) == [Self.both, Self.first, Self.both])
        #expect(directory.version == .first)
    }

    @Test func itGoesOnWithTheLastNode() throws {
        let cluster = try cluster([Self.both, Self.first, Self.both])
        try restart(cluster[2], Self.both, in: cluster)
        cluster.run(ticks: Self.ticks)
        #expect(versions(cluster) == [2, 2, 2])
        // And it is kept.
        try restart(cluster[1], Self.both, in: cluster)
        #expect(cluster[1].core?.loop.floor.version.cluster == Self.second)
    }

    @Test func whatIsWrittenSaysTheVersion() throws {
        for (versions, expected) in [([Self.first, Self.both, Self.both], 1), ([Self.both, Self.both, Self.both], 2)] {
            let cluster = try cluster(versions)
            let loop = try #require(cluster.leader(of: GroupID(1))?.core?.loop)
            var written: [UInt8?] = []
            loop.submit(Self.call { _ in })
            for batch in loop.floor.proposals.values { written += batch.payloads.map { $0.readableBytesView.first } }
            #expect(written == [UInt8(expected)])
        }
    }

    /// A node that is down was heard of, but its replica's state may be of any age.
    @Test func aNodeThatWasNeverHeardOfHoldsTheOthersBack() throws {
        let cluster = try TestCluster(nodes: 3, groups: 2, versions: [Self.both, Self.both, Self.both])
        cluster[3].kill()
        cluster.run(ticks: Self.ticks)
        #expect(versions(cluster) == [1, 1, 0])
        try restart(cluster[3], Self.both, in: cluster)
        cluster.run(ticks: Self.ticks)
        #expect(versions(cluster) == [2, 2, 2])
    }

    /// What the newer program said before the older one took its place again arrives behind the older one's word.
    @Test func aLateRegistrationDoesNotRaiseTheVersion() throws {
        let cluster = try TestCluster(nodes: 3, groups: 2, versions: [Self.both, Self.both, Self.both])
        var late: [(message: PeerMessage, sender: NodeID)] = []
        cluster.run(ticks: 60) { message, from, _ in
            guard case .forward(.directory, _, let payload) = message,
                case .directory(.registerNode)? = (try? CommandEnvelope(decoding: payload))?.command
            else { return false }
            late.append((message, from))
            return true
        }
        // One that does not lead the directory.
        let sender = try #require(late.first?.sender)
        let node = try #require(cluster.nodes.first { $0.id == sender })
        try restart(node, Self.first, in: cluster)
        cluster.run(ticks: 60)
        #expect(node.core?.agent.isTold == true)
        for (message, from) in late where from == sender {
            cluster.leader(of: .directory)?.core?.inbox.put(.received([message], from: sender, nil))
        }
        cluster.run(ticks: Self.ticks)
        #expect(versions(cluster) == [1, 1, 1])
        let directory = try #require(try node.core?.reader.directory())
        #expect(directory.node(sender)?.description.versions == Self.first)
    }

    /// Back to the older program, too late.
    @Test func anOlderProgramIsRefused() throws {
        let cluster = try cluster([Self.both, Self.both, Self.both])
        #expect(versions(cluster) == [2, 2, 2])
        let error = #expect(throws: VersionError.self) {
            try restart(cluster[2], Self.first, in: cluster)
        }
        #expect(
            error?.description
                == "the cluster is at version 2, and this program knows version 1 only. Start the newer program that "
                + "this node or the others ran before."
        )
    }

    /// It has not heard that the cluster went on.
    @Test func anOlderProgramThatMissedItEnds() throws {
        let cluster = try TestCluster(nodes: 3, groups: 2, versions: [Self.both, Self.both, Self.both])
        // Heard of, and gone, before anybody looks.
        cluster.run(ticks: 40)
        try #require(try cluster[1].core?.reader.directory()?.nodes.count == 3)
        cluster[3].kill()
        cluster.run(ticks: Self.ticks)
        #expect(versions(cluster) == [2, 2, 0])
        cluster[3].expectsFailure = true
        try restart(cluster[3], Self.first, in: cluster)
        cluster.run(ticks: Self.ticks)
        #expect((cluster[3].failure as? VersionError)?.known == Self.first)
    }

    /// What cannot be read is the cluster's doing, and no fault of the disk.
    @Test func anOlderProgramThatMeetsANewerCommandSaysSo() throws {
        let cluster = try TestCluster(nodes: 3, groups: 2, versions: [Self.both, Self.both, Self.both])
        cluster.run(ticks: 40)
        cluster[3].kill()
        cluster.run(ticks: Self.ticks)
        let leader = try #require(cluster.leader(of: GroupID(1))?.core?.loop)
        leader.submit(Self.call { _ in })
        cluster.run(ticks: 4)
        cluster[3].expectsFailure = true
        try restart(cluster[3], Self.first, in: cluster)
        cluster.run(ticks: 100) { message, _, to in
            guard case .replica(let message) = message else { return false }
            return to == cluster[3].id && message.group == .directory
        }
        let error = try #require(cluster[3].failure as? VersionError)
        #expect(error.cluster == Self.second)
    }

    /// The directory hears of it, and stays where all can follow.
    @Test func goingBackInTimeHoldsTheOthersBack() throws {
        let cluster = try cluster([Self.both, Self.first, Self.both])
        try restart(cluster[3], Self.first, in: cluster)
        cluster.run(ticks: 40)
        try restart(cluster[2], Self.both, in: cluster)
        cluster.run(ticks: Self.ticks)
        #expect(versions(cluster) == [1, 1, 1])
        try restart(cluster[3], Self.both, in: cluster)
        cluster.run(ticks: Self.ticks)
        #expect(versions(cluster) == [2, 2, 2])
    }

    private static let newer = KnownVersions(second, ClusterVersion(rawValue: 3))

    /// What it has of the directory says nothing: that may be old. The directory itself tells it.
    @Test func aProgramThatIsTooNewIsRefused() throws {
        let cluster = try cluster([Self.first, Self.first, Self.first])
        cluster[2].expectsFailure = true
        try restart(cluster[2], Self.newer, in: cluster)
        let answers = NIOLockedValueBox<[Result<MailOutcome, ServiceFailure>]>([])
        cluster[2].core?.loop.submit(Self.call { answer in answers.withLockedValue { $0.append(answer) } })
        #expect(answers.withLockedValue { $0 } == [.failure(.unavailable)], "nobody writes what others cannot read")
        cluster.run(ticks: Self.ticks)
        let error = try #require(cluster[2].failure as? VersionError)
        #expect(
            error.description
                == "the cluster is at version 1, and this program knows versions 2 to 3 only. Start the program before "
                + "this one, on all nodes, and then go on one program at a time."
        )
        #expect(versions(cluster)[0] == 1)
        #expect(cluster[1].failure == nil)
        #expect(cluster[3].failure == nil)
    }

    /// It was away when the cluster went on, and comes back with the program after that.
    @Test func aNewerProgramOnAnOlderStateCatchesUp() throws {
        let cluster = try TestCluster(nodes: 3, groups: 2, versions: [Self.both, Self.both, Self.both])
        cluster.run(ticks: 40)
        cluster[3].kill()
        cluster.run(ticks: Self.ticks)
        #expect(versions(cluster) == [2, 2, 0])
        try restart(cluster[3], Self.newer, in: cluster)
        #expect(cluster[3].core?.loop.floor.version.cluster == .first)
        cluster.run(ticks: Self.ticks)
        #expect(versions(cluster) == [2, 2, 2])
        #expect(cluster[3].core?.agent.isTold == true)
    }

    private static func call(_ completion: @escaping @Sendable (Result<MailOutcome, ServiceFailure>) -> Void)
        -> ClientCall
    {
        ClientCall(
            group: GroupID(1),
            account: AccountID(1),
            command: .deleteAccount,
            deadlineMilliseconds: .max,
            completion: Completion(on: nil, completion)
        )
    }
}
