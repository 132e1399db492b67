internal import MailModel

/// The counts of a mailbox, and what its messages bring and take with them.
extension MailboxRecord {
    /// Counts a message that comes or goes.
    mutating func countMessage(_ flags: MessageFlags, bytes sizeBytes: UInt64, adding: Bool) throws(DecodingError) {
        try messages.count(1, adding: adding, "mailbox row")
        if !flags.system.contains(.seen) { try unseen.count(1, adding: adding, "mailbox row") }
        if flags.system.contains(.deleted) { try deleted.count(1, adding: adding, "mailbox row") }
        try self.sizeBytes.count(sizeBytes, adding: adding, "mailbox row")
    }

    /// Counts a change of a message's flags.
    mutating func recount(_ old: MessageFlags, _ new: MessageFlags) throws(DecodingError) {
        if !new.system.contains(.seen) { try unseen.count(1, adding: true, "mailbox row") }
        if !old.system.contains(.seen) { try unseen.count(1, adding: false, "mailbox row") }
        if new.system.contains(.deleted) { try deleted.count(1, adding: true, "mailbox row") }
        if old.system.contains(.deleted) { try deleted.count(1, adding: false, "mailbox row") }
    }

    /// Messages whose flags are stored were seen by a session, and so were those before them: they are recent for no
    /// other. Nothing is written for that alone (RFC 3501, section 2.3.2).
    mutating func noteSeen(upTo stored: UIDSet) {
        guard let last = stored.ranges.last?.upperBound, last >= recentFrom.rawValue, last < uidNext.rawValue else {
            return
        }
        recentFrom = UID(last + 1)
    }

    /// All messages leave at once. A session that looks for changes is told that all UIDs up to now are gone.
    mutating func empty(into contents: ContentsID) {
        self.contents = contents
        messages = 0
        unseen = 0
        deleted = 0
        sizeBytes = 0
        recentFrom = uidNext
        highestModSeq = highestModSeq.next
        expungeModSeq = highestModSeq
        emptiedModSeq = highestModSeq
        emptiedBelow = uidNext
    }

    /// Takes over all messages of another mailbox as they are, with all counts.
    mutating func takeMessages(of other: MailboxRecord) {
        contents = other.contents
        uidNext = other.uidNext
        recentFrom = other.recentFrom
        highestModSeq = other.highestModSeq
        flagsModSeq = other.flagsModSeq
        expungeModSeq = other.expungeModSeq
        emptiedModSeq = other.emptiedModSeq
        emptiedBelow = other.emptiedBelow
        messages = other.messages
        unseen = other.unseen
        deleted = other.deleted
        sizeBytes = other.sizeBytes
    }
}
