/// How a log uses its disk.
public struct LogSettings: Hashable, Sendable {
    /// Names this log among all others, so that no other log's bytes, and no message made to look like a part of a log,
    /// is ever taken for a part of this one. Chosen at random once and kept by the node.
    public var logID: UInt64
    /// The size at which a new segment is begun.
    public var segmentBytes = 64 << 20
    /// Rounds start at multiples of this, so that no block with acknowledged data is ever written again. At least what
    /// the disk writes as a whole; a multiple of 512.
    public var blockBytes = 4096

    public init(logID: UInt64) { self.logID = logID }
}
