/// What came together of the values that are kept apart.
package struct ValueSegment: Hashable, Sendable {
    /// Rises from segment to segment.
    package let number: UInt32
    /// Bytes that came, with the headers of the values.
    package let bytes: UInt64
}

/// Gives back the space of values that no row names any more.
///
/// A pass counts, over the rows, how much of each closed segment is still named. Segments of which nothing is are
/// dropped, file by file, without being read. Where all together take much more than what is named, the values that are
/// left of the deadest segments are written once more, into the open segment, until the rest is worth its space. So a
/// value is moved only when most of what came with it is gone.
///
/// Nothing of this is durable: a pass that a crash ends is begun anew. Counting step by step while others write is
/// right for closed segments: a row that names none of them when it is looked at never will.
struct ValueCollector {
    private enum Phase {
        case idle
        /// Looks at the rows from a key on.
        case counting(Count, from: [UInt8])
        /// Moves what is left of segments, the first of them from an offset on.
        case moving([UInt32], from: ValuePosition, Named)
        /// Waits for readers of older states, by the mark of ``OpenSnapshots``, and drops files.
        case dropping(Named, mark: UInt64, attempts: Int)
    }

    /// Which of the segments that were closed when the pass began are still named.
    private struct Named {
        let last: UInt32
        var segments: Set<UInt32>

        /// Whether a file has nothing that is named.
        func areGone(_ segments: ClosedRange<UInt32>) -> Bool {
            segments.upperBound <= last && !segments.contains { self.segments.contains($0) }
        }
    }

    private struct Count {
        /// The last segment that was closed when the pass began.
        let last: UInt32
        var rows = 0
        /// Bytes that are named, by segment.
        var named: [UInt32: UInt64] = [:]
    }

    private var phase = Phase.idle
    /// Bytes of the closed segments, which change no more.
    private var sizes: [UInt32: UInt64] = [:]
    /// Rows of values that the last pass found, and the segment that was open then; nil before the first pass.
    private var last: (rows: Int, open: UInt32)?
    /// The segment that was open when files were last settled; nil before the first time.
    private var settled: UInt32?

    private enum Limits {
        /// Rows that a step looks at.
        static let rowsPerStep = 5_000
        /// A pass is due when one row of so many is gone, or so many segments are new.
        static let shareOfRows = 20
        static let newSegments: UInt32 = 64
        /// Values are moved while all segments take more than 5/4 of what is named,
        static let (wasteDividend, wasteDivisor): (UInt64, UInt64) = (5, 4)
        /// from segments of which at least a quarter is gone.
        static let smallestGoneShare = 4
        /// So many segments of less than an eighth of the usual size are made one.
        static let smallSegments = 32
        static let smallShare: UInt64 = 8
        /// Files of so many closed segments are settled together.
        static let unsettledSegments: UInt32 = 4
        /// So often files are looked for that can be dropped: a flush may still be writing the last of them.
        static let dropAttempts = 30
    }

    /// Does a piece of the work.
    ///
    /// - Returns: whether there is more to do at once.
    mutating func step(_ database: RocksDatabase, maximumBytes: Int) throws -> Bool {
        guard let apart = database.apart else { return false }
        switch phase {
        case .idle:
            try settleFiles(database)
            guard isDue(database) else { return false }
            _ = database.segments.takeRemovals()
            let open = database.segments.open
            phase = .counting(Count(last: open - 1), from: [])
            last = (last?.rows ?? 0, open)
            return true
        case .counting(var count, let key):
            if let next = try countRows(of: apart, in: database, from: key, &count) {
                phase = .counting(count, from: next)
                return true
            }
            last?.rows = count.rows
            return try judge(count, database)
        case .moving(let segments, let position, let named):
            return try moveStep(of: segments, from: position, named, maximumBytes: maximumBytes, database)
        case .dropping(let named, let mark, let attempts):
            guard database.snapshots.areOver(before: mark) else { return false }
            // RocksDB drops no files of the first level.
            try database.settleValues()
            // Once the files of before are gone, or RocksDB keeps them: the next pass finds them again.
            let files = database.valueFiles().map(\.segments).filter(named.areGone)
            phase = files.isEmpty || attempts == 0 ? .idle : .dropping(named, mark: mark, attempts: attempts - 1)
            for segments in files {
                try database.dropFiles(of: segments)
                for segment in segments { sizes[segment] = nil }
            }
            return false
        }
    }

    /// Settles what was flushed, when enough segments were closed since the last time: nobody has to look at the list
    /// of files to find that there is nothing to do.
    private mutating func settleFiles(_ database: RocksDatabase) throws {
        let open = database.segments.open
        guard settled.map({ open - $0 >= Limits.unsettledSegments }) ?? true else { return }
        settled = open
        try database.settleValues()
    }

    private func isDue(_ database: RocksDatabase) -> Bool {
        guard let last else { return true }
        let removed = database.segments.removed
        return removed > last.rows / Limits.shareOfRows && removed > 0
            || database.segments.open - last.open >= Limits.newSegments
    }

    // MARK: Counting

    /// Adds up what rows name, from a key on.
    ///
    /// - Returns: the key to go on from; nil at the end.
    private func countRows(
        of apart: ValuesApart,
        in database: RocksDatabase,
        from key: [UInt8],
        _ count: inout Count
    ) throws -> [UInt8]? {
        var left = Limits.rowsPerStep
        var from = apart.first(from: key)
        while let start = from {
            from = nil
            var counted = count
            try database.scanRows(from: start, to: nil, fillsCache: false) { key, row in
                guard apart.contains(key), left > 0 else {
                    from = key.copied()
                    return false
                }
                let place = try database.decodePlace(row)
                let bytes = ValueHeader.recordBytes(keyBytes: key.count, valueBytes: Int(place.bytes))
                counted.named[place.position.segment, default: 0] += UInt64(bytes)
                counted.rows += 1
                left -= 1
                return true
            }
            count = counted
            guard let next = from else { return nil }
            if left == 0 { return next }
            // To look at rows of other kinds, and pass over them, costs as well.
            left -= 1
            from = apart.first(from: next)
        }
        return nil
    }

    /// Says what is to be done with the segments that were closed when the pass began.
    private mutating func judge(_ count: Count, _ database: RocksDatabase) throws -> Bool {
        try readSizes(through: count.last, database)
        let closed = sizes.filter { $0.key <= count.last }
        let named = Named(last: count.last, segments: Set(count.named.keys))
        let victims = victims(among: closed, named: count.named, segmentBytes: database.segments.segmentBytes)
        guard !victims.isEmpty || database.valueFiles().contains(where: { named.areGone($0.segments) }) else {
            phase = .idle
            return false
        }
        phase = .moving(victims, from: ValuePosition(segment: victims.first ?? 0), named)
        return true
    }

    private func victims(
        among closed: [UInt32: UInt64],
        named: [UInt32: UInt64],
        segmentBytes: Int
    ) -> [UInt32] {
        // Of a segment whose end cannot be read nobody knows how much is gone.
        let segments = closed.filter { $0.value > 0 }.compactMap { number, bytes in
            named[number].map { (number: number, bytes: bytes, named: min($0, bytes)) }
        }
        let live = segments.reduce(0) { $0 + $1.named }
        var stored = segments.reduce(0) { $0 + $1.bytes }
        var victims: [UInt32] = []
        // The deadest first; of those that are alike, the oldest.
        let sorted = segments.sorted { a, b in
            let (x, y) = (a.named.multipliedFullWidth(by: b.bytes), b.named.multipliedFullWidth(by: a.bytes))
            return x == y ? a.number < b.number : x < y
        }
        for segment in sorted {
            let waste = segment.bytes - segment.named
            guard stored * Limits.wasteDivisor > live * Limits.wasteDividend, stored - live > UInt64(segmentBytes),
                waste >= segment.bytes / UInt64(Limits.smallestGoneShare)
            else { break }
            victims.append(segment.number)
            stored -= waste
        }
        let small = segments.filter { $0.bytes < UInt64(segmentBytes) / Limits.smallShare }.map(\.number)
        if small.count >= Limits.smallSegments { victims += small.sorted().filter { !victims.contains($0) } }
        return victims
    }

    /// Finds the closed segments that are not known yet.
    private mutating func readSizes(through last: UInt32, _ database: RocksDatabase) throws {
        for segment in database.segmentsOfValues where segment <= last && sizes[segment] == nil {
            sizes[segment] = try Self.size(of: segment, database)
        }
    }

    /// A segment ends with its last value.
    ///
    /// - Returns: 0 for a segment whose end cannot be read; nil for one that has no values.
    private static func size(of segment: UInt32, _ database: RocksDatabase) throws -> UInt64? {
        var bytes: UInt64?
        let (start, end) = (ValuePosition(segment: segment), ValuePosition(segment: segment + 1))
        let isReadable = try Self.scanValues(of: database, from: start, to: end, order: .descending) { place, record in
            bytes = UInt64(place.offset) + UInt64(record.count)
            return false
        }
        return isReadable ? bytes : 0
    }

    /// All segments that have values on disk.
    static func segmentsOnDisk(_ database: RocksDatabase) throws -> [ValueSegment] {
        try database.segmentsOfValues.compactMap { number in
            try size(of: number, database).map { ValueSegment(number: number, bytes: $0) }
        }
    }

    /// Scans values.
    ///
    /// - Returns: false where the disk does not give them, or not as they were written: whoever reads one of them gets
    ///   it mended, or learns of it. A collection does without.
    private static func scanValues(
        of database: RocksDatabase,
        from start: ValuePosition,
        to end: ValuePosition,
        order: ScanOrder = .ascending,
        _ body: (ValuePosition, Span<UInt8>) throws -> Bool
    ) throws -> Bool {
        // What `body` throws is no fault of the values.
        var failure: (any Error)?
        do {
            try database.scanRows(
                from: start.key,
                to: end.key,
                order: order,
                family: .values,
                fillsCache: false
            ) { key, record in
                let place = try database.position(ofKey: key)
                do {
                    return try body(place, record)
                } catch {
                    failure = error
                    return false
                }
            }
        } catch let error as StateError where error.kind == .corruption || error.kind == .inputOutput {
            return false
        }
        if let failure { throw failure }
        return true
    }

    // MARK: Moving

    /// A value on its way into the open segment.
    private struct Moved {
        let key: [UInt8]
        let position: ValuePosition
        let value: [UInt8]
    }

    private mutating func moveStep(
        of segments: [UInt32],
        from position: ValuePosition,
        _ named: Named,
        maximumBytes: Int,
        _ database: RocksDatabase
    ) throws -> Bool {
        guard let segment = segments.first else {
            // What is dropped must not be needed by what a crash leaves.
            try database.flush()
            phase = .dropping(named, mark: database.snapshots.mark(), attempts: Limits.dropAttempts)
            return true
        }
        let rest = Array(segments.dropFirst())
        let begin = ValuePosition(segment: rest.first ?? 0)
        switch try movePiece(from: position, database, maximumBytes) {
        case .next(let next): phase = .moving(segments, from: next, named)
        case .end:
            var named = named
            named.segments.remove(segment)
            phase = .moving(rest, from: begin, named)
        // A segment that cannot be read is kept. Its values are mended when they are missed.
        case .unreadable: phase = .moving(rest, from: begin, named)
        }
        return true
    }

    private enum Piece {
        case next(ValuePosition)
        case end
        case unreadable
    }

    /// Moves values of one segment.
    private func movePiece(
        from position: ValuePosition,
        _ database: RocksDatabase,
        _ maximumBytes: Int
    ) throws -> Piece {
        var values: [Moved] = []
        var looked = 0
        var next: ValuePosition?
        var isWhole = true
        let end = ValuePosition(segment: position.segment + 1)
        let isReadable = try Self.scanValues(of: database, from: position, to: end) { place, record in
            guard looked == 0 || looked + record.count <= maximumBytes else {
                next = place
                return false
            }
            looked += record.count
            guard let owner = try? ValueHeader(record: record).key else {
                isWhole = false
                return false
            }
            if try database.place(of: owner.span)?.position == place {
                let start = ValueHeader.recordBytes(keyBytes: owner.count, valueBytes: 0)
                values.append(Moved(key: owner, position: place, value: record.extracting(start...).copied()))
            }
            return true
        }
        if !values.isEmpty { try database.move(values.map { ($0.key, $0.position, $0.value) }) }
        guard isReadable, isWhole else { return .unreadable }
        return next.map { .next($0) } ?? .end
    }
}
