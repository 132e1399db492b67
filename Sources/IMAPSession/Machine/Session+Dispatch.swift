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
        case .authenticate(let mechanism, let response): authenticate(tag, mechanism: mechanism, response: response)
        case .login(let name, let password): logIn(tag, name: name, password: password.bytes)
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
            selectMailbox(tag, named: name, parameters: parameters, isReadOnly: false)
        case .examine(let name, let parameters):
            selectMailbox(tag, named: name, parameters: parameters, isReadOnly: true)
        case .create(let name, let uses): createMailbox(tag, named: name, uses: uses)
        case .delete(let name): delete(tag, name)
        case .rename(let name, let newName): renameMailbox(tag, from: name, to: newName)
        case .subscribe(let name): setSubscribed(tag, name: name, to: true)
        case .unsubscribe(let name): setSubscribed(tag, name: name, to: false)
        case .list(let command): beginList(tag, command)
        case .lsub(let reference, let pattern): beginLsub(tag, reference: reference, pattern: pattern)
        case .namespace:
            encoder.personalNamespace()
            succeed(tag, "That is all")
        case .status(let name, let items): answerStatus(tag, of: name, items: items)
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
        case .close: close(tag)
        case .unselect: unselect(tag)
        case .expunge: expunge(tag)
        case .uidExpunge(let set): expunge(tag, set)
        case .search(let command): search(tag, command)
        case .fetch(let command): fetch(tag, command)
        case .store(let command): store(tag, command)
        case .copy(let command): copy(tag, command, isMove: false)
        case .move(let command): copy(tag, command, isMove: true)
        case .capability, .noop, .logout, .id, .startTLS, .authenticate, .login, .enable, .select, .examine, .create,
            .delete, .rename, .subscribe, .unsubscribe, .list, .lsub, .namespace, .status, .idle, .compress:
            preconditionFailure("a command of another state")
        }
    }
}
