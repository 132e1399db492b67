/// What a session knows of a mailbox: what it has seen of the mailbox, and done there. Nothing older may be shown to
/// the session.
///
/// The MODSEQ of a mailbox rises with every change of its messages, and stands in one row with all that is counted of
/// them. So a state with this MODSEQ or a higher one has everything that another one with this MODSEQ has.
public struct KnownMailbox: Hashable, Sendable {
    /// The highest MODSEQ that is known.
    public private(set) var modSeq: ModSeq
    /// All UIDs that are known are below.
    public private(set) var uidNext: UID

    /// Nothing is known yet.
    public init() {
        modSeq = .zero
        uidNext = UID(0)
    }

    /// The mailbox was seen at a MODSEQ, or changed with it.
    public mutating func noteModSeq(_ modSeq: ModSeq) { self.modSeq = max(self.modSeq, modSeq) }

    /// A message with this UID was seen or added.
    public mutating func noteUID(_ uid: UID) {
        uidNext = max(uidNext, UID(uid.rawValue == .max ? .max : uid.rawValue + 1))
    }

    /// The mailbox was seen as in this record.
    public mutating func noteRecord(_ record: MailboxRecord) {
        noteModSeq(record.highestModSeq)
        uidNext = max(uidNext, record.uidNext)
    }

    /// Whether an answer about the mailbox shows all that is known. One without the mailbox never does: a state that is
    /// too old may not have it yet.
    public func isShown(by answer: MailAnswer) -> Bool {
        switch answer {
        case .mailbox(let record), .messages(let record, _): isReached(in: record)
        case .changes(let changes): isReached(in: changes.mailbox)
        case .missing, .account, .mailboxes, .details, .body: false
        }
    }

    private func isReached(in record: MailboxRecord) -> Bool {
        record.selectable && record.highestModSeq >= modSeq && record.uidNext >= uidNext
    }
}
