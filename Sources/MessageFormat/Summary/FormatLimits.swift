/// How much a parser keeps of header fields. A longer field is cut between addresses, parameters or words, and the
/// summary tells that it was cut.
struct HeaderLimits: Hashable, Sendable {
    /// Bytes of one field's value.
    let fieldBytes: Int
    /// Bytes of all values of one header together, before they are shared out.
    let headerBytes: Int
    /// Bytes of all values that are kept, of all headers.
    let keptBytes: Int
    /// Parameters of one Content-Type field.
    let parameters: Int
    /// Parameters and language tags that are told of a field that is kept as it is.
    static let toldEntries = 10_000

    /// Bytes of one line that are looked at: a field's name and value.
    var lineBytes: Int { fieldBytes + 1_024 }

    /// The limits of a summary that is stored beside the message. They keep an encoded summary under
    /// `FormatLimits.encodedBytes`: kept values, and some 70 bytes for each entity.
    static let stored = HeaderLimits(
        fieldBytes: 16 * 1_024,
        headerBytes: 288 * 1_024,
        keptBytes: 112 * 1_024,
        parameters: 100
    )
    /// The limits of a summary that is worked out anew to answer one command: 4 MiB of any one header, which may take
    /// half of all that is kept.
    static let whole = HeaderLimits(
        fieldBytes: 4 << 20,
        headerBytes: 4 << 20,
        keptBytes: 8 << 20,
        parameters: toldEntries
    )
}

/// Bounds of a summary, whatever the message holds.
enum FormatLimits {
    /// Parts, and messages within them.
    static let entities = 1_000
    /// Parts within parts.
    static let nesting = 50
    /// Parameters of one field (RFC 2045, section 5.1) in an encoded summary.
    static let parameters = 100
    /// Bytes of a type's or a subtype's name (RFC 6838, section 4.2).
    static let typeNameBytes = 127
    /// Bytes of a boundary: as many as a line may hold (RFC 5322, section 2.1.1).
    static let boundaryBytes = 990
    static let encodedBytes = 200 * 1_024
    /// Bytes of a message: sums of them stay below 64 bits.
    static let messageBytes = UInt64(1) << 60
}
