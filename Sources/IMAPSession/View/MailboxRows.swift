internal import IMAPSyntax
public import MailModel

/// The messages of a mailbox as they were at one MODSEQ: their UIDs, flags and MODSEQs.
///
/// Thirteen bytes per message, in arrays that sessions share: a SELECT takes over the rows that an earlier one left,
/// and a session whose view changes gets pieces of its own for what is different.
public struct MailboxRows: Hashable, Sendable {
    /// The mailbox.
    public let id: MailboxID
    /// Where the mailbox's messages were kept: INBOX gets another place when it is renamed.
    let contents: ContentsID
    let uidValidity: UInt32
    /// UIDs below this one are in the rows, or gone.
    private(set) var uidNext: UInt32 = 1
    /// The rows show what the mailbox was at this MODSEQ.
    public private(set) var modSeq: ModSeq

    /// The UIDs of the messages, rising. The n-th has the sequence number n + 1.
    private(set) var uids = ChunkedArray<UInt32>()
    private var system = ChunkedArray<UInt8>()
    /// The keywords with numbers below 64, a bit each. Empty until a message has a keyword.
    private var keywordBits = ChunkedArray<UInt64>()
    /// By UID: the keywords with higher numbers, for the few messages that have such.
    private var highKeywords: [UInt32: [UInt64]] = [:]
    private(set) var modSeqs = ChunkedArray<UInt64>()
    /// The mailbox's keywords by number; nil for a number that is free.
    private(set) var numberedKeywords: [Flag?] = []
    /// How many messages are not `\Seen`.
    private(set) var unseen = 0
    /// How many messages are `\Deleted`.
    private(set) var deleted = 0
    /// All messages with a lower index are `\Seen`.
    private var seenEnd = 0

    /// The rows of a mailbox of which no message is known yet.
    init(_ record: MailboxRecord) {
        id = record.id
        contents = record.contents
        uidValidity = record.uidValidity
        modSeq = record.highestModSeq
        setKeywords(record.keywords)
    }

    var count: Int { uids.count }

    /// What the rows hold in memory, about, in bytes.
    public var heldBytes: Int {
        let arrays = 4 * uids.capacity + system.capacity + 8 * modSeqs.capacity + 8 * keywordBits.capacity
        return 512 + arrays + 64 * highKeywords.count + 64 * numberedKeywords.count
    }

    // MARK: What the rows are of

    /// Whether what changed since can lead from these rows to the mailbox as it is now. Where much has changed, to read
    /// the mailbox page by page takes no longer, and no answer is larger than a page.
    func mayLead(to record: MailboxRecord) -> Bool {
        guard id == record.id, contents == record.contents, uidValidity == record.uidValidity,
            modSeq <= record.highestModSeq, uidNext <= record.uidNext.rawValue
        else { return false }
        let limit = UInt64(SessionLimits.messagesPerPage)
        return record.highestModSeq.rawValue - modSeq.rawValue <= limit
            && UInt64(record.uidNext.rawValue - uidNext) <= limit
    }

    /// Whether the rows are the mailbox as it is now: as new, and with as many messages of each kind. The numbers show
    /// what the store has forgotten: which messages were expunged long ago.
    func areWhole(of record: MailboxRecord) -> Bool {
        contents == record.contents && modSeq == record.highestModSeq && uidNext == record.uidNext.rawValue
            && count == Int(record.messages) && unseen == Int(record.unseen) && deleted == Int(record.deleted)
    }

    // MARK: Keywords

    /// Takes over the mailbox's keywords by number. A number may have got another name: a message that has it in these
    /// rows lost the old keyword, or was expunged, before. The changes that come with the names say so of all messages
    /// but those of whose expunge a client was not told yet, and these must not show the new name.
    ///
    /// - Returns: whether there are keywords that were not known before.
    @discardableResult
    mutating func setKeywords(_ names: [String]) -> Bool {
        let isSame = names.count == numberedKeywords.count
        guard !isSame || zip(names, numberedKeywords).contains(where: { $0 != $1?.description ?? "" }) else {
            return false
        }
        let old = numberedKeywords
        numberedKeywords = names.map { $0.isEmpty ? nil : .keyword(Keyword($0) ?? Self.unnamedKeyword) }
        let known = Set(old)
        let changed = old.indices.filter { old[$0] != nil && ($0 >= names.count || numberedKeywords[$0] != old[$0]) }
        forget(KeywordSet(changed))
        return numberedKeywords.contains { !known.contains($0) && $0 != nil }
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
        while keywordBits.count < uids.count { keywordBits.append(0) }
        keywordBits[index] = keywords.low
        if !keywords.high.isEmpty || !highKeywords.isEmpty {
            highKeywords[uids[index]] = keywords.high.isEmpty ? nil : keywords.high
        }
    }

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

    /// The index of a message that is looked for at one place first, behind which the next one is to be looked for: the
    /// store tells changes in the order of their UIDs.
    func index(of uid: UInt32, near next: inout Int) -> Int? {
        if next >= uids.count || uids[next] != uid {
            guard let index = index(of: uid) else { return nil }
            next = index
        }
        defer { next += 1 }
        return next
    }

    /// The indexes of the messages of a set that are there, as rising ranges that are not empty.
    func indexes(of set: UIDSet) -> [Range<Int>] {
        set.ranges.compactMap { range in
            let first = lowerBound(of: range.lowerBound)
            let end = range.upperBound == .max ? uids.count : lowerBound(of: range.upperBound + 1)
            return first < end ? first..<end : nil
        }
    }

    /// The UIDs of the messages that are marked `\Deleted`.
    var deletedUIDs: [UInt32] {
        guard deleted > 0 else { return [] }
        return system.indices.filter { system[$0] & SystemFlags.deleted.rawValue != 0 }.map { uids[$0] }
    }

    /// The index of the first message that is not `\Seen`. Where it was is remembered, also by who shares these rows.
    mutating func findFirstUnseen() -> Int? {
        guard unseen > 0 else { return nil }
        while seenEnd < system.count, system[seenEnd] & SystemFlags.seen.rawValue != 0 { seenEnd += 1 }
        return seenEnd < system.count ? seenEnd : nil
    }

    // MARK: Following the store

    /// Adds a message behind all others.
    mutating func append(_ state: MessageState) {
        guard uids.last.map({ state.uid.rawValue > $0 }) ?? true else { return }
        uids.append(state.uid.rawValue)
        system.append(state.flags.system.rawValue)
        modSeqs.append(state.modSeq.rawValue)
        setKeywordSet(state.flags.keywords, at: uids.count - 1)
        count(state.flags.system.rawValue, 1)
    }

    /// - Returns: whether anything is different now.
    @discardableResult
    mutating func setFlags(_ flags: MessageFlags, _ modSeq: ModSeq, at index: Int) -> Bool {
        guard self.flags(at: index) != flags || modSeqs[index] != modSeq.rawValue else { return false }
        count(system[index], -1)
        count(flags.system.rawValue, 1)
        if !flags.system.contains(.seen) { seenEnd = min(seenEnd, index) }
        system[index] = flags.system.rawValue
        modSeqs[index] = modSeq.rawValue
        setKeywordSet(flags.keywords, at: index)
        return true
    }

    private mutating func count(_ system: UInt8, _ more: Int) {
        if system & SystemFlags.seen.rawValue == 0 { unseen += more }
        if system & SystemFlags.deleted.rawValue != 0 { deleted += more }
    }

    /// Notes what the rows show now.
    mutating func noteState(of record: MailboxRecord) {
        modSeq = max(modSeq, record.highestModSeq)
        uidNext = max(uidNext, record.uidNext.rawValue)
    }

    /// Takes over what changed in the store, with nobody to be told.
    mutating func apply(_ changes: MailboxChanges) {
        setKeywords(changes.mailbox.keywords)
        var next = 0
        for state in changes.changed {
            guard let index = index(of: state.uid.rawValue, near: &next) else { continue }
            setFlags(state.flags, state.modSeq, at: index)
        }
        for state in changes.new { append(state) }
        remove(indexes(of: changes.expunged))
        noteState(of: changes.mailbox)
    }

    /// Removes the messages with these indexes, which are rising ranges.
    mutating func remove(_ gone: [Range<Int>]) {
        guard var kept = gone.first?.lowerBound else { return }
        seenEnd -= gone.reduce(0) { $0 + $1.clamped(to: 0..<seenEnd).count }
        for (number, range) in gone.enumerated() {
            for index in range {
                count(system[index], -1)
                if !highKeywords.isEmpty { highKeywords[uids[index]] = nil }
            }
            let end = number + 1 < gone.count ? gone[number + 1].lowerBound : uids.count
            for index in range.upperBound..<end {
                uids[kept] = uids[index]
                system[kept] = system[index]
                modSeqs[kept] = modSeqs[index]
                if !keywordBits.isEmpty { keywordBits[kept] = keywordBits[index] }
                kept += 1
            }
        }
        uids.truncate(to: kept)
        system.truncate(to: kept)
        modSeqs.truncate(to: kept)
        if !keywordBits.isEmpty { keywordBits.truncate(to: kept) }
    }
}
