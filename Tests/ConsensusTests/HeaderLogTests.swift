import Testing

@testable import Consensus

/// The compact log against a plain array of headers.
@Suite struct HeaderLogTests {
    @Test(arguments: 0..<8)
    func agreesWithAnArray(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let empty = Configuration(voters: [])
        var log = HeaderLog(snapshot: SnapshotPoint(index: 0, term: 0, configuration: empty), headers: [])
        // Everything ever appended and not truncated; entry i is at position i - 1.
        var all: [EntryHeader] = []
        var first = 0
        for step in 0..<300 {
            switch random.below(10) {
            case 0..<7:
                let term = Term((all.last?.term.rawValue ?? 1) + UInt64(random.below(8) == 0 ? 1 : 0))
                let kind: EntryKind
                switch random.below(12) {
                case 0: kind = .noop
                case 1:
                    let member = Member(replica: ReplicaID(UInt64(step)), node: NodeID(1))
                    kind = .configuration(Configuration(voters: [member]))
                default: kind = .command
                }
                for _ in 0..<(1 + random.below(30)) {
                    let header = EntryHeader(term: term, payloadBytes: UInt32(random.below(100)), kind: kind)
                    all.append(header)
                    log.append(header)
                }
            case 7:
                guard all.count > first else { continue }
                let keep = first + random.below(all.count - first)
                all.removeLast(all.count - keep)
                log.truncate(from: LogIndex(UInt64(keep + 1)))
            default:
                guard all.count > first else { continue }
                first += 1 + random.below(min(40, all.count - first))
                let index = LogIndex(UInt64(first))
                let point = SnapshotPoint(
                    index: index,
                    term: all[first - 1].term,
                    configuration: log.configuration(at: index)
                )
                log.compact(to: point)
            }
            #expect(log.lastIndex == LogIndex(UInt64(all.count)))
            #expect(log.headers(from: log.firstIndex) == Array(all[first...]))
            #expect(log.lastTerm == (all.last?.term ?? 0))
            let last = all.last { if case .configuration = $0.kind { true } else { false } }
            if case .configuration(let configuration)? = last?.kind { #expect(log.configuration == configuration) }
            checkHints(log, all, first, &random)
        }
    }

    private func checkHints(_ log: HeaderLog, _ all: [EntryHeader], _ first: Int, _ random: inout SplitMix64) {
        let index = first + random.below(all.count - first + 1)
        let term = Term(UInt64(random.below(12)))
        var expected = index
        while expected > first, all[expected - 1].term > term { expected -= 1 }
        #expect(log.lastIndex(upTo: LogIndex(UInt64(index)), termUpTo: term) == LogIndex(UInt64(expected)))
        let bytes = all[first..<index].reduce(0) { $0 + Int($1.payloadBytes) }
        #expect(log.totalPayloadBytes(after: LogIndex(UInt64(first)), upTo: LogIndex(UInt64(index))) == bytes)
    }

    @Test func whatIsKeptBehindAnIndexIsWithinBothLimits() {
        let empty = SnapshotPoint(index: 0, term: 0, configuration: Configuration(voters: []))
        let headers = [100, 10, 10, 10, 10].map { EntryHeader(term: 1, payloadBytes: $0, kind: .command) }
        let log = HeaderLog(snapshot: empty, headers: headers)
        #expect(log.retentionPoint(behind: 5, entries: 2, bytes: 1_000) == 3)
        #expect(log.retentionPoint(behind: 4, entries: 9, bytes: 25) == 2)
        #expect(log.retentionPoint(behind: 5, entries: 9, bytes: 130) == 1)
        #expect(log.retentionPoint(behind: 5, entries: 9, bytes: 140) == 0)
        #expect(log.retentionPoint(behind: 5, entries: 0, bytes: 140) == 5)
    }

    @Test func anAppendCarriesAtLeastOneEntry() {
        let empty = SnapshotPoint(index: 0, term: 0, configuration: Configuration(voters: []))
        let headers = [100, 10, 10, 10].map { EntryHeader(term: 1, payloadBytes: $0, kind: .command) }
        let log = HeaderLog(snapshot: empty, headers: headers)
        #expect(log.headers(from: 1, maxEntries: 10, maxBytes: 5).count == 1)
        #expect(log.headers(from: 2, maxEntries: 10, maxBytes: 20).count == 2)
        #expect(log.headers(from: 2, maxEntries: 1, maxBytes: 20).count == 1)
        #expect(log.headers(from: 5, maxEntries: 1, maxBytes: 20).isEmpty)
        #expect(log.hasMorePayload(than: 109, upTo: 2) && !log.hasMorePayload(than: 110, upTo: 2))
        #expect(log.hasMorePayload(than: 129, upTo: 4) && !log.hasMorePayload(than: 0, upTo: 0))
    }
}
