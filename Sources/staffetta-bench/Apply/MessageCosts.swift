internal import MailModel

/// Commands on the messages of a large mailbox, each of which has all keywords that there can be.
struct MessageCosts {
    let rig: ApplyRig

    func run(_ count: Int) throws {
        let anna = try rig.createAccount("anna")
        let inbox = try rig.mailbox(.inbox, of: anna).id
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
        rig.time = Timestamp(milliseconds: rig.time.rawValue + MailLimits.expungedRetentionMilliseconds + 1)
        try rig.settle()
        try rig.measureHousekeeping("purge of expunged messages") { due in
            if case .purgeExpunged = due { true } else { false }
        }
        try measureLargeMailbox(anna)
    }

    /// The target has the same keywords under other numbers.
    private func fill(_ account: AccountID, inbox: MailboxID, target: MailboxName, count: Int) throws {
        try rig.apply(.createMailbox(target, specialUse: nil), of: account)
        try rig.append(1, to: target, of: account)
        let other = try rig.mailbox(target, of: account).id
        try rig.append(count, to: .inbox, of: account)
        let step = MailLimits.keywordsPerCommand
        let reversed = Array(keywords(0..<MailLimits.keywordsPerMailbox).reversed())
        for first in stride(from: 0, to: MailLimits.keywordsPerMailbox, by: step) {
            let names = keywords(first..<first + step)
            for piece in 0..<count / MailLimits.messagesPerStore {
                try rig.apply(
                    store(
                        in: inbox,
                        uids: row(piece, of: MailLimits.messagesPerStore),
                        operation: .add,
                        keywords: names
                    ),
                    of: account
                )
            }
            try rig.apply(
                store(in: other, uids: row(0, of: 1), operation: .add, keywords: Array(reversed[first..<first + step])),
                of: account
            )
        }
        try rig.settle()
    }

    private func measureStores(_ account: AccountID, in mailbox: MailboxID, uids: Range<UInt32>) throws {
        let step = MailLimits.messagesPerStore
        let pieces = uids.count / step
        let scattered = Scattered(uids: uids)
        try rig.measure("STORE +FLAGS \\Flagged, \(step) in a row", pieces) { number in
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
        try rig.measure("STORE +FLAGS \\Seen, \(step) scattered", pieces) { number in
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
        try rig.measure("STORE FLAGS, 512 keywords to 256, \(step) scattered", pieces / 2) { number in
            (account, store(in: mailbox, uids: scattered.piece(number, of: step), operation: .replace, keywords: some))
        }
        try rig.measure("STORE FLAGS, 512 keywords to none, \(step) scattered", pieces - pieces / 2) { number in
            (account, store(in: mailbox, uids: scattered.piece(pieces / 2 + number, of: step), operation: .replace))
        }
    }

    private func measureExpunges(_ account: AccountID, in mailbox: MailboxID, uids: Range<UInt32>) throws {
        let step = MailLimits.messagesPerStore
        for piece in 0..<uids.count / step {
            let set = row(piece, of: step, from: uids.lowerBound)
            try rig.apply(store(in: mailbox, uids: set, operation: .add, keywords: [], system: .deleted), of: account)
        }
        try rig.settle()
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
        try rig.measure("\(verb), 512 keywords, \(step) in a row", pieces) { number in
            command(row(number, of: step, from: middle))
        }
        let scattered = Scattered(uids: uids.lowerBound..<middle)
        try rig.measure("\(verb), 512 keywords, \(step) scattered", pieces) { number in
            command(scattered.piece(number, of: step))
        }
    }

    /// What takes a mailbox as a whole; one of many entries meets the large one.
    private func measureLargeMailbox(_ anna: AccountID) throws {
        let bert = try rig.createAccount("bert")
        let old = try (0..<30).map { try name("old \($0)") }
        func owner(_ number: Int) -> AccountID { number == 15 ? anna : bert }
        for number in old.indices where owner(number) == bert { try rig.append(1, to: .inbox, of: bert) }
        try rig.settle()
        try rig.measure("RENAME INBOX, one of them large", old.count) { number in
            (owner(number), .renameMailbox(from: .inbox, to: old[number]))
        }
        try rig.measure("DELETE, one of them large", old.count) { number in
            (owner(number), .deleteMailbox(old[number]))
        }
        rig.time = Timestamp(milliseconds: rig.time.rawValue + MailLimits.expungedRetentionMilliseconds + 1)
        try rig.settle()
        try rig.measureHousekeeping("purge of deleted mailboxes") { due in
            if case .purgeRemnant = due { true } else { false }
        }
    }
}
