import Consensus
import MailModel
import NIOCore
import Testing

/// What goes between nodes for a session: queries, and their answers.
private protocol SessionCoded: Equatable, Sendable {
    static var formatVersion: UInt8 { get }
    static var subject: String { get }
    init(from decoder: inout WireDecoder) throws(DecodingError)
    func encode(into buffer: inout ByteBuffer)
}

extension MailQuery: SessionCoded {}
extension MailAnswer: SessionCoded {}
extension GroupQuery: SessionCoded {}
extension GroupAnswer: SessionCoded {}

extension SessionCoded {
    fileprivate var encoded: ByteBuffer {
        var buffer = ByteBuffer()
        encode(into: &buffer)
        return buffer
    }

    fileprivate init(decoding buffer: ByteBuffer) throws(DecodingError) {
        var decoder = WireDecoder(buffer, subject: Self.subject)
        try self.init(from: &decoder)
        try decoder.finish()
    }

    /// It is read as it was written, and neither less nor more of it.
    fileprivate func checkCoding() throws {
        let whole = encoded
        #expect(try Self(decoding: whole) == self)
        for length in 0..<whole.readableBytes {
            let part = whole.getSlice(at: 0, length: length) ?? ByteBuffer()
            #expect(throws: DecodingError.self) { try Self(decoding: part) }
        }
        var longer = whole
        longer.writeInteger(0, as: UInt8.self)
        let error = #expect(throws: DecodingError.self) { try Self(decoding: longer) }
        #expect(error?.reason == .trailingBytes)
    }

    /// A new case must get its sample: the format has no other witness.
    fileprivate static func checkTags(of samples: [Self], are expected: ClosedRange<UInt8>) {
        let tags = Set(samples.map { $0.encoded.readableBytesView[1] }).sorted()
        #expect(tags == Array(expected))
        for tag in UInt8.min ... .max where !tags.contains(tag) {
            let bytes = ByteBuffer(bytes: [formatVersion, tag])
            let error = #expect(throws: DecodingError.self) { try Self(decoding: bytes) }
            #expect(error?.reason == .unknownTag(UInt64(tag)))
        }
    }
}

extension Samples {
    static let queries: [MailQuery] = [
        .account, .mailboxes, .mailbox(name("Größe/x")),
        .messages(MailboxID(7), fromUID: UID(.max), limit: MailLimits.statesPerQuery),
        .changes(MailboxID(7), since: .maximum, newFrom: UID(1)),
        .details(MailboxID(7), uids(1...3, 9...9)),
        .body(BodyID(high: 1, low: .max), offset: MailLimits.messageBytes, maximumBytes: MailLimits.bodyBytesPerQuery),
    ]

    private static let account: AccountRecord = {
        var record = AccountRecord(
            id: AccountID(1 << 32 | 5),
            address: address,
            credential: CredentialHash(bytes: [1, 2, 3]),
            quotaBytes: .max,
            created: Timestamp(milliseconds: -1)
        )
        record.state = .suspended
        record.usedBytes = 1
        record.usedMessages = 2
        record.nextMailboxID = 3
        record.mailboxCount = 4
        record.subscriptionCount = 5
        record.uidValidityFloor = 6
        return record
    }()

    private static let mailbox: MailboxRecord = {
        var record = MailboxRecord(id: MailboxID(7), name: .inbox, specialUse: .junk, uidValidity: 8)
        record.subscribed = true
        record.selectable = false
        record.uidNext = UID(100)
        record.highestModSeq = ModSeq(101)
        record.flagsModSeq = ModSeq(102)
        record.expungeModSeq = ModSeq(103)
        record.contents = ContentsID(9)
        record.emptiedModSeq = ModSeq(104)
        record.emptiedBelow = UID(50)
        record.messages = 10
        record.unseen = 11
        record.deleted = 12
        record.sizeBytes = 13
        record.recentFrom = UID(99)
        record.keywords = ["$Forwarded", "", "größer"]
        return record
    }()

    /// The shortest that there is.
    static let bareMailbox = MailboxRecord(id: MailboxID(1), name: name("x"), specialUse: nil, uidValidity: 1)

    private static let states = [
        MessageState(uid: UID(1), flags: MessageFlags(), modSeq: ModSeq(1)),
        MessageState(uid: UID(3), flags: MessageFlags(system: [.seen, .draft]), modSeq: .maximum),
        MessageState(uid: UID(4), flags: MessageFlags(keywords: KeywordSet([0, 63])), modSeq: ModSeq(2)),
        MessageState(uid: UID(9), flags: MessageFlags(keywords: KeywordSet([64, 511])), modSeq: ModSeq(3)),
    ]

    private static let details = MessageDetails(
        uid: UID(5),
        bodyID: BodyID(high: 3, low: 4),
        sizeBytes: 99,
        internalDate: InternalDate(seconds: -5, zoneMinutes: 120),
        saved: Timestamp(milliseconds: 77),
        summary: ByteBuffer(bytes: [1, 2, 3])
    )

    static let groupQueries: [GroupQuery] =
        [
            .account(address), .accounts(after: "", limit: 0),
            .accounts(after: "someone@example.org", limit: MailLimits.accountsPerQuery),
        ] + queries.map { .mail($0, of: AccountID(.max)) }

    static let groupAnswers: [GroupAnswer] =
        [.account(nil), .account(account), .accounts([]), .accounts([account, account])] + answers.map { .mail($0) }

    static let answers: [MailAnswer] = [
        .missing, .account(account), .mailboxes([]), .mailboxes([mailbox, bareMailbox]), .mailbox(mailbox),
        .messages(mailbox, states), .messages(bareMailbox, []),
        .changes(MailboxChanges(mailbox: mailbox, changed: states, new: [], expunged: uids(2...2, 5...8))),
        .details([]), .details([details, details]), .body(ByteBuffer()), .body(ByteBuffer(string: "mail")),
    ]
}

@Suite struct QueryCodingTests {
    @Test(arguments: Samples.queries)
    func coding(_ query: MailQuery) throws { try query.checkCoding() }

    @Test func everyTagHasASample() { MailQuery.checkTags(of: Samples.queries, are: 1...7) }

    @Test func goldenBytes() {
        let query = MailQuery.messages(MailboxID(6), fromUID: UID(7), limit: 8)
        let bytes: [UInt8] = [1, 4, 0, 0, 0, 6, 0, 0, 0, 7, 0, 0, 0, 8]
        #expect(Array(query.encoded.readableBytesView) == bytes)
    }

    /// Nobody may have another node read more than its memory holds.
    @Test func queriesForTooMuchAreRefused() {
        let body = BodyID(high: 1, low: 2)
        let queries: [MailQuery] = [
            .messages(MailboxID(1), fromUID: UID(1), limit: MailLimits.statesPerQuery + 1),
            .body(body, offset: 0, maximumBytes: MailLimits.bodyBytesPerQuery + 1),
            .body(body, offset: MailLimits.messageBytes + 1, maximumBytes: 1),
            .changes(MailboxID(1), since: ModSeq(ModSeq.maximum.rawValue + 1), newFrom: UID(1)),
        ]
        for query in queries { #expect(throws: DecodingError.self) { try MailQuery(decoding: query.encoded) } }
    }

    @Test func unknownVersionsAreNamed() {
        let error = #expect(throws: DecodingError.self) { try MailQuery(decoding: ByteBuffer(bytes: [2, 1])) }
        #expect(error?.description == "query: unknownVersion(2) at byte 1")
    }
}

@Suite struct AnswerCodingTests {
    @Test(arguments: Samples.answers)
    func coding(_ answer: MailAnswer) throws { try answer.checkCoding() }

    @Test func everyTagHasASample() { MailAnswer.checkTags(of: Samples.answers, are: 1...8) }

    @Test func goldenBytes() {
        let states = [MessageState(uid: UID(2), flags: MessageFlags(system: .seen), modSeq: ModSeq(3))]
        let bytes = Array(MailAnswer.messages(Samples.bareMailbox, states).encoded.readableBytesView)
        // The mailbox is as long as one can be at least.
        #expect(bytes.count == 2 + 88 + 4 + 14)
        let end: [UInt8] = [0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 3, 1, 0]
        #expect(Array(bytes.suffix(18)) == end)
    }

    /// What views and counts rely on is checked where it comes in.
    @Test func whatCannotBeIsRefused() {
        let states = [2, 2].map { MessageState(uid: UID($0), flags: MessageFlags(), modSeq: ModSeq(1)) }
        var recent = Samples.bareMailbox
        recent.recentFrom = UID(2)
        var keywords = Samples.bareMailbox
        keywords.keywords = Array(repeating: "x", count: MailLimits.keywordsPerMailbox + 1)
        let bytes = ByteBuffer(repeating: 1, count: MailLimits.bodyBytesPerQuery + 1)
        let answers: [MailAnswer] = [
            .messages(Samples.bareMailbox, states), .mailbox(recent), .mailbox(keywords), .body(bytes),
        ]
        for answer in answers { #expect(throws: DecodingError.self) { try MailAnswer(decoding: answer.encoded) } }
    }

    /// Anything may come from a peer: it is refused or read, and the process lives.
    @Test func changedBytesNeverTrap() {
        var generator = SplitMix64(seed: 3)
        for answer in Samples.answers {
            let whole = answer.encoded
            for _ in 0..<300 {
                var bytes = whole
                for _ in 0..<Int.random(in: 1...4, using: &generator) {
                    let at = Int.random(in: 1..<whole.readableBytes, using: &generator)
                    bytes.setInteger(UInt8.random(in: .min ... .max, using: &generator), at: at)
                }
                // What is read is what would be written: nothing is made up.
                guard let read = try? MailAnswer(decoding: bytes) else { continue }
                if case .mailbox(let record) = read { _ = record.recent }
                #expect((try? MailAnswer(decoding: read.encoded)) == read)
            }
        }
    }
}

@Suite struct GroupQueryCodingTests {
    @Test(arguments: Samples.groupQueries)
    func codingOfQueries(_ query: GroupQuery) throws { try query.checkCoding() }

    @Test(arguments: Samples.groupAnswers)
    func codingOfAnswers(_ answer: GroupAnswer) throws { try answer.checkCoding() }

    @Test func everyTagHasASample() {
        GroupQuery.checkTags(of: Samples.groupQueries, are: 1...3)
        GroupAnswer.checkTags(of: Samples.groupAnswers, are: 1...3)
    }

    @Test func goldenBytes() {
        let query = GroupQuery.mail(.account, of: AccountID(5))
        #expect(Array(query.encoded.readableBytesView) == [1, 3, 0, 0, 0, 0, 0, 0, 0, 5, 1, 1])
        #expect(Array(GroupAnswer.account(nil).encoded.readableBytesView) == [1, 1, 0])
    }

    @Test func whatIsTooMuchIsRefused() {
        let queries: [GroupQuery] = [
            .accounts(after: "", limit: MailLimits.accountsPerQuery + 1),
            .accounts(after: String(repeating: "a", count: MailLimits.addressBytes + 1), limit: 1),
            .mail(.messages(MailboxID(1), fromUID: UID(1), limit: MailLimits.statesPerQuery + 1), of: AccountID(1)),
        ]
        for query in queries { #expect(throws: DecodingError.self) { try GroupQuery(decoding: query.encoded) } }
    }

    /// A mailbox of which every second message was expunged has more ranges than any command may name.
    @Test func changesMayNameMoreRangesThanCommands() throws {
        let ranges = (1...UInt32(MailLimits.rangesPerSet + 1)).map { 2 * $0...2 * $0 }
        let changes = MailboxChanges(
            mailbox: Samples.bareMailbox,
            changed: [],
            new: [],
            expunged: UIDSet(ranges: ranges)
        )
        let answer = GroupAnswer.mail(.changes(changes))
        #expect(try GroupAnswer(decoding: answer.encoded) == answer)
    }

    /// Anything may come from a peer: it is refused or read, and the process lives.
    @Test func changedBytesNeverTrap() {
        var generator = SplitMix64(seed: 5)
        for whole in Samples.groupQueries.map(\.encoded) + Samples.groupAnswers.map(\.encoded) {
            for _ in 0..<100 {
                var bytes = whole
                let at = Int.random(in: 1..<whole.readableBytes, using: &generator)
                bytes.setInteger(UInt8.random(in: .min ... .max, using: &generator), at: at)
                if let read = try? GroupQuery(decoding: bytes) {
                    #expect((try? GroupQuery(decoding: read.encoded)) == read)
                }
                if let read = try? GroupAnswer(decoding: bytes) {
                    #expect((try? GroupAnswer(decoding: read.encoded)) == read)
                }
            }
        }
    }
}
