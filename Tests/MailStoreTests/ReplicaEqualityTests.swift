import Consensus
import MailModel
import MailStore
import NIOCore
import StateStorage
import Testing

/// The same commands give the same state: whatever the batches, crashes and replays on the way.
@Suite struct ReplicaEqualityTests {
    private let group = GroupID(1)

    @Test(arguments: 1...25 as ClosedRange<UInt64>)
    func `replicas agree whatever their batches and crashes`(seed: UInt64) throws {
        var commands = RandomCommands(seed: seed)
        let entries = (0..<400).map { _ in commands.next() }

        // One replica commits after each command, and counts its rows anew each time.
        let stepwise = MemoryStateStore()
        let first = MailApplier(store: stepwise)
        try first.open(group)
        var outcomes: [MailOutcome] = []
        for (offset, entry) in entries.enumerated() {
            outcomes.append(try apply(entry, at: offset, to: first))
            try first.commit()
            let stored = try MailReader(store: stepwise).digest(group)
            #expect(stored.index == LogIndex(UInt64(offset + 1)))
            #expect(stored.digest == (try recomputedDigest(group, in: stepwise)))
        }

        #expect(try StateAudit(group, in: stepwise).problems == [])

        // The other commits when it likes, flushes now and then, and loses what it did not flush.
        var random = SplitMix64(seed: seed &* 31)
        let crashing = MemoryStateStore()
        var second = MailApplier(store: crashing)
        try second.open(group)
        var next = 0
        while next < entries.count {
            let outcome = try apply(entries[next], at: next, to: second)
            #expect(outcome == outcomes[next], "command \(next)")
            next += 1
            if Int.random(in: 0..<4, using: &random) == 0 { try second.commit() }
            if Int.random(in: 0..<20, using: &random) == 0 { try crashing.flush() }
            if Int.random(in: 0..<60, using: &random) == 0 {
                crashing.crash()
                second = MailApplier(store: crashing)
                next = Int(try second.open(group).rawValue)
                #expect(second.digest(group) == (try recomputedDigest(group, in: crashing)))
            }
        }
        try second.commit()
        #expect(second.digest(group) == first.digest(group))
        #expect(try recomputedDigest(group, in: crashing) == first.digest(group))
    }

    @Test(arguments: 1...10 as ClosedRange<UInt64>)
    func `a snapshot carries a group whole, in pieces of any size`(seed: UInt64) throws {
        var commands = RandomCommands(seed: seed)
        let store = MemoryStateStore()
        let applier = MailApplier(store: store)
        try applier.open(group)
        for offset in 0..<200 { _ = try apply(commands.next(), at: offset, to: applier) }
        try applier.commit()

        let source = try #require(try GroupSnapshotSource(group: group, store: store))
        let target = MemoryStateStore()
        let sink = GroupSnapshotSink(group: group, store: target)
        try sink.begin()
        #expect(try GroupSnapshotSink.isInterrupted(group, in: target))
        var after: [UInt8] = []
        while true {
            let chunk = try source.chunk(after: after, maximumBytes: 300 * Int(seed))
            try sink.add(chunk)
            after = chunk.lastKey
            if chunk.isLast { break }
        }
        #expect(try sink.finish(note: [1, 2]) == LogIndex(200))
        #expect(try !GroupSnapshotSink.isInterrupted(group, in: target))
        #expect(try recomputedDigest(group, in: target) == applier.digest(group))
        target.crash()
        let restored = MailApplier(store: target)
        #expect(try restored.open(group) == LogIndex(200))
        let again = commands.next()
        #expect(try apply(again, at: 200, to: restored) == apply(again, at: 200, to: applier))
    }

    private func apply(_ entry: ByteBuffer, at offset: Int, to applier: MailApplier) throws -> MailOutcome {
        try applier.apply(group: group, index: LogIndex(UInt64(offset + 1)), term: Term(1), payload: entry).1
    }
}
