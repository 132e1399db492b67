internal import MailModel

/// Changes of mailboxes, as RFC 3501, sections 6.3.3 to 6.3.6, and the store's rules have them.
extension AccountModel {
    @discardableResult
    mutating func addMailbox(
        _ name: MailboxName,
        _ use: SpecialUse?,
        subscribed: Bool,
        selectable: Bool = true,
        _ time: Timestamp
    ) -> Mailbox {
        let previous = position(name).map { mailboxes.remove(at: $0) }
        uidValidityFloor = max(uidValidityFloor + 1, UInt32(clamping: time.rawValue / 1_000))
        let mailbox = Mailbox(
            id: nextMailboxID,
            name: name,
            specialUse: use,
            isSubscribed: subscribed || previous?.isSubscribed == true,
            isSelectable: selectable,
            uidValidity: uidValidityFloor
        )
        nextMailboxID += 1
        mailboxes.append(mailbox)
        return mailbox
    }

    private mutating func addAncestors(of name: MailboxName, _ time: Timestamp) {
        for ancestor in name.ancestors where !isSelectable(ancestor) {
            addMailbox(ancestor, nil, subscribed: false, time)
        }
    }

    mutating func create(_ name: MailboxName, _ use: SpecialUse?, _ time: Timestamp) throws(Refusal) -> MailOutcome {
        guard !isSelectable(name) else { throw .mailboxExists }
        addAncestors(of: name, time)
        let mailbox = addMailbox(name, use, subscribed: false, time)
        return .mailboxCreated(MailboxID(mailbox.id), uidValidity: mailbox.uidValidity)
    }

    mutating func delete(_ name: MailboxName) throws(Refusal) -> MailOutcome {
        guard !name.isInbox else { throw .badMailboxName }
        guard let position = position(name), mailboxes[position].isSelectable else { throw .noSuchMailbox }
        letGo(position)
        let hasChildren = mailboxes.contains { $0.name.isDescendant(of: name) }
        if hasChildren || mailboxes[position].isSubscribed {
            mailboxes[position].isSelectable = false
            mailboxes[position].specialUse = nil
        } else {
            mailboxes.remove(at: position)
        }
        return .done
    }

    /// Its messages are not in the account any more.
    private mutating func letGo(_ position: Int) {
        guard !mailboxes[position].messages.isEmpty else { return }
        mailboxes[position].empty(into: nextMailboxID)
        nextMailboxID += 1
    }

    mutating func rename(_ from: MailboxName, _ to: MailboxName, _ time: Timestamp) throws(Refusal) -> MailOutcome {
        guard !to.isInbox, from.isInbox || !to.isDescendant(of: from) else { throw .badMailboxName }
        guard let source = position(from), mailboxes[source].isSelectable || !from.isInbox else { throw .noSuchMailbox }
        if let target = position(to), mailboxes[target].isSelectable || from == to { throw .mailboxExists }
        if from.isInbox {
            addAncestors(of: to, time)
            let target = addMailbox(to, nil, subscribed: false, time)
            guard let source = position(from), let position = position(MailboxID(target.id)) else { return .done }
            let inbox = mailboxes[source]
            mailboxes[position].takeMessages(of: inbox)
            mailboxes[source].empty(into: nextMailboxID)
            nextMailboxID += 1
            return .done
        }
        let moved = mailboxes.filter { $0.name == from || $0.name.isDescendant(of: from) }
        guard moved.contains(where: \.isSelectable) else { throw .noSuchMailbox }
        var names: [(id: UInt32, old: MailboxName, new: MailboxName)] = []
        // The mailbox itself, then its children in the order of their names.
        for mailbox in moved.sorted(by: { $0.name < $1.name }) {
            guard let name = mailbox.name.replacingPrefix(from, with: to) else { throw .badMailboxName }
            if mailbox.name != from, isSelectable(name) { throw .mailboxExists }
            names.append((mailbox.id, mailbox.name, name))
        }
        addAncestors(of: to, time)
        for (id, _, name) in names {
            mailboxes.removeAll { $0.name == name && $0.id != id }
            if let position = position(MailboxID(id)) { mailboxes[position].name = name }
        }
        return .done
    }

    mutating func subscribe(_ name: MailboxName, _ subscribed: Bool, _ time: Timestamp) -> MailOutcome {
        if let position = position(name) {
            mailboxes[position].isSubscribed = subscribed
        } else if subscribed {
            addMailbox(name, nil, subscribed: true, selectable: false, time)
        }
        return .done
    }
}

extension AccountModel.Mailbox {
    fileprivate mutating func empty(into contents: UInt32) {
        self.contents = contents
        messages = []
        modSeq += 1
        expungeModSeq = modSeq
        emptiedModSeq = modSeq
        emptiedBelow = uidNext
        recentFrom = uidNext
    }

    fileprivate mutating func takeMessages(of other: AccountModel.Mailbox) {
        contents = other.contents ?? other.id
        messages = other.messages
        keywords = other.keywords
        uidNext = other.uidNext
        recentFrom = other.recentFrom
        modSeq = other.modSeq
        flagsModSeq = other.flagsModSeq
        expungeModSeq = other.expungeModSeq
        emptiedModSeq = other.emptiedModSeq
        emptiedBelow = other.emptiedBelow
    }
}
