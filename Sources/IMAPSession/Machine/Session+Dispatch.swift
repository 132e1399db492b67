internal import IMAPSyntax
internal import MailModel

/// Which command is allowed in which state (RFC 3501, section 6).
extension Session {
    mutating func carryOut(_ tagged: TaggedCommand) {
        let tag = tagged.tag
        switch tagged.command {
        case .capability:
            encoder.capability(capabilities)
            succeed(tag, "That is all")
        case .noop: noop(tag, "NOOP")
        case .logout: logout(tag)
        case .id: id(tag)
        case .startTLS: startTLS(tag)
        case .authenticate(let mechanism, let response):
            Login(tag: tag).authenticate(mechanism: mechanism, response: response, in: &self)
        case .login(let name, let password):
            Login(tag: tag).logIn(name: name, password: password.bytes, in: &self)
        case .enable, .select, .examine, .create, .delete, .rename, .subscribe, .unsubscribe, .list, .lsub, .namespace,
            .status, .idle, .compress:
            guard account != nil else { return answerBad(tag, "Please log in first") }
            carryOutAuthenticated(tag, tagged.command)
        case .check, .close, .unselect, .expunge, .uidExpunge, .search, .fetch, .store, .copy, .move:
            guard account != nil else { return answerBad(tag, "Please log in first") }
            guard view != nil else { return answerBad(tag, "Please select a mailbox first") }
            carryOutSelected(tag, tagged.command)
        }
    }

    private mutating func carryOutAuthenticated(_ tag: String, _ command: Command) {
        switch command {
        case .enable(let names): enable(tag, names)
        case .select(let name, let parameters):
            SelectWork.begin(name, tag: tag, parameters: parameters, isReadOnly: false, in: &self)
        case .examine(let name, let parameters):
            SelectWork.begin(name, tag: tag, parameters: parameters, isReadOnly: true, in: &self)
        case .create(let name, let uses): MailboxCommand(tag: tag).create(name, uses: uses, in: &self)
        case .delete(let name): MailboxCommand(tag: tag).delete(name, in: &self)
        case .rename(let name, let newName): MailboxCommand(tag: tag).rename(name, to: newName, in: &self)
        case .subscribe(let name): MailboxCommand(tag: tag).setSubscribed(name, to: true, in: &self)
        case .unsubscribe(let name): MailboxCommand(tag: tag).setSubscribed(name, to: false, in: &self)
        case .list(let command): ListWork.begin(command, tag: tag, in: &self)
        case .lsub(let reference, let pattern): ListWork.beginLsub(pattern, below: reference, tag: tag, in: &self)
        case .namespace:
            encoder.personalNamespace()
            succeed(tag, "That is all")
        case .status(let name, let items): MailboxCommand(tag: tag).tellStatus(of: name, items: items, in: &self)
        case .idle: idle(tag)
        case .compress: answerNo(tag, code: .cannot, "Compression is not available")
        case .capability, .noop, .logout, .id, .startTLS, .authenticate, .login, .check, .close, .unselect, .expunge,
            .uidExpunge, .search, .fetch, .store, .copy, .move:
            preconditionFailure("a command of another state")
        }
    }

    private mutating func carryOutSelected(_ tag: String, _ command: Command) {
        switch command {
        case .check: noop(tag, "CHECK")
        case .close: ExpungeWork.beginClose(tag: tag, in: &self)
        case .unselect: unselect(tag)
        case .expunge: ExpungeWork.beginWithMarked(tag: tag, in: &self)
        case .uidExpunge(let set): ExpungeWork.begin(set, tag: tag, in: &self)
        case .search(let command): SearchWork.begin(command, tag: tag, in: &self)
        case .fetch(let command): FetchWork.begin(command, tag: tag, in: &self)
        case .store(let command): StoreWork.begin(command, tag: tag, in: &self)
        case .copy(let command): CopyWork.begin(command, tag: tag, isMove: false, in: &self)
        case .move(let command): CopyWork.begin(command, tag: tag, isMove: true, in: &self)
        case .capability, .noop, .logout, .id, .startTLS, .authenticate, .login, .enable, .select, .examine, .create,
            .delete, .rename, .subscribe, .unsubscribe, .list, .lsub, .namespace, .status, .idle, .compress:
            preconditionFailure("a command of another state")
        }
    }
    /// NOOP and CHECK: the answer shows the mailbox as it is now.
    private mutating func noop(_ tag: String, _ name: String) {
        badCommands = 0
        conclude(.all, isLinearizable: true) { $0.encoder.tagged(tag, .ok, code: nil, text: "\(name) completed") }
    }

    /// UNSELECT, and the end of a CLOSE (RFC 3691).
    mutating func unselect(_ tag: String) {
        deselect()
        succeed(tag, "Closed", updates: .none)
    }

    mutating func deselect() {
        view = nil
        phase = .authenticated
    }
}
