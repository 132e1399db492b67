import MailModel
import Testing

@testable import MailStore

/// `\Recent` moves with flags that are stored, and with nothing else.
@Suite struct RecentTests {
    @Test func `messages up to one whose flags are stored are recent no more`() throws {
        let replica = try CountedReplica()
        let inbox = try #require(try replica.mailbox(.inbox)).id
        func store(_ uids: ClosedRange<UInt32>, _ flags: SystemFlags, since: ModSeq? = nil) throws -> UInt32 {
            let set = UIDSet(ranges: [uids])
            try replica.apply(.storeFlags(inbox, set, .add, FlagNames(system: flags), unchangedSince: since))
            return try #require(try replica.mailbox(.inbox)).recentFrom.rawValue
        }
        try replica.append(9, to: .inbox)
        #expect(try #require(try replica.mailbox(.inbox)).recent == 9)
        #expect(try store(2...4, .seen) == 5)
        #expect(try store(1...1, .seen) == 5, "never back")
        #expect(try store(6...8, .seen, since: .zero) == 5, "nothing was stored")
        #expect(try store(2...4, .seen) == 5, "nothing changes, so nothing is written")
        #expect(try store(7...(.max), .flagged) == 10)
        #expect(try #require(try replica.mailbox(.inbox)).recent == 0)
        try replica.append(1, to: .inbox)
        #expect(try #require(try replica.mailbox(.inbox)).recent == 1)
        try replica.expectSound()
    }
}
