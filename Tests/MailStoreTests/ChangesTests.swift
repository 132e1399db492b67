import Consensus
import MailModel
import NIOCore
import StateStorage
import Testing

@testable import MailStore

/// What has changed in a mailbox since a MODSEQ.
@Suite struct ChangesTests {
    private let replica: CountedReplica
    private let inbox: MailboxID

    init() throws {
        replica = try CountedReplica()
        inbox = try #require(try replica.mailbox(.inbox)).id
    }

    private func store(_ uids: ClosedRange<UInt32>, _ flags: SystemFlags) throws {
        let set = UIDSet(ranges: [uids])
        try replica.apply(.storeFlags(inbox, set, .add, FlagNames(system: flags), unchangedSince: nil))
    }

    private func highest() throws -> ModSeq { try #require(try replica.mailbox(.inbox)).highestModSeq }

    private func changes(since: ModSeq, newFrom: UInt32 = 10_000) throws -> MailboxChanges {
        let query = MailQuery.changes(inbox, since: since, newFrom: UID(newFrom))
        let answer = try replica.reader.answer(query, of: replica.account, in: replica.group)
        guard case .changes(let changes) = answer else { throw Refusal.noSuchMailbox }
        return changes
    }

    /// What looking at all flags finds.
    private func expected(since: ModSeq, newFrom: UInt32 = 10_000) throws -> [MessageState] {
        let query = MailQuery.messages(inbox, fromUID: UID(1), limit: .max)
        guard case .messages(_, let all) = try replica.reader.answer(query, of: replica.account, in: replica.group)
        else { return [] }
        return all.filter { $0.modSeq > since && $0.uid < UID(newFrom) }
    }

    @Test func `a change is found without looking at other messages`() throws {
        try replica.append(20, to: .inbox)
        let before = try highest()
        try store(7...7, .flagged)
        // Whoever looks at this message's flags fails.
        let batch = replica.store.makeBatch()
        batch.put(Key(replica.group, .flags, replica.account, ContentsID(inbox.rawValue), UID(3)).bytes, [9])
        try replica.store.write(batch)
        #expect(try changes(since: before).changed.map(\.uid) == [UID(7)])
        #expect(throws: DecodingError.self) { try expected(since: before) }
    }

    @Test(arguments: 1...6 as ClosedRange<UInt64>)
    func `changes are what looking at all flags finds`(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        try replica.append(30, to: .inbox)
        let start = try highest()
        for _ in 0..<60 {
            let first = 1 + UInt32(random.below(30))
            let range = first...min(30, first + UInt32(random.below(6)))
            switch random.below(6) {
            case 0: try replica.append(1, to: .inbox)
            case 1: try replica.apply(.expunge(inbox, UIDSet(ranges: [first...first])))
            case 2: try replica.apply(.copy(inbox, UIDSet(ranges: [range]), to: .inbox))
            default: try store(range, [.seen, .flagged, .answered, .deleted].randomElement(using: &random) ?? .seen)
            }
            let since = try ModSeq(start.rawValue + UInt64(random.below(Int(1 + highest().rawValue - start.rawValue))))
            let found = try changes(since: since, newFrom: 31)
            if found.mailbox.flagsModSeq > since {
                #expect(found.changed == (try expected(since: since, newFrom: 31)))
            }
        }
        try replica.expectSound()
    }

    @Test func `where very many have changed, all flags are looked at`() throws {
        try replica.append(600, to: .inbox)
        let before = try highest()
        for first in stride(from: UInt32(1), to: 600, by: 100) { try store(first...first + 99, .seen) }
        #expect(try changes(since: before).changed.count == 600)
        #expect(try replica.rows(.changes) == 600)
        try store(5...5, .flagged)
        #expect(try replica.rows(.changes) == 600)
        try replica.expectSound()
    }

    @Test func `changes go with their messages`() throws {
        try replica.append(10, to: .inbox)
        try store(1...10, [.seen, .deleted])
        try replica.apply(.expunge(inbox, UIDSet(ranges: [1...4])))
        #expect(try replica.rows(.changes) == 6)
        try replica.apply(.renameMailbox(from: .inbox, to: try MailboxName("old")))
        #expect(try replica.rows(.changes) == 6)
        try replica.apply(.deleteMailbox(try MailboxName("old")))
        try replica.keepHouse(after: 100 * 86_400_000)
        #expect(try replica.rows(.changes) == 0)
        try replica.expectSound()
    }

    @Test func `the changes of an account go with it`() throws {
        try replica.append(10, to: .inbox)
        try store(1...10, .seen)
        try replica.apply(.deleteAccount)
        try replica.keepHouse(after: 100 * 86_400_000)
        #expect(try replica.rows(.changes) == 0)
    }
}
