public import NIOCore

/// The fields of a header, raw.
public enum HeaderFields {
    /// The fields with these names, or all others, then an empty line: BODY[HEADER.FIELDS (...)] and its NOT
    /// (RFC 3501, section 6.4.5). Lines that are no field count as others.
    public static func filter(_ header: ByteBuffer, names: [String], not: Bool) -> ByteBuffer {
        HeaderFilter(names: names, not: not).filter(header)
    }

    fileprivate static func filter(_ header: ByteBuffer, _ wanted: FieldNames, not: Bool) -> ByteBuffer {
        var result = ByteBuffer()
        // Bytes and no buffers: a list of many messages asks this of each of their fields.
        header.withUnsafeReadableBytes { bytes in
            var start = 0
            while let end = fieldEnd(bytes, from: start) {
                let lines = UnsafeRawBufferPointer(rebasing: bytes[start..<end])
                if wanted.contains(fieldName(lines)) != not {
                    result.writeBytes(lines)
                    // The message's last line may have no end.
                    if lines.last != ASCII.lineFeed { result.writeStaticString("\r\n") }
                }
                start = end
            }
        }
        result.writeStaticString("\r\n")
        return result
    }

    /// Where the field that begins at `start` ends, with the lines that continue it; nil at the empty line or the end.
    private static func fieldEnd(_ bytes: UnsafeRawBufferPointer, from start: Int) -> Int? {
        guard start < bytes.count else { return nil }
        var end = start
        repeat {
            let rest = UnsafeRawBufferPointer(rebasing: bytes[end...])
            end = ByteScan.firstLineFeed(in: rest).map { end + $0 + 1 } ?? bytes.count
        } while end < bytes.count && ASCII.isBlank(bytes[end])
        let line = bytes[start..<end]
        return line.last == ASCII.lineFeed && ASCII.isEmptyLine(line) ? nil : end
    }

    /// What is before the colon, without the blanks behind it; nothing for a line that is no field.
    private static func fieldName(_ lines: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
        var end = 0
        while end < lines.count, lines[end] != UInt8(ascii: ":") {
            guard lines[end] != ASCII.lineFeed else { return UnsafeRawBufferPointer(rebasing: lines[..<0]) }
            end += 1
        }
        guard end < lines.count, let first = lines.first, !ASCII.isBlank(first) else {
            return UnsafeRawBufferPointer(rebasing: lines[..<0])
        }
        while end > 0, ASCII.isBlank(lines[end - 1]) { end -= 1 }
        return UnsafeRawBufferPointer(rebasing: lines[..<end])
    }

    /// The values of all fields with that name, folded as they stand there.
    public static func values(named name: String, in header: ByteBuffer) -> [ByteBuffer] {
        HeaderFieldSequence(header).filter { $0.isNamed(name) }.map(\.value)
    }
}

/// Takes the same fields out of many headers.
public struct HeaderFilter: Sendable {
    private let names: FieldNames
    private let not: Bool

    /// - Parameter not: Whether all fields but those are taken.
    public init(names: [String], not: Bool) {
        self.names = FieldNames(names)
        self.not = not
    }

    /// The fields as they stand there, then an empty line.
    public func filter(_ header: ByteBuffer) -> ByteBuffer { HeaderFields.filter(header, names, not: not) }
}

/// Names of fields, to be looked up in any case. A client names one or hundreds, and a header of megabytes has a
/// million fields: names of other lengths cost nothing, a few of one length are compared, many of one length looked up.
struct FieldNames: Sendable {
    /// In lower case, by their length.
    private let names: [[[UInt8]]]
    private let all: Set<[UInt8]>
    private static let compared = 8

    init(_ names: [String]) {
        var byLength: [[[UInt8]]] = []
        all = Set(names.map { $0.utf8.map(ASCII.lower) })
        for name in all {
            while byLength.count <= name.count { byLength.append([]) }
            byLength[name.count].append(name)
        }
        self.names = byLength
    }

    func contains(_ name: UnsafeRawBufferPointer) -> Bool {
        guard name.count < names.count else { return false }
        guard names[name.count].count <= Self.compared else { return all.contains(name.map(ASCII.lower)) }
        return names[name.count].contains { known in
            for index in known.indices where known[index] != ASCII.lower(name[index]) { return false }
            return true
        }
    }
}
