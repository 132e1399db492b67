import Consensus
import MailModel
import Testing

@testable import MailStore

@Suite struct ChunkRowTests {
    private static let lengths = [0, 1, 63, 64, 4_095, 4_096, 4_097, 8_192, 12_345, MailLimits.bodyChunkBytes]

    private func bytes(_ count: Int) -> [UInt8] {
        var random = SplitMix64(seed: UInt64(count))
        return (0..<count).map { _ in UInt8(truncatingIfNeeded: random.next()) }
    }

    private func row(of bytes: [UInt8]) -> [UInt8] { ChunkRow(of: bytes.span).header + bytes }

    @Test(arguments: lengths)
    func `a row gives back what was put in`(length: Int) throws {
        let bytes = bytes(length)
        let row = row(of: bytes)
        let range = try ChunkRow.checkedRange(0..<length, in: row.span)
        #expect(Array(row[range]) == bytes)
        let read = try ChunkRow(row: row.span)
        #expect(read.bytes == length)
        #expect(read.checksum(after: 7) == ChunkRow(of: bytes.span).checksum(after: 7))
    }

    @Test func `what is wanted beyond the end is left out`() throws {
        let row = row(of: bytes(5_000))
        let start = row.count - 5_000
        #expect(try ChunkRow.checkedRange(4_000..<9_000, in: row.span) == start + 4_000..<start + 5_000)
        #expect(try ChunkRow.checkedRange(6_000..<9_000, in: row.span).isEmpty)
    }

    @Test func `a changed byte is found by who reads its block and by nobody else`() throws {
        let bytes = bytes(10_000)
        let whole = row(of: bytes)
        let start = whole.count - bytes.count
        for position in [0, 4_095, 4_096, 9_999] {
            var row = whole
            row[start + position] ^= 0x10
            #expect(throws: DecodingError.self) { try ChunkRow(row: row.span) }
            #expect(throws: DecodingError.self) {
                try ChunkRow.checkedRange(position..<position + 1, in: row.span)
            }
            let other = position < 4_096 ? 4_096..<10_000 : 0..<4_096
            #expect(try ChunkRow.checkedRange(other, in: row.span).count == other.count)
        }
    }

    @Test func `every change of a row is found`() throws {
        let whole = row(of: bytes(130))
        for position in whole.indices {
            var row = whole
            row[position] ^= 1
            #expect(throws: DecodingError.self) { try ChunkRow(row: row.span) }
        }
        // A row that ends with its version is that of an empty body.
        for length in whole.indices where length != 4 {
            #expect(throws: DecodingError.self) { try ChunkRow(row: Array(whole[..<length]).span) }
        }
    }

    @Test func `a checksum tells the pieces of a body and their order apart`() {
        let (a, b) = (ChunkRow(of: bytes(4_096).span), ChunkRow(of: bytes(5_000).span))
        #expect(b.checksum(after: a.checksum(after: 0)) != a.checksum(after: b.checksum(after: 0)))
        #expect(a.checksum(after: 0) != a.checksum(after: 1))
    }

    @Test func `the hash of rows tells neighbours apart at all lengths`() {
        var seen: Set<UInt64> = []
        for length in 0..<200 {
            let bytes = bytes(length)
            for change in -1..<length {
                var changed = bytes
                if change >= 0 { changed[change] &+= 1 }
                var hash = RowHash()
                hash.combine(changed.span)
                seen.insert(hash.finish())
            }
        }
        #expect(seen.count == (0..<200).reduce(0) { $0 + $1 + 1 })
    }
}
