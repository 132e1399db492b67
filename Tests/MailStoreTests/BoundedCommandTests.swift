import Consensus
import MailModel
import NIOCore
import StateStorage
import Testing

@testable import MailStore

/// No command's cost grows with a mailbox or an account: what is large takes effect at once, and is tidied up later.
@Suite struct BoundedCommandTests {
    private let many = 1_200
    private let retention = MailLimits.expungedRetentionMilliseconds + 1

    private func name(_ text: String) throws -> MailboxName { try MailboxName(text) }

    @Test func `a deleted mailbox is gone at once, and its rows in pieces after the retention time`() throws {
        let replica = try CountedReplica()
        let work = try name("work")
        try replica.apply(.createMailbox(work, specialUse: nil))
        try replica.append(many, to: work)
        try replica.append(3, to: .inbox)
        #expect(try replica.apply(.deleteMailbox(work)) == .done)
        #expect(try replica.mailbox(work) == nil)
        #expect(try replica.record()?.usedMessages == 3)
        #expect(try replica.record()?.usedBytes == 30)
        try replica.expectSound()
        // The name is free, and what comes under it is another mailbox.
        try replica.apply(.createMailbox(work, specialUse: nil))
        try replica.append(2, to: work)
        #expect(try replica.uids(work) == [1, 2])
        #expect(try replica.keepHouse() == 0)
        #expect(try replica.rows(.messages) == many + 5)
        #expect(try replica.keepHouse(after: retention) >= many / MailLimits.purgedPerCommand)
        #expect(try replica.rows(.messages) == 5)
        #expect(try replica.rows(.bodies) == 5)
        #expect(try replica.rows(.chunks) == 5)
        #expect(try replica.rows(.remnants) == 0)
        try replica.expectSound()
        #expect(replica.mostRows <= MailLimits.rowsPerCommand)
    }

    @Test func `a deleted mailbox with children leaves nothing but those`() throws {
        let replica = try CountedReplica()
        let work = try name("work")
        try replica.apply(.createMailbox(try name("work/a"), specialUse: nil))
        try replica.append(5, to: work)
        #expect(try replica.apply(.deleteMailbox(work)) == .done)
        #expect(try replica.mailbox(work) == nil)
        #expect(try replica.mailbox(try name("work/a")) != nil)
        try replica.apply(.createMailbox(work, specialUse: nil))
        #expect(try replica.uids(work) == [])
        try replica.keepHouse(after: retention)
        try replica.expectSound()
        #expect(try replica.rows(.messages) == 0)
    }

    @Test func `renaming INBOX hands its messages over as they are`() throws {
        let replica = try CountedReplica()
        let old = try name("old")
        try replica.append(many, to: .inbox)
        let before = try #require(try replica.mailbox(.inbox))
        #expect(try replica.apply(.renameMailbox(from: .inbox, to: old)) == .done)
        let inbox = try #require(try replica.mailbox(.inbox))
        let target = try #require(try replica.mailbox(old))
        #expect(inbox.id == before.id)
        #expect(inbox.uidValidity == before.uidValidity)
        #expect(inbox.messages == 0)
        #expect(target.messages == UInt32(many))
        #expect(target.uidValidity != inbox.uidValidity)
        #expect(try replica.uids(old) == Array(1...UInt32(many)))
        #expect(try replica.record()?.usedMessages == UInt64(many))
        // Who had INBOX open is told that all of it is gone, and that a new message has come.
        try replica.append(1, to: .inbox)
        let since = MailQuery.changes(before.id, since: before.highestModSeq, newFrom: before.uidNext)
        guard case .changes(let changes) = try replica.reader.answer(since, of: replica.account, in: replica.group)
        else { throw Refusal.noSuchMailbox }
        #expect(changes.expunged == UIDSet(ranges: [1...UInt32(many)]))
        #expect(changes.new.map(\.uid) == [UID(UInt32(many) + 1)])
        #expect(try replica.uids(.inbox) == [UInt32(many) + 1])
        try replica.expectSound()
        // And again, with what came since.
        #expect(try replica.apply(.renameMailbox(from: .inbox, to: try name("older"))) == .done)
        #expect(try replica.uids(try name("older")) == [UInt32(many) + 1])
        #expect(try replica.apply(.deleteMailbox(old)) == .done)
        try replica.keepHouse(after: retention)
        #expect(try replica.rows(.messages) == 1)
        try replica.expectSound()
        #expect(replica.mostRows <= MailLimits.rowsPerCommand)
    }

    @Test func `a deleted account is gone at once, and its rows in pieces`() throws {
        let replica = try CountedReplica()
        let anna = replica.account
        try replica.append(many, to: .inbox)
        let inbox = try #require(try replica.mailbox(.inbox))
        try replica.apply(
            .storeFlags(inbox.id, UIDSet(ranges: [1...300]), .add, FlagNames(system: .deleted), unchangedSince: nil)
        )
        try replica.apply(.expunge(inbox.id, UIDSet(ranges: [1...300])))
        replica.account = try replica.createAccount("bert@example.org")
        let bert = replica.account
        try replica.append(2, to: .inbox)
        replica.account = anna
        #expect(try replica.apply(.deleteAccount) == .done)
        #expect(try replica.record() == nil)
        #expect(try replica.mailbox(.inbox) == nil)
        let query = MailQuery.messages(inbox.id, fromUID: UID(1), limit: 10)
        #expect(try replica.reader.answer(query, of: anna, in: replica.group) == .missing)
        #expect(try replica.apply(.setSubscribed(.inbox, true)) == .refused(.noSuchAccount))
        #expect(try replica.apply(.deleteAccount) == .refused(.noSuchAccount))
        try replica.expectSound()
        // The address is free while the rows are going.
        let again = try replica.createAccount("anna@example.org")
        #expect(again != anna)
        #expect(try replica.keepHouse() >= many / MailLimits.purgedPerCommand)
        for table in [Table.messages, .flags, .bodies, .chunks] { #expect(try replica.rows(table) == 2) }
        for table in [Table.expunged, .expungedByTime, .remnants] { #expect(try replica.rows(table) == 0) }
        try replica.expectSound()
        replica.account = bert
        #expect(try replica.uids(.inbox) == [1, 2])
        #expect(replica.mostRows <= MailLimits.rowsPerCommand)
    }

    /// Deliveries of a deleted account are not counted among those that end: they go with the account.
    @Test func `a deleted account's deliveries keep nobody else's`() throws {
        let replica = try CountedReplica()
        var bodies: UInt64 = 0
        func deliver(_ number: UInt64) throws -> MailOutcome {
            bodies += 1
            let message = NewMessage(
                bodyID: BodyID(milliseconds: replica.time.rawValue, random: 0, bodies),
                internalDate: InternalDate(seconds: 0, zoneMinutes: 0),
                sizeBytes: 3,
                summary: ByteBuffer(),
                body: .inline(ByteBuffer(string: "abc"))
            )
            return try replica.apply(.deliver(message, id: DeliveryID(high: 1, low: number)))
        }
        let anna = replica.account
        for number in 0..<5 { _ = try deliver(UInt64(number)) }
        replica.account = try replica.createAccount("bert@example.org")
        replica.time = Timestamp(milliseconds: replica.time.rawValue + 1)
        let first = try deliver(7)
        let bert = replica.account
        replica.account = anna
        try replica.apply(.deleteAccount)
        replica.account = bert
        #expect(try deliver(7) == first)
        let later = Timestamp(milliseconds: replica.time.rawValue + 1)
        #expect(try replica.apply(.purgeDeliveries(before: later, limit: 1)) == .purged(1))
        #expect(try deliver(7) != first)
        try replica.keepHouse()
        try replica.expectSound()
    }

    /// As many messages as a command may name, of each kind; one more is refused.
    @Test func `commands on messages are bounded`() throws {
        let replica = try CountedReplica()
        try replica.append(many, to: .inbox)
        try replica.apply(.createMailbox(try name("target"), specialUse: nil))
        let inbox = try #require(try replica.mailbox(.inbox)).id
        func set(_ count: Int) -> UIDSet { UIDSet(ranges: [1...UInt32(count)]) }
        func deleted(_ count: Int) -> MailCommand {
            .storeFlags(inbox, set(count), .add, FlagNames(system: .deleted), unchangedSince: nil)
        }
        let target = try name("target")
        #expect(try replica.apply(deleted(MailLimits.messagesPerStore + 1)) == .refused(.tooManyMessages))
        guard case .flagsStored = try replica.apply(deleted(MailLimits.messagesPerStore)) else { throw Refusal.notHere }
        #expect(
            try replica.apply(.copy(inbox, set(MailLimits.messagesPerCopy + 1), to: target))
                == .refused(.tooManyMessages)
        )
        let copies = try replica.apply(.copy(inbox, set(MailLimits.messagesPerCopy), to: target))
        guard case .copied = copies else { throw Refusal.notHere }
        let moved = try replica.apply(.move(inbox, set(MailLimits.messagesPerMove), to: target))
        guard case .copied = moved else { throw Refusal.notHere }
        let first = UInt32(MailLimits.messagesPerMove + 1)
        let rest = UIDSet(ranges: [first...first + UInt32(MailLimits.messagesPerExpunge) - 1])
        guard case .expunged(let gone, _) = try replica.apply(.expunge(inbox, rest)) else { throw Refusal.notHere }
        #expect(gone == rest)
        let all = UIDSet(ranges: [1...(.max)])
        #expect(try replica.apply(.expunge(inbox, all)) == .refused(.tooManyMessages))
        // Nor does it cost anything to name UIDs that are not there.
        let sparse = UIDSet((0..<UInt32(5_000)).map { UID(10_000 + 2 * $0) })
        #expect(try replica.apply(.remove(inbox, sparse)) == .refused(.tooManyMessages))
        try replica.keepHouse(after: retention)
        try replica.expectSound()
        #expect(replica.mostRows <= MailLimits.rowsPerCommand)
    }

    /// The dearest one: each name is subscribed, and each new name too.
    @Test func `a tree of mailboxes is renamed up to a bound`() throws {
        let replica = try CountedReplica()
        var deep = "deep"
        for level in 0..<29 { deep += "/\(level)" }
        try replica.apply(.setSubscribed(try name("tree"), true))
        for number in 0..<MailLimits.mailboxesPerRename {
            try replica.apply(.createMailbox(try name("tree/\(number)"), specialUse: nil))
            try replica.apply(.setSubscribed(try name("tree/\(number)"), true))
            try replica.apply(.setSubscribed(try name("\(deep)/wood/\(number)"), true))
        }
        for level in try name("\(deep)/wood").ancestors { try replica.apply(.setSubscribed(level, true)) }
        #expect(try replica.apply(.renameMailbox(from: try name("tree"), to: try name("\(deep)/wood"))) == .done)
        #expect(try replica.mailbox(try name("\(deep)/wood/17"))?.selectable == true)
        #expect(try replica.mailbox(try name("\(deep)/wood/17"))?.subscribed == true)
        #expect(try replica.mailbox(try name("tree/17"))?.selectable == false)
        try replica.expectSound()
        try replica.apply(.createMailbox(try name("\(deep)/wood/more"), specialUse: nil))
        let refused = try replica.apply(.renameMailbox(from: try name("\(deep)/wood"), to: try name("forest")))
        #expect(refused == .refused(.tooManyDescendants))
        try replica.expectSound()
        #expect(replica.mostRows <= MailLimits.rowsPerCommand)
    }
}
