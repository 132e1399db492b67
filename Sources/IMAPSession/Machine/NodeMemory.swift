internal import MailModel

/// What the sessions of a node leave to each other, in its memory. Each question is an effect that is answered at once,
/// before anything else happens.
enum NodeMemory {
    /// Takes messages of a mailbox as `\Recent` for a session.
    ///
    /// - Parameter next: gets the first UID that is recent.
    static func takeRecent(
        in record: MailboxRecord,
        from: UID,
        for session: inout Session,
        _ next: @escaping (inout Session, UID) -> Void
    ) {
        guard let account = session.account else { preconditionFailure("a mailbox before the login") }
        session.awaited = .recent(next)
        session.effects.append(.takeRecent(in: record.id, of: account, from: from, upTo: record.uidNext))
    }

    /// Looks for the rows of a mailbox that another session has kept.
    ///
    /// - Parameter next: gets the rows, or nil where there are none.
    static func findRows(
        of mailbox: MailboxID,
        for session: inout Session,
        _ next: @escaping (inout Session, MailboxRows?) -> Void
    ) {
        guard let account = session.account else { preconditionFailure("a mailbox before the login") }
        session.awaited = .rows(next)
        session.effects.append(.findRows(of: mailbox, account))
    }

    /// Leaves the rows of a mailbox to other sessions of the account.
    static func keepRows(_ rows: MailboxRows, of session: inout Session) {
        guard let account = session.account else { preconditionFailure("a mailbox before the login") }
        session.effects.append(.keepRows(rows, account))
    }
}
