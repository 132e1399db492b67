import IMAPSyntax
import MailModel
import NIOCore

/// A mailbox of five messages, which differ in all that a client can ask for.
enum Fixture {
    struct Message: Sendable {
        let uid: UInt32
        let flags: MessageFlags
        let modSeq: UInt64
        let bodyID: BodyID
        /// Seconds since 1970, and minutes east of UTC.
        let received: (seconds: Int64, zoneMinutes: Int16)
        let savedSeconds: Int64
        /// The Date field's day, since 1970.
        let sentDay: Int?
        let text: String

        var headerBytes: Int {
            let bytes = Array(text.utf8)
            for end in 4...bytes.count where bytes[(end - 4)..<end].elementsEqual("\r\n\r\n".utf8) { return end }
            return 0
        }

        var state: MessageState { MessageState(uid: UID(uid), flags: flags, modSeq: ModSeq(modSeq)) }

        var details: MessageDetails {
            MessageDetails(
                uid: UID(uid),
                bodyID: bodyID,
                sizeBytes: UInt64(text.utf8.count),
                internalDate: InternalDate(seconds: received.seconds, zoneMinutes: received.zoneMinutes),
                saved: Timestamp(milliseconds: savedSeconds * 1_000),
                summary: FakeTools.Outline.encoded(headerBytes, text.utf8.count, sentDay)
            )
        }
    }

    static let messages: [Message] = [
        // 1 February 2024, 12:00 UTC.
        message(3, .seen, 10, (1_706_788_800, 0), saved: 1_706_788_800, sent: 19_754, "Rome", "See you there.", 100),
        // 1 February 2024, 23:30 in a zone where it is the second already in UTC.
        message(5, .answered, 20, (1_706_848_200, -300), saved: 1_706_875_200, sent: 19_755, "Re: Rome", "Yes.", 200)
            .with(keywords: [0]),
        // 10 March 2024, 0:00 in a zone where it is the ninth yet in UTC.
        message(8, [.deleted, .seen], 30, (1_710_025_200, 60), saved: 1_710_025_200, sent: nil, "Bill", "Due.", 300),
        // 31 December 2023, 23:59:59 UTC.
        message(13, [.flagged, .draft], 40, (1_704_067_199, 0), saved: 1_710_100_000, sent: 19_700, "To do", "-", 400),
        // 11 March 2024, 10:00 UTC.
        message(21, [], 50, (1_710_151_200, 0), saved: 1_710_151_200, sent: 19_793, "Rome again", "No.", 500)
            .with(keywords: [1]),
    ]

    static var states: [MessageState] { messages.map(\.state) }

    /// INBOX, of which nothing is `\Recent`.
    static var record: MailboxRecord {
        var record = MailboxRecord(id: MailboxID(1), name: .inbox, specialUse: nil, uidValidity: 77)
        record.uidNext = UID(31)
        record.recentFrom = UID(31)
        record.messages = 5
        record.unseen = 3
        record.deleted = 1
        record.sizeBytes = 1_500
        record.highestModSeq = ModSeq(50)
        record.keywords = ["$Work", "blue"]
        return record
    }

    /// A mailbox of this name with as many messages as its number.
    static func other(_ number: UInt32, _ name: String) -> MailboxRecord {
        var record = MailboxRecord(id: MailboxID(number), name: mailbox(name), specialUse: nil, uidValidity: 78)
        record.uidNext = UID(number + 1)
        record.recentFrom = UID(number)
        record.messages = number
        return record
    }

    static func mailbox(_ name: String) -> MailModel.MailboxName {
        guard let name = try? MailModel.MailboxName(name) else { preconditionFailure("a name") }
        return name
    }

    static func set(_ uids: UInt32...) -> UIDSet { UIDSet(uids.map { UID($0) }) }

    /// What changed in INBOX.
    static func changes(
        changed: [MessageState] = [],
        new: [MessageState] = [],
        expunged: UIDSet = UIDSet(),
        modSeq: UInt64 = 60,
        _ change: (inout MailboxRecord) -> Void = { _ in }
    ) -> MailAnswer {
        var record = record
        record.highestModSeq = ModSeq(modSeq)
        if let last = new.last { record.uidNext = UID(last.uid.rawValue + 1) }
        record.messages += UInt32(new.count)
        change(&record)
        return .changes(MailboxChanges(mailbox: record, changed: changed, new: new, expunged: expunged))
    }

    static let noChanges = StoreReply.answer(changes(modSeq: 50))

    static func state(_ uid: UInt32, _ flags: SystemFlags, _ modSeq: UInt64 = 60, keywords: [Int] = [])
        -> MessageState
    {
        let flags = MessageFlags(system: flags, keywords: KeywordSet(keywords))
        return MessageState(uid: UID(uid), flags: flags, modSeq: ModSeq(modSeq))
    }

    /// What a store that holds this mailbox, and that nobody changes, says.
    static func answer(_ query: MailQuery) -> MailAnswer {
        switch query {
        case .account: .missing
        case .mailboxes: .mailboxes([record])
        case .mailbox(let name): name.isInbox ? .mailbox(record) : .missing
        case .messages(_, let from, let limit):
            .messages(record, Array(states.filter { $0.uid >= from }.prefix(limit)))
        case .changes: changes(modSeq: 50)
        case .details(_, let uids, _): .details(messages.filter { uids.contains(UID($0.uid)) }.map(\.details))
        case .body(let id, let offset, let maximumBytes): .body(bytes(of: id, offset, maximumBytes))
        }
    }

    private static func bytes(of id: BodyID, _ offset: UInt64, _ maximumBytes: Int) -> ByteBuffer {
        let text = Array(messages.first { $0.bodyID == id }?.text.utf8 ?? "".utf8)
        return ByteBuffer(bytes: text.dropFirst(Int(offset)).prefix(maximumBytes))
    }

    /// A message of exactly so many bytes.
    private static func message(
        _ uid: UInt32,
        _ flags: SystemFlags,
        _ modSeq: UInt64,
        _ received: (Int64, Int16),
        saved: Int64,
        sent: Int?,
        _ subject: String,
        _ body: String,
        _ sizeBytes: Int
    ) -> Message {
        let head = "From: anna@example.org\r\nTo: user@example.org\r\nSubject: \(subject)\r\n\r\n\(body)"
        let filling = String(repeating: ".", count: sizeBytes - head.utf8.count - 2)
        return Message(
            uid: uid,
            flags: MessageFlags(system: flags),
            modSeq: modSeq,
            bodyID: BodyID(high: 0xab, low: UInt64(uid)),
            received: received,
            savedSeconds: saved,
            sentDay: sent,
            text: "\(head)\(filling)\r\n"
        )
    }
}

extension Fixture.Message {
    fileprivate func with(keywords: [Int]) -> Fixture.Message {
        .init(
            uid: uid,
            flags: MessageFlags(system: flags.system, keywords: KeywordSet(keywords)),
            modSeq: modSeq,
            bodyID: bodyID,
            received: received,
            savedSeconds: savedSeconds,
            sentDay: sentDay,
            text: text
        )
    }
}
