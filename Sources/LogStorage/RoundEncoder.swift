internal import Consensus
internal import NIOCore

/// Turns records into the bytes of a round. Payloads are passed through, not copied.
struct RoundEncoder {
    var logID: UInt64
    var segment: UInt64
    var number: UInt64
    var precedingChecksum: UInt32

    struct Round {
        /// The head, then the data.
        var pieces: [ByteBuffer]
        var records: [PlacedRecord]
        var headBytes: Int
        var dataBytes: Int
        var checksum: UInt32
    }

    /// The bytes of the data part, with its trailer; nothing at all when there is no data.
    static func dataBytes(_ sizes: some Sequence<Int>) -> Int {
        let bytes = sizes.reduce(0, +)
        return bytes == 0 ? 0 : bytes + 8
    }

    /// - Parameters:
    ///   - chains: the checksum of each group's last record; brought up to date.
    ///   - offset: where the round will stand in its file.
    func encode(_ records: [Record], chains: inout [GroupID: UInt32], at offset: Int) -> Round {
        let prepared = records.map { $0.header() }
        let dataBytes = Self.dataBytes(prepared.lazy.map(\.header.dataBytes))
        let headBytes = RoundHeader.headBytes(recordCount: records.count, dataBytes: dataBytes)
        precondition(records.count <= Layout.maxRecordsPerRound && dataBytes <= Layout.maxRoundBytes)

        var rest = ByteBuffer()
        rest.reserveCapacity(headBytes)
        var pieces: [ByteBuffer] = [ByteBuffer()]
        pieces.reserveCapacity(1 + 2 * records.count)
        var sectors = SectorChecksums()
        var placed: [PlacedRecord] = []
        placed.reserveCapacity(records.count)
        var position = 0
        for (record, (unplaced, prefix)) in zip(records, prepared) {
            var header = unplaced
            header.chain = chains[record.group] ?? 0
            header.dataOffset = position
            let payloadChecksum = Checksum.of(record.payload)
            header.dataChecksum = payloadChecksum
            if prefix.readableBytes > 0 {
                header.dataChecksum = Checksum.extend(Checksum.of(prefix), record.payload.readableBytesUInt8Span)
                pieces.append(prefix)
                sectors.append(prefix)
            }
            if record.payload.readableBytes > 0 {
                pieces.append(record.payload)
                sectors.append(record.payload)
            }
            let checksum = header.encode(into: &rest)
            let location = Location(
                segment: segment,
                offset: offset + headBytes + position + prefix.readableBytes,
                bytes: record.payload.readableBytes,
                checksum: payloadChecksum
            )
            placed.append(
                PlacedRecord(
                    group: record.group,
                    body: record.body,
                    checksum: checksum,
                    chain: header.chain,
                    location: location
                )
            )
            if case .remove = record.body { chains[record.group] = 0 } else { chains[record.group] = checksum }
            position += header.dataBytes
        }
        if position > 0 {
            let trailer = ByteBuffer(integer: Layout.dataTrailer, endianness: .little)
            pieces.append(trailer)
            sectors.append(trailer)
        }
        sectors.finish()
        for checksum in sectors.checksums { rest.writeInteger(checksum, endianness: .little) }
        rest.writeRepeatingByte(0, count: headBytes - Layout.headerBytes - rest.readableBytes - 8)
        rest.writeInteger(Layout.headTrailer, endianness: .little)

        let header = RoundHeader(
            logID: logID,
            segment: segment,
            number: number,
            recordCount: records.count,
            headBytes: headBytes,
            dataBytes: dataBytes,
            headChecksum: Checksum.of(rest),
            precedingChecksum: precedingChecksum
        )
        let (bytes, checksum) = header.encoded()
        pieces[0] = bytes
        pieces.insert(rest, at: 1)
        return Round(
            pieces: pieces,
            records: placed,
            headBytes: headBytes,
            dataBytes: dataBytes,
            checksum: checksum
        )
    }
}
