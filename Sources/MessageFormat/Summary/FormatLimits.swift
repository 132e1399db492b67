/// What a summary may grow to, whatever the message holds. Together these keep an encoded summary under
/// `encodedBytes`: kept values, and some 70 bytes for each entity.
enum FormatLimits {
    /// Of one header field's value.
    static let fieldBytes = 16 * 1_024
    /// Of all values kept of all header fields.
    static let keptBytes = 112 * 1_024
    /// Parts, and messages within them.
    static let entities = 1_000
    /// Parts within parts.
    static let nesting = 50
    /// Of one field's parameters (RFC 2045, section 5.1).
    static let parameters = 100
    /// Of a type's or a subtype's name (RFC 6838, section 4.2).
    static let typeNameBytes = 127
    /// Of a boundary: what a line may hold (RFC 5322, section 2.1.1).
    static let boundaryBytes = 990
    /// Of one line that are looked at: a field's name and value.
    static let lineBytes = fieldBytes + 1_024
    static let encodedBytes = 200 * 1_024
    /// Of a message: leaves room for adding.
    static let messageBytes = UInt64(1) << 60
}
