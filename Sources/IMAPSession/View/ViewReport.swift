internal import IMAPSyntax
internal import MailModel

/// What of the mailbox's changes may be told with an answer (RFC 3501, sections 5.2 and 7.4.1).
enum Updates {
    case none
    /// Sequence numbers must keep their meaning: FETCH, STORE and SEARCH by sequence number.
    case withoutExpunge
    case all
}

/// Writes what the client does not know yet of the selected mailbox, in turns where that is much, and goes on.
struct ViewReport {
    let next: (inout Session) -> Void

    func tell(_ updates: Updates, in session: inout Session) {
        guard session.view != nil, updates != .none else { return next(&session) }
        let gone = updates == .all ? session.view?.takeGone() ?? [] : []
        tellExpunged(gone[...], in: &session)
    }

    private func tellExpunged(_ numbers: ArraySlice<UInt32>, in session: inout Session) {
        var rest = numbers
        while let number = rest.popFirst() {
            session.encoder.expunge(number)
            guard session.encoder.writtenBytes < SessionLimits.writeBytes else {
                let left = rest
                return session.giveWay { tellExpunged(left, in: &$0) }
            }
        }
        tellNew(in: &session)
        let changed = session.view?.takeChanged() ?? []
        tellMessages(at: changed[...], withFlags: true, in: &session)
    }

    private func tellNew(in session: inout Session) {
        guard let view = session.view else { return }
        if view.count != view.toldCount {
            session.encoder.exists(UInt32(view.count))
            session.view?.toldCount = view.count
        }
        // RECENT goes with new messages; a client counts down by itself what is expunged.
        let recent = view.recentCount
        if recent > view.toldRecent { session.encoder.recent(UInt32(recent)) }
        session.view?.toldRecent = recent
        // New keywords are told before a message shows one.
        guard view.hasUntoldKeywords else { return }
        session.view?.hasUntoldKeywords = false
        session.encoder.flags(view.usableFlags)
        session.encoder.untagged(.ok, code: view.permanentFlags, text: "Flags that stay")
    }

    /// FETCH responses with no more than the MODSEQ of the messages with these indexes.
    func tellModSeqs(at indexes: [Int], in session: inout Session) {
        tellMessages(at: indexes[...], withFlags: false, in: &session)
    }

    /// FETCH responses for the messages with these indexes, in turns where they are many.
    private func tellMessages(at indexes: ArraySlice<Int>, withFlags: Bool, in session: inout Session) {
        var rest = indexes
        while let index = rest.popFirst() {
            tellMessage(at: index, withFlags: withFlags, in: &session)
            guard session.encoder.writtenBytes < SessionLimits.writeBytes else {
                let left = rest
                return session.giveWay { tellMessages(at: left, withFlags: withFlags, in: &$0) }
            }
        }
        next(&session)
    }

    /// `* n FETCH (FLAGS ...)`; with UID where UIDs are used, and MODSEQ once CONDSTORE is on.
    private func tellMessage(at index: Int, withFlags: Bool, in session: inout Session) {
        guard let view = session.view else { return }
        session.encoder.beginFetch(UInt32(index + 1))
        session.encoder.uid(view.uids[index])
        if withFlags { session.encoder.fetchedFlags(view.flagList(at: index)) }
        if session.isCondstoreEnabled { session.encoder.modSeq(view.modSeqs[index]) }
        session.encoder.endFetch()
    }
}

extension MailboxView {
    private static let systemFlags: [Flag] = [.answered, .flagged, .deleted, .seen, .draft]

    /// The flags that messages of the mailbox may have.
    var usableFlags: [Flag] { Self.systemFlags + keywords }

    /// The flags that this client may set for good.
    var permanentFlags: ResponseCode {
        guard !isReadOnly else { return .permanentFlags([], allowsNewKeywords: false) }
        let keywords = keywords
        return .permanentFlags(
            Self.systemFlags + keywords,
            allowsNewKeywords: keywords.count < MailLimits.keywordsPerMailbox
        )
    }
}
