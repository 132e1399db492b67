internal import MailModel

/// The counts and counters of an account.
extension AccountRecord {
    /// Counts a mailbox or a subscription that comes or goes.
    mutating func countMailbox(_ record: MailboxRecord, adding: Bool) throws(DecodingError) {
        if record.selectable { try mailboxCount.count(1, adding: adding, "account row") }
        if record.subscribed { try subscriptionCount.count(1, adding: adding, "account row") }
    }

    /// Whether so many mailboxes more may be made.
    func hasRoomForMailboxes(_ more: Int) -> Bool {
        Int(mailboxCount) + more <= MailLimits.mailboxesPerAccount
    }

    /// A mailbox with a number of its own, which is not counted yet.
    mutating func makeMailbox(
        named name: MailboxName,
        use: SpecialUse?,
        at time: Timestamp
    ) throws(DecodingError) -> MailboxRecord {
        // UIDVALIDITY rises with time and with every mailbox, so that a name used again never shows an old one.
        let seconds = UInt32(clamping: time.rawValue / 1_000)
        uidValidityFloor = max(uidValidityFloor &+ 1, seconds)
        let id = MailboxID(nextMailboxID)
        nextMailboxID = try nextMailboxID.counted(up: 1, "account row")
        return MailboxRecord(id: id, name: name, specialUse: use, uidValidity: uidValidityFloor)
    }

    /// The next number of the counter that mailboxes and contents share.
    mutating func takeContentsID() throws(DecodingError) -> ContentsID {
        defer { nextMailboxID &+= 1 }
        return ContentsID(try nextMailboxID.counted(up: 1, "account row") - 1)
    }

    /// Counts messages that come or go.
    mutating func countMessages(_ messages: UInt64, bytes sizeBytes: UInt64, adding: Bool) throws(DecodingError) {
        try usedMessages.count(messages, adding: adding, "account row")
        try usedBytes.count(sizeBytes, adding: adding, "account row")
    }

    /// Whether the quota lets so many bytes more in.
    func hasRoomForBytes(_ sizeBytes: UInt64) -> Bool {
        guard quotaBytes > 0 else { return true }
        let (sum, overflows) = usedBytes.addingReportingOverflow(sizeBytes)
        return !overflows && sum <= quotaBytes
    }
}
