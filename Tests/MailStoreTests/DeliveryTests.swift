import Consensus
import MailModel
import MailStore
import NIOCore
import StateStorage
import Testing

/// One group in memory, to which commands are applied one after the other.
private final class Replica {
    let group = GroupID(1)
    let store = MemoryStateStore()
    let applier: MailApplier
    private var index: UInt64 = 0
    private(set) var account = AccountID(0)
    var time = Timestamp(milliseconds: 1_700_000_000_000)
    /// The last request below which all answers have come; nil for all but the one that is applied.
    var settledBelow: UInt64?

    init() throws {
        applier = MailApplier(store: store)
        try applier.open(group)
        let address = try #require(AccountAddress("anna@example.org"))
        let create = MailCommand.createAccount(address: address, credential: nil, quotaBytes: 0, mailboxes: [])
        guard case .accountCreated(let id) = try apply(create) else { throw Refusal.noSuchAccount }
        account = id
    }

    /// - Parameter request: nil for a new one.
    @discardableResult
    func apply(_ command: MailCommand, as request: UInt64? = nil) throws -> MailOutcome {
        index += 1
        let envelope = CommandEnvelope(
            request: RequestID(session: 1, sequence: request ?? index),
            settledBelow: settledBelow ?? index,
            timestamp: time,
            account: account,
            command: command
        )
        return try applier.apply(group: group, index: LogIndex(index), term: Term(1), payload: envelope.encoded()).1
    }

    /// Delivers as a gateway does: a body of its own each time.
    func deliver(
        _ id: DeliveryID?,
        body: UInt64,
        chunks: UInt32? = nil,
        as request: UInt64? = nil
    ) throws -> MailOutcome {
        let bodyID = BodyID(milliseconds: time.rawValue, random: 0, body)
        let chunk = ByteBuffer(repeating: 0x61, count: chunks == nil ? 100 : MailLimits.bodyChunkBytes)
        for index in 0..<(chunks ?? 0) { try apply(.uploadChunk(bodyID, index: index, bytes: chunk)) }
        let message = NewMessage(
            bodyID: bodyID,
            internalDate: InternalDate(seconds: 0, zoneMinutes: 0),
            sizeBytes: UInt64(chunk.readableBytes) * UInt64(chunks ?? 1),
            summary: ByteBuffer(),
            body: chunks.map { .uploaded(chunks: $0) } ?? .inline(chunk)
        )
        return try apply(.deliver(message, id: id), as: request)
    }

    func mailbox() throws -> MailboxRecord {
        try applier.commit()
        let answer = try MailReader(store: store).answer(.mailbox(.inbox), of: account, in: group)
        guard case .mailbox(let record) = answer else { throw Refusal.noSuchMailbox }
        return record
    }

    /// Every row of the group.
    func rows() throws -> Int {
        try applier.commit()
        var count = 0
        try store.scan(from: [], to: [0xff]) { _, _ in
            count += 1
            return true
        }
        return count
    }
}

@Suite struct DeliveryTests {
    private let id = DeliveryID(high: 1, low: 2)
    private let other = DeliveryID(high: 1, low: 3)

    @Test(arguments: [nil, 3] as [UInt32?])
    func `a repetition gets the first answer and leaves nothing`(_ chunks: UInt32?) throws {
        let replica = try Replica()
        let first = try replica.deliver(id, body: 1, chunks: chunks)
        let rows = try replica.rows()
        // In one batch with what precedes it, and in a later one.
        for body in 2...3 as ClosedRange<UInt64> {
            #expect(try replica.deliver(id, body: body, chunks: chunks) == first)
            #expect(try replica.deliver(id, body: body + 10, chunks: chunks) == first)
            #expect(try replica.rows() == rows)
        }
        #expect(try replica.mailbox().messages == 1)
        #expect(try replica.deliver(other, body: 30, chunks: chunks) != first)
        #expect(try replica.deliver(nil, body: 31, chunks: chunks) != first)
        #expect(try replica.deliver(nil, body: 32, chunks: chunks) != first)
        #expect(try replica.mailbox().messages == 4)
    }

    @Test func `what was expunged since is still a repetition`() throws {
        let replica = try Replica()
        let first = try replica.deliver(id, body: 1)
        let inbox = try replica.mailbox().id
        let all = UIDSet(ranges: [1...UInt32.max])
        let deleted = FlagNames(system: .deleted)
        try replica.apply(.storeFlags(inbox, all, .add, deleted, unchangedSince: nil))
        try replica.apply(.expunge(inbox, UIDSet(ranges: [1...9])))
        #expect(try replica.mailbox().messages == 0)
        #expect(try replica.deliver(id, body: 2) == first)
        #expect(try replica.mailbox().messages == 0)
    }

    @Test func `a refusal is not remembered`() throws {
        let replica = try Replica()
        try replica.apply(.setQuota(bytes: 10))
        #expect(try replica.deliver(id, body: 1) == .refused(.overQuota))
        try replica.apply(.setQuota(bytes: 100))
        let first = try replica.deliver(id, body: 2)
        #expect(try replica.mailbox().messages == 1)
        // There is no room for another, but none is needed.
        #expect(try replica.deliver(id, body: 3) == first)
        #expect(try replica.deliver(other, body: 4) == .refused(.overQuota))
    }

    @Test func `it is forgotten when the retention is over`() throws {
        let replica = try Replica()
        let first = try replica.deliver(id, body: 1)
        let rows = try replica.rows()
        replica.time = Timestamp(milliseconds: replica.time.rawValue + 1_000)
        try replica.apply(.purgeDeliveries(before: Timestamp(milliseconds: replica.time.rawValue - 1_000), limit: 10))
        #expect(try replica.deliver(id, body: 2) == first)
        #expect(try replica.apply(.purgeDeliveries(before: replica.time, limit: 10)) == .purged(1))
        #expect(try replica.rows() == rows - 2)
        #expect(try replica.deliver(id, body: 3) != first)
        #expect(try replica.mailbox().messages == 2)
    }

    /// The two ways to know a delivery again are forgotten each at its own time.
    @Test func `a request is known again when the ID of its delivery is forgotten`() throws {
        let replica = try Replica()
        replica.settledBelow = 100
        let first = try replica.deliver(id, body: 1, as: 100)
        replica.time = Timestamp(milliseconds: replica.time.rawValue + 1_000)
        #expect(try replica.apply(.purgeDeliveries(before: replica.time, limit: 10), as: 101) == .purged(1))
        #expect(try replica.deliver(id, body: 1, as: 100) == first)
        #expect(try replica.mailbox().messages == 1)
        #expect(try replica.deliver(id, body: 2, as: 102) != first)
        #expect(try replica.mailbox().messages == 2)
    }
}
