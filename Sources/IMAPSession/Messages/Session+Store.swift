internal import IMAPSyntax
internal import MailModel

/// A STORE under way, set by set.
struct StoreWork {
    let tag: String
    let command: StoreCommand
    let indexes: [Range<Int>]
    var sets: [UIDSet]
    var changed: [(uids: UIDSet, modSeq: ModSeq)] = []
    var modified: [UIDSet] = []
    var hasGone = false
    /// The store had no room for some of the keywords.
    var hasSurplus = false
}

/// STORE (RFC 3501, section 6.4.6; RFC 7162, section 3.1.3).
extension Session {
    mutating func store(_ tag: String, _ command: StoreCommand) {
        guard let view, let indexes = resolve(tag, command.messages, as: command.numberSpace) else { return }
        guard !view.isReadOnly else { return answerNo(tag, code: nil, "The mailbox is selected read-only") }
        if command.unchangedSince != nil { enableCondstore() }
        let sets = view.uidSets(indexes, limit: MailLimits.messagesPerStore)
        storing = StoreWork(tag: tag, command: command, indexes: indexes, sets: sets.reversed())
        storing?.hasGone = indexes.contains { $0.contains { view.isGone(view.uids[$0]) } }
        storeNext()
    }

    /// The indexes of a set; nil after the command was answered.
    mutating func resolve(_ tag: String, _ set: MessageSet, as space: NumberSpace) -> [Range<Int>]? {
        guard let view else { preconditionFailure("no mailbox is selected") }
        do throws(MessageSetProblem) {
            return try view.indexes(set, space)
        } catch {
            answerBad(tag, error.sentence)
            return nil
        }
    }

    private mutating func storeNext() {
        guard let work = storing, let view else { preconditionFailure("no STORE is under way") }
        guard let set = storing?.sets.popLast() else { return finishStore() }
        let operation: FlagOperation =
            switch work.command.action {
            case .replace: .replace
            case .add: .add
            case .remove: .remove
            }
        let command = MailCommand.storeFlags(
            view.id,
            set,
            operation,
            FlagNames(work.command.flags),
            unchangedSince: work.command.unchangedSince.map { ModSeq($0) }
        )
        submit(command) { session, result in
            switch result {
            case .success(.flagsStored(let modSeq, let changed, let modified, let surplus)):
                session.storing?.changed.append((changed, modSeq))
                session.storing?.modified.append(modified)
                if surplus > 0 { session.storing?.hasSurplus = true }
                session.storeNext()
            case .success(.refused(let refusal)):
                session.storing = nil
                session.conclude(.withoutExpunge, isFresh: true) { $0.refuse(work.tag, refusal) }
            case .success:
                session.storing = nil
                session.failUnexpectedly(work.tag)
            case .failure(let failure):
                session.storing = nil
                session.isStale = true
                session.fail(work.tag, failure)
            }
        }
    }

    private mutating func finishStore() {
        badCommands = 0
        guard let work = storing else { return }
        storing = nil
        synchronise(expecting: { $0.expect(work) }) { session in
            session.tellStored(work) { session in
                session.tellUpdates(work.command.numberSpace == .uid ? .all : .withoutExpunge) { $0.answerStore(work) }
            }
        }
    }

    /// Not silent: every message's flags are told, changed or not; so they are to a silent client that did not get what
    /// it believes to have got. Silent: only what others changed, and the MODSEQ where the client keeps them.
    private mutating func tellStored(_ work: StoreWork, _ next: @escaping (inout Session) -> Void) {
        // Without the store's word the view has the flags of before; the new ones come with a later command.
        guard let view, !missedUpdate else { return next(&self) }
        if !work.command.isSilent || work.hasSurplus {
            for range in work.indexes {
                for index in range where !view.isGone(view.uids[index]) { self.view?.markChanged(at: index) }
            }
            return next(&self)
        }
        guard isCondstoreEnabled else { return next(&self) }
        var told: [Int] = []
        for uid in work.changed.lazy.flatMap(\.uids.uids) {
            if let index = view.index(of: uid.rawValue), view.isOnlyModSeqNews(at: index) { told.append(index) }
        }
        tellFlags(at: told[...], flags: false, next)
    }

    private mutating func answerStore(_ work: StoreWork) {
        let modified = work.modified.reduce(into: UIDSet()) { result, set in
            for uid in set.uids { result.append(uid) }
        }
        guard modified.isEmpty else {
            // Before an expunge was told, so the numbers are those that the client used.
            let numbers = view?.numbers(modified, work.command.numberSpace) ?? NumberSet()
            if work.hasSurplus { encoder.untagged(.ok, code: .limit, text: Self.keywordLimit) }
            return encoder.tagged(work.tag, .ok, code: .modified(numbers), text: "Some messages were changed meanwhile")
        }
        if work.hasSurplus, !work.hasGone {
            return encoder.tagged(work.tag, .ok, code: .limit, text: Self.keywordLimit)
        }
        if work.hasSurplus { encoder.untagged(.ok, code: .limit, text: Self.keywordLimit) }
        encoder.tagged(work.tag, .ok, code: work.hasGone ? .expungeIssued : nil, text: "Stored")
    }

    /// RFC 5530 shows LIMIT with a NO. That would say that nothing was stored (RFC 3501, section 6.4.6), and clients
    /// take `\Seen` and all else back that they had shown. So it is OK, with the code in the tagged answer, where
    /// clients look for codes, unless another one is there; the flags that the messages have now were told before.
    private static let keywordLimit =
        "Stored, but for keywords beyond \(MailLimits.keywordsPerMailbox), which is as many as a mailbox can have"
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
