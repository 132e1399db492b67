public import Consensus
internal import MailModel
internal import NIOConcurrencyHelpers
public import StateStorage

/// A group's state as it was at one applied index, kept for a bounded time while replicas are compared. Later
/// changes of the group's rows do not touch it.
public final class MarkedState: Sendable {
    /// The group whose state this is.
    public let group: GroupID
    /// The last entry that the state contains.
    public let index: LogIndex
    /// The digest that was kept with every change.
    public let digest: StateDigest
    private let snapshot: NIOLockedValueBox<(any StateSnapshot)?>

    /// Keeps the group's present state.
    ///
    /// - Returns: nil when the group has no state.
    public init?(group: GroupID, store: any StateStore) throws {
        let snapshot = store.makeSnapshot()
        guard let row = try snapshot.get(Key(group, .meta).bytes) else { return nil }
        let state = try GroupState.decodeMeta(row)
        self.group = group
        index = state.appliedIndex
        digest = state.digest
        self.snapshot = NIOLockedValueBox(snapshot)
    }

    /// Releases the rows that are kept. Reads under way end first, later reads find nothing.
    public func close() {
        // The last reference must not go while the lock is held: it may have a lot to do.
        let kept = snapshot.withLockedValue { kept in
            defer { kept = nil }
            return kept
        }
        _ = kept
    }

    /// Reads the kept rows; nil when the state was closed.
    func reader() -> (any StateReader)? { snapshot.withLockedValue { $0 } }

    /// The digest of the digested rows behind a key, as far as the limits allow; at least one row, if there is one.
    ///
    /// - Parameters:
    ///   - after: a key without its group; empty: from the first row on.
    ///   - through: the last key; nil: to the last row.
    /// - Returns: nil when the state is no longer kept.
    public func run(after: [UInt8], through: [UInt8]?, maximumRows: Int, maximumBytes: Int) throws -> RowRun? {
        guard let reader = reader() else { return nil }
        var run = RowRun()
        let start = after.isEmpty ? [] : after + [0]
        for table in Table.digested {
            let range = TableRange(table, from: start, through: through)
            guard let range else { continue }
            try reader.scan(from: range.start(in: group), to: range.end(in: group)) { key, value in
                let bytes = key.count + value.count
                if run.count > 0, run.count >= maximumRows || run.bytes + bytes > maximumBytes {
                    run.isComplete = false
                    return false
                }
                run.add(key, value)
                return true
            }
            if !run.isComplete { break }
        }
        return run
    }
}

/// The digest of some rows in the order of their keys.
public struct RowRun: Hashable, Sendable {
    /// How many rows the run has.
    public private(set) var count = 0
    /// The sum of their hashes, modulo 2
    ///
    /// 64.
    public private(set) var sum: UInt64 = 0
    /// The last key, without the group.
    public private(set) var last: [UInt8] = []
    /// Bytes of their keys and values.
    public private(set) var bytes = 0
    /// How many of the rows name a body.
    private(set) var bodies = 0
    /// Whether no limit came before the end of the range.
    public fileprivate(set) var isComplete = true

    fileprivate mutating func add(_ key: Span<UInt8>, _ value: Span<UInt8>) {
        count += 1
        sum &+= RowHash.of(key, value)
        last = key.extracting(4...).copied()
        bytes += key.count + value.count
        if key[4] == Table.bodies.rawValue || key[4] == Table.uploads.rawValue { bodies += 1 }
    }
}

/// The part of a table that a range of keys without group covers.
private struct TableRange {
    private let start: [UInt8]
    /// The first key that is not covered; nil: the table is covered to its end.
    private let end: [UInt8]?
    private let table: Table

    init?(_ table: Table, from start: [UInt8], through: [UInt8]?) {
        let first = [table.rawValue]
        self.table = table
        if let from = start.first, from > table.rawValue { return nil }
        if let last = through, (last.first ?? 0) < table.rawValue { return nil }
        self.start = start.first == table.rawValue ? start : first
        end = through?.first == table.rawValue ? through.map { $0 + [0] } : nil
    }

    func start(in group: GroupID) -> [UInt8] { Key.prefix(group) + start }
    func end(in group: GroupID) -> [UInt8] { end.map { Key.prefix(group) + $0 } ?? Key(group, table).end }
}

extension Table {
    /// The tables whose rows count in the digest, in the order of their keys.
    static let digested = allCases.filter(\.isDigested)
}
