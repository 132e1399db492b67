extension HeaderCollector {
    mutating func envelope(keeping kept: inout KeptBytes) -> EnvelopeFields {
        var envelope = EnvelopeFields()
        envelope.messageID = take(.messageID)
        envelope.date = take(.date)
        envelope.subject = take(.subject)
        envelope.from = take(.from)
        envelope.sender = take(.sender)
        envelope.replyTo = take(.replyTo)
        envelope.inReplyTo = take(.inReplyTo)
        envelope.to = take(.to)
        envelope.cc = take(.cc)
        envelope.bcc = take(.bcc)
        // The most important first.
        kept.keep(&envelope.messageID)
        kept.keep(&envelope.date)
        kept.keep(&envelope.subject)
        kept.keep(&envelope.from)
        kept.keep(&envelope.sender)
        kept.keep(&envelope.replyTo)
        kept.keep(&envelope.inReplyTo)
        kept.keep(&envelope.to)
        kept.keep(&envelope.cc)
        kept.keep(&envelope.bcc)
        return envelope
    }

    mutating func content(isOfDigest: Bool) -> ContentFields {
        var content = ContentFields()
        if let field = take(.contentType) {
            content.type = ContentType(field: field) ?? .plainText
        } else if isOfDigest {
            content.type = .message
        }
        if let field = take(.contentTransferEncoding) {
            content.encoding = TransferEncoding(field: field)
            if content.encoding == .other { content.encodingName = field }
        }
        content.id = take(.contentID)
        content.description = take(.contentDescription)
        content.md5 = take(.contentMD5)
        content.disposition = take(.contentDisposition)
        content.language = take(.contentLanguage)
        content.location = take(.contentLocation)
        return content
    }
}

extension KeptBytes {
    mutating func keep(_ content: inout ContentFields) {
        keep(&content.type)
        keep(&content.encodingName)
        keep(&content.disposition)
        keep(&content.id)
        keep(&content.description)
        keep(&content.md5)
        keep(&content.language)
        keep(&content.location)
    }
}
