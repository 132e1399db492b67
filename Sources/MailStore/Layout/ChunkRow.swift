internal import MailModel
internal import NIOCore

/// The row of a piece of a body: version 2, codec 0 (plain), key ID 0 (not sealed), a checksum for each block of the
/// bytes, then the bytes. So another codec or key needs no new format, and who reads some of the bytes checks no more
/// than these.
struct ChunkRow {
    /// Bytes of a block; the last one may be shorter.
    static let blockBytes = 4_096

    private static let start: [UInt8] = [2, 0, 0, 0]
    private static let sumBytes = 8

    private let sums: [UInt64]
    /// Bytes of the piece.
    let bytes: Int

    /// Computes the checksums of bytes as they are in a message.
    init(of bytes: Span<UInt8>) {
        var sums: [UInt64] = []
        sums.reserveCapacity((bytes.count + Self.blockBytes - 1) / Self.blockBytes)
        for first in stride(from: 0, to: bytes.count, by: Self.blockBytes) {
            sums.append(Self.sum(of: bytes.extracting(first..<min(bytes.count, first + Self.blockBytes))))
        }
        self.sums = sums
        self.bytes = bytes.count
    }

    /// Reads a row, and checks all of its bytes.
    ///
    /// - Throws: `DecodingError` where the row is not one, or its bytes are others than were written.
    init(row: Span<UInt8>) throws(DecodingError) {
        try self.init(uncheckedRow: row)
        _ = try Self.checkedRange(0..<bytes, in: row)
    }

    /// Reads the checksums of a row, whatever its bytes are.
    ///
    /// - Throws: `DecodingError` where the row is not one.
    init(uncheckedRow row: Span<UInt8>) throws(DecodingError) {
        let first = try Self.checkedRange(0..<0, in: row).lowerBound
        var sums: [UInt64] = []
        let blocks = (first - Self.start.count) / Self.sumBytes
        sums.reserveCapacity(blocks)
        for block in 0..<blocks { sums.append(try Self.storedSum(block, in: row)) }
        self.sums = sums
        bytes = row.count - first
    }

    /// What stands before the bytes in the row.
    var header: [UInt8] {
        var header: [UInt8] = []
        header.reserveCapacity(Self.start.count + sums.count * Self.sumBytes)
        header += Self.start
        for sum in sums {
            for shift in stride(from: UInt64(56), through: 0, by: -8) {
                header.append(UInt8(truncatingIfNeeded: sum >> shift))
            }
        }
        return header
    }

    /// The checksum of a body up to this piece.
    ///
    /// - Parameter checksum: that of the pieces before; 0 for the first one.
    func checksum(after checksum: UInt64) -> UInt64 {
        var hash = RowHash()
        hash.combine(checksum)
        hash.combine(UInt64(bytes))
        for sum in sums { hash.combine(sum) }
        return hash.finish()
    }

    /// Where in a row some bytes of its piece are, as far as there are that many: the blocks that they lie in were
    /// checked.
    ///
    /// - Parameter wanted: positions in the piece.
    /// - Throws: `DecodingError` where the row is not one, or the bytes are others than were written.
    static func checkedRange(_ wanted: Range<Int>, in row: Span<UInt8>) throws(DecodingError) -> Range<Int> {
        guard row.count >= start.count else { throw failure(.truncated, row.count) }
        for index in start.indices where row[index] != start[index] {
            throw failure(.unknownVersion(UInt64(row[0])), index)
        }
        let rest = row.count - start.count
        let blocks = (rest + blockBytes + sumBytes - 1) / (blockBytes + sumBytes)
        let first = start.count + blocks * sumBytes
        let bytes = row.count - first
        // A last block without bytes would have no checksum.
        guard bytes > blockBytes * (blocks - 1) else { throw failure(.truncated, row.count) }
        let range = wanted.clamped(to: 0..<bytes)
        if !range.isEmpty {
            for block in range.lowerBound / blockBytes...(range.upperBound - 1) / blockBytes {
                let from = first + block * blockBytes
                let stored = row.extracting(from..<min(row.count, from + blockBytes))
                guard sum(of: stored) == (try storedSum(block, in: row)) else { throw failure(.outOfRange, from) }
            }
        }
        return first + range.lowerBound..<first + range.upperBound
    }

    private static func storedSum(_ block: Int, in row: Span<UInt8>) throws(DecodingError) -> UInt64 {
        try Key.integer(row, at: start.count + block * sumBytes, as: UInt64.self)
    }

    private static func sum(of block: Span<UInt8>) -> UInt64 {
        var hash = RowHash()
        hash.combine(block)
        return hash.finish()
    }

    private static func failure(_ reason: DecodingError.Reason, _ offset: Int) -> DecodingError {
        DecodingError(reason, offset: offset, subject: "body chunk")
    }
}
