import Consensus
import MailModel
import NIOCore
import StateStorage
import Testing

@testable import MailStore

/// Bytes of bodies that are not what they were: never served, and put back from elsewhere.
@Suite struct BodyRepairTests {
    private let group = GroupID(1)
    private let account = AccountID(1 << 32 | 1)
    private let small = BodyID(high: 1, low: 2)
    private let large = BodyID(high: 3, low: 4)

    private func chunk(_ body: BodyID, _ index: UInt32 = 0) -> BodyChunk {
        BodyChunk(account: account, body: body, index: index)
    }

    /// An account with a message of one chunk and one of two.
    private func filled() throws -> (MemoryStateStore, MailApplier) {
        let store = MemoryStateStore()
        let applier = MailApplier(store: store)
        try applier.open(group)
        var commands: [MailCommand] = [
            .createAccount(
                address: try #require(AccountAddress("anna@example.org")),
                credential: nil,
                quotaBytes: 0,
                mailboxes: []
            ),
            .deliver(message(small, 5_000, .inline(ByteBuffer(repeating: 7, count: 5_000))), id: nil),
        ]
        let size = MailLimits.bodyChunkBytes + 10
        for (index, count) in [MailLimits.bodyChunkBytes, 10].enumerated() {
            commands.append(
                .uploadChunk(large, index: UInt32(index), bytes: ByteBuffer(repeating: UInt8(index + 1), count: count))
            )
        }
        commands.append(.deliver(message(large, size, .uploaded(chunks: 2)), id: nil))
        for (offset, command) in commands.enumerated() {
            let envelope = CommandEnvelope(
                request: RequestID(session: 1, sequence: UInt64(offset + 1)),
                settledBelow: 0,
                timestamp: Timestamp(milliseconds: 1),
                account: offset == 0 ? AccountID(0) : account,
                command: command
            )
            let index = LogIndex(UInt64(offset + 1))
            let outcome = try applier.apply(group: group, index: index, term: Term(1), payload: envelope.encoded()).1
            if case .refused(let refusal) = outcome { Issue.record("\(refusal)") }
        }
        try applier.commit()
        return (store, applier)
    }

    private func message(_ body: BodyID, _ size: Int, _ bytes: NewMessage.Body) -> NewMessage {
        NewMessage(
            bodyID: body,
            internalDate: InternalDate(seconds: 0, zoneMinutes: 0),
            sizeBytes: UInt64(size),
            summary: ByteBuffer(),
            body: bytes
        )
    }

    private func spoil(_ store: MemoryStateStore, _ name: BodyChunk, _ change: (inout [UInt8]) -> Void) throws {
        let key = MailReader.chunkKey(group, name).bytes
        var value = Array(try #require(try store.get(key)).readableBytesView)
        change(&value)
        let batch = store.makeBatch()
        batch.put(key, value)
        try store.write(batch)
    }

    @Test func `a spoiled body is not served, and what is put back is`() throws {
        let (store, applier) = try filled()
        let reader = MailReader(store: store)
        let query = MailQuery.body(small, offset: 0, maximumBytes: .max)
        let right = try reader.answer(query, of: account, in: group)
        let bytes = try #require(reader.wholeChunk(group, chunk(small)))
        let digest = applier.digest(group)
        try spoil(store, chunk(small)) { $0[100] ^= 1 }
        #expect(throws: HarmedChunk(chunk(small))) { try reader.answer(query, of: account, in: group) }
        #expect(reader.wholeChunk(group, chunk(small)) == nil)
        var wrong = bytes
        wrong.setInteger(UInt8(9), at: wrong.readerIndex + 9)
        #expect(!reader.fits(wrong, as: chunk(small), in: group))
        #expect(reader.fits(bytes, as: chunk(small), in: group))
        #expect(try applier.putBack(bytes, as: chunk(small), in: group))
        #expect(try reader.answer(query, of: account, in: group) == right)
        // Nothing that replicas compare has changed.
        #expect(try reader.digest(group).digest == digest)
        #expect(try recomputedDigest(group, in: store) == digest)
        #expect(try reader.digest(group).index == LogIndex(5))
    }

    @Test func `a chunk that is missing or cut short is spoiled`() throws {
        let (store, _) = try filled()
        let reader = MailReader(store: store)
        try spoil(store, chunk(large, 1)) { $0.removeLast($0.count - 2) }
        let query = MailQuery.body(large, offset: UInt64(MailLimits.bodyChunkBytes), maximumBytes: 10)
        #expect(throws: HarmedChunk(chunk(large, 1))) { try reader.answer(query, of: account, in: group) }
        let batch = store.makeBatch()
        batch.delete(MailReader.chunkKey(group, chunk(large, 1)).bytes)
        try store.write(batch)
        #expect(throws: HarmedChunk(chunk(large, 1))) { try reader.answer(query, of: account, in: group) }
        #expect(reader.fits(ByteBuffer(repeating: 2, count: 10), as: chunk(large, 1), in: group))
        #expect(!reader.fits(ByteBuffer(repeating: 3, count: 10), as: chunk(large, 1), in: group))
        #expect(!reader.fits(ByteBuffer(repeating: 2, count: 10), as: chunk(large, 2), in: group))
    }

    @Test func `a body is put back chunk by chunk, also where all of them are spoiled`() throws {
        let (store, applier) = try filled()
        let reader = MailReader(store: store)
        let bytes = try (0..<2).map { try #require(reader.wholeChunk(group, chunk(large, $0))) }
        for index in 0..<UInt32(2) { try spoil(store, chunk(large, index)) { $0[$0.count - 1] ^= 1 } }
        for index in 0..<UInt32(2) {
            let right = bytes[Int(index)]
            #expect(reader.wholeChunk(group, chunk(large, index)) == nil)
            #expect(!reader.fits(bytes[1 - Int(index)], as: chunk(large, index), in: group))
            #expect(reader.fits(right, as: chunk(large, index), in: group))
            #expect(try applier.putBack(right, as: chunk(large, index), in: group))
            #expect(reader.wholeChunk(group, chunk(large, index)) == right)
        }
    }

    @Test func `what is past the end, and what is gone, is not spoiled`() throws {
        let (store, applier) = try filled()
        let reader = MailReader(store: store)
        let past = MailQuery.body(small, offset: UInt64(MailLimits.bodyChunkBytes), maximumBytes: 10)
        #expect(try reader.answer(past, of: account, in: group) == .body(ByteBuffer()))
        let gone = BodyID(high: 8, low: 8)
        let query = MailQuery.body(gone, offset: 0, maximumBytes: 10)
        #expect(try reader.answer(query, of: account, in: group) == .missing)
        #expect(try !applier.putBack(ByteBuffer(), as: chunk(gone), in: group))
        #expect(!reader.fits(ByteBuffer(), as: chunk(gone), in: group))
    }
}
