public import NIOCore

/// Which data a read may see.
public enum ReadTier: Hashable, Sendable {
    /// Everything written.
    case latest
    /// Only what survives a crash at this moment: what is flushed.
    case persisted
}

/// The direction of a scan.
public enum ScanOrder: Hashable, Sendable {
    case ascending, descending
}

/// Reads from an ordered map of byte strings. Keys are ordered as unsigned bytes, a prefix before what it begins.
///
/// Safe to call from many threads at once. Reads may block on the disk.
public protocol StateReader: AnyObject, Sendable {
    /// The value of `key`, or nil when there is none.
    func get(_ key: Span<UInt8>) throws(StateError) -> ByteBuffer?

    /// Lends the value of `key` to `body` without copying it.
    ///
    /// - Returns: whether there was a value, and so whether `body` was called.
    func withValue(_ key: Span<UInt8>, _ body: (Span<UInt8>) throws -> Void) throws -> Bool

    /// Lends the values of keys that rise, in any order. A value that is not there or cannot be read is left out: to
    /// look for it alone tells why.
    func withReadableValues(_ keys: [[UInt8]], _ body: (_ index: Int, _ value: Span<UInt8>) -> Void)

    /// Lends every row from `start` up to, but not including, `end` (nil: to the last key) to `body`, which returns
    /// whether to go on. Sees one consistent state, whatever is written meanwhile. Nothing is allocated per row.
    ///
    /// - Throws: ``StateError``, or what `body` throws.
    func scan(
        from start: [UInt8],
        to end: [UInt8]?,
        order: ScanOrder,
        _ body: (_ key: Span<UInt8>, _ value: Span<UInt8>) throws -> Bool
    ) throws
}

extension StateReader {
    /// The value of `key`, or nil when there is none.
    ///
    /// - Throws: ``StateError``, when the row cannot be read.
    public func get(_ key: [UInt8]) throws(StateError) -> ByteBuffer? { try get(key.span) }

    /// Lends the value of `key` to `body` without copying it.
    ///
    /// - Returns: whether there was a value.
    ///
    /// - Throws: ``StateError``, or what `body` throws.
    public func withValue(_ key: [UInt8], _ body: (Span<UInt8>) throws -> Void) throws -> Bool {
        try withValue(key.span, body)
    }

    /// Lends the values of keys that rise, one after the other.
    public func withReadableValues(_ keys: [[UInt8]], _ body: (_ index: Int, _ value: Span<UInt8>) -> Void) {
        for (index, key) in keys.enumerated() { _ = try? withValue(key) { body(index, $0) } }
    }

    /// Scans in ascending order.
    public func scan(
        from start: [UInt8],
        to end: [UInt8]?,
        _ body: (_ key: Span<UInt8>, _ value: Span<UInt8>) throws -> Bool
    ) throws {
        try scan(from: start, to: end, order: .ascending, body)
    }
}

/// The state at one moment, unaffected by later writes. Releases what it holds when the last reference goes, which must
/// be before its store is closed.
public protocol StateSnapshot: StateReader {}
