internal import IMAPSyntax
internal import MailModel

/// CREATE, DELETE, RENAME, SUBSCRIBE and STATUS (RFC 3501, sections 6.3.3 to 6.3.10).
extension Session {
    /// A name for a mailbox that is to be, or nil after the command was answered.
    private mutating func newName(_ tag: String, _ name: IMAPSyntax.MailboxName) -> MailModel.MailboxName? {
        do throws(MailboxNameError) {
            try name.validate(settings.limits)
        } catch {
            answerNo(tag, code: .cannot, error.sentence)
            return nil
        }
        guard let stored = MailModel.MailboxName(name) else {
            answerNo(tag, code: .cannot, "A mailbox cannot have this name")
            return nil
        }
        return stored
    }

    /// RFC 6154, section 3: a use that cannot be given fails the command.
    mutating func createMailbox(_ tag: String, named name: IMAPSyntax.MailboxName, uses: [IMAPSyntax.SpecialUse]) {
        guard let name = newName(tag, name) else { return }
        var use: MailModel.SpecialUse?
        if let wanted = uses.first {
            guard uses.count == 1, let stored = wanted.stored else {
                return answerNo(tag, code: .useAttribute, "A mailbox cannot have this special use")
            }
            use = stored
        }
        submit(.createMailbox(name, specialUse: use), for: tag) { session, outcome in
            guard case .mailboxCreated(let id, _) = outcome else { return session.failUnexpectedly(tag) }
            session.succeed(tag, code: .mailboxID(id.objectID), "Created")
        }
    }

    mutating func delete(_ tag: String, _ name: IMAPSyntax.MailboxName) {
        guard let name = MailModel.MailboxName(name) else { return refuse(tag, .noSuchMailbox) }
        submit(.deleteMailbox(name), for: tag) { $0.succeedAfterChange(tag, outcome: $1, "Deleted") }
    }

    mutating func renameMailbox(_ tag: String, from name: IMAPSyntax.MailboxName, to new: IMAPSyntax.MailboxName) {
        guard let name = MailModel.MailboxName(name) else { return refuse(tag, .noSuchMailbox) }
        guard let new = newName(tag, new) else { return }
        submit(.renameMailbox(from: name, to: new), for: tag) { $0.succeedAfterChange(tag, outcome: $1, "Renamed") }
    }

    mutating func setSubscribed(_ tag: String, name: IMAPSyntax.MailboxName, to isSubscribed: Bool) {
        guard let stored = isSubscribed ? newName(tag, name) : MailModel.MailboxName(name) else {
            // A name that cannot be is not subscribed.
            if !isSubscribed { succeed(tag, "Not subscribed") }
            return
        }
        submit(.setSubscribed(stored, isSubscribed), for: tag) { session, _ in
            session.succeed(tag, isSubscribed ? "Subscribed" : "Not subscribed")
        }
    }

    /// The selected mailbox may be the one that changed.
    private mutating func succeedAfterChange(_ tag: String, outcome: MailOutcome, _ text: String) {
        badCommands = 0
        conclude(.all, isFresh: true) { $0.encoder.tagged(tag, .ok, code: nil, text: text) }
    }

    mutating func answerStatus(_ tag: String, of name: IMAPSyntax.MailboxName, items: [StatusItem]) {
        if let item = items.first(where: { !$0.isSupported }) {
            return answerBad(tag, "STATUS does not know \(item.rawValue) here")
        }
        if items.contains(.highestModSeq) { enableCondstore() }
        guard let stored = MailModel.MailboxName(name) else { return refuse(tag, .noSuchMailbox) }
        query(.mailbox(stored), for: tag) { session, answer in
            guard case .mailbox(let record) = answer, record.selectable else {
                return session.refuse(tag, .noSuchMailbox)
            }
            session.writeStatus(record, items)
            session.succeed(tag, "That is all")
        }
    }

    mutating func writeStatus(_ record: MailboxRecord, _ items: [StatusItem]) {
        let limit = settings.limits.appendLiteralBytes
        encoder.status(IMAPSyntax.MailboxName(record.name), items.map { ($0, $0.value(of: record, limit)) })
    }
}

extension StatusItem {
    var isSupported: Bool {
        switch self {
        case .messages, .recent, .uidNext, .uidValidity, .unseen, .deleted, .size, .highestModSeq, .appendLimit,
            .mailboxID:
            true
        case .deletedStorage: false
        }
    }

    fileprivate func value(of record: MailboxRecord, _ appendLimit: Int) -> StatusValue {
        switch self {
        case .messages: .number(UInt64(record.messages))
        case .recent: .number(UInt64(min(record.recent, record.messages)))
        case .uidNext: .number(UInt64(record.uidNext.rawValue))
        case .uidValidity: .number(UInt64(record.uidValidity))
        case .unseen: .number(UInt64(record.unseen))
        case .deleted: .number(UInt64(record.deleted))
        case .size: .number(record.sizeBytes)
        case .highestModSeq: .number(record.highestModSeq.rawValue)
        case .appendLimit: .number(UInt64(appendLimit))
        case .mailboxID: .objectID(record.id.objectID)
        case .deletedStorage: .none
        }
    }
}
