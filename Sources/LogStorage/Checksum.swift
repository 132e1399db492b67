internal import CChecksum
internal import NIOCore

/// CRC-32C (Castagnoli), with the processor's instruction where there is one.
enum Checksum {
    /// Continues `checksum` over more bytes; a checksum starts with 0.
    static func extend(_ checksum: UInt32, _ bytes: Span<UInt8>) -> UInt32 {
        unsafe bytes.withUnsafeBytes { bytes in
            unsafe staffetta_crc32c(checksum, bytes.baseAddress, bytes.count)
        }
    }

    static func of(_ buffer: ByteBuffer) -> UInt32 { extend(0, buffer.readableBytesUInt8Span) }

    /// The checksum of the bytes in `range`, counted from the buffer's reader index.
    static func of(_ buffer: ByteBuffer, _ range: Range<Int>) -> UInt32 {
        let span = buffer.readableBytesUInt8Span
        return extend(0, span.extracting(range))
    }
}

/// The checksums of a run of bytes cut into sectors, the last one filled up with zeros.
struct SectorChecksums {
    private(set) var checksums: [UInt32] = []
    private var open: UInt32 = 0
    private var openBytes = 0

    static let zeros = ByteBuffer(repeating: 0, count: Layout.sectorBytes)

    mutating func append(_ buffer: ByteBuffer) {
        let span = buffer.readableBytesUInt8Span
        var start = 0
        while start < span.count {
            let end = min(span.count, start + Layout.sectorBytes - openBytes)
            open = Checksum.extend(open, span.extracting(start..<end))
            openBytes += end - start
            start = end
            if openBytes == Layout.sectorBytes { close() }
        }
    }

    /// Fills the last sector up.
    mutating func finish() {
        guard openBytes > 0 else { return }
        let zeros = Self.zeros.readableBytesUInt8Span
        open = Checksum.extend(open, zeros.extracting(0..<Layout.sectorBytes - openBytes))
        close()
    }

    private mutating func close() {
        checksums.append(open)
        open = 0
        openBytes = 0
    }

    /// Whether `checksum` is that of a sector with a single bit set. Flipping that bit makes the sector look as if it
    /// had never been written.
    static func isOfSingleBit(_ checksum: UInt32) -> Bool {
        var sector = zeros
        for byte in 0..<Layout.sectorBytes {
            for bit in 0..<8 {
                sector.setInteger(UInt8(1 << bit), at: byte)
                if Checksum.of(sector) == checksum { return true }
            }
            sector.setInteger(UInt8(0), at: byte)
        }
        return false
    }
}
