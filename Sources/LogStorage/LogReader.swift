internal import Consensus
internal import NIOConcurrencyHelpers
internal import NIOCore

/// What writer and readers share: the places of the durable entries, and the files of the segments.
struct LogState: Sendable {
    struct Segment: Sendable {
        var sequence: UInt64
        var file: any DiskFile
        var bytes: Int
    }

    var table = GroupTable()
    /// The segments, oldest first. The log writes to the last one.
    var segments: [Segment] = []

    func file(_ sequence: UInt64) -> (any DiskFile)? { segments.last { $0.sequence == sequence }?.file }
}

/// Reads entries from the segments. The lock is held only to look up where they are.
final class LogReader: LogReading {
    private let state: NIOLockedValueBox<LogState>

    /// Payloads that lie closer than this are read together.
    private static let gapBytes = 4096

    init(_ state: NIOLockedValueBox<LogState>) { self.state = state }

    /// One entry and the file it is in.
    struct Place {
        var slot: GroupLog.Slot
        var file: any DiskFile
    }

    func lastIndex(of group: GroupID) -> LogIndex? { state.withLockedValue { $0.table.groups[group]?.lastIndex } }

    func read(
        _ group: GroupID,
        from first: LogIndex,
        upTo last: LogIndex,
        maxBytes: Int
    ) throws(LogError) -> [LogEntry] {
        precondition(first <= last, "An empty range of entries.")
        let found = state.withLockedValue { state in
            Self.places(
                of: group,
                from: first,
                upTo: last,
                maxBytes: maxBytes,
                in: state
            )
        }
        let entries = try Self.load(found.get())
        for (offset, entry) in entries.enumerated() where entry.damaged {
            throw LogError(.damaged, "The payload of entry \((first + offset).rawValue) is damaged.", group: group)
        }
        return entries.map(\.entry)
    }

    private static func places(
        of group: GroupID,
        from first: LogIndex,
        upTo last: LogIndex,
        maxBytes: Int,
        in state: LogState
    ) -> Result<[Place], LogError> {
        guard let log = state.table.groups[group] else {
            return .failure(LogError(.unknownGroup, "There is no such group.", group: group))
        }
        guard first > log.snapshot.index else {
            return .failure(LogError(.compacted, "Entry \(first.rawValue) is gone.", group: group))
        }
        guard last <= log.lastIndex else {
            return .failure(LogError(.beyondEnd, "The log ends at \(log.lastIndex.rawValue).", group: group))
        }
        var places: [Place] = []
        var bytes = 0
        for index in first.rawValue...last.rawValue {
            guard let slot = log.slot(at: LogIndex(index)), let file = state.file(slot.location.segment) else {
                return .failure(LogError(.damaged, "Entry \(index) has no place.", group: group))
            }
            bytes += Int(slot.header.payloadBytes)
            if !places.isEmpty && bytes > maxBytes { break }
            places.append(Place(slot: slot, file: file))
        }
        return .success(places)
    }

    /// Reads payloads, neighbours together, and checks them.
    static func load(_ places: [Place]) throws(LogError) -> [(entry: LogEntry, damaged: Bool)] {
        var entries: [(entry: LogEntry, damaged: Bool)] = []
        entries.reserveCapacity(places.count)
        var start = 0
        while start < places.count {
            var end = start + 1
            while end < places.count, isNeighbour(places[end - 1].slot.location, places[end].slot.location) { end += 1 }
            let base = places[start].slot.location.offset
            let last = places[end - 1].slot.location
            let file = places[start].file
            let span = try onDisk { () throws(DiskError) in
                try file.read(at: base, count: last.offset + last.bytes - base)
            }
            for place in places[start..<end] {
                let location = place.slot.location
                let payload = span.getSlice(at: span.readerIndex + location.offset - base, length: location.bytes)
                let isGood = payload.map { Checksum.of($0) == location.checksum } ?? false
                entries.append((LogEntry(header: place.slot.header, payload: payload ?? ByteBuffer()), !isGood))
            }
            start = end
        }
        return entries
    }

    private static func isNeighbour(_ a: Location, _ b: Location) -> Bool {
        let gap = b.offset - (a.offset + a.bytes)
        return a.segment == b.segment && gap >= 0 && gap <= gapBytes
    }
}
