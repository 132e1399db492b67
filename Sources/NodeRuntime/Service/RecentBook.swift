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

    /// Mailboxes in two generations: when the younger one is full, it becomes the older one, which is forgotten. So a
    /// mailbox that is not asked about is forgotten, and no step costs more than another.
    private struct State {
        var younger: [Place: UID] = [:]
        var older: [Place: UID] = [:]

        /// The UID that is noted for a mailbox, which counts as asked about.
        mutating func upTo(_ place: Place, _ limit: Int) -> UID? {
            if let uid = younger[place] { return uid }
            guard let uid = older[place] else { return nil }
            note(uid, of: place, limit: limit)
            return uid
        }

        mutating func note(_ uid: UID, of place: Place, limit: Int) {
            if younger.count >= limit, younger[place] == nil {
                older = younger
                younger = [:]
            }
            younger[place] = uid
        }
    }

    /// Mailboxes that one generation has at most.
    private let limit: Int
    private let state = NIOLockedValueBox(State())

    /// - Parameter maximumMailboxes: how many mailboxes the book has at most.
    init(maximumMailboxes: Int = 65_536) { limit = max(1, maximumMailboxes / 2) }

    /// Gives a session what is recent of a mailbox.
    ///
    /// - Returns: the first UID that is recent for the session.
    func take(from: UID, upTo: UID, in mailbox: MailboxID, of account: AccountID) -> UID {
        let place = Place(account: account, mailbox: mailbox)
        return state.withLockedValue { state in
            let noted = state.upTo(place, limit)
            if upTo > noted ?? UID(0) { state.note(upTo, of: place, limit: limit) }
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
        guard let uid = state.withLockedValue({ $0.upTo(place, limit) }) else { return record }
        return record.raised(to: uid)
    }

    private func raiseRecords(_ records: [MailboxRecord], _ account: AccountID) -> [MailboxRecord] {
        state.withLockedValue { state in
            guard !state.younger.isEmpty else { return records }
            return records.map { record in
                guard record.recent > 0 else { return record }
                let uid = state.upTo(Place(account: account, mailbox: record.id), limit)
                return uid.map(record.raised) ?? record
            }
        }
    }

    /// How many mailboxes the book has, for tests.
    var count: Int { state.withLockedValue { $0.younger.count + $0.older.count } }
}

extension MailboxRecord {
    /// The record may be of an earlier state than the one of which the session was told.
    fileprivate func raised(to uid: UID) -> MailboxRecord {
        var record = self
        record.recentFrom = min(max(recentFrom, uid), uidNext)
        return record
    }
}
