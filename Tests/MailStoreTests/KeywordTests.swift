import MailModel
import Testing

@testable import MailStore

/// Keywords of mailboxes: many, given back, and never in the way of mail.
@Suite struct KeywordTests {
    private func name(_ text: String) throws -> MailboxName { try MailboxName(text) }

    /// The names of each message's keywords, in the order of UIDs.
    private func keywords(_ replica: CountedReplica, _ mailbox: MailboxName = .inbox) throws -> [[String]] {
        let record = try #require(try replica.mailbox(mailbox))
        let query = MailQuery.messages(record.id, fromUID: UID(1), limit: .max)
        guard
            case .messages(let same, let states) = try replica.reader.answer(
                query,
                of: replica.account,
                in: replica.group
            )
        else { throw Refusal.noSuchMailbox }
        #expect(same == record)
        return states.map { $0.flags.keywords.numbers.map { record.keywords[$0] } }
    }

    private func store(
        _ replica: CountedReplica,
        _ operation: FlagOperation,
        _ names: [String],
        _ uid: UInt32 = 1,
        _ mailbox: MailboxName = .inbox
    ) throws -> MailOutcome {
        let id = try #require(try replica.mailbox(mailbox)).id
        let flags = FlagNames(system: operation == .remove ? [] : .seen, keywords: names)
        return try replica.apply(.storeFlags(id, UIDSet([UID(uid)]), operation, flags, unchangedSince: nil))
    }

    private func surplus(_ outcome: MailOutcome) -> UInt32? {
        guard case .flagsStored(_, _, _, let surplus) = outcome else { return nil }
        return surplus
    }

    private func many(_ range: Range<Int>) -> [String] { range.map { "key\($0)" } }

    private let limit = MailLimits.keywordsPerMailbox

    /// INBOX with one message that has as many keywords as there can be.
    private func full() throws -> CountedReplica {
        let replica = try CountedReplica()
        try replica.append(1, to: .inbox)
        for first in stride(from: 0, to: limit, by: 256) {
            #expect(surplus(try store(replica, .add, many(first..<(first + 256)))) == 0)
        }
        #expect(try keywords(replica) == [many(0..<limit)])
        return replica
    }

    @Test func `a mailbox has at least 500 keywords, and mail goes on without the surplus ones`() throws {
        #expect(limit >= 500)
        let replica = try full()
        // APPEND and delivery: the message matters.
        try replica.append(1, to: .inbox, FlagNames(system: .flagged, keywords: ["new", "KEY7"]))
        #expect(try keywords(replica)[1] == ["key7"])
        // STORE sets the others, and says that there is more.
        #expect(surplus(try store(replica, .replace, ["new", "key3", "newer"], 2)) == 2)
        #expect(try keywords(replica)[1] == ["key3"])
        #expect(try replica.mailbox(.inbox)?.unseen == 0)
        #expect(surplus(try store(replica, .remove, ["new", "key3"], 2)) == 0)
        // COPY and MOVE into the mailbox.
        let work = try name("work")
        try replica.apply(.createMailbox(work, specialUse: nil))
        try replica.append(2, to: work, FlagNames(keywords: ["red", "key9", "blue"]))
        let id = try #require(try replica.mailbox(work)).id
        guard case .copied = try replica.apply(.copy(id, UIDSet([UID(1)]), to: .inbox)),
            case .copied = try replica.apply(.move(id, UIDSet([UID(2)]), to: .inbox))
        else { throw Refusal.noSuchMailbox }
        #expect(try keywords(replica).dropFirst(2) == [["key9"], ["key9"]])
        #expect(try keywords(replica, work) == [["red", "key9", "blue"]])
        try replica.expectSound()
        #expect(replica.mostRows <= MailLimits.rowsPerCommand)
    }

    @Test func `names that no message has are used again`() throws {
        let replica = try full()
        let inbox = try #require(try replica.mailbox(.inbox)).id
        #expect(surplus(try store(replica, .remove, ["key0", "KEY300"])) == 0)
        #expect(surplus(try store(replica, .add, ["one", "two", "three"])) == 1)
        #expect(try replica.mailbox(.inbox)?.keywords[0] == "one")
        #expect(try replica.mailbox(.inbox)?.keywords[300] == "two")
        // A replaced list gives all others back, an expunged message and one that moves as well.
        try replica.append(1, to: .inbox, FlagNames(keywords: ["key5"]))
        #expect(surplus(try store(replica, .replace, ["key7"])) == 0)
        #expect(try replica.mailbox(.inbox)?.keywords == ["", "", "", "", "", "key5", "", "key7"])
        try replica.apply(.remove(inbox, UIDSet([UID(1)])))
        #expect(try replica.mailbox(.inbox)?.keywords == ["", "", "", "", "", "key5"])
        try replica.apply(.createMailbox(try name("work"), specialUse: nil))
        try replica.apply(.move(inbox, UIDSet([UID(2)]), to: try name("work")))
        #expect(try replica.mailbox(.inbox)?.keywords == [])
        #expect(try replica.mailbox(try name("work"))?.keywords == ["key5"])
        #expect(try replica.rows(.keywords) == 1)
        try replica.expectSound()
    }

    /// A session that was told of the mailbox before is told of each message whose number has another name now.
    @Test func `whose keyword has changed its name is among the changes`() throws {
        let replica = try CountedReplica()
        try replica.append(3, to: .inbox, FlagNames(keywords: ["old"]))
        let before = try #require(try replica.mailbox(.inbox))
        for uid in 1...3 as ClosedRange<UInt32> { _ = try store(replica, .remove, ["old"], uid) }
        _ = try store(replica, .add, ["new"], 2)
        let query = MailQuery.changes(before.id, since: before.highestModSeq, newFrom: before.uidNext)
        guard case .changes(let changes) = try replica.reader.answer(query, of: replica.account, in: replica.group)
        else { throw Refusal.noSuchMailbox }
        #expect(before.keywords == ["old"])
        #expect(changes.mailbox.keywords == ["new"])
        #expect(changes.changed.map(\.uid) == [UID(1), UID(2), UID(3)])
    }

    @Test func `keywords go with the contents`() throws {
        let replica = try CountedReplica()
        try replica.append(2, to: .inbox, FlagNames(keywords: ["$Forwarded", "a"]))
        let old = try name("old")
        try replica.apply(.renameMailbox(from: .inbox, to: old))
        #expect(try keywords(replica, old) == [["$Forwarded", "a"], ["$Forwarded", "a"]])
        #expect(try replica.mailbox(.inbox)?.keywords == [])
        try replica.append(1, to: .inbox, FlagNames(keywords: ["b"]))
        try replica.expectSound()
        try replica.apply(.deleteMailbox(old))
        try replica.expectSound()
        #expect(try replica.rows(.keywords) == 2)
        try replica.keepHouse(after: MailLimits.expungedRetentionMilliseconds + 1)
        #expect(try replica.rows(.keywords) == 1)
        #expect(try keywords(replica) == [["b"]])
        try replica.apply(.deleteAccount)
        try replica.keepHouse()
        #expect(try replica.rows(.keywords) == 0)
        try replica.expectSound()
    }

    @Test func `keywords differ by more than ASCII case`() throws {
        let replica = try CountedReplica()
        try replica.append(
            1,
            to: .inbox,
            FlagNames(keywords: ["$Label1", "$LABEL1", "\u{e9}", "e\u{301}", "\u{c9}", ""])
        )
        let found = try keywords(replica)[0].map { Array($0.utf8) }
        #expect(found == ["$Label1", "\u{e9}", "e\u{301}", "\u{c9}"].map { Array($0.utf8) })
        #expect(surplus(try store(replica, .remove, ["$lABEL1", "nothing"])) == 0)
        #expect(try keywords(replica)[0].count == 3)
        try replica.expectSound()
    }

    @Test func `mail without keywords has no row of them`() throws {
        let replica = try CountedReplica()
        try replica.append(1, to: .inbox)
        _ = try store(replica, .add, [])
        _ = try store(replica, .remove, ["nothing"])
        #expect(try replica.rows(.keywords) == 0)
    }
}
