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
                pace.sent(80)
                sent += 80
            }
        }
        #expect(sent <= 10_000 + 250 + 80)
        #expect(sent >= 9_800)
    }

    @Test func aPauseIsNotMadeUpFor() {
        var pace = SnapshotPace(bytesPerSecond: 1_000, pieceBytes: 100, 0)
        while pace.admit(0) { pace.sent(100) }
        var count = 0
        while pace.admit(1 << 40) {
            pace.sent(100)
            count += 1
        }
        #expect(count == 3)
    }

    @Test func withoutARateNothingWaits() {
        var pace = SnapshotPace(bytesPerSecond: 0, pieceBytes: 100, 0)
        for _ in 0..<1_000 {
            let isAdmitted = pace.admit(0)
            #expect(isAdmitted)
            pace.sent(1 << 20)
        }
    }

    @Test func pullsWaitInOrderAndOnceEach() {
        var pace = SnapshotPace(bytesPerSecond: 1_000, pieceBytes: 1_000, 0)
        let admitted = [pace.admit(0), pace.admit(0)]
        #expect(admitted == [true, false])
        pace.postpone(pull(1, transfer: 1), to: NodeID(2))
        pace.postpone(pull(2, transfer: 2), to: NodeID(2))
        // Begun anew: it keeps its place.
        pace.postpone(pull(1, transfer: 3), to: NodeID(2))
        let served = [100, 1_000, 1_000, 3_000, 9_000].map { pace.next($0)?.pull.transfer }
        #expect(served == [nil, 3, nil, 2, nil])
    }

    @Test func theQueueIsBounded() {
        var pace = SnapshotPace(bytesPerSecond: 1, pieceBytes: 1_000, 0)
        for group in 0..<UInt32(1_000) { pace.postpone(pull(group, transfer: 1), to: NodeID(2)) }
        var count = 0
        for second in Int64(1)...200_000 where pace.next(second * 1_000) != nil {
            pace.sent(1_000)
            count += 1
        }
        #expect(count == SnapshotPace.maximumWaiting)
    }
}
