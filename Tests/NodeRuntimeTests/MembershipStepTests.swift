import Consensus
import MailModel
import Placement
import Testing

@testable import NodeRuntime

/// The way from the members that a group has to those that are wanted. Replica 10·n is on node n.
@Suite struct MembershipStepTests {
    /// One situation, and the step that follows from it.
    struct Case: Sendable, CustomTestStringConvertible {
        let name: String
        var voters: [UInt64] = [1, 2, 3]
        var learners: [UInt64] = []
        var leader: UInt64 = 1
        var caughtUp: [UInt64] = [1, 2, 3, 4, 5]
        var wanted: [UInt64] = [1, 2, 3]
        var preferred: UInt64?
        var learns: [UInt64] = []
        var vendors: [UInt64: String] = [:]
        let expected: Expected
        var testDescription: String { name }

        enum Expected: Sendable, Equatable {
            case nothing
            case members(voters: [UInt64], learners: [UInt64])
            case transfer(to: UInt64)
            case refused
        }
    }

    private static let cases: [Case] = [
        Case(name: "all as wanted", expected: .nothing),
        Case(name: "nothing is known", wanted: [], expected: .nothing),
        Case(name: "a learner lags", learners: [4], caughtUp: [2, 3], wanted: [2, 3, 4], expected: .nothing),
        Case(
            name: "a learner takes the place of a voter",
            learners: [4],
            leader: 2,
            wanted: [2, 3, 4],
            expected: .members(voters: [2, 3, 4], learners: [])
        ),
        Case(
            name: "the leader leaves: another one leads first",
            learners: [4],
            wanted: [2, 3, 4],
            expected: .transfer(to: 2)
        ),
        Case(
            name: "the preferred one leads",
            learners: [4],
            wanted: [2, 3, 4],
            preferred: 3,
            expected: .transfer(to: 3)
        ),
        Case(
            name: "nobody who stays has caught up",
            learners: [4],
            caughtUp: [4],
            wanted: [2, 3, 4],
            expected: .nothing
        ),
        Case(
            name: "a fourth and fifth voter, one after the other",
            learners: [4, 5],
            wanted: [1, 2, 3, 4, 5],
            expected: .members(voters: [1, 2, 3, 4], learners: [5])
        ),
        Case(
            name: "a voter too many goes",
            voters: [1, 2, 3, 4],
            wanted: [1, 2, 3],
            expected: .members(voters: [1, 2, 3], learners: [])
        ),
        Case(
            name: "no voter goes while one of those that stay is gone, and no majority would be left",
            caughtUp: [3],
            wanted: [1, 2],
            expected: .nothing
        ),
        Case(
            name: "a voter goes where a majority is left",
            voters: [1, 2, 3, 4],
            caughtUp: [3, 4],
            wanted: [1, 2, 3],
            expected: .members(voters: [1, 2, 3], learners: [])
        ),
        Case(
            name: "no voter goes while a wanted one is missing",
            voters: [1, 2, 3],
            wanted: [2, 3, 4],
            expected: .nothing
        ),
        Case(
            name: "of two that are to be replaced, one goes with each that comes",
            learners: [4, 5],
            leader: 3,
            wanted: [3, 4, 5],
            expected: .members(voters: [2, 3, 4], learners: [5])
        ),
        Case(
            name: "a learner that nobody wants goes",
            learners: [4],
            expected: .members(voters: [1, 2, 3], learners: [])
        ),
        Case(name: "a learner that may learn stays", learners: [4], learns: [4], expected: .nothing),
        Case(
            name: "who votes no more may learn on",
            voters: [1, 2, 3, 4],
            learns: [4],
            expected: .members(voters: [1, 2, 3], learners: [4])
        ),
        Case(
            name: "no vendor gets a majority",
            learners: [4],
            leader: 2,
            wanted: [2, 3, 4],
            vendors: [1: "a", 2: "b", 3: "c", 4: "b"],
            expected: .refused
        ),
        Case(
            name: "a majority that is there already may go on to another of the same kind",
            learners: [4],
            leader: 2,
            wanted: [2, 3, 4],
            vendors: [1: "b", 2: "b", 3: "c", 4: "b"],
            expected: .members(voters: [2, 3, 4], learners: [])
        ),
        Case(
            name: "a vote less must not give a majority away either",
            voters: [1, 2, 3, 4],
            wanted: [1, 2, 3],
            vendors: [1: "a", 2: "a", 3: "c", 4: "d"],
            expected: .refused
        ),
    ]

    private static func replica(_ node: UInt64) -> ReplicaID { ReplicaID(10 * node) }

    private static func situation(_ test: Case, _ configuration: Configuration) -> MembershipStep.Situation {
        let placing = Placing(
            voters: test.wanted.map { NodeID($0) },
            preferredLeader: test.preferred.map { NodeID($0) }
        )
        return MembershipStep.Situation(
            configuration: configuration,
            leader: replica(test.leader),
            caughtUp: Set(test.caughtUp.map(replica)),
            placing: placing,
            mayLearn: { test.learns.contains($0.rawValue) },
            labels: { node in test.vendors[node.rawValue].map { ["vendor": $0] } ?? [:] },
            spread: test.vendors.isEmpty ? [] : ["vendor"]
        )
    }

    private static func configuration(_ test: Case) -> Configuration {
        let members = (test.voters + test.learners).map { node in
            let priority = test.preferred == node ? Founder.preferredPriority : Founder.ordinaryPriority
            return Member(replica: replica(node), node: NodeID(node), priority: priority)
        }
        return Configuration(
            members: members,
            voters: test.voters.map(replica),
            learners: test.learners.map(replica)
        )
    }

    @Test(arguments: cases) func oneStep(_ test: Case) {
        let step = MembershipStep(from: Self.situation(test, Self.configuration(test)))
        switch test.expected {
        case .nothing: #expect(step == nil)
        case .transfer(let node): #expect(step == .transferLeadership(to: NodeID(node)))
        case .refused:
            guard case .refused = step else {
                Issue.record("\(String(describing: step))")
                return
            }
        case .members(let voters, let learners):
            guard case .propose(let next) = step else {
                Issue.record("\(String(describing: step))")
                return
            }
            #expect(next.voters == voters.map(Self.replica).sorted())
            #expect(next.learners == learners.map(Self.replica).sorted())
            #expect(next.members.map(\.replica) == (next.voters + next.learners).sorted())
        }
    }

    /// A leader in a joint configuration waits until it has left it.
    @Test func nothingInAJointConfiguration() {
        let test = Case(name: "", learners: [4], leader: 2, wanted: [2, 3, 4], expected: .nothing)
        let plain = Self.configuration(test)
        let joint = Configuration(
            members: plain.members,
            voters: plain.voters,
            outgoingVoters: plain.voters,
            learners: plain.learners
        )
        #expect(MembershipStep(from: Self.situation(test, joint)) == nil)
    }

    /// Priorities follow who is preferred, and nothing else changes.
    @Test func prioritiesFollow() {
        var test = Case(name: "", expected: .nothing)
        let plain = Self.configuration(test)
        test.preferred = 2
        guard case .propose(let next) = MembershipStep(from: Self.situation(test, plain)) else {
            Issue.record("no step")
            return
        }
        #expect(next.voters == plain.voters)
        #expect(next.members.map(\.priority) == [100, 200, 100])
    }

    /// From any members to any others, the steps end there, and never with fewer voters than both had.
    @Test func theStepsEnd() {
        var random = SplitMix64(seed: 4_711)
        for _ in 0..<400 {
            func some(_ count: Int) -> [UInt64] {
                Array((1...7).shuffled(using: &random).prefix(count)).map { UInt64($0) }
            }
            let start = some(1 + random.below(5))
            let wanted = some(1 + random.below(5)).sorted()
            var test = Case(name: "", voters: start, leader: start[0], wanted: wanted, expected: .nothing)
            test.caughtUp = Array(1...7)
            var steps = 0
            while steps < 40 {
                steps += 1
                // Wanted nodes without a replica ask to be taken in.
                let missing = wanted.filter { !test.voters.contains($0) && !test.learners.contains($0) }
                test.learners += missing.prefix(1)
                let step = MembershipStep(from: Self.situation(test, Self.configuration(test)))
                switch step {
                case nil: break
                case .transferLeadership(let node): test.leader = node.rawValue
                case .propose(let next):
                    test.voters = next.voters.map { $0.rawValue / 10 }
                    test.learners = next.learners.map { $0.rawValue / 10 }
                    #expect(test.voters.count >= min(start.count, wanted.count))
                    #expect(test.voters.contains(test.leader), "the leader never removes itself")
                case .refused: Issue.record("nothing is labelled")
                }
                if step == nil, missing.isEmpty { break }
            }
            #expect(test.voters.sorted() == wanted && test.learners.isEmpty, "from \(start) to \(wanted)")
        }
    }
}
