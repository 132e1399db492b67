internal import Consensus
internal import NIOCore

/// The payloads of the newest entries of a log, contiguous up to its end.
///
/// Holds everything that the own log does not have durably yet, whatever its size, since it cannot be read back from
/// there; and of the rest what fits the limit, so that followers that keep up never cause a disk read. What is durable
/// and not yet applied may be dropped: the applier then reads it from the log.
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

    /// Drops everything from `index` on.
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

    /// Drops from the front what exceeds `limit` bytes, but nothing from `keep` on.
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
