import MailModel
import Testing

@testable import NodeRuntime

/// What the sessions of a node were given as `\Recent`.
@Suite struct RecentBookTests {
    private let anna = AccountID(1)
    private let inbox = MailboxID(1)

    private func record(_ mailbox: MailboxID, recentFrom: UInt32 = 1, uidNext: UInt32 = 10) -> MailboxRecord {
        var record = MailboxRecord(id: mailbox, name: .inbox, specialUse: nil, uidValidity: 1)
        record.recentFrom = UID(recentFrom)
        record.uidNext = UID(uidNext)
        return record
    }

    @Test func `what one session was given is not given again`() {
        let book = RecentBook()
        #expect(book.take(from: UID(4), upTo: UID(10), in: inbox, of: anna) == UID(4))
        #expect(book.take(from: UID(4), upTo: UID(10), in: inbox, of: anna) == UID(10))
        #expect(book.take(from: UID(4), upTo: UID(12), in: inbox, of: anna) == UID(10))
        #expect(book.take(from: UID(20), upTo: UID(22), in: inbox, of: anna) == UID(20))
        #expect(book.take(from: UID(1), upTo: UID(5), in: MailboxID(2), of: anna) == UID(1))
        #expect(book.take(from: UID(1), upTo: UID(5), in: inbox, of: AccountID(2)) == UID(1))
    }

    /// A session with an older view must not make recent again what another one was given.
    @Test func `the book never goes back`() {
        let book = RecentBook()
        _ = book.take(from: UID(1), upTo: UID(10), in: inbox, of: anna)
        _ = book.take(from: UID(1), upTo: UID(5), in: inbox, of: anna)
        #expect(book.take(from: UID(1), upTo: UID(12), in: inbox, of: anna) == UID(10))
    }

    @Test func `answers say what is left`() {
        let book = RecentBook()
        _ = book.take(from: UID(1), upTo: UID(7), in: inbox, of: anna)
        let changes = MailboxChanges(mailbox: record(inbox), changed: [], new: [], expunged: UIDSet())
        let answers: [MailAnswer] = [
            .mailbox(record(inbox)), .messages(record(inbox), []), .changes(changes),
            .mailboxes([record(MailboxID(2)), record(inbox)]),
        ]
        for answer in answers {
            let raised = book.raise(answer, of: anna)
            #expect(raised != answer)
            switch raised {
            case .mailbox(let record), .messages(let record, _): #expect(record.recent == 3)
            case .changes(let changes): #expect(changes.mailbox.recent == 3)
            case .mailboxes(let records): #expect(records.map(\.recent) == [9, 3])
            case .missing, .account, .details, .body: Issue.record("another answer")
            }
            #expect(book.raise(answer, of: AccountID(2)) == answer)
        }
    }

    /// What a node reads may be older than what its sessions were given, or newer.
    @Test(arguments: [(1, 5, 0), (1, 7, 0), (8, 10, 2), (1, 10, 3)] as [(UInt32, UInt32, UInt32)])
    func `a record stays one that can be`(_ recentFrom: UInt32, _ uidNext: UInt32, _ recent: UInt32) {
        let book = RecentBook()
        _ = book.take(from: UID(1), upTo: UID(7), in: inbox, of: anna)
        let answer = book.raise(.mailbox(record(inbox, recentFrom: recentFrom, uidNext: uidNext)), of: anna)
        guard case .mailbox(let raised) = answer else {
            Issue.record("another answer")
            return
        }
        #expect(raised.recent == recent && raised.recentFrom <= raised.uidNext)
    }

    @Test func `the book is bounded, and keeps what is asked about`() {
        let book = RecentBook(maximumMailboxes: 100)
        for number in 1...10_000 {
            _ = book.take(from: UID(1), upTo: UID(9), in: MailboxID(UInt32(number)), of: anna)
            #expect(book.count <= 100)
            #expect(book.raise(.mailbox(record(MailboxID(1))), of: anna) != .mailbox(record(MailboxID(1))))
        }
        #expect(book.take(from: UID(1), upTo: UID(9), in: MailboxID(5_000), of: anna) == UID(1), "forgotten")
        #expect(book.take(from: UID(1), upTo: UID(9), in: MailboxID(9_999), of: anna) == UID(9))
    }
}
