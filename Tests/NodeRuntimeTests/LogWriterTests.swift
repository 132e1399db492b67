import Consensus
import LogStorage
import NIOCore
import PeerTransport
import ReplicaCore
import Testing

@testable import NodeRuntime

/// A backlog becomes several rounds, and nothing is reported before all of it is durable.
@Suite struct LogWriterTests {
    private let group = GroupID(1)
    private let payload = ByteBuffer(repeating: 1, count: 1 << 20)

    private func write(_ sequence: UInt64, first: UInt64, count: Int) -> ReplicaWrite {
        let header = EntryHeader(term: Term(1), payloadBytes: UInt32(payload.readableBytes), kind: .command)
        return ReplicaWrite(
            group: group,
            sequence: sequence,
            hardState: nil,
            firstIndex: LogIndex(first),
            headers: Array(repeating: header, count: count),
            payloads: Array(repeating: payload, count: count),
            releases: []
        )
    }

    private func writer(_ log: RecordingLog, _ inboxes: LoopInboxes, failures: Counter = Counter()) -> LogWriter {
        LogWriter(
            log: log,
            network: NoNetwork(),
            inboxes: inboxes,
            maximumSegments: 16,
            flushBytes: 100 << 20
        ) { _ in failures.value += 1 }
    }

    private func persisted(_ loop: Inbox<LoopInput>) -> [UInt64] {
        loop.drain().flatMap { input -> [UInt64] in
            if case .persisted(let writes) = input { writes.map(\.sequence) } else { [] }
        }
    }

    /// More than a round of the log can hold at all.
    @Test func aBacklogIsSplit() {
        let log = RecordingLog()
        let inboxes = LoopInboxes(loops: 1)
        let writer = writer(log, inboxes)
        for number in 0..<UInt64(1_100) { writer.inbox.put(.write(write(number + 1, first: number + 1, count: 1))) }
        writer.turn()
        #expect(log.rounds.count == 69)
        #expect(log.rounds.allSatisfy { $0 <= LogWriter.roundBytes })
        #expect(log.entries == 1_100)
        #expect(persisted(inboxes.loops[0]) == Array(1...1_100))
    }

    @Test func aWriteLargerThanARoundIsReportedAtItsEnd() {
        let log = RecordingLog()
        let inboxes = LoopInboxes(loops: 1)
        let writer = writer(log, inboxes)
        log.willAppend = { #expect(inboxes.loops[0].isEmpty) }
        writer.inbox.put(.write(write(1, first: 5, count: 40)))
        writer.turn()
        #expect(log.rounds.count == 3)
        #expect(log.firsts == [5, 21, 37])
        #expect(persisted(inboxes.loops[0]) == [1])
    }

    /// What a start would have to apply again does not become more and more.
    @Test func theAgentIsToldThatTheLogHasGrown() {
        let inboxes = LoopInboxes(loops: 1)
        let writer = writer(RecordingLog(), inboxes)
        var told: [Int] = []
        for number in 0..<UInt64(350) {
            writer.inbox.put(.write(write(number + 1, first: number + 1, count: 1)))
            writer.turn()
            for case .logHasGrown in inboxes.agent.drain() { told.append(Int(number) + 1) }
        }
        #expect(told == [100, 200, 300])
    }

    @Test func aFailureInTheMiddleIsTheEnd() {
        let log = RecordingLog()
        let inboxes = LoopInboxes(loops: 1)
        let failures = Counter()
        let writer = writer(log, inboxes, failures: failures)
        log.failsFrom = 1
        writer.inbox.put(.write(write(1, first: 1, count: 16)))
        writer.inbox.put(.write(write(2, first: 17, count: 20)))
        writer.inbox.put(.write(write(3, first: 37, count: 1)))
        writer.turn()
        #expect(failures.value == 1)
        // The first was durable before the disk failed.
        #expect(persisted(inboxes.loops[0]) == [1])
        writer.inbox.put(.write(write(4, first: 38, count: 1)))
        #expect(!writer.turn())
    }
}

private final class NoNetwork: PeerNetwork {
    func reach(_ addresses: [NodeID: String], partingFrom gone: [NodeID]) {}
    func send(_ messages: [PeerMessage], to node: NodeID) {}
}

/// Notes how large rounds are, and keeps nothing.
private final class RecordingLog: LogStore {
    var rounds: [Int] = []
    var entries = 0
    var firsts: [UInt64] = []
    var willAppend: () -> Void = {}
    var failsFrom = Int.max

    func append(_ round: LogRound) throws(LogError) {
        willAppend()
        guard rounds.count < failsFrom else { throw LogError(.inputOutput, "for this test") }
        rounds.append(round.byteCount)
        for case .append(_, let first, let added) in round.operations {
            entries += added.count
            firsts.append(first.rawValue)
        }
    }

    func purge() throws(LogError) {}
    func compact(maxBytes: Int) throws(LogError) -> Int { 0 }
    func isOldestSegmentWorthCopying(beyond count: Int) -> Bool { false }
    func seal() throws(LogError) {}
    var reader: any LogReading { preconditionFailure("nothing is read") }
    var diskBytes: Int { 0 }
    var segmentCount: Int { 0 }
}
