/// What a parser keeps of header fields. What is longer is cut between addresses, parameters or words, and the summary
/// tells that it was cut.
struct HeaderLimits: Hashable, Sendable {
    /// Of one header field's value.
    let fieldBytes: Int
    /// Of all values of one header together, before they are shared out.
    let headerBytes: Int
    /// Of all values kept of all header fields.
    let keptBytes: Int
    /// Of a Content-Type field's parameters.
    let parameters: Int
    /// Of parameters and language tags that are told of a field kept as it is.
    static let toldEntries = 10_000

    /// Of one line that are looked at: a field's name and value.
    var lineBytes: Int { fieldBytes + 1_024 }

    /// For a summary that is stored beside the message. These keep an encoded summary under
    /// `FormatLimits.encodedBytes`: kept values, and some 70 bytes for each entity.
    static let stored = HeaderLimits(
        fieldBytes: 16 * 1_024,
        headerBytes: 288 * 1_024,
        keptBytes: 112 * 1_024,
        parameters: 100
    )
    /// For a summary that is worked out anew to answer one command: 4 MiB of any one header, which may take half of
    /// what is kept.
    static let whole = HeaderLimits(
        fieldBytes: 4 << 20,
        headerBytes: 4 << 20,
        keptBytes: 8 << 20,
        parameters: toldEntries
    )
}

/// What a summary may grow to, whatever the message holds.
enum FormatLimits {
    /// Parts, and messages within them.
    static let entities = 1_000
    /// Parts within parts.
    static let nesting = 50
    /// Of one field's parameters (RFC 2045, section 5.1) in an encoded summary.
    static let parameters = 100
    /// Of a type's or a subtype's name (RFC 6838, section 4.2).
    static let typeNameBytes = 127
    /// Of a boundary: what a line may hold (RFC 5322, section 2.1.1).
    static let boundaryBytes = 990
    static let encodedBytes = 200 * 1_024
    /// Of a message: leaves room for adding.
    static let messageBytes = UInt64(1) << 60
}
