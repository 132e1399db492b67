/// A condition on what stands in a message. Strings are UTF-8; they are found within longer ones, in any case, with or
/// without accents.
public enum SearchTerm: Hashable, Sendable {
    /// In a header field of that name; an empty value asks for the field to be there.
    case header(name: [UInt8], value: [UInt8])
    /// In the text parts, and in the headers of messages within the message.
    case body([UInt8])
    /// In the header, or where `body` looks.
    case text([UInt8])
}
