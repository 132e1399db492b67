internal import Consensus
internal import MailModel
internal import NIOCore
internal import StateStorage

/// Rows of many messages, found in the store: commit first.
extension MailApplier {
    /// Lends the rows of the messages of a set that exist, in UID order.
    ///
    /// To begin a scan costs as much as some look-ups, which Bloom filters help besides: so UIDs that stand in short
    /// runs are looked up one by one.
    func lendRows(
        _ context: Context,
        of table: Table,
        in contents: ContentsID,
        uids: UIDSet,
        _ body: (UID, Span<UInt8>) throws -> Void
    ) throws {
        for range in uids.ranges {
            let first = Key(context.group, table, context.account, contents, UID(range.lowerBound))
            guard range.count > ApplierLimits.longestRunLookedUp else {
                for uid in range {
                    let key = Key(context.group, table, context.account, contents, UID(uid))
                    _ = try store.withValue(key.bytes) { value in try body(UID(uid), value) }
                }
                continue
            }
            let last = Key(context.group, table, context.account, contents, UID(range.upperBound))
            try store.scan(from: first.bytes, to: last.end) { key, value in
                try body(UID(try Key.integer(key, at: Key.afterMailbox, as: UInt32.self)), value)
                return true
            }
        }
    }

    /// The flags rows of the messages of a set that exist, in UID order.
    ///
    /// - Throws: `Refusal.tooManyMessages` where more UIDs exist, or more places are to be looked at, than `limit`.
    func flagsRows(
        _ context: Context,
        in contents: ContentsID,
        uids: UIDSet,
        limit: Int
    ) throws -> [(UID, FlagsRow)] {
        var places = 0
        for range in uids.ranges {
            places += range.count > ApplierLimits.longestRunLookedUp ? 1 : range.count
            guard places <= limit else { throw Refusal.tooManyMessages }
        }
        var rows: [(UID, FlagsRow)] = []
        rows.reserveCapacity(min(limit, uids.count))
        try lendRows(context, of: .flags, in: contents, uids: uids) { uid, value in
            guard rows.count < limit else { throw Refusal.tooManyMessages }
            rows.append((uid, try FlagsRow(span: value)))
        }
        return rows
    }

    /// The message rows of messages whose flags rows were found.
    ///
    /// - Throws: `Refusal.tooManyMessages` where they are so large together that others would wait for them.
    func messageRows(
        _ context: Context,
        in contents: ContentsID,
        of found: [(UID, FlagsRow)]
    ) throws -> [ByteBuffer] {
        var rows: [ByteBuffer] = []
        rows.reserveCapacity(found.count)
        var bytes = 0
        try lendRows(context, of: .messages, in: contents, uids: UIDSet(found.lazy.map(\.0))) { uid, value in
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

/// How much more one housekeeping command may do.
struct PieceRoom {
    private let limit: Int
    private(set) var removed = 0
    private var rows = 0
    private var bytes = 0

    /// - Parameter asked: what the command names; there are limits besides.
    init(_ asked: UInt32) { limit = min(Int(asked), MailLimits.purgedPerCommand) }

    var isLeft: Bool {
        removed < limit && rows < MailLimits.rowsPerPurge && bytes < MailLimits.messageRowBytesPerCommand
    }

    /// Counts rows that were touched without anything being removed.
    mutating func passOver(rows more: Int) { rows += more }

    /// Counts something that was removed, with its rows and the bytes that were read for it.
    mutating func take(rows more: Int, bytes read: Int) {
        removed += 1
        rows += more
        bytes += read
    }
}
