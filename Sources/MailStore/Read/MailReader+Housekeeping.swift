public import Consensus
public import MailModel
internal import NIOCore
internal import StateStorage

/// Which retentions end now: what was kept before these times may go.
public struct HousekeepingTimes: Hashable, Sendable {
    /// Messages that were expunged before this time may go.
    public let expunged: Timestamp
    /// Answers that were given before this time may be forgotten.
    public let requests: Timestamp
    /// Deliveries that came before this time need not be recognised any more.
    public let deliveries: Timestamp
    /// Uploads that began before this time and were not finished may go.
    public let uploads: Timestamp

    /// The retentions that have ended at `now`: those of ``MailLimits``, but for that of expunged messages.
    public init(
        now: Timestamp,
        expungedRetentionMilliseconds: Int64 = MailLimits.expungedRetentionMilliseconds
    ) {
        func before(_ retention: Int64) -> Timestamp { Timestamp(milliseconds: now.rawValue - retention) }
        expunged = before(expungedRetentionMilliseconds)
        requests = before(MailLimits.requestRetentionMilliseconds)
        deliveries = before(MailLimits.deliveryRetentionMilliseconds)
        uploads = before(MailLimits.uploadRetentionMilliseconds)
    }
}

/// What housekeeping has to do in a group.
public struct HousekeepingDue: Sendable {
    /// A command, and the account that it names where it names one.
    public typealias Command = (account: AccountID, command: MailCommand)

    /// The commands to propose. Each removes a bounded number of rows; where there are more, it is due again.
    public var commands: [Command] = []
    /// For how long the oldest row of those with an order in time has been due; 0: none is.
    public var backlogMilliseconds: Int64 = 0

    /// Nothing is due.
    public init() {}
}

extension MailReader {
    /// Rows of a table without an order in time that are looked at, before something is taken to be due.
    static let housekeepingRows = 256
    /// Deleted mailboxes and accounts that are worked on at the same time.
    static let remnantsPerRound = 2

    /// The commands that would find something to remove: a group without any is left alone.
    public func housekeepingDue(in group: GroupID, _ times: HousekeepingTimes) throws -> HousekeepingDue {
        let limit = UInt32(MailLimits.purgedPerCommand)
        var due = HousekeepingDue()
        func add(_ command: MailCommand, of account: AccountID = AccountID(0)) {
            due.commands.append((account, command))
        }
        if let oldest = try oldestRow(group, .expungedByTime), oldest < times.expunged {
            due.backlogMilliseconds = max(due.backlogMilliseconds, Self.milliseconds(from: oldest, to: times.expunged))
            add(.purgeExpunged(before: times.expunged, limit: limit))
        }
        if try hasOldRequest(group, before: times.requests) {
            add(.purgeRequests(before: times.requests, limit: limit))
        }
        if let oldest = try oldestRow(group, .deliveriesByTime), oldest < times.deliveries {
            due.backlogMilliseconds = max(
                due.backlogMilliseconds,
                Self.milliseconds(from: oldest, to: times.deliveries)
            )
            add(.purgeDeliveries(before: times.deliveries, limit: limit))
        }
        if let account = try firstOldUpload(group, before: times.uploads) {
            add(.purgeUploads(before: times.uploads, from: account, limit: limit))
        }
        for remnant in try remnantsDue(in: group, times, limit: Self.remnantsPerRound) {
            add(.purgeRemnant(remnant.contents, limit: limit), of: remnant.account)
        }
        return due
    }

    /// What is left of deleted mailboxes and accounts, and may go now: accounts at once, mailboxes after the time for
    /// which expunged messages are kept.
    ///
    /// - Parameter limit: how many of them are wanted at most.
    func remnantsDue(
        in group: GroupID,
        _ times: HousekeepingTimes,
        limit: Int
    ) throws -> [(account: AccountID, contents: ContentsID)] {
        var due: [(account: AccountID, contents: ContentsID)] = []
        let prefix = Key(group, .remnants)
        try store.scan(from: prefix.bytes, to: prefix.end) { key, value in
            let contents = ContentsID(try Key.integer(key, at: Key.afterAccount, as: UInt32.self))
            let time = try RemnantRow(row: ByteBuffer(copying: value)).time
            if contents == .wholeAccount || time < times.expunged {
                due.append((AccountID(try Key.integer(key, at: 5, as: UInt64.self)), contents))
            }
            return due.count < limit
        }
        return due
    }

    /// Milliseconds from a time to another. Times that a disk has spoiled do not trap.
    private static func milliseconds(from start: Timestamp, to end: Timestamp) -> Int64 {
        let (difference, overflows) = end.rawValue.subtractingReportingOverflow(start.rawValue)
        return overflows ? .max : difference
    }

    /// The time in the first key of an index by time.
    private func oldestRow(_ group: GroupID, _ table: Table) throws -> Timestamp? {
        let prefix = Key(group, table)
        var oldest: Timestamp?
        try store.scan(from: prefix.bytes, to: prefix.end) { key, _ in
            oldest = Timestamp(milliseconds: Int64(bitPattern: try Key.integer(key, at: 5, as: UInt64.self)))
            return false
        }
        return oldest
    }

    private func hasOldRequest(_ group: GroupID, before time: Timestamp) throws -> Bool {
        try isAny(group, .requests) { _, value in
            var decoder = try WireDecoder(row: ByteBuffer(copying: value), subject: "request row")
            return try decoder.timestamp() < time
        }
    }

    /// Whose upload is the first that is old, in the order of accounts.
    private func firstOldUpload(_ group: GroupID, before time: Timestamp) throws -> AccountID? {
        let prefix = Key(group, .uploads)
        var account: AccountID?
        try store.scan(from: prefix.bytes, to: prefix.end) { key, _ in
            // A body's name tells when it was begun.
            if try Int64(Key.integer(key, at: 13, as: UInt64.self) >> 16) < time.rawValue {
                account = AccountID(try Key.integer(key, at: 5, as: UInt64.self))
            }
            return account == nil
        }
        return account
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
