public import NIOCore

/// The fields of a header, up to the empty line or the end.
public struct HeaderFieldSequence: Sequence, IteratorProtocol, Sendable {
    private var rest: ByteBuffer

    public init(_ header: ByteBuffer) { rest = header }

    /// The next field with its folded lines; nil at the empty line or the end.
    public mutating func next() -> HeaderField? {
        let view = rest.readableBytesView
        guard !view.isEmpty else { return nil }
        var end = view.startIndex
        repeat { end = Self.lineEnd(view, from: end) } while end < view.endIndex && ASCII.isBlank(view[end])
        let line = view[view.startIndex..<end]
        if line.last == ASCII.lineFeed, ASCII.isEmptyLine(line) { return nil }
        guard let lines = rest.readSlice(length: line.count) else { return nil }
        return Self.field(lines)
    }

    private static func lineEnd(_ view: ByteBufferView, from start: Int) -> Int {
        let length = view[start...].withUnsafeBytes { ByteScan.firstLineFeed(in: $0) }
        return length.map { start + $0 + 1 } ?? view.endIndex
    }

    private static func field(_ lines: ByteBuffer) -> HeaderField {
        let view = lines.readableBytesView
        guard let colon = view.firstIndex(where: { $0 == UInt8(ascii: ":") || $0 == ASCII.lineFeed }),
            view[colon] == UInt8(ascii: ":"), let first = view.first, !ASCII.isBlank(first)
        else { return HeaderField(name: ByteBuffer(), value: lines, lines: lines) }
        var nameEnd = colon
        while nameEnd > view.startIndex, ASCII.isBlank(view[nameEnd - 1]) { nameEnd -= 1 }
        return HeaderField(
            name: ByteBuffer(view[..<nameEnd]),
            value: ByteBuffer(view[(colon + 1)...]),
            lines: lines
        )
    }
}
