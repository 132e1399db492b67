internal import MailModel

/// Changes of mailboxes, as RFC 3501, sections 6.3.3 to 6.3.6, and the store's rules have them.
extension AccountModel {
    @discardableResult
    mutating func addMailbox(
        named name: MailboxName,
        use: SpecialUse?,
        subscribed: Bool,
        selectable: Bool = true,
        at time: Timestamp
    ) -> Mailbox {
        let previous = position(named: name).map { mailboxes.remove(at: $0) }
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
            addMailbox(named: ancestor, use: nil, subscribed: false, at: time)
        }
    }

    mutating func createMailbox(named name: MailboxName, use: SpecialUse?, at time: Timestamp) throws(Refusal)
        -> MailOutcome
    {
        guard !isSelectable(name) else { throw .mailboxExists }
        addAncestors(of: name, time)
        let mailbox = addMailbox(named: name, use: use, subscribed: false, at: time)
        return .mailboxCreated(MailboxID(mailbox.id), uidValidity: mailbox.uidValidity)
    }

    mutating func delete(_ name: MailboxName, _ time: Timestamp) throws(Refusal) -> MailOutcome {
        guard !name.isInbox else { throw .badMailboxName }
        guard let position = position(named: name), mailboxes[position].isSelectable else { throw .noSuchMailbox }
        let mailbox = mailboxes.remove(at: position)
        if mailbox.isSubscribed { setSubscribed(name, to: true, at: time) }
        return .done
    }

    mutating func renameMailbox(from: MailboxName, to: MailboxName, at time: Timestamp) throws(Refusal) -> MailOutcome {
        guard !to.isInbox, from.isInbox || !to.isDescendant(of: from) else { throw .badMailboxName }
        if from.isInbox {
            guard isSelectable(.inbox) else { throw .noSuchMailbox }
            guard !isSelectable(to) else { throw .mailboxExists }
            addAncestors(of: to, time)
            let target = addMailbox(named: to, use: nil, subscribed: false, at: time)
            guard let source = position(named: from), let position = position(MailboxID(target.id)) else {
                return .done
            }
            let inbox = mailboxes[source]
            mailboxes[position].takeMessages(of: inbox)
            mailboxes[source].empty(into: nextMailboxID)
            nextMailboxID += 1
            return .done
        }
        let isMoved = { (mailbox: Mailbox) in
            mailbox.isSelectable && (mailbox.name == from || mailbox.name.isDescendant(of: from))
        }
        // The mailbox itself, then its children in the order of their names.
        let moved = mailboxes.filter(isMoved).sorted { $0.name < $1.name }
        guard !moved.isEmpty else { throw .noSuchMailbox }
        guard from != to, !isSelectable(to) else { throw .mailboxExists }
        var names: [MailboxName] = []
        for mailbox in moved {
            guard let name = mailbox.name.replacingPrefix(from, with: to) else { throw .badMailboxName }
            if isSelectable(name), !moved.contains(where: { $0.name == name }) { throw .mailboxExists }
            names.append(name)
        }
        addAncestors(of: to, time)
        let subscribed = mailboxes.filter(\.isSubscribed).map(\.name)
        mailboxes.removeAll(where: isMoved)
        for (mailbox, name) in zip(moved, names) {
            var renamed = mailbox
            renamed.name = name
            renamed.isSubscribed = false
            mailboxes.removeAll { $0.name == name }
            mailboxes.append(renamed)
        }
        mailboxes.sort { $0.id < $1.id }
        // The same names are subscribed as before. First those whose rows are there: no new one is made for them.
        for name in subscribed where position(named: name) != nil { setSubscribed(name, to: true, at: time) }
        for mailbox in moved where subscribed.contains(mailbox.name) { setSubscribed(mailbox.name, to: true, at: time) }
        return .done
    }

    @discardableResult
    mutating func setSubscribed(_ name: MailboxName, to subscribed: Bool, at time: Timestamp) -> MailOutcome {
        if let position = position(named: name) {
            mailboxes[position].isSubscribed = subscribed
            if !subscribed, !mailboxes[position].isSelectable { mailboxes.remove(at: position) }
        } else if subscribed {
            addMailbox(named: name, use: nil, subscribed: true, selectable: false, at: time)
        }
        return .done
    }
}

extension AccountModel.Mailbox {
    fileprivate mutating func empty(into contents: UInt32) {
        self.contents = contents
        messages = []
        keywords = []
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
