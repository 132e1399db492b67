public import NIOCore

/// Works out a message's summary while its bytes pass by. Memory is bounded by the limits of the summary; where the
/// pieces are split makes no difference.
///
/// Lines end with LF or CRLF (RFC 5322, section 2.1); a CR alone is content.
public struct MessageParser: Sendable {
    private let limits: HeaderLimits
    private var builder: StructureBuilder
    /// The start of a line whose end is in a later piece.
    private var partial: [UInt8] = []
    /// The length of that line so far.
    private var partialBytes = 0
    private var isPartialEndingWithCR = false

    /// A parser for a summary that is stored.
    public init() { self.init(limits: .stored) }

    /// A parser for a summary that answers one command, and is not stored: it keeps up to 4 MiB of every header.
    public static func ofWholeHeaders() -> MessageParser { MessageParser(limits: .whole) }

    private init(limits: HeaderLimits) {
        self.limits = limits
        builder = StructureBuilder(limits)
    }

    /// Takes the message's next bytes.
    public mutating func append(_ bytes: ByteBuffer) {
        bytes.withUnsafeReadableBytes { append($0) }
    }

    /// Takes the message's end: whatever is appended later belongs to another message.
    public mutating func finish() -> MessageSummary {
        if partialBytes > 0 {
            partial.withUnsafeBytes { [partialBytes] in
                builder.line($0, contentBytes: partialBytes, endBytes: 0)
            }
        }
        let summary = builder.finish()
        self = MessageParser(limits: limits)
        return summary
    }

    private mutating func append(_ bytes: UnsafeRawBufferPointer) {
        var rest = bytes
        while !rest.isEmpty {
            if partialBytes == 0 && builder.isPastStructure {
                return builder.skip(bytes: rest.count, lineEnds: ByteScan.countLineFeeds(in: rest))
            }
            guard let end = ByteScan.firstLineFeed(in: rest) else { return keep(rest) }
            let line = UnsafeRawBufferPointer(rebasing: rest[..<end])
            rest = UnsafeRawBufferPointer(rebasing: rest[(end + 1)...])
            if partialBytes == 0 {
                take(line, bytes: line.count, isEndingWithCR: line.last == ASCII.carriageReturn)
            } else {
                keep(line)
                takePartial()
            }
        }
    }

    private mutating func keep(_ bytes: UnsafeRawBufferPointer) {
        guard let last = bytes.last else { return }
        partial.append(contentsOf: bytes.prefix(limits.lineBytes - partial.count))
        partialBytes += bytes.count
        isPartialEndingWithCR = last == ASCII.carriageReturn
    }

    private mutating func takePartial() {
        var line: [UInt8] = []
        swap(&line, &partial)
        line.withUnsafeBytes { take($0, bytes: partialBytes, isEndingWithCR: isPartialEndingWithCR) }
        partialBytes = 0
        line.removeAll(keepingCapacity: true)
        swap(&line, &partial)
    }

    /// Takes a line that has ended with LF.
    private mutating func take(_ line: UnsafeRawBufferPointer, bytes: Int, isEndingWithCR: Bool) {
        let contentBytes = isEndingWithCR ? bytes - 1 : bytes
        let content = UnsafeRawBufferPointer(rebasing: line.prefix(min(contentBytes, limits.lineBytes)))
        builder.line(content, contentBytes: contentBytes, endBytes: isEndingWithCR ? 2 : 1)
    }
}
