import MailModel
import Testing

@testable import MailStore

/// Names of mailboxes and subscriptions: no row is left of what is gone, and subscriptions belong to names.
@Suite struct NameTests {
    private func name(_ text: String) throws -> MailboxName { try MailboxName(text) }

    /// Mailboxes and subscriptions, in the order of names: `*` is a subscribed mailbox, `-` a subscription alone.
    private func names(_ replica: CountedReplica) throws -> [String] {
        let answer = try replica.reader.answer(.mailboxes, of: replica.account, in: replica.group)
        guard case .mailboxes(let records) = answer else { return [] }
        return records.map { $0.name.text + ($0.selectable ? ($0.subscribed ? "*" : "") : "-") }
    }

    @Test func `what is deleted and no longer subscribed leaves no row`() throws {
        let replica = try CountedReplica()
        for number in 0..<50 {
            let gone = try name("a/b\(number)")
            try replica.apply(.createMailbox(gone, specialUse: nil))
            try replica.apply(.setSubscribed(gone, true))
            #expect(try replica.apply(.deleteMailbox(gone)) == .done)
            #expect(try names(replica).contains("\(gone)-"))
            #expect(try replica.apply(.setSubscribed(gone, false)) == .done)
        }
        try replica.apply(.deleteMailbox(try name("a")))
        #expect(try names(replica) == ["INBOX*"])
        #expect(try replica.rows(.mailboxes) == 1)
        #expect(try replica.rows(.mailboxNames) == 1)
        #expect(try replica.record()?.mailboxCount == 1)
        #expect(try replica.record()?.subscriptionCount == 1)
        try replica.expectSound()
    }

    /// Sessions name mailboxes by ID, and the next command may be in the same batch.
    @Test func `what is gone is gone for the next command`() throws {
        let replica = try CountedReplica()
        let work = try name("work")
        guard case .mailboxCreated(let id, _) = try replica.apply(.createMailbox(work, specialUse: nil)) else {
            throw Refusal.notHere
        }
        let copy = MailCommand.copy(id, UIDSet([UID(1)]), to: .inbox)
        #expect(try replica.apply(.deleteMailbox(work), inOneBatch: true) == .done)
        #expect(try replica.apply(copy, inOneBatch: true) == .refused(.noSuchMailbox))
        #expect(try replica.apply(.expunge(id, UIDSet([UID(1)])), inOneBatch: true) == .refused(.noSuchMailbox))
        try replica.applier.commit()
        try replica.expectSound()
    }

    @Test func `levels above go with the last mailbox below`() throws {
        let replica = try CountedReplica()
        try replica.apply(.createMailbox(try name("a/b/c"), specialUse: nil))
        try replica.apply(.deleteMailbox(try name("a")))
        try replica.apply(.deleteMailbox(try name("a/b")))
        #expect(try names(replica) == ["INBOX*", "a/b/c"])
        // What only the name below tells of can be renamed with it, is no mailbox, and can become one.
        #expect(try replica.apply(.deleteMailbox(try name("a"))) == .refused(.noSuchMailbox))
        #expect(try replica.apply(.renameMailbox(from: try name("a"), to: try name("d"))) == .done)
        #expect(try names(replica) == ["INBOX*", "d/b/c"])
        #expect(try replica.apply(.renameMailbox(from: try name("d"), to: try name("d"))) == .refused(.mailboxExists))
        #expect(try replica.apply(.renameMailbox(from: try name("a"), to: try name("e"))) == .refused(.noSuchMailbox))
        guard case .mailboxCreated = try replica.apply(.createMailbox(try name("d/b"), specialUse: nil)) else {
            throw Refusal.notHere
        }
        // The levels above are made with it.
        #expect(try names(replica) == ["INBOX*", "d", "d/b", "d/b/c"])
        try replica.apply(.deleteMailbox(try name("d/b/c")))
        try replica.apply(.deleteMailbox(try name("d/b")))
        try replica.apply(.deleteMailbox(try name("d")))
        #expect(try replica.rows(.mailboxes) == 1)
        try replica.expectSound()
    }

    @Test func `renaming leaves subscriptions with their names`() throws {
        let replica = try CountedReplica()
        for text in ["from", "from/sub", "from/plain"] {
            try replica.apply(.createMailbox(try name(text), specialUse: nil))
        }
        for text in ["from", "from/sub", "from/none", "to", "to/plain", "far/away"] {
            #expect(try replica.apply(.setSubscribed(try name(text), true)) == .done)
        }
        try replica.append(3, to: try name("from/sub"))
        #expect(try replica.apply(.renameMailbox(from: try name("from"), to: try name("to"))) == .done)
        #expect(
            try names(replica) == [
                "INBOX*", "far/away-", "from-", "from/none-", "from/sub-", "to*", "to/plain*", "to/sub",
            ]
        )
        #expect(try replica.uids(try name("to/sub")) == [1, 2, 3])
        #expect(try replica.apply(.renameMailbox(from: .inbox, to: try name("far/away"))) == .done)
        #expect(try names(replica).prefix(3) == ["INBOX*", "far", "far/away*"])
        try replica.expectSound()
    }

    /// A new name of one may be the old name of another, whatever their order.
    @Test func `a tree moves onto its own names`() throws {
        let replica = try CountedReplica()
        for text in ["a/b", "a/b/b", "a/b/b/q", "a/b/q"] {
            try replica.apply(.createMailbox(try name(text), specialUse: nil))
            try replica.apply(.setSubscribed(try name(text), true))
        }
        try replica.append(1, to: try name("a/b"))
        try replica.append(2, to: try name("a/b/b"))
        try replica.append(3, to: try name("a/b/b/q"))
        try replica.apply(.deleteMailbox(try name("a")))
        #expect(try replica.apply(.renameMailbox(from: try name("a/b"), to: try name("a"))) == .done)
        #expect(try names(replica) == ["INBOX*", "a", "a/b*", "a/b/b-", "a/b/b/q-", "a/b/q*", "a/q"])
        #expect(try replica.uids(try name("a")) == [1])
        #expect(try replica.uids(try name("a/b")) == [1, 2])
        #expect(try replica.uids(try name("a/b/q")) == [1, 2, 3])
        try replica.expectSound()
    }

    @Test func `subscriptions have a limit of their own`() throws {
        let replica = try CountedReplica()
        // INBOX is subscribed.
        for number in 1..<MailLimits.subscriptionsPerAccount {
            guard try replica.apply(.setSubscribed(try name("gone\(number)"), true)) == .done else {
                throw Refusal.tooManySubscriptions
            }
        }
        let one = try name("one more")
        #expect(try replica.apply(.setSubscribed(one, true)) == .refused(.tooManySubscriptions))
        #expect(try replica.apply(.setSubscribed(try name("gone1"), true)) == .done)
        guard case .mailboxCreated = try replica.apply(.createMailbox(one, specialUse: nil)) else {
            throw Refusal.tooManyMailboxes
        }
        #expect(try replica.apply(.renameMailbox(from: one, to: try name("gone2"))) == .done)
        #expect(try replica.mailbox(try name("gone2"))?.subscribed == true)
        try replica.apply(.setSubscribed(try name("gone3"), false))
        #expect(try replica.apply(.setSubscribed(one, true)) == .done)
        try replica.expectSound()
    }
}
