internal import IMAPSyntax
internal import MailModel

/// A STORE under way, set by set (RFC 3501, section 6.4.6; RFC 7162, section 3.1.3).
struct StoreWork {
    private let tag: String
    fileprivate let command: StoreCommand
    private let indexes: [Range<Int>]
    /// The sets that are left, the next one last.
    private var sets: [UIDSet]
    fileprivate private(set) var changed: [(uids: UIDSet, modSeq: ModSeq)] = []
    private var modified: [UIDSet] = []
    private let hasGone: Bool
    /// The store had no room for some of the keywords.
    private var hasSurplus = false
    private(set) var isDone = false

    static func begin(_ command: StoreCommand, tag: String, in session: inout Session) {
        guard let work = StoreWork(command, tag: tag, in: &session) else { return }
        session.beginWork(work) { $0.storeNext(in: &$1) }
    }

    /// Nil when the command was refused.
    private init?(_ command: StoreCommand, tag: String, in session: inout Session) {
        guard let indexes = session.resolve(tag, command.messages, as: command.numberSpace), let view = session.view
        else { return nil }
        guard !view.isReadOnly else {
            session.answerNo(tag, code: nil, "The mailbox is selected read-only")
            return nil
        }
        self.tag = tag
        self.command = command
        self.indexes = indexes
        sets = view.uidSets(indexes, limit: MailLimits.messagesPerStore).reversed()
        hasGone = indexes.contains { $0.contains { view.isGone(view.uids[$0]) } }
        if command.unchangedSince != nil { session.enableCondstore() }
    }

    private mutating func storeNext(in session: inout Session) {
        guard let mailbox = session.view?.id else { preconditionFailure("no mailbox is selected") }
        guard let set = sets.popLast() else { return finish(in: &session) }
        let operation: FlagOperation =
            switch command.action {
            case .replace: .replace
            case .add: .add
            case .remove: .remove
            }
        let store = MailCommand.storeFlags(
            mailbox,
            set,
            operation,
            FlagNames(command.flags),
            unchangedSince: command.unchangedSince.map { ModSeq($0) }
        )
        submit(store, in: &session) { $0.receiveOutcome($2, in: &$1) }
    }

    private mutating func receiveOutcome(_ result: Result<MailOutcome, ServiceFailure>, in session: inout Session) {
        switch result {
        case .success(.flagsStored(let modSeq, let changed, let modified, let surplus)):
            self.changed.append((changed, modSeq))
            self.modified.append(modified)
            if surplus > 0 { hasSurplus = true }
            storeNext(in: &session)
        case .success(.refused(let refusal)):
            isDone = true
            session.conclude(.withoutExpunge, isFresh: true) { [tag] in $0.refuse(tag, refusal) }
        case .success:
            isDone = true
            session.failUnexpectedly(tag)
        case .failure(let failure):
            isDone = true
            session.isStale = true
            session.fail(tag, failure)
        }
    }

    private mutating func finish(in session: inout Session) {
        isDone = true
        session.badCommands = 0
        let work = self
        session.synchronise(expecting: { $0.expect(work) }) { work.tellStored(in: &$0) }
    }

    // MARK: The answer

    private func tellStored(in session: inout Session) {
        let report = ViewReport { session in
            session.tellUpdates(command.numberSpace == .uid ? .all : .withoutExpunge) { answer(in: &$0) }
        }
        report.tellModSeqs(at: markTold(in: &session), in: &session)
    }

    /// Marks the messages whose flags are told though nobody else changed them. Not silent: every message's flags are
    /// told, changed or not; so they are to a silent client that did not get what it believes to have got. Silent: only
    /// what others changed, and the MODSEQ where the client keeps them.
    ///
    /// - Returns: the messages of which only the MODSEQ is told.
    private func markTold(in session: inout Session) -> [Int] {
        // Without the store's word the view has the flags of before; the new ones come with a later command.
        guard let view = session.view, !session.missedUpdate else { return [] }
        if !command.isSilent || hasSurplus {
            for range in indexes {
                for index in range where !view.isGone(view.uids[index]) { session.view?.markChanged(at: index) }
            }
            return []
        }
        guard session.isCondstoreEnabled else { return [] }
        var told: [Int] = []
        for uid in changed.lazy.flatMap(\.uids.uids) {
            if let index = view.index(of: uid.rawValue), view.isOnlyModSeqNews(at: index) { told.append(index) }
        }
        return told
    }

    private func answer(in session: inout Session) {
        let modified = modified.reduce(into: UIDSet()) { result, set in
            for uid in set.uids { result.append(uid) }
        }
        guard modified.isEmpty else {
            // Before an expunge was told, so the numbers are those that the client used.
            let numbers = session.view?.numbers(modified, command.numberSpace) ?? NumberSet()
            if hasSurplus { session.encoder.untagged(.ok, code: .limit, text: Self.keywordLimit) }
            return session.encoder.tagged(
                tag,
                .ok,
                code: .modified(numbers),
                text: "Some messages were changed meanwhile"
            )
        }
        if hasSurplus, !hasGone {
            return session.encoder.tagged(tag, .ok, code: .limit, text: Self.keywordLimit)
        }
        if hasSurplus { session.encoder.untagged(.ok, code: .limit, text: Self.keywordLimit) }
        session.encoder.tagged(tag, .ok, code: hasGone ? .expungeIssued : nil, text: "Stored")
    }

    /// RFC 5530 shows LIMIT with a NO. That would say that nothing was stored (RFC 3501, section 6.4.6), and clients
    /// take `\Seen` and all else back that they had shown. So it is OK, with the code in the tagged answer, where
    /// clients look for codes, unless another one is there; the flags that the messages have now were told before.
    private static let keywordLimit =
        "Stored, but for keywords beyond \(MailLimits.keywordsPerMailbox), which is as many as a mailbox can have"
}

extension StoreWork: CommandWork {
    var underWay: CommandUnderWay { .store(self) }

    init?(_ command: CommandUnderWay) {
        guard case .store(let work) = command else { return nil }
        self = work
    }
}

extension MailboxView {
    /// Takes over the flags that a STORE set, for messages that no other session changed: that is what its client
    /// expects.
    fileprivate mutating func expect(_ work: StoreWork) {
        guard work.command.isSilent else { return }
        let names = work.command.flags
        let system = FlagNames(names).system
        var keywords = KeywordSet()
        for case .keyword(let keyword) in names {
            if let number = number(of: keyword) { keywords.insert(number) }
        }
        for (uids, modSeq) in work.changed {
            for uid in uids.uids {
                guard let index = index(of: uid.rawValue) else { continue }
                var flags = flags(at: index)
                switch work.command.action {
                case .replace: flags = MessageFlags(system: system, keywords: keywords)
                case .add:
                    flags.system.formUnion(system)
                    flags.keywords.formUnion(keywords)
                case .remove:
                    flags.system.subtract(system)
                    flags.keywords.subtract(keywords)
                }
                setFlags(flags, modSeq, at: index)
            }
        }
    }
}
