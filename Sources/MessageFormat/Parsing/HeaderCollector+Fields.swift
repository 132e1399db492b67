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
        envelope.isRepeated = isRepeated
        // The most important first.
        kept.keepField(&envelope.messageID, of: .messageID)
        kept.keepField(&envelope.date, of: .date)
        kept.keepField(&envelope.subject, of: .subject)
        kept.keepField(&envelope.from, of: .from)
        kept.keepField(&envelope.sender, of: .sender)
        kept.keepField(&envelope.replyTo, of: .replyTo)
        kept.keepField(&envelope.inReplyTo, of: .inReplyTo)
        kept.keepField(&envelope.to, of: .to)
        kept.keepField(&envelope.cc, of: .cc)
        kept.keepField(&envelope.bcc, of: .bcc)
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
    mutating func keepContent(_ content: inout ContentFields) {
        keepType(&content.type)
        keepField(&content.encodingName, of: .contentTransferEncoding)
        keepField(&content.disposition, of: .contentDisposition)
        keepField(&content.id, of: .contentID)
        keepField(&content.description, of: .contentDescription)
        keepField(&content.md5, of: .contentMD5)
        keepField(&content.language, of: .contentLanguage)
        keepField(&content.location, of: .contentLocation)
        if takeIsCut() { content.isCut = true }
    }
}
