internal import MailModel
internal import NIOCore

/// What a mail client was told, held against what the account was and is.
struct IMAPCheck {
    /// The account when the question was asked, and as every later entry left it.
    let versions: [AccountModel?]

    /// Whether the mailbox was, at some moment since, what the client was told of it at once.
    func was(_ name: String, _ matches: (AccountModel.Mailbox) -> Bool) -> Bool {
        versions.contains { account in
            guard let account, let position = account.positionOfName(name) else { return false }
            return account.mailboxes[position].isSelectable && matches(account.mailboxes[position])
        }
    }

    /// Whether there was, at some moment since, no such mailbox.
    func wasMissing(_ name: String) -> Bool {
        versions.contains { account in
            guard let account, let position = account.positionOfName(name) else { return true }
            return !account.mailboxes[position].isSelectable
        }
    }

    func hadMailboxes(_ names: Set<String>) -> Bool {
        versions.contains { account in
            Set((account?.mailboxes ?? []).filter(\.isSelectable).map(\.name.text)) == names
        }
    }

    /// Whether a message has, or had since, this UID and one of these bodies.
    func hadMessage(_ uid: UInt32, uidValidity: UInt32, bodies: Set<BodyID>) -> Bool {
        versions.contains { account in
            account?.mailbox(uidValidity: uidValidity)?.messages.contains { $0.uid == uid && bodies.contains($0.body) }
                ?? false
        }
    }

    /// What of a view is older than the question, or was never so.
    ///
    /// - Parameter mayShowGone: messages that were gone may be shown, as their numbers are still needed.
    func viewDifference(of view: ClientView, mayShowGone: Bool = false) -> String? {
        let old = versions.first.flatMap { $0 }?.mailbox(uidValidity: view.uidValidity)
        guard let account = versions.last.flatMap({ $0 }), let now = account.mailbox(uidValidity: view.uidValidity)
        else {
            guard old == nil, !view.messages.isEmpty, !mayShowGone else { return nil }
            return "\(view.messages.count) messages of a mailbox that was gone"
        }
        let shown = Dictionary(
            uniqueKeysWithValues: view.messages.compactMap { message in message.uid.map { ($0, message) } }
        )
        let present = Dictionary(uniqueKeysWithValues: now.messages.map { ($0.uid, $0) })
        let before = Dictionary(uniqueKeysWithValues: (old?.messages ?? []).map { ($0.uid, $0) })
        for (uid, message) in shown.sorted(by: { $0.key < $1.key }) {
            if let modSeq = message.modSeq, modSeq > now.modSeq {
                return "UID \(uid): MODSEQ \(modSeq), the mailbox has \(now.modSeq)"
            }
            if !mayShowGone, let old, uid < old.uidNext, before[uid] == nil { return "UID \(uid) was gone" }
            if let first = before[uid], let modSeq = message.modSeq, modSeq < first.modSeq {
                return "UID \(uid): MODSEQ \(modSeq), was \(first.modSeq) before"
            }
            if let difference = messageDifference(uid, of: message, from: present[uid], in: now) { return difference }
        }
        for uid in before.keys.sorted() where present[uid] != nil && shown[uid] == nil {
            return "UID \(uid) is not shown"
        }
        return nil
    }

    /// What of a view is not exactly as the mailbox is now.
    func differenceNow(of view: ClientView) -> String? {
        let now = versions.last.flatMap { $0 }?.mailbox(uidValidity: view.uidValidity)
        let present = now?.messages ?? []
        guard present.count == view.messages.count else {
            return "\(view.messages.count) messages are shown, there are \(present.count)"
        }
        for (message, shown) in zip(present, view.messages) {
            guard let uid = shown.uid, let now else { continue }
            guard uid == message.uid else { return "UID \(uid) is shown in the place of \(message.uid)" }
            guard shown.modSeq ?? message.modSeq == message.modSeq else {
                return "UID \(uid): MODSEQ \(shown.modSeq ?? 0), should be \(message.modSeq)"
            }
            if let difference = messageDifference(uid, of: shown, from: message, in: now) { return difference }
        }
        return nil
    }

    /// Of one MODSEQ there is one set of flags.
    private func messageDifference(
        _ uid: UInt32,
        of shown: ClientView.Message,
        from message: AccountModel.Message?,
        in mailbox: AccountModel.Mailbox
    ) -> String? {
        guard let message, let flags = shown.flags, shown.modSeq == message.modSeq else { return nil }
        let right = mailbox.flagNames(of: message)
        guard flags != right else { return nil }
        return "UID \(uid): flags \(flags.sorted()), should be \(right.sorted()) at MODSEQ \(message.modSeq)"
    }
}

extension AccountModel {
    fileprivate func positionOfName(_ text: String) -> Int? { (try? MailboxName(text)).flatMap { position(named: $0) } }
}

extension AccountModel.Mailbox {
    /// As a client reads them, in lower case.
    fileprivate func flagNames(of message: AccountModel.Message) -> Set<String> {
        let system: [(SystemFlags, String)] = [
            (.answered, "\\answered"), (.flagged, "\\flagged"), (.deleted, "\\deleted"), (.seen, "\\seen"),
            (.draft, "\\draft"),
        ]
        var names = Set(system.filter { message.flags.system.contains($0.0) }.map(\.1))
        for number in message.flags.keywords.numbers { names.insert(keywords[number].lowercased()) }
        return names
    }
}
