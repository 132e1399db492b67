/// The header fields whose values a summary keeps.
enum FieldName: Int, CaseIterable {
    case date, subject, from, sender, replyTo, to, cc, bcc, inReplyTo, messageID
    case contentType, contentTransferEncoding, contentID, contentDescription, contentMD5
    case contentDisposition, contentLanguage, contentLocation

    /// Whether it belongs to an ENVELOPE, and so matters in the header of a message only.
    var isOfEnvelope: Bool { rawValue <= FieldName.messageID.rawValue }

    /// Whether several such fields make one list.
    var isAddressList: Bool {
        switch self {
        case .from, .sender, .replyTo, .to, .cc, .bcc: true
        case .date, .subject, .inReplyTo, .messageID, .contentType, .contentTransferEncoding, .contentID,
            .contentDescription, .contentMD5, .contentDisposition, .contentLanguage, .contentLocation:
            false
        }
    }

    /// Where a value that is too long may be cut.
    var cut: FieldCut {
        switch self {
        case .from, .sender, .replyTo, .to, .cc, .bcc, .contentLanguage: .entries
        case .contentType, .contentDisposition: .parameters
        case .date, .subject, .inReplyTo, .messageID, .contentTransferEncoding, .contentID, .contentDescription,
            .contentMD5, .contentLocation:
            .words
        }
    }

    /// Nil for a name that is not of interest.
    init?(_ name: UnsafeRawBufferPointer) {
        switch name.count {
        case 2: self.init(name, [("to", .to), ("cc", .cc)])
        case 3: self.init(name, [("bcc", .bcc)])
        case 4: self.init(name, [("from", .from), ("date", .date)])
        case 6: self.init(name, [("sender", .sender)])
        case 7: self.init(name, [("subject", .subject)])
        case 8: self.init(name, [("reply-to", .replyTo)])
        case 10: self.init(name, [("message-id", .messageID), ("content-id", .contentID)])
        case 11: self.init(name, [("in-reply-to", .inReplyTo), ("content-md5", .contentMD5)])
        case 12: self.init(name, [("content-type", .contentType)])
        case 16: self.init(name, [("content-language", .contentLanguage), ("content-location", .contentLocation)])
        case 19:
            self.init(
                name,
                [("content-description", .contentDescription), ("content-disposition", .contentDisposition)]
            )
        case 25: self.init(name, [("content-transfer-encoding", .contentTransferEncoding)])
        default: return nil
        }
    }

    @inline(__always)
    private init?(_ name: UnsafeRawBufferPointer, _ candidates: [(StaticString, FieldName)]) {
        for (text, field) in candidates where ASCII.equal(name, text) {
            self = field
            return
        }
        return nil
    }
}
