public import NIOCore

/// Changes that reach a store together or not at all. Made by ``StateStore/makeBatch()``, written by
/// ``StateStore/write(_:)`` of the same kind of store, then ``clear()``ed and used again.
///
/// Operations apply in the order in which they were added: a later one wins over an earlier one on the same key. A
/// batch belongs to one thread at a time.
public protocol StateBatch: AnyObject {
    /// How many operations the batch holds.
    var count: Int { get }
    /// The size of the batch in bytes: keys, values and their overhead.
    var byteCount: Int { get }

    /// Sets `key` to `value`; both are copied.
    func put(_ key: Span<UInt8>, _ value: Span<UInt8>)

    /// Sets `key` to `prefix` followed by the readable bytes of `pieces`, which are copied straight into the batch.
    func put(_ key: Span<UInt8>, prefix: Span<UInt8>, pieces: [ByteBuffer])

    /// Removes `key`, whether it is there or not.
    func delete(_ key: Span<UInt8>)

    /// Removes every key from `start` up to, but not including, `end`. An empty or reversed range removes nothing.
    func deleteRange(_ start: Span<UInt8>, _ end: Span<UInt8>)

    /// Empties the batch and keeps its memory.
    func clear()
}

extension StateBatch {
    /// Whether the batch changes nothing.
    public var isEmpty: Bool { count == 0 }

    /// Sets `key` to `value`; both are copied.
    public func put(_ key: [UInt8], _ value: [UInt8]) { put(key.span, value.span) }

    /// Sets `key` to `value`; both are copied.
    public func put(_ key: [UInt8], _ value: Span<UInt8>) { put(key.span, value) }

    /// Sets `key` to the readable bytes of `value`; both are copied.
    public func put(_ key: [UInt8], _ value: ByteBuffer) { put(key.span, value.readableBytesUInt8Span) }

    /// Sets `key` to `prefix` followed by the readable bytes of `pieces`.
    public func put(_ key: [UInt8], prefix: [UInt8], pieces: [ByteBuffer]) {
        put(key.span, prefix: prefix.span, pieces: pieces)
    }

    /// Removes `key`, whether it is there or not.
    public func delete(_ key: [UInt8]) { delete(key.span) }

    /// Removes every key from `start` up to, but not including, `end`.
    public func deleteRange(_ start: [UInt8], _ end: [UInt8]) { deleteRange(start.span, end.span) }
}
