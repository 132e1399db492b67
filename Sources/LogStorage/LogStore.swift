public import Consensus

/// The durable log of all groups of a node, written by one thread.
public protocol LogStore: AnyObject {
    /// Makes all of `round` durable, and returns when it is.
    ///
    /// - Throws: ``LogError``. A failed write or sync is final: everything that follows is refused with the same error.
    func append(_ round: LogRound) throws(LogError)

    /// Deletes the oldest segments in which no entry is needed any more.
    ///
    /// - Throws: ``LogError``, as ``append(_:)`` does.
    func purge() throws(LogError)

    /// Copies up to about `maxBytes` of entries that keep the oldest segment alive to the end of the log, then purges.
    ///
    /// - Returns: the bytes copied; 0 when there is nothing to copy.
    func compact(maxBytes: Int) throws(LogError) -> Int

    /// Whether there are more segments than `count`, and less than half of the oldest one is still needed: then
    /// ``compact(maxBytes:)`` gives back more than it costs.
    func isOldestSegmentWorthCopying(beyond count: Int) -> Bool

    /// Notes durably that everything so far was acknowledged, unless that is noted already. To be called when the log
    /// falls idle and before a planned end; see `Docs/formats/log.md`.
    func seal() throws(LogError)

    /// Reads entries, from any thread.
    var reader: any LogReading { get }

    /// Bytes of all segments on disk.
    var diskBytes: Int { get }
    /// How many segments there are on disk, the one that is written to included.
    var segmentCount: Int { get }
}

/// Reads durable entries. Safe to call from many threads; blocks on the disk.
public protocol LogReading: AnyObject, Sendable {
    /// The entries from `first` up to and including `last`, as many as fit `maxBytes` (see ``LogEntry/byteCount``), but
    /// at least one.
    ///
    /// - Throws: ``LogError``: `.compacted`, `.beyondEnd`, `.unknownGroup`, `.damaged`, `.inputOutput`.
    func read(_ group: GroupID, from first: LogIndex, upTo last: LogIndex, maxBytes: Int) throws(LogError) -> [LogEntry]

    /// The index of the last durable entry, or of the snapshot point when there is none; nil for an unknown group.
    func lastIndex(of group: GroupID) -> LogIndex?
}
