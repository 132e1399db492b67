import Consensus
import MailModel
import NIOCore
import Testing

@testable import NodeRuntime

@Suite struct CallTableTests {
    private func add(_ table: CallTable, bytes: Int = 100, deadline: Int64 = 1_000) -> UInt64 {
        let sequence = table.takeSequence()
        table.append(
            PendingCall(
                sequence: sequence,
                payload: ByteBuffer(repeating: 7, count: bytes),
                heldBytes: bytes,
                admittedBytes: 0,
                deadlineMilliseconds: deadline,
                completion: Completion(on: nil) { _ in }
            )
        )
        return sequence
    }

    @Test func callsAreSentInTheOrderInWhichTheyCame() {
        let table = CallTable()
        let sequences = (0..<5).map { _ in add(table) }
        var sent: [UInt64] = []
        while let call = table.nextReady {
            sent.append(call.sequence)
            table.noteProposed(call.sequence, in: Term(1))
        }
        #expect(sent == sequences)
        #expect(table.nextReady == nil)
    }

    @Test func whatIsSentAgainComesBeforeWhatCameLater() {
        let table = CallTable()
        let first = add(table)
        #expect(table.noteForwarded(first, to: NodeID(2)) == 1)
        let second = add(table)
        table.makeReady(first)
        #expect(table.nextReady?.sequence == first)
        #expect(table.noteForwarded(first, to: NodeID(3)) == 2)
        #expect(table.nextReady?.sequence == second)
    }

    @Test func theWindowCountsWhatIsOnItsWay() {
        let table = CallTable()
        let sequences = (0..<3).map { _ in add(table, bytes: 1_000) }
        for sequence in sequences { _ = table.noteForwarded(sequence, to: NodeID(2)) }
        #expect(table.forwardedBytes == 3_000)
        _ = table.remove(sequences[1])
        #expect(table.forwardedBytes == 2_000)
        table.makeReady(sequences[0])
        table.makeReady(sequences[0])
        #expect(table.forwardedBytes == 1_000)
        table.makeAllReady()
        #expect(table.forwardedBytes == 0)
        _ = table.remove(sequences[0])
        _ = table.remove(sequences[2])
        #expect(table.count == 0 && table.bytes == 0 && table.span == 0 && table.forwardedBytes == 0)
    }

    @Test func anAnsweredCallIsNotSent() {
        let table = CallTable()
        let first = add(table)
        let second = add(table)
        #expect(table.remove(first)?.sequence == first)
        #expect(table.remove(first) == nil)
        #expect(table.nextReady?.sequence == second)
    }

    /// A refused call has a number as well, and keeps nothing of the calls before it from being settled.
    @Test func whatIsSettledFollowsTheOldestCall() {
        let table = CallTable()
        let refused = table.takeSequence()
        let first = add(table)
        #expect(first == refused + 1)
        #expect(table.settledBelow == first)
        let second = add(table)
        _ = table.remove(second)
        #expect(table.settledBelow == first)
        _ = table.remove(first)
        #expect(table.takeSequence() == second + 1)
        #expect(table.settledBelow == second + 1)
    }

    /// Refusals must not be what the next refusal is for.
    @Test func whatIsRefusedTakesNoRoom() {
        let table = CallTable()
        let first = add(table)
        for _ in 0..<100_000 { _ = table.takeSequence() }
        #expect(table.span == 1)
        let second = add(table)
        #expect(table.span == 2 && table.settledBelow == first)
        #expect(table[first]?.sequence == first && table[second]?.sequence == second)
        #expect(table[first + 1] == nil && table[second + 1] == nil)
        _ = table.remove(first)
        #expect(table.span == 1 && table.settledBelow == second)
    }

    @Test func theOldestAreGivenUpWhenTheirTimeIsOver() {
        let table = CallTable()
        let first = add(table, deadline: 100)
        let second = add(table, deadline: 200)
        let third = add(table, deadline: 300)
        _ = table.remove(second)
        #expect(table.removeExpired(99).isEmpty)
        #expect(table.removeExpired(250).map(\.sequence) == [first])
        #expect(table.removeExpired(300).map(\.sequence) == [third])
        #expect(table.count == 0)
    }

    /// Random calls, sent, answered, refused and given up, against the plainest table there is.
    @Test(arguments: 1...20 as ClosedRange<UInt64>) func itDoesWhatAPlainTableDoes(_ seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let table = CallTable()
        var model: [UInt64: (isForwarded: Bool, isReady: Bool)] = [:]
        for _ in 0..<2_000 {
            let known = model.keys.sorted()
            switch random.below(6) {
            case 0, 1: model[add(table)] = (false, true)
            case 2:
                #expect(table.nextReady?.sequence == known.first { model[$0]?.isReady == true })
                guard let call = table.nextReady else { continue }
                let isForwarded = random.below(2) == 0
                if isForwarded {
                    _ = table.noteForwarded(call.sequence, to: NodeID(2))
                } else {
                    table.noteProposed(call.sequence, in: Term(1))
                }
                model[call.sequence] = (isForwarded, false)
            case 3 where !known.isEmpty:
                let sequence = known[random.below(known.count)]
                #expect(table.remove(sequence)?.sequence == sequence)
                model[sequence] = nil
            case 4 where !known.isEmpty:
                let sequence = known[random.below(known.count)]
                table.makeReady(sequence)
                model[sequence] = (false, true)
            case 5 where random.below(20) == 0:
                table.makeAllReady()
                model = model.mapValues { _ in (false, true) }
            default: _ = table.takeSequence()
            }
            #expect(table.count == model.count)
            #expect(table.forwardedBytes == 100 * model.values.count { $0.isForwarded })
            if let oldest = model.keys.min() { #expect(table.settledBelow <= oldest) }
        }
    }
}

@Suite struct DueCallsTests {
    @Test func nothingComesBeforeItsTimeAndAllInOrder() {
        var due = DueCalls()
        due.add(.pause(number: 1), of: GroupID(3), at: 200)
        due.add(.call(sequence: 1, sendings: 1), of: GroupID(1), at: 100)
        due.add(.call(sequence: 2, sendings: 1), of: GroupID(1), at: 100)
        #expect(due.takeNext(99) == nil)
        #expect(due.takeNext(150)?.matter == .call(sequence: 1, sendings: 1))
        #expect(due.takeNext(150)?.matter == .call(sequence: 2, sendings: 1))
        #expect(due.takeNext(150) == nil)
        #expect(due.takeNext(200)?.group == GroupID(3))
        #expect(due.count == 0)
    }

    /// A call that was answered leaves its time behind: such are forgotten before they are many.
    @Test func whatIsOutOfDateDoesNotPileUp() {
        var due = DueCalls()
        let live = 100
        for sequence in 0..<100_000 as Range<UInt64> {
            due.add(.call(sequence: sequence, sendings: 1), of: GroupID(1), at: 1_000)
            if due.isCrowded {
                due.removeStale { stale in
                    if case .call(let old, _) = stale.matter { old + UInt64(live) <= sequence } else { false }
                }
            }
            #expect(due.count <= 2 * live + DueCalls.spare + 1)
        }
        #expect(due.takeNext(1_000)?.group == GroupID(1))
    }

    @Test func waitsGrowToALimitAndDiffer() {
        let backoff = Backoff(firstMilliseconds: 100, maximumMilliseconds: 1_000)
        for (attempts, base) in [(1, 100), (2, 200), (3, 400), (4, 800), (5, 1_000), (40, 1_000)] {
            let waits = (0..<100 as Range<UInt64>).map { backoff.milliseconds(after: UInt32(attempts), seed: $0) }
            #expect(waits.allSatisfy { $0 >= Int64(base * 3 / 4) && $0 <= Int64(base * 5 / 4) })
            #expect(Set(waits).count > 20)
        }
    }
}

@Suite struct ForwardedCallsTests {
    private func request(_ sequence: UInt64) -> RequestID { RequestID(session: 9, sequence: sequence) }

    @Test func aRepetitionIsKnownAsLongAsTheLeadershipLasts() {
        var calls = ForwardedCalls()
        #expect(calls.note(request(1), of: GroupID(1), from: NodeID(2), in: Term(5)) == .new)
        #expect(calls.note(request(1), of: GroupID(1), from: NodeID(2), in: Term(5)) == .known)
        #expect(calls.note(request(1), of: GroupID(2), from: NodeID(2), in: Term(5)) == .new, "another group's")
        #expect(calls.note(request(1), of: GroupID(1), from: NodeID(3), in: Term(6)) == .new)
        #expect(calls.remove(request(1), of: GroupID(1)) == NodeID(3))
        #expect(calls.remove(request(1), of: GroupID(1)) == nil)
        #expect(calls.count == 1)
    }

    @Test func whatNobodyAsksForAnyMoreIsForgotten() {
        var calls = ForwardedCalls()
        calls.forgetOld(every: 100, 1_000)
        for sequence in 1...3 as ClosedRange<UInt64> {
            _ = calls.note(request(sequence), of: GroupID(1), from: NodeID(2), in: Term(5))
        }
        calls.forgetOld(every: 100, 1_050)
        calls.forgetOld(every: 100, 1_100)
        #expect(calls.note(request(2), of: GroupID(1), from: NodeID(2), in: Term(5)) == .known)
        calls.forgetOld(every: 100, 1_200)
        #expect(calls.count == 1)
        #expect(calls.remove(request(1), of: GroupID(1)) == nil)
        #expect(calls.remove(request(2), of: GroupID(1)) == NodeID(2))
    }

    @Test func noMoreAreKeptThanTheLimit() {
        var calls = ForwardedCalls()
        for sequence in 1...UInt64(ForwardedCalls.maximumCount) {
            _ = calls.note(request(sequence), of: GroupID(1), from: NodeID(2), in: Term(5))
        }
        #expect(calls.note(request(0), of: GroupID(1), from: NodeID(2), in: Term(5)) == .full)
        #expect(calls.note(request(1), of: GroupID(1), from: NodeID(2), in: Term(5)) == .known)
        _ = calls.remove(request(1), of: GroupID(1))
        #expect(calls.note(request(0), of: GroupID(1), from: NodeID(2), in: Term(5)) == .new)
    }
}
