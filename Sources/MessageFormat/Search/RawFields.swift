/// The fields of a header whose bytes are all there, as `FieldAssembler` tells them of one that comes in pieces.
struct RawFields {
    struct Field {
        /// Without blanks around it.
        let name: UnsafeRawBufferPointer
        /// With the line ends.
        let value: UnsafeRawBufferPointer
    }

    private let bytes: UnsafeRawBufferPointer
    private var start = 0

    init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    /// The next field; nil at the empty line or the end.
    mutating func next() -> Field? {
        while start < bytes.count {
            let lineStart = start
            let nameEnd = Self.nameEnd(in: bytes, from: lineStart)
            let lineEnd = Self.lineEnd(in: bytes, from: nameEnd ?? lineStart)
            guard !ASCII.isEmptyLine(bytes[lineStart..<lineEnd]) || bytes[lineEnd - 1] != ASCII.lineFeed else {
                return nil
            }
            var end = lineEnd
            while end < bytes.count, ASCII.isBlank(bytes[end]) { end = Self.lineEnd(in: bytes, from: end) }
            start = end
            // A line that is no field goes with those that continue it.
            guard let nameEnd else { continue }
            var name = bytes[lineStart..<nameEnd]
            while let last = name.last, ASCII.isSpace(last) { name.removeLast() }
            return Field(
                name: UnsafeRawBufferPointer(rebasing: name),
                value: UnsafeRawBufferPointer(rebasing: bytes[(nameEnd + 1)..<end])
            )
        }
        return nil
    }

    /// Where the colon behind a field's name stands; nil for a line that is no field.
    private static func nameEnd(in bytes: UnsafeRawBufferPointer, from start: Int) -> Int? {
        guard !ASCII.isSpace(bytes[start]) else { return nil }
        var end = start
        let limit = min(bytes.count, start + FieldAssembler.nameBytes + 1)
        while end < limit, bytes[end] != UInt8(ascii: ":") {
            guard bytes[end] != ASCII.lineFeed else { return nil }
            end += 1
        }
        return end < limit ? end : nil
    }

    /// Behind the line feed that ends the line.
    private static func lineEnd(in bytes: UnsafeRawBufferPointer, from start: Int) -> Int {
        let rest = UnsafeRawBufferPointer(rebasing: bytes[start...])
        return ByteScan.firstLineFeed(in: rest).map { start + $0 + 1 } ?? bytes.count
    }
}
