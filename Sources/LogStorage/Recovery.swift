internal import Consensus
internal import NIOCore

/// Reads all segments of a log.
struct Recovery {
    let disk: any Disk
    let logID: UInt64

    /// The last segment's good part.
    struct Tail {
        var sequence: UInt64
        var file: any DiskFile
        var bytes: Int
    }

    struct Outcome {
        var state: LogState
        var lastRound: UInt64
        var lastChecksum: UInt32
        var nextSequence: UInt64
        /// What is cut off the last segment; nil where nothing is to be cut, or nothing may be because of damage.
        var tail: Tail?
    }

    private struct Segment {
        var sequence: UInt64
        var file: any DiskFile
        var header: Result<SegmentHeader, FormatError>
        var bytes: Int
    }

    func run() throws(LogError) -> Outcome {
        let segments = try openSegments()
        var replay = Replay()
        var tail: Tail? = nil
        for (index, segment) in segments.enumerated() {
            let header: SegmentHeader
            switch segment.header {
            case .success(let decoded): header = decoded
            case .failure(let error):
                replay.skip(sequence: segment.sequence, "Segment \(segment.sequence) is damaged: \(error).")
                continue
            }
            let bound = segments[(index + 1)...].lazy.compactMap { try? $0.header.get() }.first?.precedingRound
            let bytes = try onDisk { () throws(DiskError) in try segment.file.read(at: 0, count: segment.bytes) }
            let end = replay.add(SegmentScanner(header: header, file: bytes), bound: bound)
            if index == segments.count - 1, !replay.hasGap, end < segment.bytes {
                tail = Tail(sequence: segment.sequence, file: segment.file, bytes: end)
            }
        }
        replay.finish()
        var state = LogState()
        state.table = replay.table
        state.segments = segments.map { LogState.Segment(sequence: $0.sequence, file: $0.file, bytes: $0.bytes) }
        return Outcome(
            state: state,
            lastRound: replay.lastRound,
            lastChecksum: replay.lastChecksum ?? 0,
            nextSequence: (segments.last?.sequence ?? 0) + 1,
            tail: tail
        )
    }

    private func openSegments() throws(LogError) -> [Segment] {
        let disk = disk
        let names = try onDisk { () throws(DiskError) in try disk.list() }
        var segments: [Segment] = []
        for name in names {
            guard let sequence = SegmentHeader.sequence(ofFile: name) else { continue }
            let (file, start, bytes) = try onDisk { () throws(DiskError) in
                let file = try disk.open(name)
                return (file, try file.read(at: 0, count: Layout.headerBytes), try file.size())
            }
            let header = try decode(start, sequence: sequence, name)
            segments.append(Segment(sequence: sequence, file: file, header: header, bytes: bytes))
        }
        if let last = segments.last, case .failure = last.header, try isBlank(last) {
            // A crash interrupted the making of this segment: nothing was ever written to it.
            try onDisk { () throws(DiskError) in
                try disk.delete(SegmentHeader.fileName(last.sequence))
                try disk.syncDirectory()
            }
            segments.removeLast()
        }
        return segments
    }

    /// The header, or what is wrong with it; throws when it is in order, and not for this program or log.
    private func decode(
        _ start: ByteBuffer,
        sequence: UInt64,
        _ name: String
    ) throws(LogError) -> Result<SegmentHeader, FormatError> {
        let header: SegmentHeader
        do throws(FormatError) {
            header = try SegmentHeader.decode(start)
        } catch {
            guard case .unknownVersion(let version) = error.reason else { return .failure(error) }
            throw LogError(.unsupported, "The log has format version \(version).", path: name)
        }
        guard header.logID == logID else { throw LogError(.unsupported, "The segment is of another log.", path: name) }
        guard header.sequence == sequence else {
            return .failure(FormatError(reason: .foreign, offset: 0, subject: .segmentHeader))
        }
        return .success(header)
    }

    private func isBlank(_ segment: Segment) throws(LogError) -> Bool {
        for offset in stride(from: 0, to: segment.bytes, by: 1 << 20) {
            let bytes = try onDisk { () throws(DiskError) in try segment.file.read(at: offset, count: 1 << 20) }
            if bytes.readableBytesView.contains(where: { $0 != 0 }) { return false }
        }
        return true
    }
}
