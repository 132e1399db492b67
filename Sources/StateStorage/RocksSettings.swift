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
    /// Values of at least this size, message bodies, are kept in blob files, which compactions do not copy.
    public var minBlobBytes = 4096
    /// The size at which a new blob file is begun.
    public var blobFileBytes = 256 << 20
    /// The codec of rows. A codec that RocksDB was built without falls back to another one.
    public var rowCompression = Compression.lz4
    /// The codec of values in blob files. A codec that RocksDB was built without falls back to another one.
    public var blobCompression = Compression.zstd
    /// Bits that the filter of a file on disk has for each of its keys.
    public var bloomBitsPerKey = 10.0
    /// How many files the store keeps open at once.
    public var openFileLimit = 512
    /// How many flushes and compactions run at once.
    public var backgroundJobs = 2

    public init() {}
}
