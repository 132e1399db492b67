internal import MailModel
internal import MailStore

/// Commands on the messages of a large mailbox, each of which has all keywords that there can be.
extension ApplyRig {
    func measureMessages(_ count: Int) throws {
        let anna = try createAccount("anna")
        let inbox = try mailbox(.inbox, of: anna).id
        let target = try name("target")
        try fill(anna, inbox: inbox, target: target, count: count)
        let quarter = UInt32(count / 4)
        func part(_ number: UInt32) -> Range<UInt32> { 1 + number * quarter..<1 + (number + 1) * quarter }
        try measureStores(anna, in: inbox, uids: part(0))
        try measureExpunges(anna, in: inbox, uids: part(1))
        try measureTransfers(of: part(2), step: MailLimits.messagesPerCopy, verb: "COPY") { uids in
            (anna, .copy(inbox, uids, to: target))
        }
        try measureTransfers(of: part(3), step: MailLimits.messagesPerMove, verb: "MOVE") { uids in
            (anna, .move(inbox, uids, to: target))
        }
        time = Timestamp(milliseconds: time.rawValue + MailLimits.expungedRetentionMilliseconds + 1)
        try settle()
        try measureHousekeeping("purge of expunged messages") { due in
            if case .purgeExpunged = due { true } else { false }
        }
        try measureLargeMailbox(anna)
    }

    /// The target has the same keywords under other numbers.
    private func fill(_ account: AccountID, inbox: MailboxID, target: MailboxName, count: Int) throws {
        try apply(.createMailbox(target, specialUse: nil), of: account)
        try append(1, to: target, of: account)
        let other = try mailbox(target, of: account).id
        try append(count, to: .inbox, of: account)
        let step = MailLimits.keywordsPerCommand
        let reversed = Array(keywords(0..<MailLimits.keywordsPerMailbox).reversed())
        for first in stride(from: 0, to: MailLimits.keywordsPerMailbox, by: step) {
            let names = keywords(first..<first + step)
            for piece in 0..<count / MailLimits.messagesPerStore {
                try apply(
                    store(
                        in: inbox,
                        uids: row(piece, of: MailLimits.messagesPerStore),
                        operation: .add,
                        keywords: names
                    ),
                    of: account
                )
            }
            try apply(
                store(in: other, uids: row(0, of: 1), operation: .add, keywords: Array(reversed[first..<first + step])),
                of: account
            )
        }
        try settle()
    }

    func store(
        in mailbox: MailboxID,
        uids: UIDSet,
        operation: FlagOperation,
        keywords: [String] = [],
        system: SystemFlags = []
    ) -> MailCommand {
        let flags = FlagNames(system: system, keywords: keywords)
        return .storeFlags(mailbox, uids, operation, flags, unchangedSince: nil)
    }

    private func measureStores(_ account: AccountID, in mailbox: MailboxID, uids: Range<UInt32>) throws {
        let step = MailLimits.messagesPerStore
        let pieces = uids.count / step
        let scattered = Scattered(uids: uids)
        try measure("STORE +FLAGS \\Flagged, \(step) in a row", pieces) { number in
            (
                account,
                store(
                    in: mailbox,
                    uids: row(number, of: step, from: uids.lowerBound),
                    operation: .add,
                    keywords: [],
                    system: .flagged
                )
            )
        }
        try measure("STORE +FLAGS \\Seen, \(step) scattered", pieces) { number in
            (
                account,
                store(
                    in: mailbox,
                    uids: scattered.piece(number, of: step),
                    operation: .add,
                    keywords: [],
                    system: .seen
                )
            )
        }
        let some = keywords(0..<MailLimits.keywordsPerCommand)
        try measure("STORE FLAGS, 512 keywords to 256, \(step) scattered", pieces / 2) { number in
            (account, store(in: mailbox, uids: scattered.piece(number, of: step), operation: .replace, keywords: some))
        }
        try measure("STORE FLAGS, 512 keywords to none, \(step) scattered", pieces - pieces / 2) { number in
            (account, store(in: mailbox, uids: scattered.piece(pieces / 2 + number, of: step), operation: .replace))
        }
    }

    private func measureExpunges(_ account: AccountID, in mailbox: MailboxID, uids: Range<UInt32>) throws {
        let step = MailLimits.messagesPerStore
        for piece in 0..<uids.count / step {
            let set = row(piece, of: step, from: uids.lowerBound)
            try apply(store(in: mailbox, uids: set, operation: .add, keywords: [], system: .deleted), of: account)
        }
        try settle()
        try measureTransfers(of: uids, step: MailLimits.messagesPerExpunge, verb: "EXPUNGE") { uids in
            (account, .expunge(mailbox, uids))
        }
    }

    private func measureTransfers(
        of uids: Range<UInt32>,
        step: Int,
        verb: String,
        _ command: (UIDSet) -> (AccountID, MailCommand)
    ) throws {
        let middle = uids.lowerBound + UInt32(uids.count / 2)
        let pieces = min(100, uids.count / 2 / step)
        try measure("\(verb), 512 keywords, \(step) in a row", pieces) { number in
            command(row(number, of: step, from: middle))
        }
        let scattered = Scattered(uids: uids.lowerBound..<middle)
        try measure("\(verb), 512 keywords, \(step) scattered", pieces) { number in
            command(scattered.piece(number, of: step))
        }
    }

    /// What takes a mailbox as a whole; one of many entries meets the large one.
    private func measureLargeMailbox(_ anna: AccountID) throws {
        let bert = try createAccount("bert")
        let old = try (0..<30).map { try name("old \($0)") }
        func owner(_ number: Int) -> AccountID { number == 15 ? anna : bert }
        for number in old.indices where owner(number) == bert { try append(1, to: .inbox, of: bert) }
        try settle()
        try measure("RENAME INBOX, one of them large", old.count) { number in
            (owner(number), .renameMailbox(from: .inbox, to: old[number]))
        }
        try measure("DELETE, one of them large", old.count) { number in
            (owner(number), .deleteMailbox(old[number]))
        }
        time = Timestamp(milliseconds: time.rawValue + MailLimits.expungedRetentionMilliseconds + 1)
        try settle()
        try measureHousekeeping("purge of deleted mailboxes") { due in
            if case .purgeRemnant = due { true } else { false }
        }
    }

    /// Has the leader's housekeeping propose one kind of entry until nothing of it is due.
    func measureHousekeeping(
        _ name: String,
        atMost count: Int = 5_000,
        _ isWanted: (MailCommand) -> Bool
    ) throws {
        try measure(name, count) { _ in
            try reader.housekeepingDue(in: group, HousekeepingTimes(now: time)).commands.first { isWanted($0.command) }
        }
    }

    // MARK: Keywords

    /// As many keywords as there can be, of which all give their numbers to others.
    func measureKeywords() throws {
        let anna = try createAccount("anna")
        let count = MailLimits.messagesPerStore
        try append(count, to: .inbox, of: anna)
        let inbox = try mailbox(.inbox, of: anna).id
        let all = row(0, of: count)
        let limit = MailLimits.keywordsPerMailbox
        let step = MailLimits.keywordsPerCommand
        var next = 0
        func fresh() -> [String] {
            next += step
            return keywords(next..<next + step)
        }
        func refill() throws {
            try apply(store(in: inbox, uids: all, operation: .replace), of: anna)
            for _ in stride(from: 0, to: limit, by: step) {
                try apply(store(in: inbox, uids: all, operation: .add, keywords: fresh()), of: anna)
            }
        }
        try measure("STORE +FLAGS, 256 new keywords, \(count)", 40) { _ in
            try refill()
            try apply(
                store(in: inbox, uids: all, operation: .replace, keywords: keywords(next..<next + step)),
                of: anna
            )
            return (anna, store(in: inbox, uids: all, operation: .add, keywords: fresh()))
        }
        try measure("STORE FLAGS, 512 keywords to 256 new ones, no room, \(count)", 40) { _ in
            try refill()
            return (anna, store(in: inbox, uids: all, operation: .replace, keywords: fresh()))
        }
        try refill()
        try measure("APPEND with 256 of 512 keywords", 200) { _ in
            let flags = FlagNames(keywords: keywords(next..<next + step))
            return (anna, .append(message(flags), to: .inbox))
        }
        try measure("APPEND with 256 new keywords, no room", 200) { _ in
            (anna, .append(message(FlagNames(keywords: fresh())), to: .inbox))
        }
        let other = try name("other")
        try apply(.createMailbox(other, specialUse: nil), of: anna)
        try append(1, to: other, of: anna)
        let otherID = try mailbox(other, of: anna).id
        for first in stride(from: 0, to: limit, by: step) {
            try apply(
                store(in: otherID, uids: row(0, of: 1), operation: .add, keywords: keywords(first..<first + step, "o")),
                of: anna
            )
        }
        try measure("COPY, 512 keywords, no room in the target", 40) { number in
            (anna, .copy(inbox, row(number % 3, of: MailLimits.messagesPerCopy), to: other))
        }
    }
}
