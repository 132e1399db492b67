internal import Consensus
internal import NIOCore

/// Finds rounds in the bytes of one segment, and says what is wrong with those that are not as they were written.
struct SegmentScanner {
    let header: SegmentHeader
    let file: ByteBuffer

    /// A round whose head is intact.
    struct Found {
        var header: RoundHeader
        var checksum: UInt32
        var offset: Int
        var records: [(header: RecordHeader, checksum: UInt32)]
        /// Data sectors that are not what was written.
        var badSectors: [Int]
        /// The checksums that the sectors should have.
        var sectorChecksums: [UInt32]

        var dataOffset: Int { offset + header.headBytes }
    }

    enum Finding {
        case round(Found)
        /// No round was written here, or the first sector of the round did not reach the disk.
        case blank
        /// The start of a round. Sectors of its head did not reach the disk.
        case tornHead
        /// Bytes that no writer has written.
        case damagedHead(FormatError)
    }

    func examine(at offset: Int) -> Finding {
        let round: (header: RoundHeader, checksum: UInt32)
        do throws(FormatError) {
            round = try RoundHeader.decode(file, at: offset, segment: header)
        } catch {
            return isZero(at: offset, count: Layout.sectorBytes) ? .blank : .damagedHead(error)
        }
        let end = offset + round.header.headBytes
        guard end + round.header.dataBytes <= file.readableBytes else {
            return .damagedHead(FormatError(reason: .truncated, offset: offset, subject: .roundHead))
        }
        do throws(FormatError) {
            return .round(try decodeHead(round.header, round.checksum, at: offset))
        } catch {
            // No sector of a head is all zeros: each holds record headers, checksums or the trailer.
            let sectors = stride(from: offset, to: end, by: Layout.sectorBytes)
            return sectors.contains { isZero(at: $0, count: Layout.sectorBytes) } ? .tornHead : .damagedHead(error)
        }
    }

    private func decodeHead(_ header: RoundHeader, _ checksum: UInt32, at offset: Int) throws(FormatError) -> Found {
        let head = offset + Layout.headerBytes..<offset + header.headBytes
        func failure(_ reason: FormatError.Reason) -> FormatError {
            FormatError(reason: reason, offset: offset, subject: .roundHead)
        }
        guard Checksum.of(file, head) == header.headChecksum else { throw failure(.checksum) }
        guard file.getInteger(at: head.upperBound - 8, endianness: .little, as: UInt64.self) == Layout.headTrailer
        else { throw failure(.noMark) }
        var found = Found(
            header: header,
            checksum: checksum,
            offset: offset,
            records: [],
            badSectors: [],
            sectorChecksums: []
        )
        found.records.reserveCapacity(header.recordCount)
        for number in 0..<header.recordCount {
            let (record, checksum) = try RecordHeader.decode(file, at: offset + Layout.headerBytes * (1 + number))
            guard record.dataOffset + record.dataBytes <= header.dataBytes else { throw failure(.outOfRange) }
            found.records.append((record, checksum))
        }
        let table = offset + Layout.headerBytes * (1 + header.recordCount)
        for sector in 0..<header.sectorCount {
            guard let expected = file.getInteger(at: table + 4 * sector, endianness: .little, as: UInt32.self) else {
                throw failure(.truncated)
            }
            found.sectorChecksums.append(expected)
            if sectorChecksum(found, sector) != expected { found.badSectors.append(sector) }
        }
        return found
    }

    private func sectorChecksum(_ found: Found, _ sector: Int) -> UInt32 {
        let start = found.dataOffset + sector * Layout.sectorBytes
        let end = min(start + Layout.sectorBytes, file.readableBytes)
        var checksum = Checksum.of(file, start..<end)
        if end - start < Layout.sectorBytes {
            let padding = ByteBuffer(repeating: 0, count: Layout.sectorBytes - (end - start))
            checksum = Checksum.extend(checksum, padding.readableBytesUInt8Span)
        }
        return checksum
    }

    /// Whether every bad sector is all zeros, as before its first write, and no single flipped bit explains that.
    func looksTorn(_ found: Found) -> Bool {
        let allZero = found.badSectors.allSatisfy { sector in
            isZero(at: found.dataOffset + sector * Layout.sectorBytes, count: Layout.sectorBytes)
        }
        guard allZero else { return false }
        if found.badSectors.count == 1, SectorChecksums.isOfSingleBit(found.sectorChecksums[found.badSectors[0]]) {
            return false
        }
        return true
    }

    /// The first block after `offset` that starts a round later than `number`. Such a round proves that round
    /// `number` was durable: the writer begins a round only when the round before is durable.
    func firstRound(after offset: Int, above number: UInt64) -> (offset: Int, number: UInt64)? {
        var block = offset.roundedUp(toMultipleOf: header.blockBytes)
        if block == offset { block += header.blockBytes }
        while block + Layout.headerBytes <= file.readableBytes {
            if let (round, _) = try? RoundHeader.decode(file, at: block, segment: header), round.number > number {
                return (block, round.number)
            }
            block += header.blockBytes
        }
        return nil
    }

    func isZero(at offset: Int, count: Int) -> Bool {
        let span = file.readableBytesUInt8Span
        for index in min(offset, span.count)..<min(offset + count, span.count) where span[index] != 0 { return false }
        return true
    }
}
