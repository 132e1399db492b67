import Consensus
import MailModel
import PeerTransport
import Testing

@testable import NodeRuntime

/// What a cluster begins with.
@Suite struct NodeIdentityTests {
    private func identity(_ founders: [(node: UInt64, directory: UInt64)], mailGroups: UInt32 = 3) -> NodeIdentity {
        NodeIdentity(
            directory: 11,
            mailGroups: mailGroups,
            founders: founders.map { Founder(node: NodeID($0.node), directory: $0.directory) }
        )
    }

    @Test func `a cluster is founded when it has founders`() {
        #expect(!identity([]).isFounded && identity([(1, 11)]).isFounded)
        #expect(identity([]).groups == [0, 1, 2, 3].map { GroupID($0) })
    }

    /// Every founder works the others' replicas out by itself: the numbers are the same in every program.
    @Test(
        arguments: [
            (0, 1, 0, 0x5692_161d_100b), (1, 1, 0, 0xe4d9_7177_1b65),
            (8, 0xdead_beef_cafe_f00d, 0, 0x4650_b8e7_ea17), (8, 0xdead_beef_cafe_f00d, 3, 0xe9a8_41d6_b139),
        ] as [(UInt32, UInt64, UInt64, UInt64)]
    )
    func `a replica's number never changes`(_ group: UInt32, _ origin: UInt64, _ attempt: UInt64, _ number: UInt64) {
        #expect(Founder.replica(of: GroupID(group), in: origin, attempt) == ReplicaID(number))
    }

    /// Who comes back with another directory, or begins anew, is somebody else.
    @Test func `replicas of other groups, directories and attempts have other numbers`() {
        var numbers: Set<ReplicaID> = []
        for group in 0..<20 as Range<UInt32> {
            for origin in 1...20 as ClosedRange<UInt64> {
                for attempt in 0..<10 as Range<UInt64> {
                    numbers.insert(Founder.replica(of: GroupID(group), in: origin, attempt))
                }
            }
        }
        #expect(numbers.count == 4_000)
        #expect(numbers.allSatisfy { $0.rawValue > 0 && $0.rawValue < 1 << 48 })
    }

    @Test func `all founders vote in every group, and leaderships are spread`() {
        let identity = identity([(1, 11), (2, 12), (5, 15)])
        var preferred: [NodeID] = []
        for group in identity.groups {
            let configuration = identity.configuration(of: group)
            #expect(configuration.voters.count == 3 && configuration.learners.isEmpty && !configuration.isJoint)
            #expect(Set(configuration.members.map(\.node)) == [NodeID(1), NodeID(2), NodeID(5)])
            for founder in identity.founders {
                let replica = Founder.replica(of: group, in: founder.directory, 0)
                #expect(configuration.member(replica)?.node == founder.node)
            }
            let priorities = configuration.members.map(\.priority).sorted()
            #expect(
                priorities == [
                    Founder.ordinaryPriority, Founder.ordinaryPriority, Founder.preferredPriority,
                ]
            )
            preferred += configuration.members.filter { $0.priority == Founder.preferredPriority }.map(\.node)
        }
        #expect(preferred == [NodeID(1), NodeID(2), NodeID(5), NodeID(1)])
    }
}
