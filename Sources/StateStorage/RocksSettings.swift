/// How a ``RocksStateStore`` uses memory and disk.
public struct RocksSettings: Hashable, Sendable {
    /// What is done when the directory holds a store, or holds none.
    public enum Presence: Hashable, Sendable {
        case openOrCreate, mustExist, mustNotExist
    }

    /// The codecs that a store knows how to use.
    public enum Compression: Hashable, Sendable {
        case none, lz4, zstd
    }

    /// Whether the directory must, must not or may hold a store.
    public var presence: Presence = .openOrCreate
    /// Memory for rows that are not flushed; when it is full, the store flushes by itself.
    public var writeBufferBytes = 64 << 20
    /// How many such buffers may wait for their flush before writes do.
    public var writeBufferLimit = 4
    /// The share of each such buffer that a filter of its keys takes; 0: there is no filter.
    public var writeBufferFilterShare = 0.02
    /// Memory for blocks, indexes and filters read from disk.
    public var blockCacheBytes = 128 << 20
    /// The rows whose values are kept apart, which compactions do not copy. The same each time a store is opened.
    public var valuesApart: ValuesApart?
    /// Bytes of such values that make a segment. They are in memory until the segment is flushed.
    public var segmentBytes = 64 << 20
    /// No segment is to be larger: positions have 32 bits in a segment, and it may grow a little before it is closed.
    public static let maximumSegmentBytes = 1 << 30
    /// Memory for blocks and indexes of such values read from disk.
    public var valueCacheBytes = 32 << 20
    /// The codec of rows. A codec that RocksDB was built without falls back to another one.
    public var rowCompression = Compression.lz4
    /// The codec of values that are kept apart. A codec that RocksDB was built without falls back to another one.
    public var valueCompression = Compression.lz4
    /// Bits that the filter of a file on disk has for each of its keys.
    public var bloomBitsPerKey = 10.0
    /// How many files the store keeps open at once.
    public var openFileLimit = 512
    /// How many flushes and compactions run at once.
    public var backgroundJobs = 2

    public init() {}
}
