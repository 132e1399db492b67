import Consensus
import PeerTransport
import Testing

@testable import NodeRuntime

@Suite struct SnapshotPaceTests {
    private func pull(_ group: UInt32, transfer: UInt64) -> SnapshotPull {
        SnapshotPull(group: GroupID(group), transfer: transfer, atLeast: .zero, term: .zero, after: [])
    }

    /// Asks for pieces of 100 bytes all the time, for ten seconds.
    @Test func noMoreLeavesThanTheRateAllows() {
        var pace = SnapshotPace(bytesPerSecond: 1_000, pieceBytes: 100, 5_000)
        var sent = 0
        for now in stride(from: Int64(5_000), to: 15_000, by: 10) {
            while pace.admit(now) {
                pace.notePiece(bytes: 80)
                sent += 80
            }
        }
        #expect(sent <= 10_000 + 250 + 80)
        #expect(sent >= 9_800)
    }

    @Test func aPauseIsNotMadeUpFor() {
        var pace = SnapshotPace(bytesPerSecond: 1_000, pieceBytes: 100, 0)
        while pace.admit(0) { pace.notePiece(bytes: 100) }
        var count = 0
        while pace.admit(1 << 40) {
            pace.notePiece(bytes: 100)
            count += 1
        }
        #expect(count == 3)
    }

    @Test func withoutARateNothingWaits() {
        var pace = SnapshotPace(bytesPerSecond: 0, pieceBytes: 100, 0)
        for _ in 0..<1_000 {
            let isAdmitted = pace.admit(0)
            #expect(isAdmitted)
            pace.notePiece(bytes: 1 << 20)
        }
    }

    /// Whoever asks for what there is not must not slow down who gets something.
    @Test func whatIsRefusedCostsNothing() {
        var pace = SnapshotPace(bytesPerSecond: 1_000, pieceBytes: 100, 0)
        for _ in 0..<1_000 {
            let isAdmitted = pace.admit(0)
            #expect(isAdmitted)
            pace.notePiece(bytes: 0)
        }
    }

    @Test(arguments: [0, 1 << 40]) func noMoreAreReadAtOnceThanTheLimit(_ bytesPerSecond: Int) {
        var pace = SnapshotPace(bytesPerSecond: bytesPerSecond, pieceBytes: 1, 0)
        var count = 0
        while pace.admit(0) { count += 1 }
        #expect(count == SnapshotPace.maximumReading)
        pace.notePiece(bytes: 1)
        let isAdmitted = pace.admit(0)
        #expect(isAdmitted)
    }

    @Test func pullsWaitInOrderAndOnceEach() {
        var waiting = WaitingPulls()
        waiting.add(pull(1, transfer: 1), from: NodeID(2))
        waiting.add(pull(2, transfer: 2), from: NodeID(2))
        // Begun anew: it keeps its place.
        waiting.add(pull(1, transfer: 3), from: NodeID(2))
        let served = (0..<3).map { _ in waiting.next()?.pull.transfer }
        #expect(served == [3, 2, nil])
    }

    @Test func theQueueIsBounded() {
        var waiting = WaitingPulls()
        for group in 0..<UInt32(1_000) { waiting.add(pull(group, transfer: 1), from: NodeID(2)) }
        var count = 0
        while waiting.next() != nil { count += 1 }
        #expect(count == WaitingPulls.maximumCount)
    }
}
