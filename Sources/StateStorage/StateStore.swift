public import NIOCore

/// A replica's state: an ordered map of byte strings with atomic batches.
///
/// There is no write-ahead log of its own: the Raft log is one. A batch that was written is lost in a crash until it
/// is *flushed*, by ``flush()`` or by the store itself when its memory is full. The effect of a prefix of the batches
/// survives, never of a part of one.
///
/// Reads and writes may come from many threads at once. Every call may block.
public protocol StateStore: StateReader {
    /// A new, empty batch for this store.
    func makeBatch() -> any StateBatch

    /// Applies all of `batch` or nothing. Visible at once; durable when flushed.
    ///
    /// - Throws: ``StateError``. A failed write is final: the store refuses all that follow with the same error.
    func write(_ batch: any StateBatch) throws(StateError)

    /// The value of `key` among what `tier` shows.
    func get(_ key: Span<UInt8>, tier: ReadTier) throws(StateError) -> ByteBuffer?

    /// Freezes the present state for consistent reads.
    func makeSnapshot() -> any StateSnapshot

    /// Makes everything written before the call durable.
    ///
    /// - Throws: ``StateError``. A failed flush is final: the store refuses all writes that follow with the same error.
    func flush() throws(StateError)

    /// Gives back space of values that are gone, where enough are: a bounded piece of that work. Only one thread at a
    /// time may call it.
    ///
    /// - Parameter maximumBytes: about so many bytes of values are looked at.
    /// - Returns: whether there is more to do at once.
    /// - Throws: ``StateError``.
    func reclaimSpace(maximumBytes: Int) throws(StateError) -> Bool

    /// About how many bytes all rows take, in memory and on disk.
    var approximateSize: UInt64 { get }

    /// The first failed write or flush, after which the store refuses both.
    var failure: StateError? { get }

    /// Lets go of files and memory *without* flushing. The store must be idle, its snapshots released; using it
    /// afterwards is a programming error.
    func close()
}

extension StateStore {
    /// Nothing: for stores that keep no space of what is gone.
    public func reclaimSpace(maximumBytes: Int) throws(StateError) -> Bool { false }

    /// The value of `key` among what `tier` shows.
    ///
    /// - Throws: ``StateError``, when the row cannot be read.
    public func get(_ key: [UInt8], tier: ReadTier) throws(StateError) -> ByteBuffer? {
        try get(key.span, tier: tier)
    }
}
