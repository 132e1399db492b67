internal import NIOCore

/// A frozen copy of a ``MemoryStateStore``'s rows.
final class MemoryStateSnapshot: StateSnapshot {
    private let rows: SortedRows

    init(rows: SortedRows) { self.rows = rows }

    func get(_ key: Span<UInt8>) throws(StateError) -> ByteBuffer? { rows[key] }

    func withValue(_ key: Span<UInt8>, _ body: (Span<UInt8>) throws -> Void) throws -> Bool {
        try rows.withValue(key, body)
    }

    func scan(
        from start: [UInt8],
        to end: [UInt8]?,
        order: ScanOrder,
        _ body: (_ key: Span<UInt8>, _ value: Span<UInt8>) throws -> Bool
    ) throws {
        try rows.scan(from: start, to: end, order: order, body)
    }
}

extension SortedRows {
    func withValue(_ key: Span<UInt8>, _ body: (Span<UInt8>) throws -> Void) throws -> Bool {
        guard let value = self[key] else { return false }
        try body(value.readableBytesUInt8Span)
        return true
    }

    func scan(
        from start: [UInt8],
        to end: [UInt8]?,
        order: ScanOrder,
        _ body: (_ key: Span<UInt8>, _ value: Span<UInt8>) throws -> Bool
    ) throws {
        if let end, start.span.compare(to: end.span) >= 0 { return }
        let first = lowerBound(start.span)
        let limit = end.map { lowerBound($0.span) } ?? self.end
        switch order {
        case .ascending:
            var position = first
            while position != limit, let row = row(at: position) {
                guard try body(row.key.span, row.value.readableBytesUInt8Span) else { return }
                position = self.position(after: position)
            }
        case .descending:
            var position = limit
            while position != first, let before = self.position(before: position), let row = row(at: before) {
                guard try body(row.key.span, row.value.readableBytesUInt8Span) else { return }
                position = before
            }
        }
    }
}
