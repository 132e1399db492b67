internal import MailModel
internal import NIOConcurrencyHelpers

/// Up to which UID of each mailbox sessions on this node have been given messages as `\Recent`.
///
/// The book is in memory and of this node alone, so that `\Recent` costs no write. RFC 3501, section 2.3.2, allows for
/// what the book does not know: where it cannot be told whether a session is the first to be notified of a message, the
/// message should be considered recent.
final class RecentBook: Sendable {
    private struct Place: Hashable {
        let account: AccountID
        let mailbox: MailboxID
    }

    private let state: NIOLockedValueBox<TwoGenerations<Place, UID>>

    /// - Parameter maximumMailboxes: how many mailboxes the book has at most.
    init(maximumMailboxes: Int = 65_536) {
        state = NIOLockedValueBox(TwoGenerations(maximum: maximumMailboxes))
    }

    /// Gives a session what is recent of a mailbox.
    ///
    /// - Returns: the first UID that is recent for the session.
    func take(from: UID, upTo: UID, in mailbox: MailboxID, of account: AccountID) -> UID {
        let place = Place(account: account, mailbox: mailbox)
        return state.withLockedValue { state in
            let noted = state.use(place)
            if upTo > noted ?? UID(0) { state.note(upTo, of: place) }
            return max(from, noted ?? from)
        }
    }

    /// An answer of the store as sessions on this node are to see it: what one of them was given is not recent for the
    /// next one.
    func raise(_ answer: MailAnswer, of account: AccountID) -> MailAnswer {
        switch answer {
        case .mailbox(let record): return .mailbox(raiseRecord(record, account))
        case .mailboxes(let records): return .mailboxes(raiseRecords(records, account))
        case .messages(let record, let states): return .messages(raiseRecord(record, account), states)
        case .changes(var changes):
            changes.mailbox = raiseRecord(changes.mailbox, account)
            return .changes(changes)
        case .missing, .account, .details, .body: return answer
        }
    }

    private func raiseRecord(_ record: MailboxRecord, _ account: AccountID) -> MailboxRecord {
        guard record.recent > 0 else { return record }
        let place = Place(account: account, mailbox: record.id)
        guard let uid = state.withLockedValue({ $0.use(place) }) else { return record }
        return record.raised(to: uid)
    }

    private func raiseRecords(_ records: [MailboxRecord], _ account: AccountID) -> [MailboxRecord] {
        state.withLockedValue { state in
            guard !state.isEmpty else { return records }
            return records.map { record in
                guard record.recent > 0 else { return record }
                let uid = state.use(Place(account: account, mailbox: record.id))
                return uid.map(record.raised) ?? record
            }
        }
    }

    /// How many mailboxes the book has, for tests.
    var count: Int { state.withLockedValue { $0.count } }
}

extension MailboxRecord {
    /// The record may be of an earlier state than the one of which the session was told.
    fileprivate func raised(to uid: UID) -> MailboxRecord {
        var record = self
        record.recentFrom = min(max(recentFrom, uid), uidNext)
        return record
    }
}
