internal import NIOCore

/// An ordered map as a value: a sorted list of small sorted chunks. A copy shares all chunks until one of the two is
/// changed, and then only the chunk touched is copied; so snapshots are cheap. Lookups take O(log n).
struct SortedRows: Sendable {
    struct Row: Sendable {
        let key: [UInt8]
        var value: ByteBuffer
    }

    /// No chunk is empty; rows rise within a chunk and from chunk to chunk.
    private(set) var chunks: [[Row]] = []
    private(set) var count = 0
    private(set) var byteCount = 0

    static let chunkLimit = 128

    /// Where a row stands, or would stand.
    struct Position: Equatable {
        var chunk: Int
        var row: Int
    }

    subscript(key: Span<UInt8>) -> ByteBuffer? {
        let position = lowerBound(key)
        guard let row = row(at: position), row.key.span.compare(to: key) == 0 else { return nil }
        return row.value
    }

    /// The row at `position`, or nil past the end.
    func row(at position: Position) -> Row? {
        guard position.chunk < chunks.count else { return nil }
        return chunks[position.chunk][position.row]
    }

    var start: Position { Position(chunk: 0, row: 0) }
    var end: Position { Position(chunk: chunks.count, row: 0) }

    func position(after position: Position) -> Position {
        position.row + 1 < chunks[position.chunk].count
            ? Position(chunk: position.chunk, row: position.row + 1)
            : Position(chunk: position.chunk + 1, row: 0)
    }

    /// The position before, or nil at the start.
    func position(before position: Position) -> Position? {
        if position.row > 0 { return Position(chunk: position.chunk, row: position.row - 1) }
        guard position.chunk > 0 else { return nil }
        return Position(chunk: position.chunk - 1, row: chunks[position.chunk - 1].count - 1)
    }

    /// The first position whose key is not less than `key`.
    func lowerBound(_ key: Span<UInt8>) -> Position {
        var low = 0
        var high = chunks.count
        while low < high {
            let middle = (low + high) / 2
            let last = chunks[middle][chunks[middle].count - 1]
            if last.key.span.compare(to: key) < 0 {
                low = middle + 1
            } else {
                high = middle
            }
        }
        guard low < chunks.count else { return end }
        return Position(chunk: low, row: Self.lowerBound(key, in: chunks[low]))
    }

    private static func lowerBound(_ key: Span<UInt8>, in rows: [Row]) -> Int {
        var low = 0
        var high = rows.count
        while low < high {
            let middle = (low + high) / 2
            let row = rows[middle]
            if row.key.span.compare(to: key) < 0 { low = middle + 1 } else { high = middle }
        }
        return low
    }

    mutating func set(_ key: [UInt8], _ value: ByteBuffer) {
        var position = lowerBound(key.span)
        if let old = row(at: position), old.key == key {
            byteCount += value.readableBytes - old.value.readableBytes
            chunks[position.chunk][position.row].value = value
            return
        }
        if position.chunk == chunks.count {
            if chunks.isEmpty { chunks.append([]) }
            position = Position(chunk: chunks.count - 1, row: chunks[chunks.count - 1].count)
        }
        chunks[position.chunk].insert(Row(key: key, value: value), at: position.row)
        count += 1
        byteCount += key.count + value.readableBytes
        if chunks[position.chunk].count > Self.chunkLimit { split(position.chunk) }
    }

    private mutating func split(_ index: Int) {
        let half = chunks[index].count / 2
        let upper = Array(chunks[index][half...])
        chunks[index].removeSubrange(half...)
        chunks.insert(upper, at: index + 1)
    }

    mutating func removeRow(_ key: [UInt8]) {
        let position = lowerBound(key.span)
        guard let old = row(at: position), old.key == key else { return }
        removeRows(position.row..<position.row + 1, ofChunk: position.chunk)
    }

    mutating func removeRange(from start: [UInt8], to end: [UInt8]) {
        guard start.span.compare(to: end.span) < 0 else { return }
        while true {
            let first = lowerBound(start.span)
            let last = lowerBound(end.span)
            guard first != last else { return }
            let upper = first.chunk == last.chunk ? last.row : chunks[first.chunk].count
            removeRows(first.row..<upper, ofChunk: first.chunk)
        }
    }

    private mutating func removeRows(_ rows: Range<Int>, ofChunk chunk: Int) {
        for row in chunks[chunk][rows] { byteCount -= row.key.count + row.value.readableBytes }
        count -= rows.count
        chunks[chunk].removeSubrange(rows)
        if chunks[chunk].isEmpty { chunks.remove(at: chunk) }
    }
}

extension Span<UInt8> {
    /// Negative, zero or positive as the bytes stand before, with or after `other`'s in the order of keys.
    func compare(to other: Span<UInt8>) -> Int {
        for index in 0..<Swift.min(count, other.count) where self[index] != other[index] {
            return self[index] < other[index] ? -1 : 1
        }
        return count - other.count
    }
}
