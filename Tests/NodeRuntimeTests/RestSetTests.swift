import Consensus
import PeerTransport
import Testing

@testable import NodeRuntime

@Suite struct GroupSetTests {
    @Test func staysSortedWhateverIsDone() {
        var set = GroupSet()
        var model: Set<UInt32> = []
        var state: UInt64 = 1
        for _ in 0..<5_000 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            let id = UInt32(truncatingIfNeeded: state >> 40) % 64
            if state >> 63 == 0 {
                #expect(set.insert(GroupID(id)) == model.insert(id).inserted)
            } else {
                #expect(set.remove(GroupID(id)) == (model.remove(id) != nil))
            }
            #expect(set.contains(GroupID(id)) == model.contains(id))
            #expect(set.map(\.rawValue) == model.sorted())
        }
        #expect(set.count == model.count)
    }

    @Test(arguments: [(0, 100, [2, 4, 6]), (2, 6, [2, 4, 6]), (3, 5, [4]), (5, 5, []), (7, .max, []), (0, 1, [])])
    func ranges(_ first: UInt32, _ last: UInt32, _ expected: [UInt32]) {
        var set = GroupSet()
        for id in [6, 2, 4] as [UInt32] { set.insert(GroupID(id)) }
        #expect(set[GroupID(first)...GroupID(last)].map(\.rawValue) == expected)
    }
}

@Suite struct RestSetTests {
    static func resting(_ group: UInt32, leader: UInt64 = 1, term: UInt64 = 1, last: UInt64 = 1) -> RestingGroup {
        RestingGroup(
            group: GroupID(group),
            leadership: Leadership(leader: ReplicaID(leader), term: Term(term), lastIndex: LogIndex(last))
        )
    }

    @Test func theSameGroupsInAnyOrderHaveTheSameDigest() {
        var (a, b) = (RestSet(), RestSet())
        for group in 0..<100 as Range<UInt32> { a.insert(Self.resting(group)) }
        for group in (0..<200 as Range<UInt32>).reversed() { b.insert(Self.resting(group)) }
        for group in 100..<200 as Range<UInt32> { b.remove(Self.resting(group)) }
        #expect(a.digest == b.digest)
        #expect(a.digest.count == 100)
        for group in 0..<100 as Range<UInt32> { a.remove(Self.resting(group)) }
        #expect(a.digest == RestDigest())
    }

    /// Exchanging what two groups have changes the sum as well.
    @Test func whateverDiffersShows() {
        let sets: [[RestingGroup]] = [
            [], [Self.resting(1)], [Self.resting(2)], [Self.resting(1), Self.resting(2)],
            [Self.resting(1, leader: 2)], [Self.resting(1, term: 2)], [Self.resting(1, last: 2)],
            [Self.resting(1, term: 2), Self.resting(2)], [Self.resting(1), Self.resting(2, term: 2)],
        ]
        let digests = sets.map { groups in
            var set = RestSet()
            for group in groups { set.insert(group) }
            return set.digest
        }
        #expect(Set(digests).count == sets.count)
    }

    /// Part of the format: nodes of different versions compare it.
    @Test func theHashIsWhatItWas() {
        #expect(Self.resting(7, leader: 3, term: 5, last: 11).hash == 1_634_874_565_842_223_215)
    }

    @Test func onceInOnceOut() {
        var set = RestSet()
        set.insert(Self.resting(1))
        set.insert(Self.resting(1))
        #expect(set.digest.count == 1)
        set.remove(Self.resting(2))
        #expect(set.digest.count == 1)
    }
}
