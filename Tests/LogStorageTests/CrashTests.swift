import Consensus
import LogStorage
import NIOCore
import Testing

/// Random work, with the power lost at every kind of moment.
@Suite struct CrashTests {
    @Test(arguments: 1...60 as ClosedRange<UInt64>)
    func nothingAcknowledgedIsLostAndNothingIsCalledDamaged(_ seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        var subject = try LogUnderTest()
        for _ in 0..<60 {
            switch random.below(12) {
            case 0: try subject.log.purge()
            case 1: _ = try subject.log.compact(maxBytes: 2000)
            case 2: try subject.log.seal()
            case 3: try subject.reopen()
            case 4, 5: try crash(&subject, &random)
            default: try subject.write(Self.round(subject.model, &random))
            }
        }
        try subject.crashAndReopen()
    }

    /// Fails at some call on the way, loses power, and compares: the round is there as a whole, or not at all.
    private func crash(_ subject: inout LogUnderTest, _ random: inout SplitMix64) throws {
        let faults: [MemoryDisk.Fault] = [.dataSync, .dataSync, .dataSync, .write, .syncDirectory]
        subject.disk.inject(faults[random.below(faults.count)], afterCalls: random.below(6))
        var after = subject.model
        do {
            for _ in 0..<8 {
                let round = Self.round(subject.model, &random)
                after = subject.model
                after.apply(round)
                try subject.log.append(round)
                subject.model = after
                if random.below(4) == 0 { _ = try subject.log.compact(maxBytes: 3000) }
            }
        } catch { #expect(error.kind == .inputOutput) }
        subject.disk.crash(seed: random.below(4) == 0 ? nil : random.next())
        try recoverDespiteCrashes(&subject, &random)
        let (log, recovered) = try SegmentedLog.open(disk: subject.disk, settings: subject.settings)
        subject.log = log
        for group in recovered { #expect(group.verdict == .intact) }
        let found = try Model(recovered, log.reader)
        #expect(found == subject.model || found == after)
        subject.model = found
    }

    /// Recovery itself may be interrupted.
    private func recoverDespiteCrashes(_ subject: inout LogUnderTest, _ random: inout SplitMix64) throws {
        while random.below(2) == 0 {
            subject.disk.inject(.dataSync, afterCalls: random.below(3))
            _ = try? SegmentedLog.open(disk: subject.disk, settings: subject.settings)
            subject.disk.crash(seed: random.next())
        }
    }

    static func round(_ model: Model, _ random: inout SplitMix64) -> LogRound {
        var round = LogRound()
        var model = model
        for _ in 0..<1 + random.below(5) {
            let operation = operation(model, &random)
            round.append(operation)
            model.apply(LogRound([operation]))
        }
        return round
    }

    private static func operation(_ model: Model, _ random: inout SplitMix64) -> LogOperation {
        let id = GroupID(UInt32(random.below(4)))
        guard let group = model.groups[id] else {
            return .createGroup(id, .at(UInt64(random.below(3)), term: 1))
        }
        let term = group.hardState.term.rawValue + UInt64(random.below(2))
        switch random.below(12) {
        case 0: return .removeGroup(id)
        case 1, 2:
            return .saveHardState(
                id,
                HardState(term: Term(term), vote: ReplicaID(term), commitIndex: group.snapshot.index)
            )
        case 3, 4:
            let index = group.snapshot.index + random.below(group.entries.count + 3)
            let position = index - group.snapshot.index
            let known = position > 0 && position <= group.entries.count
            let agrees = known && random.below(3) > 0
            return .setSnapshot(
                id,
                .at(index.rawValue, term: agrees ? group.entries[position - 1].header.term.rawValue : 99)
            )
        default:
            let back = random.below(4) == 0 ? random.below(group.entries.count + 1) : 0
            let entries = (0..<random.below(4)).map { _ in entry(term, &random) }
            return .append(id, firstIndex: group.lastIndex.next + -back, entries)
        }
    }

    private static func entry(_ term: UInt64, _ random: inout SplitMix64) -> LogEntry {
        switch random.below(8) {
        case 0: return .noop(term: term)
        case 1: return .configuration(term: term, .joint)
        case 2: return .command(term: term, [UInt8](repeating: 0, count: random.below(2000)))
        default: return .command(term: term, random.bytes(random.below(1500)))
        }
    }
}
