import Consensus
import MailModel
import Testing

@testable import Placement

@Suite struct SurvivabilityTests {
    private let groups = [
        Sample.group(1, on: [1, 2, 3], accounts: 100),
        // Two of alfa.
        Sample.group(2, on: [1, 4, 2], accounts: 20),
        // All of alfa.
        Sample.group(3, on: [1, 4], accounts: 3),
    ]

    private var view: ClusterView { Sample.view(Sample.six, groups) }

    private func loss(_ label: String, _ value: String) -> Survivability.Loss {
        Survivability.Loss(labels: [Label(key: label, value: value)])
    }

    @Test func oneValue() {
        let report = Survivability.of(loss("vendor", "alfa"), in: view)
        #expect(report.lastReplica.groups == [GroupID(3)] && report.lastReplica.accounts == 3)
        #expect(report.quorum.groups == [GroupID(2)] && report.quorum.accounts == 20)
        #expect(report.redundancy.groups == [GroupID(1)] && report.redundancy.accounts == 100)
        #expect(!report.isSurvived)
        let gamma = Survivability.of(loss("vendor", "gamma"), in: view)
        #expect(gamma.isSurvived && gamma.redundancy.groups == [GroupID(1)])
    }

    @Test func allValuesAndPairsAndNodes() {
        let values = Survivability.ofValues(in: view)
        #expect(
            values.map(\.loss.description).prefix(4) == [
                "vendor=alfa", "vendor=beta", "vendor=gamma", "datacenter=milano",
            ]
        )
        #expect(values.count == 6)
        let pairs = Survivability.ofPairs(in: view)
        #expect(pairs.count == 15)
        #expect(pairs[0].loss.description == "vendor=alfa and vendor=beta")
        #expect(pairs[0].lastReplica.groups == [GroupID(2), GroupID(3)])
        #expect(pairs[0].quorum.groups == [GroupID(1)])
        #expect(Survivability.ofNodes(in: view).count == 6)
        let mixed = Survivability.Loss(labels: [Label(key: "vendor", value: "gamma")], nodes: [NodeID(2)])
        #expect(mixed.description == "vendor=gamma and node 2")
        #expect(Survivability.of(mixed, in: view).quorum.groups == [GroupID(1)])
    }

    @Test func whatIsSoAlreadyDoesNotCount() {
        let nodes = Sample.six.with(2) { $0.liveness = .gone(seconds: 1) }.with(3) { $0.liveness = .gone(seconds: 1) }
        let report = Survivability.of(loss("vendor", "beta"), in: Sample.view(nodes, [groups[0]]))
        #expect(report.isSurvived && report.redundancy.groups == [])
        let alfa = Survivability.of(loss("vendor", "alfa"), in: Sample.view(nodes, [groups[0]]))
        #expect(alfa.lastReplica.groups == [GroupID(1)])
    }

    @Test func promises() throws {
        let kept = try #require(Survivability.promises(in: Sample.view(Sample.six, [groups[0]])).first)
        #expect(kept.pool == "paid" && kept.holds && kept.shortfalls == [])
        let broken = try #require(Survivability.promises(in: view).first)
        #expect(!broken.holds)
        #expect(
            broken.broken.map(\.loss) == [
                loss("vendor", "alfa"), loss("datacenter", "milano"), loss("datacenter", "roma"),
            ]
        )
        let dead = Sample.six.with(2) { $0.liveness = .gone(seconds: 900) }.with(3) {
            $0.liveness = .gone(seconds: 900)
        }
        let stopped = try #require(Survivability.promises(in: Sample.view(dead, [groups[0]])).first)
        #expect(!stopped.holds && stopped.stopped.groups == [GroupID(1)])
    }

    /// With all voters alive, the promise holds where the check of majorities finds nothing, and only there.
    @Test func thePromiseIsWhatTheCheckOfMajoritiesSays() {
        for seed in UInt64(0)..<500 {
            var cluster = RandomCluster(seed: seed)
            let nodes = cluster.nodes(2 + cluster.random.below(8)).map { node in
                Sample.node(node.id.rawValue, node.labels["vendor"] ?? "", node.labels["datacenter"] ?? "")
            }
            let count = min(nodes.count, 1 + cluster.random.below(5))
            let voters = nodes.map(\.id.rawValue).shuffled(using: &cluster.random).prefix(count)
            // An even number of voters stops already when half of them vanish.
            guard count % 2 == 1 else { continue }
            let view = Sample.view(nodes, [Sample.group(1, on: Array(voters))])
            let found = view.majorities(in: MoveConfiguration(voters: voters.map { NodeID($0) }), ofPool: "paid")
            #expect(Survivability.promises(in: view).allSatisfy(\.holds) == found.isEmpty, "seed \(seed)")
        }
    }
}
