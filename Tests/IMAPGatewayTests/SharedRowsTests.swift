import MailModel
import MailTestSupport
import NIOCore
import Testing

@testable import IMAPGateway
@testable import IMAPSession

/// The rows of mailboxes that the sessions of a node share.
@Suite struct SharedRowsTests {
    private let account = AccountReference(id: AccountID(7), slot: Slot(rawValue: 1))

    private func rows(_ number: UInt32, messages: UInt32 = 100, modSeq: UInt64 = 9) -> MailboxRows {
        var record = MailboxRecord(id: MailboxID(number), name: .inbox, specialUse: nil, uidValidity: 1)
        record.highestModSeq = ModSeq(modSeq)
        var rows = MailboxRows(record)
        for uid in 0..<messages {
            rows.append(MessageState(uid: UID(uid + 1), flags: MessageFlags(), modSeq: ModSeq(1)))
        }
        return rows
    }

    @Test func `what is kept is found, by its own account alone`() {
        let shared = SharedRows()
        #expect(shared.find(MailboxID(1), of: account) == nil)
        shared.keep(rows(1), of: account)
        #expect(shared.find(MailboxID(1), of: account) == rows(1))
        #expect(shared.find(MailboxID(2), of: account) == nil)
        #expect(shared.find(MailboxID(1), of: AccountReference(id: AccountID(8), slot: Slot(rawValue: 1))) == nil)
    }

    @Test func `only newer rows take the place of others`() {
        let shared = SharedRows()
        shared.keep(rows(1, modSeq: 9), of: account)
        shared.keep(rows(1, messages: 50, modSeq: 8), of: account)
        #expect(shared.find(MailboxID(1), of: account)?.count == 100)
        shared.keep(rows(1, messages: 150, modSeq: 10), of: account)
        #expect(shared.find(MailboxID(1), of: account)?.count == 150)
        #expect(shared.held.mailboxes == 1)
    }

    @Test func `what was not asked about for the longest time goes first`() {
        // Arrays of one length hold more or less, as memory is to be had.
        let all = (1...5 as ClosedRange<UInt32>).map { rows($0) }
        let shared = SharedRows(maximumBytes: all[..<3].reduce(0) { $0 + $1.heldBytes } + all[0].heldBytes / 4)
        for rows in all[..<3] { shared.keep(rows, of: account) }
        #expect(shared.find(MailboxID(1), of: account) != nil)
        shared.keep(all[3], of: account)
        #expect(shared.find(MailboxID(2), of: account) == nil)
        shared.keep(all[4], of: account)
        #expect(shared.find(MailboxID(3), of: account) == nil)
        #expect([1, 4, 5].allSatisfy { shared.find(MailboxID($0), of: account) != nil })
    }

    /// In bytes, whatever the sizes: the sum never passes the limit, and is what the rows that are there hold.
    @Test func `rows are bounded in bytes`() {
        let shared = SharedRows(maximumBytes: 40_000)
        for number in 1...2_000 as ClosedRange<UInt32> {
            shared.keep(rows(number % 97, messages: number % 1_000, modSeq: UInt64(number)), of: account)
            #expect(shared.held.bytes <= 40_000)
        }
        let found = (0..<97).compactMap { shared.find(MailboxID($0), of: account) }
        #expect(found.count == shared.held.mailboxes && found.count > 1)
        #expect(found.reduce(0) { $0 + $1.heldBytes } == shared.held.bytes)
        shared.keep(rows(200, messages: 10_000), of: account)
        #expect(shared.find(MailboxID(200), of: account) == nil, "too large to be shared")
        #expect(shared.held.mailboxes == found.count)
    }

    @Test func `a second session reads no messages`() async throws {
        try await TestServer.with { server in
            let client = try await server.logIn()
            _ = try await client.append("a", "INBOX", "one")
            let first = try await client.command("b", "EXAMINE INBOX")
            let before = server.service.calls.queries
            let other = try await server.logIn()
            #expect(try await other.command("b", "EXAMINE INBOX") == first)
            #expect(server.service.calls.queries == before + 1)
        }
    }
}
