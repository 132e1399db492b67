public import NIOCore

/// The fields of a header, raw.
public enum HeaderFields {
    /// The fields with these names, or all others, then an empty line: BODY[HEADER.FIELDS (...)] and its NOT
    /// (RFC 3501, section 6.4.5). Lines that are no field count as others.
    public static func filter(_ header: ByteBuffer, names: [String], not: Bool) -> ByteBuffer {
        var result = ByteBuffer()
        // A header of megabytes has a million fields, and a client names hundreds: each field is looked up once.
        let wanted = Set(names.map { $0.utf8.map(ASCII.lower) })
        let longest = wanted.lazy.map(\.count).max() ?? 0
        for field in HeaderFieldSequence(header) {
            let name = field.name.readableBytesView
            let isNamed = name.count <= longest && wanted.contains(name.map(ASCII.lower))
            guard isNamed != not else { continue }
            result.writeImmutableBuffer(field.lines)
            // The message's last line may have no end.
            if field.lines.readableBytesView.last != ASCII.lineFeed { result.writeStaticString("\r\n") }
        }
        result.writeStaticString("\r\n")
        return result
    }

    /// The values of all fields with that name, folded as they stand there.
    public static func values(named name: String, in header: ByteBuffer) -> [ByteBuffer] {
        HeaderFieldSequence(header).filter { $0.isNamed(name) }.map(\.value)
    }
}
