/// One part of a message, by its number (RFC 3501, section 6.4.5). Ranges are offsets in the raw message.
public struct MessagePart: Hashable, Sendable {
    /// The message within a message/rfc822 part.
    public struct Message: Hashable, Sendable {
        /// With the empty line.
        public let headerRange: Range<UInt64>
        /// What follows the header.
        public let textRange: Range<UInt64>
    }
    /// The numbers of the part, counted from 1; empty for the message itself.
    public let path: [Int]
    /// The part's own header, with the empty line.
    public let mimeRange: Range<UInt64>
    /// The content, without the line end before the next boundary.
    public let bodyRange: Range<UInt64>
    /// In lower case, such as `text`.
    public let mediaType: String
    /// In lower case, such as `plain`.
    public let subtype: String
    /// As it is named in the Content-Type field.
    public let charset: String?
    /// How the content is encoded (RFC 2045, section 6).
    public let transferEncoding: TransferEncoding
    /// Whether the part consists of others.
    public let isMultipart: Bool
    /// Where the message within lies; nil unless the part is a message/rfc822.
    public let message: Message?

    init(_ entity: Entity, path: [Int]) {
        self.path = path
        mimeRange = entity.headerRange
        bodyRange = entity.bodyRange
        mediaType = entity.content.type.type
        subtype = entity.content.type.subtype
        charset = entity.content.type.parameter("charset").map { String(decoding: $0, as: UTF8.self) }
        transferEncoding = entity.content.encoding
        isMultipart = entity.kind == .multipart
        switch entity.kind {
        case .leaf, .multipart, .closed: message = nil
        case .message:
            let inner = entity.children[0]
            message = Message(headerRange: inner.headerRange, textRange: inner.bodyRange)
        }
    }
}
