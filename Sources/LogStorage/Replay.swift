internal import Consensus
internal import NIOCore

/// Rebuilds the groups' logs from the segments, oldest first, and tells what was torn from what is damaged. The reasons
/// for every decision here are in `Docs/formats/log.md`.
struct Replay {
    private(set) var table = GroupTable()
    /// The last round that is known to have been written.
    private(set) var lastRound: UInt64 = 0
    /// The checksum of the round before; nil where that round is not known.
    private(set) var lastChecksum: UInt32? = 0
    private var lastSequence: UInt64?
    /// Whether records of unknown groups were unreadable.
    var hasGap: Bool { table.hasGap }

    /// Takes in a segment that cannot be read at all.
    mutating func skip(sequence: UInt64, _ reason: String) {
        table.damageAll(reason)
        lastChecksum = nil
        lastSequence = sequence
    }

    /// Takes in all rounds of one segment.
    ///
    /// - Parameter bound: the last round that the segments up to this one are proven to hold; nil for the last segment.
    /// - Returns: where the good rounds end.
    mutating func add(_ scanner: SegmentScanner, bound: UInt64?) -> Int {
        let header = scanner.header
        if let lastSequence {
            if header.sequence != lastSequence + 1 {
                table.damageAll("A segment before \(header.sequence) is missing.")
            }
        }
        // Across segments, the header's round number is the chain.
        lastChecksum = nil
        lastSequence = header.sequence
        lastRound = header.precedingRound
        if bound == nil, scanner.file.readableBytes < header.capacity {
            table.damageAll("Segment \(header.sequence) is shorter than it was made.")
        }
        var offset = header.blockBytes
        while bound.map({ lastRound < $0 }) ?? true {
            guard let next = addRound(scanner, at: offset, bound: bound) else { break }
            offset = next
        }
        if let bound, lastRound < bound {
            table.damageAll("Segment \(header.sequence) ends before round \(bound).")
            lastChecksum = nil
        }
        return offset
    }

    /// - Returns: where the next round should be; nil when there is none.
    private mutating func addRound(_ scanner: SegmentScanner, at offset: Int, bound: UInt64?) -> Int? {
        let finding = offset < scanner.file.readableBytes ? scanner.examine(at: offset) : .blank
        var reason = "another round should be here"
        switch finding {
        case .round(let found):
            let follows = lastChecksum == nil || lastChecksum == found.header.precedingChecksum
            guard found.header.number == lastRound + 1, follows else { break }
            let end = offset + found.header.extent(blockBytes: scanner.header.blockBytes)
            if !found.badSectors.isEmpty, bound == nil, scanner.looksTorn(found),
                scanner.firstRound(after: end - 1, above: found.header.number) == nil
            {
                return nil
            }
            apply(found, scanner)
            lastRound = found.header.number
            lastChecksum = found.checksum
            return end
        case .blank, .tornHead:
            if bound == nil, scanner.firstRound(after: offset, above: lastRound) == nil { return nil }
            reason = "what was written here is gone"
        case .damagedHead(let error):
            reason = "\(error)"
        }
        return skipGap(scanner, at: offset, reason)
    }

    /// Acknowledged records are unreadable here: replay goes on at the next round that is readable.
    private mutating func skipGap(_ scanner: SegmentScanner, at offset: Int, _ reason: String) -> Int? {
        table.damageAll("Segment \(scanner.header.sequence) is damaged at \(offset): \(reason).")
        lastChecksum = nil
        guard let next = scanner.firstRound(after: offset, above: lastRound) else { return nil }
        lastRound = next.number - 1
        return next.offset
    }

    private mutating func apply(_ found: SegmentScanner.Found, _ scanner: SegmentScanner) {
        for (header, checksum) in found.records {
            let start = found.dataOffset + header.dataOffset
            let data: ByteBuffer
            let body: RecordBody
            do throws(FormatError) {
                (data, body) = try record(header, at: start, scanner)
            } catch {
                let place = "A record in segment \(scanner.header.sequence) is damaged at \(start)"
                table.damage(header.group, "\(place): \(error).")
                continue
            }
            let payload = header.configurationBytes..<header.dataBytes
            let location = Location(
                segment: scanner.header.sequence,
                offset: start + header.configurationBytes,
                bytes: payload.count,
                checksum: header.configurationBytes == 0 ? header.dataChecksum : Checksum.of(data, payload)
            )
            table.replay(
                PlacedRecord(
                    group: header.group,
                    body: body,
                    checksum: checksum,
                    chain: header.chain,
                    location: location
                )
            )
        }
    }

    private func record(
        _ header: RecordHeader,
        at start: Int,
        _ scanner: SegmentScanner
    ) throws(FormatError) -> (ByteBuffer, RecordBody) {
        guard let data = scanner.file.getSlice(at: start, length: header.dataBytes) else {
            throw FormatError(reason: .truncated, offset: 0, subject: .record)
        }
        guard Checksum.of(data) == header.dataChecksum else {
            throw FormatError(reason: .checksum, offset: 0, subject: .record)
        }
        return (data, try RecordBody(header, data: data))
    }

    mutating func finish() { table.finishReplay() }
}
