import Consensus
import MailModel
import Testing

@testable import Placement

@Suite struct MajorityCheckTests {
    private func voters(_ labels: [(UInt64, String)]) -> [LabelledVoter] {
        labels.map { id, vendor in
            LabelledVoter(node: NodeID(id), labels: vendor.isEmpty ? [:] : ["vendor": vendor])
        }
    }

    @Test(
        arguments: [
            ("three vendors", [(1, "alfa"), (2, "beta"), (3, "gamma")], nil),
            ("two of three", [(1, "alfa"), (2, "beta"), (3, "alfa")], "alfa"),
            ("two of four", [(1, "alfa"), (2, "alfa"), (3, "beta"), (4, "beta")], nil),
            ("three of four", [(1, "alfa"), (2, "alfa"), (3, "alfa"), (4, "beta")], "alfa"),
            ("two of five", [(1, "alfa"), (2, "alfa"), (3, "beta"), (4, "beta"), (5, "gamma")], nil),
            ("three of five", [(1, "alfa"), (2, "alfa"), (3, "beta"), (4, "beta"), (5, "beta")], "beta"),
            ("not labelled", [(1, ""), (2, ""), (3, "")], nil),
            ("half labelled", [(1, "alfa"), (2, ""), (3, "alfa")], "alfa"),
            ("one voter", [(1, "alfa")], "alfa"),
            ("no voter", [], nil),
        ] as [(String, [(UInt64, String)], String?)]
    )
    func aMajorityOnOneValueIsFound(_ name: String, _ labels: [(UInt64, String)], _ value: String?) {
        let found = MajorityCheck.findings(voters: voters(labels), spread: ["vendor"])
        #expect(found.map(\.value) == value.map { [.labelled($0)] } ?? [], "\(name)")
        #expect(found.allSatisfy { $0.voters == labels.count && $0.half == .incoming })
        let outgoing = MajorityCheck.findings(voters: [], outgoingVoters: voters(labels), spread: ["vendor"])
        #expect(outgoing.map(\.value) == found.map(\.value))
        #expect(outgoing.allSatisfy { $0.half == .outgoing })
    }

    @Test func oneVoterWithoutLabelIsAMajorityByItself() {
        let found = MajorityCheck.findings(voters: voters([(4, "")]), spread: ["vendor"])
        #expect(found.map(\.value) == [.unlabelled(NodeID(4))])
        #expect(found.map(\.holders) == [[NodeID(4)]])
    }

    @Test func eachHalfOfAJointConfigurationIsLookedAt() {
        let even = voters([(1, "alfa"), (2, "beta"), (3, "gamma")])
        let uneven = voters([(1, "alfa"), (2, "beta"), (4, "alfa")])
        let found = MajorityCheck.findings(voters: even, outgoingVoters: uneven, spread: ["datacenter", "vendor"])
        #expect(
            found == [
                MajorityFinding(
                    key: "vendor",
                    value: .labelled("alfa"),
                    half: .outgoing,
                    holders: [NodeID(1), NodeID(4)],
                    voters: 3
                )
            ]
        )
        #expect("\(found[0])" == "vendor alfa holds 2 of 3 outgoing voters, which is a majority")
    }

    /// For the value of every voter: whether those with the same are more than half.
    private func dumbFindings(_ voters: [LabelledVoter], _ keys: [String]) -> Set<String> {
        var found: Set<String> = []
        for key in keys {
            for lost in voters {
                let value = DomainValue(of: key, node: lost.node, labels: lost.labels)
                let left = voters.count { DomainValue(of: key, node: $0.node, labels: $0.labels) != value }
                if left * 2 < voters.count { found.insert("\(key) \(value)") }
            }
        }
        return found
    }

    @Test func agreesWithTheDumbVersion() {
        var random = SplitMix64(seed: 3)
        for _ in 0..<20_000 {
            func draw() -> [LabelledVoter] {
                (0..<random.below(8)).map { id in
                    let vendor = ["alfa", "beta", "gamma", ""][random.below(4)]
                    return Sample.node(UInt64(id + 1), vendor, ["milano", "roma", ""][random.below(3)])
                }.map { LabelledVoter(node: $0.id, labels: $0.labels) }
            }
            let (incoming, outgoing) = (draw(), draw())
            let keys = ["vendor", "datacenter"]
            let found = MajorityCheck.findings(voters: incoming, outgoingVoters: outgoing, spread: keys)
            for (half, voters) in [(ConfigurationHalf.incoming, incoming), (.outgoing, outgoing)] {
                let names = found.filter { $0.half == half }.map { "\($0.key) \($0.value)" }
                #expect(Set(names) == dumbFindings(voters, keys))
                #expect(names.count == Set(names).count)
            }
        }
    }

    /// The packed measure of the planner and the check in words say the same.
    @Test func agreesWithThePackedMeasure() {
        for seed in UInt64(0)..<500 {
            var cluster = RandomCluster(seed: seed)
            let view = cluster.view()
            for group in view.groups.indices {
                let exam = GroupExam(group: group, in: view)
                let nodes = exam.voters.map { view.nodes[$0.node].id }
                // Two voters of a node without a label have the same value; the measure wants each node once.
                guard Set(nodes).count == nodes.count else { continue }
                let configuration = MoveConfiguration(voters: nodes)
                let keys = view.majorities(in: configuration, ofPool: view.groups[group].pool).map(\.key)
                let spread = view.ruleIndexes[exam.rule].rule.spread
                let packed = spread.indices.filter { exam.measure.excess(ofKey: $0) > 0 }.map { spread[$0] }
                #expect(packed == keys)
            }
        }
    }
}

@Suite struct SpreadShortfallTests {
    private func shortfalls(_ nodes: [NodeView], _ rule: PlacementRule = PlacementRule()) -> [String] {
        SpreadShortfall.all(ofPool: "paid", in: Sample.view(nodes, [], rule: rule)).map(\.description)
    }

    @Test func enoughOfEverythingIsNoShortfall() {
        #expect(shortfalls(Sample.six) == [])
    }

    @Test func oneNode() {
        let nodes = [Sample.node(1, "alfa", "milano")]
        #expect(
            shortfalls(nodes) == [
                "3 voters need 3 nodes, and 2 of them are missing",
                "vendor has alfa (1 node), so that one value must hold 1 of 3 voters; "
                    + "missing: a second and a third value of vendor",
                "datacenter has milano (1 node), so that one value must hold 1 of 3 voters; "
                    + "missing: a second and a third value of datacenter",
            ]
        )
    }

    @Test func twoVendorsForThreeVoters() {
        let nodes = Sample.six.filter { $0.labels["vendor"] != "gamma" }
        let found = SpreadShortfall.all(ofPool: "paid", in: Sample.view(nodes, []))
        #expect(found.map(\.key) == ["vendor"])
        #expect(found.map(\.largestMustHold) == [2])
        #expect(found.map(\.lack) == [.values(1)])
        #expect(found[0].values.map(\.value) == [.labelled("alfa"), .labelled("beta")])
        #expect(
            "\(found[0])" == "vendor has alfa (2 nodes), beta (2 nodes), so that one value must hold 2 of 3 voters; "
                + "missing: a third value of vendor"
        )
    }

    @Test func fiveVotersNeedThreeVendorsOnly() {
        let nodes = Sample.six + [Sample.node(7, "alfa", "torino")]
        #expect(shortfalls(nodes, PlacementRule(voters: 5)) == [])
        let two = nodes.filter { $0.labels["vendor"] != "gamma" }
        let found = SpreadShortfall.all(ofPool: "paid", in: Sample.view(two, [], rule: PlacementRule(voters: 5)))
        #expect(found.map(\.lack) == [.values(1)])
        #expect(found.map(\.largestMustHold) == [3])
    }

    @Test func aNodeWithoutTheLabelIsAValueOfItsOwn() {
        let nodes = [Sample.node(1, "alfa", "milano"), Sample.node(2, "", "roma"), Sample.node(3, "", "torino")]
        #expect(shortfalls(nodes) == [])
    }

    @Test func aVendorOnProbationHoldsOneVoterAtMost() {
        let rule = PlacementRule(voters: 5, canaries: [Label(key: "vendor", value: "gamma")])
        let nodes = Sample.six
        // alfa and beta hold two each, gamma one.
        #expect(shortfalls(nodes, rule) == [])
        let two = PlacementRule(voters: 5, canaries: ["beta", "gamma"].map { Label(key: "vendor", value: $0) })
        let found = SpreadShortfall.all(ofPool: "paid", in: Sample.view(nodes, [], rule: two))
        #expect(found.map(\.key) == ["vendor"])
        #expect(found.map(\.lack) == [.values(1)])
    }

    @Test func nodesThatAreNotAtHandDoNotCount() {
        let cordoned = Sample.six.map { node in
            var node = node
            if node.labels["vendor"] == "gamma" { node.state = .cordoned }
            return node
        }
        #expect(shortfalls(cordoned).count == 1)
    }

    @Test func keysThatCannotBeSpreadOverTogether() {
        let nodes = [
            Sample.node(1, "alfa", "milano"), Sample.node(2, "beta", "milano"), Sample.node(3, "gamma", "roma"),
            Sample.node(4, "gamma", "torino"),
        ]
        let found = SpreadShortfall.all(ofPool: "paid", in: Sample.view(nodes, []))
        #expect(found.map(\.key) == ["datacenter"])
        #expect(found.map(\.lack) == [.combination])
        #expect(found.map(\.largestMustHold) == [2])
    }
}
