import Consensus
import Testing

@testable import ReplicaCore

/// A group whose replicas are tables of rows, and a network that gives every answer at once.
private struct Comparison {
    /// By node; nil: it does not answer.
    var states: [[UInt8: UInt64]?]
    /// What each says its digest is; nil: what its rows have.
    var digests: [Int: UInt64] = [:]
    var learners: Set<Int> = []
    /// Those past the index.
    var past: Set<Int> = []
    var limits = VerificationLimits()
    var isScrub = false
    var isLastAttempt = true
    /// Those with bytes of messages that are not those of the body.
    var spoiled: Set<Int> = []

    struct End {
        var report: VerificationReport
        var verdicts: [Int: ReplicaVerdict] = [:]
        var rangeQuestions = 0
    }

    func run() throws -> End {
        let members = states.indices.map { Member(replica: Self.replica($0), node: NodeID(UInt64($0 + 1))) }
        let configuration = Configuration(
            members: members,
            voters: states.indices.filter { !learners.contains($0) }.map(Self.replica),
            learners: learners.map(Self.replica)
        )
        var now: Int64 = 0
        var machine = GroupVerification(
            id: VerificationID(9),
            index: LogIndex(5),
            configuration: configuration,
            own: NodeID(1),
            isScrub: isScrub,
            isLastAttempt: isLastAttempt,
            limits: limits,
            nowMilliseconds: now
        )
        var verdicts: [Int: ReplicaVerdict] = [:]
        var rangeQuestions = 0
        while now < 10_000_000 {
            var effects: [GroupVerification.Effect] = []
            machine.tick(nowMilliseconds: now, into: &effects)
            while !effects.isEmpty {
                let effect = effects.removeFirst()
                switch effect {
                case .decided: break
                case .ended(let report):
                    return End(report: report, verdicts: verdicts, rangeQuestions: rangeQuestions)
                case .send(let message, let node):
                    let position = Int(node.rawValue) - 1
                    guard let rows = states[position] else { continue }
                    switch message {
                    case .ask(let ask):
                        #expect(ask.replica == Self.replica(position))
                        let isOut = if case .condemned = verdicts[position] { true } else { false }
                        let status = isOut ? .givenUp : status(position, rows)
                        machine.receiveStatus(status, from: ask.replica, nowMilliseconds: now, into: &effects)
                    case .rangeAsk(_, let replica, let sequence, let query):
                        rangeQuestions += 1
                        let digest = Self.digest(rows, query)
                        machine.receiveRange(
                            digest,
                            sequence: sequence,
                            from: replica,
                            nowMilliseconds: now,
                            into: &effects
                        )
                    case .verdict(_, let replica, let verdict):
                        verdicts[position] = verdict
                        if case .condemned = verdict {
                            machine.receiveStatus(.givenUp, from: replica, nowMilliseconds: now, into: &effects)
                        }
                    case .answer, .rangeAnswer: Issue.record("the coordinator only asks")
                    }
                }
            }
            now += 50
        }
        throw Unending()
    }

    struct Unending: Error {}

    static func replica(_ position: Int) -> ReplicaID { ReplicaID(UInt64(position + 101)) }

    static func sum(_ rows: some Sequence<(key: UInt8, value: UInt64)>) -> UInt64 {
        rows.reduce(0) { $0 &+ (UInt64($1.key) << 32 ^ $1.value) &* 0x9e37_79b9_7f4a_7c15 }
    }

    private func status(_ position: Int, _ rows: [UInt8: UInt64]) -> VerificationStatus {
        if past.contains(position) { return .unavailable }
        let sum = Self.sum(rows.map { ($0.key, $0.value) })
        let digest = digests[position] ?? sum
        guard isScrub else { return .digest(digest, .none) }
        if spoiled.contains(position) { return .digest(digest, .harmedBody(key: [11])) }
        return .digest(digest, digest == sum ? .intact : .harmed(sum: sum))
    }

    private static func digest(_ rows: [UInt8: UInt64], _ query: RangeQuery) -> RangeDigest {
        let sorted = rows.sorted { $0.key < $1.key }.map { (key: $0.key, value: $0.value) }
        let all = sorted.filter { row in
            (query.after.isEmpty || row.key > query.after[0]) && query.through.map { row.key <= $0[0] } ?? true
        }
        let run = all.prefix(max(1, Int(query.maximumRows)))
        return RangeDigest(
            count: UInt32(run.count),
            sum: sum(run),
            last: run.last.map { [$0.key] } ?? [],
            isComplete: run.count == all.count
        )
    }
}

@Suite struct GroupVerificationTests {
    private static let rows: [UInt8: UInt64] = [1: 10, 2: 20, 3: 30]
    private static let other: [UInt8: UInt64] = [1: 10, 2: 21, 3: 30]

    @Test func equalReplicasAreEqual() throws {
        let end = try Comparison(states: [Self.rows, Self.rows, Self.rows]).run()
        #expect(end.report.result == .equal)
        #expect(end.report.replicas.allSatisfy { $0.finding == .agrees && $0.firstKey == nil })
        #expect(end.verdicts == [0: .agrees, 1: .agrees, 2: .agrees])
        #expect(end.rangeQuestions == 0)
    }

    @Test(arguments: 0..<3)
    func theMinorityIsNamedAndGivenUp(odd: Int) throws {
        var states: [[UInt8: UInt64]?] = [Self.rows, Self.rows, Self.rows]
        states[odd] = Self.other
        let end = try Comparison(states: states).run()
        #expect(end.report.result == .different)
        let right = Comparison.sum(Self.rows.map { ($0.key, $0.value) })
        for position in 0..<3 {
            let found = end.report.replicas[position]
            #expect(found.finding == (position == odd ? .condemned : .agrees))
            #expect(found.firstKey == (position == odd ? [2] : nil))
            #expect(end.verdicts[position] == (position == odd ? .condemned(digest: right) : .agrees))
        }
    }

    @Test func withoutAMajorityNobodyIsGivenUp() throws {
        let end = try Comparison(states: [Self.rows, Self.other]).run()
        #expect(end.report.result == .disputed)
        #expect(end.verdicts == [0: .suspect, 1: .suspect])
        #expect(end.report.replicas.allSatisfy { $0.firstKey == [2] })
        let three = try Comparison(states: [Self.rows, Self.other, [:]]).run()
        #expect(three.report.result == .disputed)
        #expect(three.report.replicas.allSatisfy { $0.finding == .disputed })
    }

    /// Two of three are no majority of all voters while they say different things, but they are one while they agree.
    @Test func whoIsSilentIsNotGuessed() throws {
        let equal = try Comparison(states: [Self.rows, nil, Self.rows]).run()
        #expect(equal.report.result == .incomplete)
        #expect(equal.report.digest != nil)
        let differs = try Comparison(states: [Self.rows, nil, Self.other]).run()
        #expect(differs.report.result == .disputed)
        #expect(differs.report.replicas[1].finding == .silent)
        let alone = try Comparison(states: [Self.rows, nil, nil]).run()
        #expect(alone.report.result == .incomplete)
        #expect(alone.report.digest == nil)
    }

    @Test func aLearnerIsComparedButDoesNotCount() throws {
        let end = try Comparison(states: [Self.rows, Self.rows, Self.other], learners: [2]).run()
        #expect(end.report.result == .different)
        #expect(end.report.replicas[2].finding == .condemned)
        let tie = try Comparison(states: [Self.rows, Self.other, Self.other], learners: [2]).run()
        #expect(tie.report.result == .disputed)
        let silent = try Comparison(states: [Self.rows, Self.rows, nil], learners: [2]).run()
        #expect(silent.report.result == .equal)
    }

    /// The digest that was kept along is the same everywhere; only reading the rows shows it.
    @Test func rowsThatRottedAreFoundByAScrubOnly() throws {
        let right = Comparison.sum(Self.rows.map { ($0.key, $0.value) })
        var comparison = Comparison(states: [Self.other, Self.rows, Self.rows], digests: [0: right])
        #expect(try comparison.run().report.result == .equal)
        comparison.isScrub = true
        let end = try comparison.run()
        #expect(end.report.result == .different)
        #expect(end.report.replicas[0].finding == .condemned)
        #expect(end.report.replicas[0].firstKey == [2])
        #expect(end.verdicts[1] == .agrees)
    }

    /// Bytes of messages say nothing against rows: one replica after the other is built anew, as long as the rest can
    /// vote and somebody has all bytes.
    @Test func ofManyWithSpoiledBodiesOneGoesAtATime() throws {
        func run(_ spoiled: Set<Int>, of count: Int, silent: Set<Int> = []) throws -> Comparison.End {
            let states = (0..<count).map { silent.contains($0) ? nil : Self.rows }
            return try Comparison(states: states, isScrub: true, spoiled: spoiled).run()
        }
        let two = try run([1, 2], of: 3)
        #expect(two.report.result == .different)
        #expect(two.report.replicas.map(\.finding) == [.agrees, .condemned, .disputed])
        #expect(two.verdicts[2] == .suspect)
        let five = try run([0, 2, 4], of: 5)
        #expect(five.report.replicas.map(\.finding) == [.condemned, .agrees, .disputed, .agrees, .disputed])
        #expect(try run([1], of: 3).report.replicas.map(\.finding) == [.agrees, .condemned, .agrees])
        // Nobody has all bytes; the rest could not vote; the rest could not vote, because somebody is silent.
        #expect(try run([0, 1, 2], of: 3).report.result == .disputed)
        #expect(try run([1], of: 2).report.result == .disputed)
        #expect(try run([1], of: 3, silent: [2]).report.result == .disputed)
    }

    /// Its own rows speak against one; the other is right as far as anybody knows, and may be copied.
    @Test func evidenceAgainstOneDoesNotHarmAnother() throws {
        let right = Comparison.sum(Self.rows.map { ($0.key, $0.value) })
        let comparison = Comparison(states: [Self.other, Self.rows, nil], digests: [0: right &+ 1], isScrub: true)
        let end = try comparison.run()
        #expect(end.report.result == .disputed)
        #expect(end.verdicts[0] == .suspect)
        #expect(end.verdicts[1] == .agrees)
    }

    @Test func aWrongDigestOverRightRowsIsTheGroupsOwnRow() throws {
        let end = try Comparison(states: [Self.rows, Self.rows, Self.rows], digests: [1: 4]).run()
        #expect(end.report.replicas[1].finding == .condemned)
        #expect(end.report.replicas[1].firstKey == [])
    }

    @Test func whatAReplicaMissedIsLeftOpenUntilTheLastAttempt() throws {
        var comparison = Comparison(states: [Self.rows, Self.other, Self.rows], past: [2])
        comparison.isLastAttempt = false
        let open = try comparison.run()
        #expect(open.report.isWorthRepeating)
        #expect(open.verdicts.isEmpty)
        comparison.isLastAttempt = true
        #expect(try comparison.run().verdicts == [0: .suspect, 1: .suspect])
    }

    @Test func aReplicaThatStopsAnsweringDoesNotHoldTheOthersUp() throws {
        var comparison = Comparison(states: [Self.rows, Self.rows, nil])
        comparison.limits.silenceMilliseconds = 500
        #expect(try comparison.run().report.replicas[2].finding == .silent)
    }

    /// What was read stays read when a replica has come to the end.
    @Test func progressDoesNotGoBack() {
        let members = (0..<2).map { Member(replica: Comparison.replica($0), node: NodeID(UInt64($0 + 1))) }
        let configuration = Configuration(members: members, voters: members.map(\.replica), learners: [])
        var machine = GroupVerification(
            id: VerificationID(9),
            index: LogIndex(5),
            configuration: configuration,
            own: NodeID(1),
            isScrub: true,
            isLastAttempt: true,
            limits: VerificationLimits(),
            nowMilliseconds: 0
        )
        var effects: [GroupVerification.Effect] = []
        func hear(_ position: Int, _ scrub: ScrubStatus) {
            let replica = Comparison.replica(position)
            machine.receiveStatus(.digest(7, scrub), from: replica, nowMilliseconds: 1, into: &effects)
        }
        hear(0, .running(bytes: 100))
        hear(1, .running(bytes: 10))
        hear(0, .running(bytes: 200))
        #expect(machine.progress.scrubbedBytes == 210)
        hear(0, .intact)
        #expect(machine.progress.scrubbedBytes == 210)
    }
}

@Suite struct DifferenceSearchTests {
    /// Against looking at all rows: whatever differs, the first key that does is found, in runs of any length.
    @Test(arguments: 1...60 as ClosedRange<UInt64>, [1, 3, 16, 300] as [UInt32])
    func theFirstDifferenceIsFound(seed: UInt64, maximumRows: UInt32) throws {
        var random = SplitMix64(seed: seed)
        var rows: [UInt8: UInt64] = [:]
        for _ in 0..<(random.next() % 120) { rows[UInt8(truncatingIfNeeded: random.next() % 200)] = random.next() }
        var changed = rows
        for _ in 0...(random.next() % 3) {
            let key = UInt8(truncatingIfNeeded: random.next() % 210)
            if random.next() % 3 == 0 { changed[key] = nil } else { changed[key] = random.next() }
        }
        let expected = (0...UInt8.max).first { rows[$0] != changed[$0] }
        var comparison = Comparison(states: [rows, rows, changed])
        comparison.limits.rangeRows = maximumRows
        let end = try comparison.run()
        #expect(end.report.replicas[2].firstKey == expected.map { [$0] })
        #expect(end.report.result == (expected == nil ? .equal : .different))
    }

    /// A search costs one pass over what is the same, and little more.
    @Test func aSearchAsksLittle() throws {
        let rows = Dictionary(uniqueKeysWithValues: (0...UInt8.max).map { ($0, UInt64($0)) })
        var changed = rows
        changed[200] = 0
        var comparison = Comparison(states: [rows, rows, changed])
        comparison.limits.rangeRows = 64
        let end = try comparison.run()
        #expect(end.report.replicas[2].firstKey == [200])
        #expect(end.rangeQuestions < 60)
    }
}
