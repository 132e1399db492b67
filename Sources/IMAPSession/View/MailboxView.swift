internal import IMAPSyntax
internal import MailModel

/// The selected mailbox as the client knows it: which UID each sequence number means, with flags and MODSEQ.
///
/// A message that the store has expunged stays until the client is told, so that sequence numbers keep their meaning
/// (RFC 3501, section 7.4.1). The messages are in ``MailboxRows``, which views share until one of them changes.
struct MailboxView {
    let isReadOnly: Bool
    /// The messages. Which of them the client knows, and what of them, the view notes beside.
    private var rows: MailboxRows

    /// UIDs that are `\Recent` in this session, as rising ranges that do not touch.
    private(set) var recent: [Range<UInt32>] = []
    /// UIDs of messages that were expunged and whose client was not told yet.
    private var gone = UIDSet()
    /// How many messages these are.
    private var goneCount = 0
    /// UIDs of messages of whose flags the client has to be told.
    private var changed: Set<UInt32> = []
    /// How many messages the client knows of.
    var toldCount = 0
    /// There are keywords that the client was not told of.
    var hasUntoldKeywords = false
    var toldRecent = 0
    /// The mailbox does not exist any more.
    private(set) var isDeleted = false
    /// What this session has seen of the mailbox, and done there.
    private var known = KnownMailbox()
    /// Something was done of which it is not known what the mailbox must show since.
    private var isUncertain = false

    /// A view of which the client knows nothing yet.
    init(_ rows: MailboxRows, isReadOnly: Bool) {
        self.rows = rows
        self.isReadOnly = isReadOnly
        known.noteModSeq(rows.modSeq)
        if rows.uidNext > 1 { known.noteUID(UID(rows.uidNext - 1)) }
    }

    var id: MailboxID { rows.id }
    var uidValidity: UInt32 { rows.uidValidity }
    /// UIDs below this one are in the view, or gone.
    var uidNext: UInt32 { rows.uidNext }
    /// The view shows what the mailbox was at this MODSEQ.
    var modSeq: ModSeq { rows.modSeq }
    /// The UIDs of the messages, rising. The n-th has the sequence number n + 1.
    var uids: ChunkedArray<UInt32> { rows.uids }
    var modSeqs: ChunkedArray<UInt64> { rows.modSeqs }
    var count: Int { rows.count }
    var lastUID: UInt32? { rows.uids.last }

    /// The mailbox's keywords.
    var keywords: [Flag] { rows.numberedKeywords.compactMap { $0 } }
    /// The mailbox's keywords by number; nil for a number that is free.
    var numberedKeywords: [Flag?] { rows.numberedKeywords }

    /// Takes over the mailbox's keywords by number; see ``MailboxRows/setKeywords(_:)``.
    mutating func setKeywords(_ names: [String]) {
        if rows.setKeywords(names) { hasUntoldKeywords = true }
    }

    // MARK: How new it must be

    /// What an answer about the mailbox must show; nil where only a linearizable one is known to be new enough.
    var toBeShown: KnownMailbox? { isUncertain ? nil : known }

    /// The session was told something of the mailbox, or of all mailboxes.
    mutating func noteSeen(_ answer: MailAnswer) {
        switch answer {
        case .mailbox(let record), .messages(let record, _): noteRecord(record)
        case .mailboxes(let records): if let record = records.first(where: { $0.id == id }) { noteRecord(record) }
        case .changes(let changes): noteRecord(changes.mailbox)
        case .missing, .account, .details, .body: break
        }
    }

    private mutating func noteRecord(_ record: MailboxRecord) { if record.id == id { known.noteRecord(record) } }

    /// A command of this session is done, or was not answered.
    ///
    /// - Parameter source: the mailbox whose messages the command changes; nil for one that only adds messages.
    mutating func noteDone(_ result: Result<MailOutcome, ServiceFailure>, in source: MailboxID?) {
        switch result {
        case .success(.flagsStored(let modSeq, _, _, _)), .success(.expunged(_, let modSeq)):
            if source == id { known.noteModSeq(modSeq) }
        case .success(.appended(let target, _, let uid)): if target == id { known.noteUID(uid) }
        case .success(.copied(let target, _, _, let added)):
            if target == id, let last = added.ranges.last { known.noteUID(UID(last.upperBound)) }
            // Which MODSEQ the messages left with is not told.
            if source == id { isUncertain = true }
        case .success(.refused), .success(.done), .success(.accountCreated), .success(.mailboxCreated),
            .success(.purged), .success(.nodeAdmitted), .success(.groupAdded), .success(.operationConflicts):
            break
        // It may have been carried out.
        case .failure: isUncertain = true
        }
    }

    /// The view was brought up to date: by what ``toBeShown`` asks for, which was no less than what is known.
    mutating func noteCertain() { isUncertain = false }

    // MARK: Looking up

    func flags(at index: Int) -> MessageFlags { rows.flags(at: index) }

    func isRecent(_ uid: UInt32) -> Bool {
        var low = 0
        var high = recent.count
        while low < high {
            let middle = (low + high) / 2
            if recent[middle].upperBound <= uid { low = middle + 1 } else { high = middle }
        }
        return low < recent.count && recent[low].contains(uid)
    }

    var recentCount: Int { recent.reduce(0) { $0 + (lowerBound(of: $1.upperBound) - lowerBound(of: $1.lowerBound)) } }

    func isGone(_ uid: UInt32) -> Bool { gone.contains(UID(uid)) }

    /// A message's flags as a client reads them.
    func flagList(at index: Int) -> [Flag] {
        let flags = flags(at: index)
        var list = flags.system.names
        if isRecent(uids[index]) { list.append(.recent) }
        guard !flags.keywords.isEmpty else { return list }
        let names = rows.numberedKeywords
        for number in flags.keywords.numbers where number < names.count {
            if let keyword = names[number] { list.append(keyword) }
        }
        return list
    }

    /// The number of a keyword; nil when no message has it.
    func number(of keyword: Keyword) -> Int? { rows.numberedKeywords.firstIndex(of: .keyword(keyword)) }

    /// The first index whose UID is not below.
    func lowerBound(of uid: UInt32) -> Int { rows.lowerBound(of: uid) }

    func index(of uid: UInt32) -> Int? { rows.index(of: uid) }

    /// The messages that are marked `\Deleted` as far as is known.
    var knownDeleted: [UInt32] { rows.deletedUIDs }

    // MARK: Following the store

    mutating func addRecent(from: UID, upTo: UID) {
        // UIDs are taken in rising order; what was taken before is left out.
        let first = max(from.rawValue, recent.last?.upperBound ?? 0)
        guard first < upTo.rawValue else { return }
        if let last = recent.last, last.upperBound == first {
            recent[recent.count - 1] = last.lowerBound..<upTo.rawValue
        } else {
            recent.append(first..<upTo.rawValue)
        }
        // Other sessions took the UIDs between the ranges. A session with too many ranges forgets the oldest.
        if recent.count > SessionLimits.recentRanges { recent.removeFirst(recent.count / 2) }
    }

    /// Takes over what changed in the store, and remembers what the client has to be told.
    mutating func apply(_ changes: MailboxChanges) {
        guard changes.mailbox.selectable else { return markDeleted() }
        setKeywords(changes.mailbox.keywords)
        var next = 0
        for state in changes.changed {
            guard let index = rows.index(of: state.uid.rawValue, near: &next) else { continue }
            if setFlags(state.flags, state.modSeq, at: index) { markChanged(at: index) }
        }
        for state in changes.new { rows.append(state) }
        markGone(at: rows.indexes(of: changes.expunged))
        rows.noteState(of: changes.mailbox)
    }

    /// By ranges, and not one by one: another session may have expunged all of a large mailbox.
    private mutating func markGone(at ranges: [Range<Int>]) {
        guard !ranges.isEmpty else { return }
        if !changed.isEmpty { for index in ranges.joined() { forgetChange(at: index) } }
        let more = ranges.map { uids[$0.lowerBound]...uids[$0.upperBound - 1] }
        gone = UIDSet(ranges: gone.ranges + more)
        goneCount = rows.indexes(of: gone).reduce(0) { $0 + $1.count }
    }

    /// Whether messages are shown that are not there any more.
    func isLarger(than record: MailboxRecord) -> Bool { !isDeleted && count - goneCount > Int(record.messages) }

    /// Of the messages in a range of UIDs, only these are there.
    ///
    /// - Parameter end: nil where the range has no end.
    mutating func keep(_ states: [MessageState], from start: UID, below end: UID?) {
        var next = 0
        let range = lowerBound(of: start.rawValue)..<(end.map { lowerBound(of: $0.rawValue) } ?? count)
        var missing: [Range<Int>] = []
        for index in range {
            while next < states.count, states[next].uid.rawValue < uids[index] { next += 1 }
            guard next == states.count || states[next].uid.rawValue != uids[index] else { continue }
            if let last = missing.last, last.upperBound == index {
                missing[missing.count - 1] = last.lowerBound..<index + 1
            } else {
                missing.append(index..<index + 1)
            }
        }
        markGone(at: missing)
    }

    mutating func markDeleted() {
        isDeleted = true
        gone = UIDSet(ranges: [1...UInt32.max])
        goneCount = count
        changed = []
    }

    /// - Returns: whether anything is different now.
    @discardableResult
    mutating func setFlags(_ flags: MessageFlags, _ modSeq: ModSeq, at index: Int) -> Bool {
        rows.setFlags(flags, modSeq, at: index)
    }

    // MARK: What the client knows

    mutating func markChanged(at index: Int) { changed.insert(uids[index]) }

    /// Whether only the MODSEQ is news: the message is there, and its flags are not told anyway.
    func isOnlyModSeqNews(at index: Int) -> Bool { !isGone(uids[index]) && !isChanged(at: index) }

    private func isChanged(at index: Int) -> Bool { !changed.isEmpty && changed.contains(uids[index]) }

    mutating func forgetChange(at index: Int) {
        if !changed.isEmpty { changed.remove(uids[index]) }
    }

    /// The changes to be told, as rising indexes; they count as told.
    mutating func takeChanged() -> [Int] {
        let uids = changed.sorted()
        changed = []
        var next = 0
        return uids.compactMap { rows.index(of: $0, near: &next) }
    }

    /// Removes what is gone.
    ///
    /// - Returns: the sequence numbers, highest first, so that each is right when it is told.
    mutating func takeGone() -> [UInt32] {
        guard !gone.isEmpty else { return [] }
        let indexes = rows.indexes(of: gone)
        gone = UIDSet()
        goneCount = 0
        rows.remove(indexes)
        // The client does not know of messages beyond those it was told.
        let known = indexes.flatMap { $0.clamped(to: 0..<toldCount) }
        toldCount -= known.count
        return known.reversed().map { UInt32($0 + 1) }
    }
}

extension SystemFlags {
    /// The flags as a client names them.
    var names: [Flag] { Self.lists[Int(rawValue) & (Self.lists.count - 1)] }

    /// The names of all sets of flags: a FETCH of a mailbox's flags would make a list for each message.
    private static let lists: [[Flag]] = (0..<32).map { bits in
        let flags = SystemFlags(rawValue: UInt8(bits))
        var names: [Flag] = []
        if flags.contains(.answered) { names.append(.answered) }
        if flags.contains(.flagged) { names.append(.flagged) }
        if flags.contains(.deleted) { names.append(.deleted) }
        if flags.contains(.seen) { names.append(.seen) }
        if flags.contains(.draft) { names.append(.draft) }
        return names
    }
}

extension MailCommand {
    /// The mailbox whose messages the command changes or takes away; nil for a command that only adds some, and for
    /// one that is about no message.
    var sourceMailbox: MailboxID? {
        switch self {
        case .storeFlags(let mailbox, _, _, _, _), .expunge(let mailbox, _), .remove(let mailbox, _),
            .move(let mailbox, _, _):
            mailbox
        case .createAccount, .setAccountState, .deleteAccount, .setCredential, .setQuota, .createMailbox,
            .deleteMailbox, .renameMailbox, .setSubscribed, .deliver, .append, .copy, .uploadChunk, .purgeExpunged,
            .purgeRequests, .purgeDeliveries, .purgeUploads, .purgeRemnant, .directory:
            nil
        }
    }
}

extension FlagNames {
    /// The flags that a client named, without `\Recent`, which clients cannot set.
    init(_ flags: [Flag]) {
        self.init()
        for flag in flags {
            switch flag {
            case .seen: system.insert(.seen)
            case .answered: system.insert(.answered)
            case .flagged: system.insert(.flagged)
            case .deleted: system.insert(.deleted)
            case .draft: system.insert(.draft)
            case .recent: break
            case .keyword(let keyword): keywords.append(keyword.name)
            }
        }
    }
}
