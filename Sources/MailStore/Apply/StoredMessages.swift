internal import Consensus
internal import MailModel
internal import NIOCore
internal import StateStorage

/// The rows of a mailbox's messages, found in the store: commit first.
struct StoredMessages {
    let scope: CommandScope
    let contents: ContentsID

    /// Lends the rows of the messages of a set that exist, in UID order.
    ///
    /// To begin a scan costs as much as some look-ups, which Bloom filters help besides: so UIDs that stand in short
    /// runs are looked up one by one.
    private func lendRows(
        of table: Table,
        uids: UIDSet,
        _ body: (UID, Span<UInt8>) throws -> Void
    ) throws {
        for range in uids.ranges {
            let first = scope.key(table, of: UID(range.lowerBound), in: contents)
            guard range.count > ApplierLimits.longestRunLookedUp else {
                for uid in range {
                    let key = scope.key(table, of: UID(uid), in: contents)
                    _ = try scope.store.withValue(key.bytes) { value in try body(UID(uid), value) }
                }
                continue
            }
            let last = scope.key(table, of: UID(range.upperBound), in: contents)
            try scope.store.scan(from: first.bytes, to: last.end) { key, value in
                try body(UID(try Key.integer(key, at: Key.afterMailbox, as: UInt32.self)), value)
                return true
            }
        }
    }

    /// The flags rows of the messages of a set that exist, in UID order.
    ///
    /// - Throws: `Refusal.tooManyMessages` where more UIDs exist, or more places are to be looked at, than `limit`.
    func flagsRows(of uids: UIDSet, limit: Int) throws -> [(UID, FlagsRow)] {
        var places = 0
        for range in uids.ranges {
            places += range.count > ApplierLimits.longestRunLookedUp ? 1 : range.count
            guard places <= limit else { throw Refusal.tooManyMessages }
        }
        var rows: [(UID, FlagsRow)] = []
        rows.reserveCapacity(min(limit, uids.count))
        try lendRows(of: .flags, uids: uids) { uid, value in
            guard rows.count < limit else { throw Refusal.tooManyMessages }
            rows.append((uid, try FlagsRow(span: value)))
        }
        return rows
    }

    /// The message rows of messages whose flags rows were found.
    ///
    /// - Throws: `Refusal.tooManyMessages` where they are so large together that others would wait for them.
    func messageRows(of found: [(UID, FlagsRow)]) throws -> [ByteBuffer] {
        var rows: [ByteBuffer] = []
        rows.reserveCapacity(found.count)
        var bytes = 0
        try lendRows(of: .messages, uids: UIDSet(found.lazy.map(\.0))) { uid, value in
            // A row without its flags row is met where a whole run is read.
            guard rows.count < found.count, found[rows.count].0 == uid else { throw Self.unmatchedMessage }
            bytes += value.count
            guard rows.isEmpty || bytes <= MailLimits.messageRowBytesPerCommand else { throw Refusal.tooManyMessages }
            rows.append(ByteBuffer(copying: value))
        }
        guard rows.count == found.count else { throw Self.unmatchedMessage }
        return rows
    }

    private static let unmatchedMessage = DecodingError(.truncated, offset: 0, subject: "message row of a flags row")
}
