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
        envelope.isCut = isCut(ofEnvelope: true)
        // The most important first.
        kept.keep(&envelope.messageID, of: .messageID)
        kept.keep(&envelope.date, of: .date)
        kept.keep(&envelope.subject, of: .subject)
        kept.keep(&envelope.from, of: .from)
        kept.keep(&envelope.sender, of: .sender)
        kept.keep(&envelope.replyTo, of: .replyTo)
        kept.keep(&envelope.inReplyTo, of: .inReplyTo)
        kept.keep(&envelope.to, of: .to)
        kept.keep(&envelope.cc, of: .cc)
        kept.keep(&envelope.bcc, of: .bcc)
        if kept.takeIsCut() { envelope.isCut = true }
        return envelope
    }

    mutating func content(isOfDigest: Bool) -> ContentFields {
        var content = ContentFields()
        content.isCut = isCut(ofEnvelope: false)
        if let field = take(.contentType) {
            content.type = ContentType(field: field, maximumParameters: limits.parameters) ?? .plainText
            if content.type.parameters.count == limits.parameters { content.isCut = true }
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
        keep(&content.encodingName, of: .contentTransferEncoding)
        keep(&content.disposition, of: .contentDisposition)
        keep(&content.id, of: .contentID)
        keep(&content.description, of: .contentDescription)
        keep(&content.md5, of: .contentMD5)
        keep(&content.language, of: .contentLanguage)
        keep(&content.location, of: .contentLocation)
        if takeIsCut() { content.isCut = true }
    }
}
