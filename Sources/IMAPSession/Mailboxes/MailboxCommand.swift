internal import IMAPSyntax
internal import MailModel

/// CREATE, DELETE, RENAME, SUBSCRIBE, UNSUBSCRIBE or STATUS, which take one step each (RFC 3501, sections 6.3.3 to
/// 6.3.10).
struct MailboxCommand {
    let tag: String

    /// A name for a mailbox that is to be, or nil after the command was answered.
    private func newName(_ name: IMAPSyntax.MailboxName, in session: inout Session) -> MailModel.MailboxName? {
        do throws(MailboxNameError) {
            try name.validate(session.settings.limits)
        } catch {
            session.answerNo(tag, code: .cannot, error.sentence)
            return nil
        }
        guard let stored = MailModel.MailboxName(name) else {
            session.answerNo(tag, code: .cannot, "A mailbox cannot have this name")
            return nil
        }
        return stored
    }

    /// RFC 6154, section 3: a use that cannot be given fails the command.
    func create(_ name: IMAPSyntax.MailboxName, uses: [IMAPSyntax.SpecialUse], in session: inout Session) {
        guard let name = newName(name, in: &session) else { return }
        var use: MailModel.SpecialUse?
        if let wanted = uses.first {
            guard uses.count == 1, let stored = wanted.stored else {
                return session.answerNo(tag, code: .useAttribute, "A mailbox cannot have this special use")
            }
            use = stored
        }
        session.submit(.createMailbox(name, specialUse: use), for: tag) { session, outcome in
            guard case .mailboxCreated(let id, _) = outcome else { return session.failUnexpectedly(tag) }
            session.succeed(tag, code: .mailboxID(id.objectID), "Created")
        }
    }

    func delete(_ name: IMAPSyntax.MailboxName, in session: inout Session) {
        guard let name = MailModel.MailboxName(name) else { return session.refuse(tag, .noSuchMailbox) }
        session.submit(.deleteMailbox(name), for: tag) { session, _ in
            succeedAfterChange("Deleted", in: &session)
        }
    }

    func rename(_ name: IMAPSyntax.MailboxName, to new: IMAPSyntax.MailboxName, in session: inout Session) {
        guard let name = MailModel.MailboxName(name) else { return session.refuse(tag, .noSuchMailbox) }
        guard let new = newName(new, in: &session) else { return }
        session.submit(.renameMailbox(from: name, to: new), for: tag) { session, _ in
            succeedAfterChange("Renamed", in: &session)
        }
    }

    func setSubscribed(_ name: IMAPSyntax.MailboxName, to isSubscribed: Bool, in session: inout Session) {
        guard let stored = isSubscribed ? newName(name, in: &session) : MailModel.MailboxName(name) else {
            // A name that cannot be is not subscribed.
            if !isSubscribed { session.succeed(tag, "Not subscribed") }
            return
        }
        session.submit(.setSubscribed(stored, isSubscribed), for: tag) { session, _ in
            session.succeed(tag, isSubscribed ? "Subscribed" : "Not subscribed")
        }
    }

    /// The selected mailbox may be the one that changed.
    private func succeedAfterChange(_ text: String, in session: inout Session) {
        session.badCommands = 0
        session.conclude(.all, isFresh: true) { $0.encoder.tagged(tag, .ok, code: nil, text: text) }
    }

    func tellStatus(of name: IMAPSyntax.MailboxName, items: [StatusItem], in session: inout Session) {
        if let item = items.first(where: { !$0.isSupported }) {
            return session.answerBad(tag, "STATUS does not know \(item.rawValue) here")
        }
        if items.contains(.highestModSeq) { session.enableCondstore() }
        guard let stored = MailModel.MailboxName(name) else { return session.refuse(tag, .noSuchMailbox) }
        session.query(.mailbox(stored), for: tag) { session, answer in
            guard case .mailbox(let record) = answer, record.selectable else {
                return session.refuse(tag, .noSuchMailbox)
            }
            session.writeStatus(record, items)
            session.succeed(tag, "That is all")
        }
    }
}

extension Session {
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
