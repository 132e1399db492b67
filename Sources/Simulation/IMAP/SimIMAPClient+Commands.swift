internal import MailModel

/// What a mail client asks for next.
extension SimIMAPClient {
    func nextCommands() {
        guard let view else { return random.below(3) > 0 ? selectSomething() : elsewhere() }
        if let first = view.firstUnknown { return send("FETCH \(first):* (UID FLAGS MODSEQ)", .learn) }
        switch random.below(20) {
        case ..<4: send("NOOP", .noop)
        case ..<8: send("IDLE", .idle)
        case ..<10: store(view)
        case 10: remove(view)
        case 11, 12: transfer(view)
        case 13, 14: fetchBody(view)
        case 15: send("UID SEARCH ALL", .search)
        case 16: selectSomething()
        case 17:
            send(random.below(2) == 0 ? "CLOSE" : "UNSELECT", .close)
        default: elsewhere()
        }
    }

    private func selectSomething() {
        let name = existingName
        let isReadOnly = random.below(6) == 0
        forgetView()
        send(
            "\(isReadOnly ? "EXAMINE" : "SELECT") \"\(name)\" (CONDSTORE)",
            .select(ClientView(name: name, isReadOnly: isReadOnly))
        )
    }

    /// What has nothing to do with the selected mailbox, or only by chance.
    private func elsewhere() {
        switch random.below(8) {
        case ..<3:
            let name = existingName
            send("STATUS \"\(name)\" (MESSAGES UIDNEXT UIDVALIDITY UNSEEN HIGHESTMODSEQ)", .status(name))
        case 3: send("LIST \"\" *", .list)
        case 4: send("CREATE \"\(newName)\"", .other)
        case 5:
            send(random.below(2) == 0 ? "DELETE \"\(newName)\"" : "RENAME \"\(existingName)\" \"\(newName)\"", .other)
        default: append(to: "\"\(existingName)\"", flags: random.below(2) == 0 ? "()" : "(\\Seen $Work1)")
        }
    }

    private func store(_ view: ClientView) {
        guard let message = random.pick(view.messages), let uid = message.uid else { return send("NOOP", .noop) }
        let action = random.pick(["+FLAGS", "-FLAGS", "FLAGS", "+FLAGS.SILENT", "-FLAGS.SILENT"]) ?? "FLAGS"
        let flags = random.pick(["\\Seen", "\\Deleted", "\\Flagged $Work2", "$Work3"]) ?? "\\Seen"
        let since = random.below(4) == 0 ? "(UNCHANGEDSINCE \(message.modSeq ?? 1)) " : ""
        switch random.below(3) {
        case 0:
            let first = 1 + random.below(view.messages.count)
            let last = min(view.messages.count, first + random.below(3))
            send("STORE \(first):\(last) \(since)\(action) (\(flags))", .store)
        case 1: send("UID STORE \(uid):\(uid + 4) \(since)\(action) (\(flags))", .change)
        default:
            // Pipelined, by UID: numbers may change in between.
            send("UID STORE \(uid) +FLAGS (\\Deleted)", .change)
            send("UID EXPUNGE \(uid)", .change)
            send("NOOP", .noop)
        }
    }

    private func remove(_ view: ClientView) {
        guard random.below(2) == 0, let uid = random.pick(view.messages)?.uid else { return send("EXPUNGE", .change) }
        send("UID EXPUNGE \(uid):\(uid + 8)", .change)
    }

    private func transfer(_ view: ClientView) {
        guard let uid = random.pick(view.messages)?.uid else { return send("CHECK", .noop) }
        send("UID \(random.below(2) == 0 ? "COPY" : "MOVE") \(uid):\(uid + 2) \"\(existingName)\"", .other)
    }

    private func fetchBody(_ view: ClientView) {
        guard let uid = random.pick(view.messages)?.uid else { return send("NOOP", .noop) }
        send("UID FETCH \(uid) (FLAGS BODY.PEEK[])", .body(uid))
    }

    private var existingName: String {
        let id = account?.id
        let mailboxes = id.flatMap { world.checker.model(group).accounts[$0]?.mailboxes } ?? []
        return random.below(3) == 0 ? "INBOX" : random.pick(mailboxes)?.name.text ?? "INBOX"
    }

    private var newName: String { random.pick(["a", "b", "a/b", "c", "a/b/c", "d"]) ?? "a" }
}
