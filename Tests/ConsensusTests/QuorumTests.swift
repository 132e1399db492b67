import Testing

@testable import Consensus

@Suite struct QuorumTests {
    /// The highest value such that more than half of the voters have it, by trying every value.
    private func dumbReached(_ voters: [ReplicaID], _ values: [ReplicaID: UInt64]) -> UInt64 {
        if voters.isEmpty { return .max }
        var best: UInt64 = 0
        for candidate in values.values where candidate > best {
            var count = 0
            for voter in voters where (values[voter] ?? 0) >= candidate { count += 1 }
            if count * 2 > voters.count { best = candidate }
        }
        return best
    }

    /// Tries every way in which the missing votes may come in.
    private func dumbVote(_ voters: [ReplicaID], _ votes: [ReplicaID: Bool]) -> VoteResult {
        if voters.isEmpty { return .won }
        let granted = voters.filter { votes[$0] == true }.count
        let missing = voters.filter { votes[$0] == nil }.count
        let outcomes = (0...missing).map { (granted + $0) * 2 > voters.count }
        if outcomes.allSatisfy({ $0 }) { return .won }
        return outcomes.contains(true) ? .pending : .lost
    }

    @Test func agreesWithTheDumbVersionOn50000Cases() {
        var random = SplitMix64(seed: 1)
        for _ in 0..<50_000 {
            let everyone = (1...9).map { ReplicaID(UInt64($0)) }
            let incoming = everyone.filter { _ in random.below(2) == 0 }
            let outgoing = random.below(2) == 0 ? [] : everyone.filter { _ in random.below(2) == 0 }
            var values: [ReplicaID: UInt64] = [:]
            var votes: [ReplicaID: Bool] = [:]
            let span = 1 + random.below(12)
            for replica in everyone {
                if random.below(8) != 0 { values[replica] = UInt64(random.below(span)) }
                if random.below(3) != 0 { votes[replica] = random.below(2) == 0 }
            }
            let quorum = JointQuorum(incoming: incoming, outgoing: outgoing)
            let reached = min(dumbReached(incoming, values), dumbReached(outgoing, values))
            if quorum.reached({ values[$0] ?? 0 }) != reached {
                Issue.record("\(incoming) \(outgoing) \(values): not \(reached)")
                return
            }
            let halves = [dumbVote(incoming, votes), dumbVote(outgoing, votes)]
            let result: VoteResult =
                halves.contains(.lost) ? .lost : halves.contains(.pending) ? .pending : .won
            if quorum.voteResult({ votes[$0] }) != result {
                Issue.record("\(incoming) \(outgoing) \(votes): not \(result)")
                return
            }
        }
    }

    @Test func anEmptyHalfStandsInNobodysWay() {
        #expect(MajorityQuorum(voters: []).reached { _ in 0 } == .max)
        #expect(MajorityQuorum(voters: []).voteResult { _ in nil } == .won)
    }

    @Test(arguments: [(1, 1), (2, 2), (3, 2), (4, 3), (5, 3), (6, 4), (7, 4)])
    func aMajorityIsMoreThanHalf(voters: Int, size: Int) {
        #expect(MajorityQuorum(voters: (1...voters).map { ReplicaID(UInt64($0)) }).size == size)
    }
}
