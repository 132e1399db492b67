internal import IMAPSyntax
internal import MailModel

/// The selected mailbox as the client knows it: which UID each sequence number means, with flags and MODSEQ.
///
/// A message that the store has expunged stays until the client is told, so that sequence numbers keep their meaning
/// (RFC 3501, section 7.4.1). Thirteen bytes per message.
struct MailboxView {
    let id: MailboxID
    let isReadOnly: Bool
    let uidValidity: UInt32
    /// UIDs below this one are in the view, or gone.
    var uidNext: UInt32
    /// The view shows what the mailbox was at this MODSEQ.
    var modSeq: ModSeq

    /// The UIDs of the messages, rising. The n-th has the sequence number n + 1.
    private(set) var uids: [UInt32] = []
    private var system: [UInt8] = []
    /// The keywords with numbers below 64, a bit each. Empty until a message has a keyword.
    private var keywordBits: [UInt64] = []
    /// By UID: the keywords with higher numbers, for the few messages that have such.
    private var highKeywords: [UInt32: [UInt64]] = [:]
    private(set) var modSeqs: [UInt64] = []
    /// The mailbox's keywords by number; nil for a number that is free.
    private(set) var numberedKeywords: [Flag?] = []

    /// UIDs that are `\Recent` in this session, as rising ranges that do not touch.
    private(set) var recent: [Range<UInt32>] = []
    /// UIDs of messages that were expunged and whose client was not told yet.
    private(set) var gone: Set<UInt32> = []
    /// Whether the client has to be told of a message's flags, by index. Empty until one has changed.
    private var changed: [Bool] = []
    /// How many messages the client knows of.
    var toldCount = 0
    /// There are keywords that the client was not told of.
    var hasUntoldKeywords = false
    var toldRecent = 0
    /// The mailbox does not exist any more.
    private(set) var isDeleted = false

    init(_ record: MailboxRecord, isReadOnly: Bool) {
        id = record.id
        self.isReadOnly = isReadOnly
        uidValidity = record.uidValidity
        uidNext = 1
        modSeq = record.highestModSeq
        setKeywords(record.keywords)
    }

    var count: Int { uids.count }
    var lastUID: UInt32? { uids.last }

    /// The mailbox's keywords.
    var keywords: [Flag] { numberedKeywords.compactMap { $0 } }

    /// Takes over the mailbox's keywords by number. A number may have got another name: a message that has it in this
    /// view lost the old keyword, or was expunged, before. The changes that come with the names say so of all messages
    /// but those of whose expunge the client was not told yet, and these must not show the new name.
    mutating func setKeywords(_ names: [String]) {
        let isSame = names.count == numberedKeywords.count
        guard !isSame || zip(names, numberedKeywords).contains(where: { $0 != $1?.description ?? "" }) else { return }
        let old = numberedKeywords
        numberedKeywords = names.map { $0.isEmpty ? nil : .keyword(Keyword($0) ?? Self.unnamedKeyword) }
        let known = Set(old)
        if numberedKeywords.contains(where: { !known.contains($0) && $0 != nil }) { hasUntoldKeywords = true }
        let changed = old.indices.filter { old[$0] != nil && ($0 >= names.count || numberedKeywords[$0] != old[$0]) }
        forget(KeywordSet(changed))
    }

    private mutating func forget(_ keywords: KeywordSet) {
        guard !keywords.isEmpty, !keywordBits.isEmpty else { return }
        for index in keywordBits.indices { keywordBits[index] &= ~keywords.low }
        guard !keywords.high.isEmpty else { return }
        for (uid, words) in highKeywords {
            let rest = KeywordSet(low: 0, high: words).subtracting(keywords).high
            highKeywords[uid] = rest.isEmpty ? nil : rest
        }
    }

    /// Stands for a stored name that is not an atom, which this server never stores.
    private static let unnamedKeyword: Keyword = {
        guard let keyword = Keyword("$Unnamed") else { preconditionFailure("an atom") }
        return keyword
    }()

    // MARK: Looking up

    func flags(at index: Int) -> MessageFlags {
        MessageFlags(
            system: SystemFlags(rawValue: system[index]),
            keywords: keywordBits.isEmpty ? KeywordSet() : keywordSet(at: index)
        )
    }

    private func keywordSet(at index: Int) -> KeywordSet {
        let high = highKeywords.isEmpty ? nil : highKeywords[uids[index]]
        return KeywordSet(low: keywordBits[index], high: high ?? [])
    }

    private mutating func setKeywordSet(_ keywords: KeywordSet, at index: Int) {
        guard !keywords.isEmpty || !keywordBits.isEmpty else { return }
        if keywordBits.count < uids.count {
            keywordBits += [UInt64](repeating: 0, count: uids.count - keywordBits.count)
        }
        keywordBits[index] = keywords.low
        if !keywords.high.isEmpty || !highKeywords.isEmpty {
            highKeywords[uids[index]] = keywords.high.isEmpty ? nil : keywords.high
        }
    }

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

    func isGone(_ uid: UInt32) -> Bool { gone.contains(uid) }

    /// A message's flags as a client reads them.
    func flagList(at index: Int) -> [Flag] {
        let flags = flags(at: index)
        var list = flags.system.names
        if isRecent(uids[index]) { list.append(.recent) }
        guard !flags.keywords.isEmpty else { return list }
        for number in flags.keywords.numbers where number < numberedKeywords.count {
            if let keyword = numberedKeywords[number] { list.append(keyword) }
        }
        return list
    }

    /// The number of a keyword; nil when no message has it.
    func number(of keyword: Keyword) -> Int? { numberedKeywords.firstIndex(of: .keyword(keyword)) }

    /// The first index whose UID is not below.
    func lowerBound(of uid: UInt32) -> Int {
        var low = 0
        var high = uids.count
        while low < high {
            let middle = (low + high) / 2
            if uids[middle] < uid { low = middle + 1 } else { high = middle }
        }
        return low
    }

    func index(of uid: UInt32) -> Int? {
        let index = lowerBound(of: uid)
        return index < uids.count && uids[index] == uid ? index : nil
    }

    /// The sequence number of the first message that is not seen.
    var firstUnseen: UInt32? {
        system.firstIndex { $0 & SystemFlags.seen.rawValue == 0 }.map { UInt32($0 + 1) }
    }

    /// How many messages are marked `\Deleted` as far as is known.
    var knownDeleted: [UInt32] {
        system.indices.filter { system[$0] & SystemFlags.deleted.rawValue != 0 }.map { uids[$0] }
    }

    // MARK: Following the store

    /// Adds a message behind all others.
    mutating func append(_ state: MessageState) {
        guard lastUID.map({ state.uid.rawValue > $0 }) ?? true else { return }
        uids.append(state.uid.rawValue)
        system.append(state.flags.system.rawValue)
        modSeqs.append(state.modSeq.rawValue)
        setKeywordSet(state.flags.keywords, at: uids.count - 1)
    }

    mutating func addRecent(from: UID, upTo: UID) {
        // The store claims in rising order; what an answer repeats is left out.
        let first = max(from.rawValue, recent.last?.upperBound ?? 0)
        guard first < upTo.rawValue else { return }
        if let last = recent.last, last.upperBound == first {
            recent[recent.count - 1] = last.lowerBound..<upTo.rawValue
        } else {
            recent.append(first..<upTo.rawValue)
        }
        // Other sessions claimed the UIDs between the ranges. A session with too many ranges forgets the oldest.
        if recent.count > SessionLimits.recentRanges { recent.removeFirst(recent.count / 2) }
    }

    /// Takes over what changed in the store, and remembers what the client has to be told.
    mutating func apply(_ changes: MailboxChanges) {
        guard changes.mailbox.selectable else { return markDeleted() }
        setKeywords(changes.mailbox.keywords)
        var next = 0
        for state in changes.changed { update(state, &next) }
        for state in changes.new { append(state) }
        for range in changes.expunged.ranges {
            for index in lowerBound(
                of: range.lowerBound
            )..<max(
                lowerBound(of: range.lowerBound),
                range.upperBound == .max ? uids.count : lowerBound(of: range.upperBound + 1)
            ) {
                gone.insert(uids[index])
                forgetChange(at: index)
            }
        }
        modSeq = max(modSeq, changes.mailbox.highestModSeq)
        uidNext = max(uidNext, changes.mailbox.uidNext.rawValue)
    }

    /// Whether messages are shown that are not there any more.
    func isLarger(than record: MailboxRecord) -> Bool { !isDeleted && uids.count - gone.count > Int(record.messages) }

    /// Of the messages in a range of UIDs, only these are there.
    ///
    /// - Parameter end: nil where the range has no end.
    mutating func keep(_ states: [MessageState], from start: UID, below end: UID?) {
        var next = 0
        let range = lowerBound(of: start.rawValue)..<(end.map { lowerBound(of: $0.rawValue) } ?? uids.count)
        for index in range {
            while next < states.count, states[next].uid.rawValue < uids[index] { next += 1 }
            guard next == states.count || states[next].uid.rawValue != uids[index] else { continue }
            gone.insert(uids[index])
            forgetChange(at: index)
        }
    }

    mutating func markDeleted() {
        isDeleted = true
        gone = Set(uids)
        changed = []
    }

    /// - Parameter next: where the message is looked for first: the store tells changes in the order of their UIDs.
    private mutating func update(_ state: MessageState, _ next: inout Int) {
        let uid = state.uid.rawValue
        if next >= uids.count || uids[next] != uid {
            guard let index = index(of: uid) else { return }
            next = index
        }
        if setFlags(state.flags, state.modSeq, at: next) { markChanged(at: next) }
        next += 1
    }

    /// - Returns: whether anything is different now.
    @discardableResult
    mutating func setFlags(_ flags: MessageFlags, _ modSeq: ModSeq, at index: Int) -> Bool {
        guard self.flags(at: index) != flags || modSeqs[index] != modSeq.rawValue else { return false }
        system[index] = flags.system.rawValue
        modSeqs[index] = modSeq.rawValue
        setKeywordSet(flags.keywords, at: index)
        return true
    }

    // MARK: What the client knows

    mutating func markChanged(at index: Int) {
        // Messages may have come since the table was made.
        if changed.count < uids.count {
            changed += [Bool](repeating: false, count: uids.count - changed.count)
        }
        changed[index] = true
    }

    /// Whether only the MODSEQ is news: the message is there, and its flags are not told anyway.
    func isOnlyModSeqNews(at index: Int) -> Bool { !isGone(uids[index]) && !isChanged(at: index) }

    private func isChanged(at index: Int) -> Bool { index < changed.count && changed[index] }

    mutating func forgetChange(at index: Int) {
        if index < changed.count { changed[index] = false }
    }

    /// The changes to be told, as rising indexes; they count as told.
    mutating func takeChanged() -> [Int] {
        defer { changed = [] }
        return changed.indices.filter { changed[$0] }
    }

    /// Removes what is gone.
    ///
    /// - Returns: the sequence numbers, highest first, so that each is right when it is told.
    mutating func takeGone() -> [UInt32] {
        guard !gone.isEmpty else { return [] }
        var numbers: [UInt32] = []
        var kept = 0
        for index in uids.indices {
            if gone.contains(uids[index]) {
                numbers.append(UInt32(index + 1))
                continue
            }
            uids[kept] = uids[index]
            system[kept] = system[index]
            modSeqs[kept] = modSeqs[index]
            if kept < changed.count { changed[kept] = isChanged(at: index) }
            if !keywordBits.isEmpty { keywordBits[kept] = keywordBits[index] }
            kept += 1
        }
        uids.removeSubrange(kept...)
        system.removeSubrange(kept...)
        modSeqs.removeSubrange(kept...)
        changed.removeLast(max(0, changed.count - kept))
        if !keywordBits.isEmpty { keywordBits.removeSubrange(kept...) }
        if !highKeywords.isEmpty { for uid in gone { highKeywords[uid] = nil } }
        gone.removeAll(keepingCapacity: false)
        numbers.reverse()
        // The client does not know of messages beyond those it was told.
        let known = numbers.filter { $0 <= toldCount }
        toldCount -= known.count
        return known
    }
}

extension SystemFlags {
    /// The flags as a client names them.
    var names: [Flag] {
        var names: [Flag] = []
        if contains(.answered) { names.append(.answered) }
        if contains(.flagged) { names.append(.flagged) }
        if contains(.deleted) { names.append(.deleted) }
        if contains(.seen) { names.append(.seen) }
        if contains(.draft) { names.append(.draft) }
        return names
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
