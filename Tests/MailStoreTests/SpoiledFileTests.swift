import Consensus
import Glibc
import MailModel
import MailTestSupport
import NIOCore
import StateStorage
import Testing

@testable import MailStore

/// What RocksDB's own checksums find in a file of bodies.
@Suite struct SpoiledFileTests {
    private let directory = TemporaryDirectory()
    private let group = GroupID(1)
    private let chunk = BodyChunk(account: AccountID(5), body: BodyID(high: 1, low: 2), index: 0)

    /// Changes a few bytes in the middle of the files of bodies, which are much larger than those of rows here.
    private func spoil() throws {
        for name in directory.names() where name.hasSuffix(".sst") {
            let file = open(directory.path + "/" + name, O_RDWR)
            defer { close(file) }
            let end = lseek(file, 0, SEEK_END)
            guard end > 30_000 else { continue }
            let bytes: [UInt8] = [0x55, 0xaa, 0x55, 0xaa]
            #expect(pwrite(file, bytes, bytes.count, end / 2) == bytes.count)
        }
    }

    @Test func `a body in a spoiled file is harmed, and what is put back stays`() throws {
        let path = directory.path
        var random = SplitMix64(seed: 4)
        var bytes = ByteBuffer()
        while bytes.readableBytes < 40_000 { bytes.writeInteger(random.next()) }
        let query = MailQuery.body(chunk.body, offset: 0, maximumBytes: .max)
        do {
            let store = try RocksStateStore(path: path, settings: .ofMail)
            let batch = store.makeBatch()
            let stored = ChunkRow(of: bytes.readableBytesUInt8Span)
            batch.put(MailReader.chunkKey(group, chunk).bytes, prefix: stored.header, pieces: [bytes])
            let row = BodyRow(references: 1, sizeBytes: 40_000, chunks: 1, checksum: stored.checksum(after: 0))
            batch.put(Key(group, .bodies, chunk.account, chunk.body).bytes, row.row)
            // Its owner is there: what is left of a deleted account is read by nobody.
            batch.put(Key(group, .accounts, chunk.account).bytes, newRow())
            try store.write(batch)
            try store.flush()
            #expect(try MailReader(store: store).answer(query, of: chunk.account, in: group) == .body(bytes))
            store.close()
        }
        try spoil()
        do {
            let store = try RocksStateStore(path: path, settings: .ofMail)
            let reader = MailReader(store: store)
            #expect(throws: HarmedChunk(chunk)) { try reader.answer(query, of: chunk.account, in: group) }
            #expect(reader.fits(bytes, as: chunk, in: group))
            let applier = MailApplier(store: store)
            try applier.open(group)
            #expect(try applier.putBack(bytes, as: chunk, in: group))
            #expect(try reader.answer(query, of: chunk.account, in: group) == .body(bytes))
            try store.flush()
            #expect(try reader.answer(query, of: chunk.account, in: group) == .body(bytes))
            store.close()
        }
        let store = try RocksStateStore(path: path, settings: .ofMail)
        #expect(try MailReader(store: store).answer(query, of: chunk.account, in: group) == .body(bytes))
        store.close()
    }
}
