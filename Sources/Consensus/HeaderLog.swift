/// The headers of the entries after a snapshot point, four bytes per entry and a little for every change of term.
///
/// Terms come in long runs and no-ops and configurations are rare, so that only payload sizes are stored one by one.
@usableFromInline
struct HeaderLog: Sendable {
    private struct TermRun {
        let first: LogIndex
        let term: Term
    }

    private struct ConfigurationEntry {
        let index: LogIndex
        let configuration: Configuration
    }

    private(set) var snapshot: SnapshotPoint
    /// The latest configuration in the log, committed or not (Raft dissertation, section 4.1), else the snapshot's.
    ///
    /// Stored, and inlinable: the shells ask for it with every message, and would copy the whole machine for it.
    @usableFromInline private(set) var configuration: Configuration
    /// Payload sizes; the first `dropped` belong to compacted entries and wait for their storage to be reused.
    private var sizes: [UInt32] = []
    private var dropped = 0
    private var runs: [TermRun] = []
    private var noops: [LogIndex] = []
    private var configurations: [ConfigurationEntry] = []

    init(snapshot: SnapshotPoint, headers: [EntryHeader]) {
        self.snapshot = snapshot
        configuration = snapshot.configuration
        for header in headers { append(header) }
    }

    var count: Int { sizes.count - dropped }
    var firstIndex: LogIndex { snapshot.index.next }
    var lastIndex: LogIndex { snapshot.index + count }
    var lastTerm: Term { runs.last?.term ?? snapshot.term }

    var configurationIndex: LogIndex { configurations.last?.index ?? snapshot.index }

    /// Whether an entry in `after + 1 ... upTo` changes the configuration.
    func hasConfiguration(after: LogIndex, upTo: LogIndex) -> Bool {
        configurations.contains { $0.index > after && $0.index <= upTo }
    }

    /// The configuration in force at `index`, which the log still covers.
    func configuration(at index: LogIndex) -> Configuration {
        precondition(index >= snapshot.index && index <= lastIndex, "no such position")
        return configurations.last { $0.index <= index }?.configuration ?? snapshot.configuration
    }

    /// The term of the entry at `index`; `nil` where the log no longer or not yet has one.
    func term(at index: LogIndex) -> Term? {
        if index == snapshot.index { return snapshot.term }
        guard index > snapshot.index, index <= lastIndex else { return nil }
        return runs[runPosition(of: index)].term
    }

    func matches(index: LogIndex, term: Term) -> Bool { self.term(at: index) == term }

    func payloadBytes(at index: LogIndex) -> Int { Int(sizes[position(of: index)]) }

    func header(at index: LogIndex) -> EntryHeader {
        let size = sizes[position(of: index)]
        return EntryHeader(term: runs[runPosition(of: index)].term, payloadBytes: size, kind: kind(at: index))
    }

    /// Sum of the payload sizes of the entries in `after + 1 ... upTo`.
    func totalPayloadBytes(after: LogIndex, upTo: LogIndex) -> Int {
        guard upTo > after else { return 0 }
        return sizes[position(of: after.next)...position(of: upTo)].reduce(0) { $0 + Int($1) }
    }

    /// Whether the entries up to `index` have more payload than so many bytes. Looks no further than it must: a leader
    /// may ask with every proposal.
    func hasMorePayload(than bytes: Int, upTo index: LogIndex) -> Bool {
        var left = bytes
        for position in sizes.indices[dropped...].prefix(max(0, index - snapshot.index)) {
            left -= Int(sizes[position])
            if left < 0 { return true }
        }
        return false
    }

    /// The last entry that may go when those after it, up to `index`, are to be kept within both limits.
    func retentionPoint(behind index: LogIndex, entries: Int, bytes: Int) -> LogIndex {
        var point = min(index, lastIndex)
        var left = bytes
        var kept = 0
        while point > snapshot.index, kept < entries {
            left -= payloadBytes(at: point)
            guard left >= 0 else { break }
            kept += 1
            point = point.previous
        }
        return point
    }

    /// Headers from `first` on: at least one if there is one, else as many as both limits allow.
    func headers(from first: LogIndex, maxEntries: Int, maxBytes: Int) -> [EntryHeader] {
        var result: [EntryHeader] = []
        var bytes = 0
        var index = first
        while index <= lastIndex, result.count < maxEntries {
            let header = header(at: index)
            bytes += Int(header.payloadBytes)
            if bytes > maxBytes, !result.isEmpty { break }
            result.append(header)
            index = index.next
        }
        return result
    }

    /// All headers from `first` on.
    func headers(from first: LogIndex) -> [EntryHeader] {
        headers(from: first, maxEntries: .max, maxBytes: .max)
    }

    /// The highest index up to `index` whose term is at most `term`: two logs cannot match past it (Raft paper, end of
    /// section 5.3). Below the snapshot terms are unknown, and `index` itself is the answer.
    func lastIndex(upTo index: LogIndex, termUpTo term: Term) -> LogIndex {
        let index = min(index, lastIndex)
        guard index > snapshot.index else { return index }
        var end = index
        for run in runs.reversed() where run.first <= index {
            if run.term <= term { return end }
            end = run.first.previous
        }
        return snapshot.index
    }

    mutating func append(_ header: EntryHeader) {
        precondition(header.term >= lastTerm, "terms in a log never go back")
        let index = lastIndex.next
        sizes.append(header.payloadBytes)
        if runs.last?.term != header.term { runs.append(TermRun(first: index, term: header.term)) }
        switch header.kind {
        case .command: break
        case .noop: noops.append(index)
        case .configuration(let configuration):
            configurations.append(ConfigurationEntry(index: index, configuration: configuration))
            self.configuration = configuration
        }
    }

    /// Drops the entry at `index` and all after it.
    mutating func truncate(from index: LogIndex) {
        precondition(index > snapshot.index, "a snapshot cannot be truncated")
        guard index <= lastIndex else { return }
        sizes.removeLast(lastIndex - index + 1)
        while let run = runs.last, run.first >= index { runs.removeLast() }
        while let noop = noops.last, noop >= index { noops.removeLast() }
        while let entry = configurations.last, entry.index >= index { configurations.removeLast() }
        configuration = configurations.last?.configuration ?? snapshot.configuration
    }

    /// Forgets entries up to `point`, which the log has.
    mutating func compact(to point: SnapshotPoint) {
        precondition(matches(index: point.index, term: point.term), "the snapshot is of another log")
        guard point.index > snapshot.index else { return }
        let keptRun = point.index < lastIndex ? runPosition(of: point.index.next) : runs.count
        runs.removeFirst(keptRun)
        dropped += point.index - snapshot.index
        noops.removeAll { $0 <= point.index }
        configurations.removeAll { $0.index <= point.index }
        snapshot = point
        configuration = configurations.last?.configuration ?? point.configuration
        if dropped >= 1024, dropped * 2 >= sizes.count {
            sizes.removeFirst(dropped)
            dropped = 0
        }
    }

    /// Starts over after a snapshot that does not continue this log.
    mutating func reset(to point: SnapshotPoint) {
        self = HeaderLog(snapshot: point, headers: [])
    }

    private func kind(at index: LogIndex) -> EntryKind {
        if let entry = configurations.last(where: { $0.index == index }) { return .configuration(entry.configuration) }
        return noops.contains(index) ? .noop : .command
    }

    private func position(of index: LogIndex) -> Int {
        precondition(index > snapshot.index && index <= lastIndex, "no such entry")
        return index - snapshot.index - 1 + dropped
    }

    /// The last run that starts at or before `index`. Runs may begin before the first index, never after it.
    private func runPosition(of index: LogIndex) -> Int {
        var low = 0
        var high = runs.count
        while low < high {
            let middle = (low + high) / 2
            if runs[middle].first <= index { low = middle + 1 } else { high = middle }
        }
        precondition(low > 0, "an entry without a term")
        return low - 1
    }
}
