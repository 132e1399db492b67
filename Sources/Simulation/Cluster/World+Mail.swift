internal import Consensus
internal import IMAPGateway
internal import IMAPSession
internal import LMTPGateway
internal import MailModel
internal import NodeRuntime

/// What simulated MTAs need of the world.
extension World {
    var lmtpSettings: LMTPSettings {
        #if Mutants
            var settings = LMTPSettings()
            settings.answersByLookUp = options.mutant == .answersByLookUp
            return settings
        #else
            return LMTPSettings()
        #endif
    }

    var imapSettings: IMAPServerSettings {
        var settings = IMAPServerSettings()
        settings.session.allowsPlaintextLogin = true
        return settings
    }

    /// As the service of each node finds it.
    func group(of address: AccountAddress) -> GroupID { routing.group(of: address.slot) }

    /// An address that begins so and belongs to the group.
    func address(_ name: String, in group: GroupID) -> AccountAddress? {
        for attempt in 0..<10_000 {
            guard let address = AccountAddress("\(name)-\(attempt)@example.org") else { return nil }
            if self.group(of: address) == group { return address }
        }
        return nil
    }

    /// A message was stored: whoever watches the account is to hear of it, at every node.
    func noteMail(of request: RequestID, in group: GroupID) {
        let model = checker.groups[Int(group.rawValue)]
        guard let index = model.model.answers[request]?.index, let account = model.registered[request]?.account
        else { return }
        for client in clients where client.group == group { client.noteMail(in: account, at: index) }
    }

    /// Submits a command of which only the end is waited for.
    ///
    /// - Returns: whether the node has taken it.
    func submit(
        _ command: MailCommand,
        _ account: AccountID,
        to group: GroupID,
        at node: SimNode,
        _ ended: @escaping @Sendable () -> Void
    ) -> Bool {
        guard let service = node.service else { return false }
        let request = node.nextRequest(to: group)
        checker.register(request, group: group, account: account, command: command)
        let completion = Completion<MailOutcome>(on: nil) { [unowned self] result in
            switch result {
            case .success(let outcome): checker.acknowledged(request, group: group, outcome: outcome, world: self)
            case .failure: checker.gaveUp(request, group)
            }
            ended()
        }
        service.submit(command, to: group, account: account, completion)
        wake(node)
        return true
    }
}
