/// A condition on what stands in a message. Strings are UTF-8; they are found within longer ones, in any case, with or
/// without accents.
public enum SearchTerm: Hashable, Sendable {
    /// In a field of the envelope (RFC 3501, section 6.4.4: FROM, TO, CC, BCC, SUBJECT); an empty value asks for the
    /// field to be there. Of fields that should stand once, an envelope has the first.
    case envelope(EnvelopeField, value: [UInt8])
    /// In any header field of that name; an empty value asks for the field to be there.
    case header(name: [UInt8], value: [UInt8])
    /// In the text parts, and in the headers of messages within the message.
    case body([UInt8])
    /// In the header, or where `body` looks.
    case text([UInt8])
}
