internal import Consensus
internal import NIOCore

/// The payloads of the newest entries of a log, contiguous up to its end.
///
/// The cache holds every payload that the own log does not have durably yet, whatever its size: such a payload cannot
/// be read back from the log. Of the others the cache holds what fits the limit, so that followers that keep up never
/// cause a disk read. A payload that is durable and not yet applied may be dropped: the applier reads it from the log.
struct PayloadCache {
    private var buffers = CircularBuffer<ByteBuffer>()
    /// Index of the first payload held.
    private(set) var first: LogIndex
    private(set) var bytes = 0

    init(after last: LogIndex) { first = last.next }

    var next: LogIndex { first + buffers.count }

    mutating func append(_ payload: ByteBuffer) {
        buffers.append(payload)
        bytes += payload.readableBytes
    }

    /// Drops the payloads from `index` on.
    mutating func truncate(from index: LogIndex) {
        if index < first {
            buffers.removeAll()
            bytes = 0
            first = index
            return
        }
        while next > index {
            bytes -= buffers.removeLast().readableBytes
        }
    }

    /// Drops the oldest payloads until no more than `limit` bytes are left, but none from `keep` on.
    mutating func trim(toBytes limit: Int, keepingFrom keep: LogIndex) {
        while bytes > limit, first < keep, let oldest = buffers.popFirst() {
            bytes -= oldest.readableBytes
            first = first.next
        }
    }

    mutating func reset(after last: LogIndex) {
        buffers.removeAll()
        bytes = 0
        first = last.next
    }

    func payloads(from index: LogIndex, count: Int) -> [ByteBuffer]? {
        guard index >= first, index + count <= next else { return nil }
        let start = index - first
        return (start..<(start + count)).map { buffers[offset: $0] }
    }
}

extension CircularBuffer {
    fileprivate subscript(offset offset: Int) -> Element { self[index(startIndex, offsetBy: offset)] }
}
