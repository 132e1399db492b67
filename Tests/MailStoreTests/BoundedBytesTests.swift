import Consensus
import MailModel
import NIOCore
import StateStorage
import Testing

@testable import MailStore

/// What makes rows dear: keywords and summaries, as many and as large as there can be.
@Suite struct BoundedBytesTests {
    /// Two rows of keywords with the longest names, read and written, and the rows of a piece.
    private let keywordBytes = 1 << 20
    /// What one command reads of message rows at most, and writes twice, beside a single one.
    private let summaryBytes = 4 * MailLimits.messageRowBytesPerCommand
    private let retention = MailLimits.expungedRetentionMilliseconds + 1

    private func name(_ text: String) throws -> MailboxName { try MailboxName(text) }

    private func store(
        _ mailbox: MailboxID,
        _ count: Int,
        _ operation: FlagOperation,
        _ keywords: [String] = [],
        _ system: SystemFlags = []
    ) -> MailCommand {
        let flags = FlagNames(system: system, keywords: keywords)
        let uids = UIDSet(ranges: [1...UInt32(count)])
        return .storeFlags(mailbox, uids, operation, flags, unchangedSince: nil)
    }

    private func keywords(_ range: Range<Int>) -> [String] {
        range.map { String(repeating: "k", count: MailLimits.keywordBytes - 3) + "\(100 + $0)" }
    }

    @Test func `commands on messages with all keywords are bounded`() throws {
        let replica = try CountedReplica()
        let count = MailLimits.messagesPerStore
        let target = try name("target")
        try replica.append(count, to: .inbox)
        try replica.apply(.createMailbox(target, specialUse: nil))
        try replica.append(1, to: target)
        let inbox = try #require(try replica.mailbox(.inbox)).id
        let other = try #require(try replica.mailbox(target)).id
        let all = keywords(0..<MailLimits.keywordsPerMailbox)
        for first in stride(from: 0, to: all.count, by: MailLimits.keywordsPerCommand) {
            let step = MailLimits.keywordsPerCommand
            try replica.apply(store(inbox, count, .add, Array(all[first..<first + step])))
            // Under other numbers.
            try replica.apply(store(other, 1, .add, Array(all.reversed()[first..<first + step])))
        }
        func uids(_ first: Int, _ count: Int) -> UIDSet {
            UIDSet(ranges: [UInt32(first)...UInt32(first + count - 1)])
        }
        let copied = try replica.apply(.copy(inbox, uids(1, MailLimits.messagesPerCopy), to: target))
        let moved = try replica.apply(.move(inbox, uids(1, MailLimits.messagesPerMove), to: target))
        guard case .copied = copied, case .copied = moved else { throw Refusal.notHere }
        #expect(try replica.mailbox(target)?.keywords == all.reversed())
        try replica.apply(store(inbox, count, .add, [], .deleted))
        let last = uids(count - MailLimits.messagesPerExpunge + 1, MailLimits.messagesPerExpunge)
        let expunged = try replica.apply(.expunge(inbox, last))
        guard case .expunged = expunged else { throw Refusal.notHere }
        try replica.expectSound()
        // There is no room for others until the first command has taken all away.
        let more = keywords(512..<512 + MailLimits.keywordsPerCommand)
        for _ in 0..<2 { try replica.apply(store(inbox, count, .replace, more)) }
        #expect(try replica.mailbox(.inbox)?.keywords == more)
        try replica.apply(.deleteMailbox(target))
        try replica.keepHouse(after: retention)
        try replica.expectSound()
        #expect(replica.mostRows <= MailLimits.rowsPerCommand)
        #expect(replica.mostBytes <= keywordBytes)
    }

    /// A set is refused whose message rows are large; a single message never is.
    @Test func `commands on messages with large summaries are bounded`() throws {
        let replica = try CountedReplica()
        let target = try name("target")
        try replica.apply(.createMailbox(target, specialUse: nil))
        try replica.append(12, to: .inbox, FlagNames(system: .deleted), summaryBytes: MailLimits.summaryBytes)
        let inbox = try #require(try replica.mailbox(.inbox)).id
        func set(_ uids: ClosedRange<UInt32>) -> UIDSet { UIDSet(ranges: [uids]) }
        for command in [
            MailCommand.copy(inbox, set(1...6), to: target), .move(inbox, set(1...6), to: target),
            .expunge(inbox, set(1...6)), .remove(inbox, set(1...6)),
        ] {
            #expect(try replica.apply(command) == .refused(.tooManyMessages))
        }
        try replica.expectSound()
        #expect(try replica.uids(.inbox) == Array(1...12))
        guard case .copied = try replica.apply(.copy(inbox, set(1...3), to: target)),
            case .copied = try replica.apply(.move(inbox, set(1...3), to: target)),
            case .expunged = try replica.apply(.expunge(inbox, set(4...6))),
            case .expunged = try replica.apply(.remove(inbox, set(7...7)))
        else { throw Refusal.notHere }
        #expect(try replica.uids(.inbox) == Array(8...12))
        #expect(try replica.uids(target) == Array(1...6))
        // Housekeeping does as many as fit.
        try replica.apply(.deleteMailbox(target))
        #expect(try replica.keepHouse(after: retention) >= 4)
        #expect(try replica.rows(.expunged) == 0)
        try replica.apply(.deleteAccount)
        #expect(try replica.keepHouse() >= 2)
        #expect(try replica.rows(.messages) == 0)
        try replica.expectSound()
        #expect(replica.mostBytes <= summaryBytes)
        #expect(replica.mostRows <= MailLimits.rowsPerCommand)
    }

    @Test func `there is no more room for a piece when one of its limits is reached`() {
        func room(_ rows: Int, _ bytes: Int, asked: UInt32 = .max) -> Int {
            var room = PieceRoom(asked)
            while room.isLeft { room.take(rows: rows, bytes: bytes) }
            return room.removed
        }
        #expect(room(1, 0) == MailLimits.purgedPerCommand)
        #expect(room(1, 0, asked: 3) == 3)
        #expect(room(1, 0, asked: 0) == 0)
        #expect(room(MailLimits.rowsPerPurge, 0) == 1)
        #expect(room(MailLimits.rowsPerPurge / 2, 0) == 2)
        #expect(room(1, MailLimits.messageRowBytesPerCommand) == 1)
        // With the largest body that is removed singly.
        #expect(MailLimits.rowsPerPurge + MailLimits.chunksRemovedSingly + 4 <= MailLimits.rowsPerCommand)
        var passed = PieceRoom(.max)
        for _ in 0..<MailLimits.rowsPerPurge { passed.passOver(rows: 1) }
        #expect(!passed.isLeft)
    }

    /// The leaders' clocks differ: what was noted later may end earlier.
    @Test func `what ends before what was removed is found all the same`() throws {
        let replica = try CountedReplica()
        var bodies: UInt64 = 0
        func deliver() throws {
            bodies += 1
            let message = NewMessage(
                bodyID: BodyID(milliseconds: replica.time.rawValue, random: 9, bodies),
                internalDate: InternalDate(seconds: 0, zoneMinutes: 0),
                sizeBytes: 3,
                summary: ByteBuffer(),
                body: .inline(ByteBuffer(string: "abc"))
            )
            try replica.apply(.deliver(message, id: DeliveryID(high: 1, low: bodies)))
        }
        let start = replica.time
        func at(_ milliseconds: Int64) { replica.time = Timestamp(milliseconds: start.rawValue + milliseconds) }
        let inbox = try #require(try replica.mailbox(.inbox)).id
        for (round, milliseconds) in ([10, 5, 7, 12] as [Int64]).enumerated() {
            at(milliseconds)
            try deliver()
            try deliver()
            let uids = UIDSet(ranges: [UInt32(2 * round + 1)...UInt32(2 * round + 2)])
            guard case .expunged = try replica.apply(.remove(inbox, uids)) else { throw Refusal.notHere }
            at(1_000)
            let before = replica.time
            // One of the two, and the other by a replica that has just started.
            #expect(try replica.apply(.purgeExpunged(before: before, limit: 1)) == .purged(1))
            #expect(try replica.apply(.purgeDeliveries(before: before, limit: 1)) == .purged(1))
            if round % 2 == 1 { try replica.applier.rollBack(after: replica.group) }
            #expect(try replica.apply(.purgeExpunged(before: before, limit: 5)) == .purged(1))
            #expect(try replica.apply(.purgeDeliveries(before: before, limit: 5)) == .purged(1))
            #expect(try replica.rows(.expungedByTime) == 0)
            #expect(try replica.rows(.deliveriesByTime) == 0)
        }
        try replica.expectSound()
    }
}
