import Consensus
import MailModel
import Testing

@testable import Placement

/// A vendor is lost, and the cluster is brought in order again.
@Suite struct RecoveryTests {
    private static let lost = Label(key: "vendor", value: "vendor0")

    /// Small ones always; the size of a real cluster where the build is optimised.
    static let sizes: [Recovery.Size] = {
        var sizes = [
            Recovery.Size(nodes: 18, vendors: 3, groups: 200), Recovery.Size(nodes: 24, vendors: 4, groups: 200),
        ]
        #if !DEBUG
            sizes += [
                Recovery.Size(nodes: 50, vendors: 3, groups: 2_000, movesPerCluster: 64),
                Recovery.Size(nodes: 50, vendors: 4, groups: 2_000, movesPerCluster: 64),
                Recovery.Size(nodes: 36, vendors: 4, groups: 4_096, movesPerCluster: 64),
            ]
        #endif
        return sizes
    }()

    @Test(arguments: sizes)
    func everyGroupHasItsVotersAgain(_ size: Recovery.Size) {
        var recovery = Recovery(size)
        recovery.run()
        #expect(recovery.repairBytes == 0)
        #expect(Survivability.promises(in: recovery.view).map(\.holds) == [true])

        let hadToMove = recovery.bytes(on: Self.lost)
        recovery = recovery.afterLoss(of: Self.lost)
        recovery.run()
        print(recovery.summary("\(size.vendors) vendors, one lost", hadToMove: hadToMove))

        let view = recovery.view
        for group in view.groups {
            let nodes = group.replicas.compactMap { view.node($0.node) }
            #expect(nodes.map(\.liveness) == [.alive, .alive, .alive], "group \(group.id)")
            let measure = DumbSpread.measure(nodes, ["vendor", "datacenter"])
            #expect(measure == (size.vendors == 3 ? [1, 0, 2, 1] : [0, 0, 1, 1]), "group \(group.id)")
        }
        let moved = recovery.repairBytes + recovery.balanceBytes
        #expect(recovery.repairBytes >= hadToMove)
        #expect(moved * 10 <= hadToMove * 11)
        #expect(recovery.lastPlan.waiting == [] && recovery.lastPlan.moves == [])
        judgePromise(view, isKept: size.vendors > 3, recovery.lastPlan)
        judgeLoads(view)
    }

    /// With two vendors left, three voters cannot be spread: the planner says so, for every group.
    private func judgePromise(_ view: ClusterView, isKept: Bool, _ plan: Plan) {
        for promise in Survivability.promises(in: view) {
            #expect(promise.holds == isKept)
            #expect(promise.shortfalls.map(\.key) == (isKept ? [] : ["vendor"]))
            #expect(Set(promise.broken.flatMap(\.loss.labels).map(\.key)) == (isKept ? [] : ["vendor"]))
        }
        #expect(Set(plan.unrepaired.map(\.group)).count == (isKept ? 0 : view.groups.count))
    }

    /// Nodes with the same labels are equally full. Between others, a single exchange would break the spread, and two
    /// at once are made for new nodes only: their loads stay as the groups' vendors and data centers happen to be
    /// combined.
    private func judgeLoads(_ view: ClusterView) {
        let alive = view.nodes.filter { $0.liveness == .alive }
        for node in alive {
            let alike = alive.filter { $0.labels == node.labels }.map(\.usedBytes)
            let average = Double(alike.reduce(0, +)) / Double(alike.count)
            let share = Double(node.usedBytes) / average
            #expect((0.85...1.15).contains(share), "node \(node.id)")
        }
    }

    /// Three nodes have become nine. Each step to full balance takes two copies: it is taken by itself until the new
    /// nodes have half of their share, and all the way when an admin asks for it.
    @Test func aClusterThatHasGrownIsEvenedOutOnRequest() {
        let vendors = ["alfa", "beta", "gamma"]
        let datacenters = ["milano", "roma", "torino"]
        let nodes = (0..<9).map { (place: Int) -> NodeView in
            Sample.node(
                UInt64(place + 1),
                vendors[(place / 3 + place) % 3],
                datacenters[place % 3],
                used: place < 3 ? 90 * Sample.gigabyte : 0
            )
        }
        let groups = (1...90).map { (number: UInt32) -> GroupView in
            Sample.group(number, on: [1, 2, 3], leader: UInt64(1 + number % 3), bytes: Sample.gigabyte)
        }
        let settings = PlacementSettings(balanceTolerancePercent: 10)
        func shares(_ view: ClusterView) -> [Double] {
            view.nodes.map { (node: NodeView) -> Double in
                let held = view.groups.count { group in group.replicas.contains { $0.node == node.id } }
                return Double(held) / 30
            }
        }
        var frugal = Referee(Sample.view(nodes, groups, settings: settings))
        frugal.settle()
        #expect(frugal.complaints == [] && frugal.lastPlan.unrepaired == [])
        #expect(shares(frugal.view).allSatisfy { $0 >= 0.5 })
        var even = Referee(frugal.view.evening())
        even.settle()
        #expect(even.complaints == [] && even.lastPlan.unrepaired == [])
        #expect(shares(even.view).allSatisfy { (0.8...1.2).contains($0) }, "\(shares(even.view))")
        #expect(shares(frugal.view).contains { $0 > 1.5 }, "\(shares(frugal.view))")
    }

    /// The lost nodes come back empty-handed: what they held is elsewhere, and they are filled again.
    @Test func aNewVendorIsTakenIn() {
        var recovery = Recovery(Recovery.Size(nodes: 18, vendors: 3, groups: 60))
        recovery = recovery.afterLoss(of: Self.lost)
        recovery.run()
        let nodes = recovery.view.nodes.map { node in
            guard node.liveness != .alive else { return node }
            return Sample.node(node.id.rawValue, "new", node.labels["datacenter"] ?? "", capacity: node.capacityBytes)
        }
        var referee = Referee(recovery.view.withNodes(nodes))
        referee.settle()
        #expect(referee.complaints == [])
        #expect(Survivability.promises(in: referee.view).map(\.holds) == [true])
        #expect(referee.lastPlan.unrepaired == [])
    }
}
