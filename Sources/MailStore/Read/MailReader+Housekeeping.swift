public import Consensus
public import MailModel
internal import NIOCore
internal import StateStorage

/// Which retentions end now: what was kept before these times may go.
public struct HousekeepingTimes: Hashable, Sendable {
    public let expunged: Timestamp
    public let requests: Timestamp
    public let deliveries: Timestamp
    public let uploads: Timestamp

    public init(now: Timestamp) {
        func before(_ retention: Int64) -> Timestamp { Timestamp(milliseconds: now.rawValue - retention) }
        expunged = before(MailLimits.expungedRetentionMilliseconds)
        requests = before(MailLimits.requestRetentionMilliseconds)
        deliveries = before(MailLimits.deliveryRetentionMilliseconds)
        uploads = before(MailLimits.uploadRetentionMilliseconds)
    }
}

extension MailReader {
    /// Rows of a table without an order in time that are looked at, before something is taken to be due.
    static let housekeepingRows = 256

    /// The commands that would find something to remove: a group without any is left alone.
    ///
    /// - Parameter limit: rows that one command may remove.
    public func housekeepingDue(in group: GroupID, _ times: HousekeepingTimes, limit: UInt32) throws -> [MailCommand] {
        var due: [MailCommand] = []
        if try hasRow(group, .expungedByTime, before: times.expunged) {
            due.append(.purgeExpunged(before: times.expunged, limit: limit))
        }
        if try hasOldRequest(group, before: times.requests) {
            due.append(.purgeRequests(before: times.requests, limit: limit))
        }
        if try hasRow(group, .deliveriesByTime, before: times.deliveries) {
            due.append(.purgeDeliveries(before: times.deliveries, limit: limit))
        }
        if try hasOldUpload(group, before: times.uploads) {
            due.append(.purgeUploads(before: times.uploads, limit: limit))
        }
        return due
    }

    private func hasRow(_ group: GroupID, _ table: Table, before time: Timestamp) throws -> Bool {
        var end = Key(group, table)
        end.append(time)
        var isThere = false
        try store.scan(from: Key(group, table).bytes, to: end.bytes) { _, _ in
            isThere = true
            return false
        }
        return isThere
    }

    private func hasOldRequest(_ group: GroupID, before time: Timestamp) throws -> Bool {
        try isAny(group, .requests) { _, value in
            var decoder = try WireDecoder(row: ByteBuffer(copying: value), subject: "request row")
            return try decoder.timestamp() < time
        }
    }

    private func hasOldUpload(_ group: GroupID, before time: Timestamp) throws -> Bool {
        // A body's name tells when it was begun.
        try isAny(group, .uploads) { key, _ in
            try Int64(Key.integer(key, at: 13, as: UInt64.self) >> 16) < time.rawValue
        }
    }

    /// Whether a row is old, or there are too many to look at all of them.
    private func isAny(
        _ group: GroupID,
        _ table: Table,
        _ isOld: (Span<UInt8>, Span<UInt8>) throws -> Bool
    ) throws -> Bool {
        let prefix = Key(group, table)
        var count = 0
        var found = false
        try store.scan(from: prefix.bytes, to: prefix.end) { key, value in
            count += 1
            found = try count > Self.housekeepingRows || isOld(key, value)
            return !found
        }
        return found
    }
}
