internal import Consensus
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

    /// Addresses name their groups; nil for one that does not.
    func group(of address: AccountAddress) -> GroupID? {
        let domain = address.text.drop { $0 != "@" }.dropFirst()
        guard domain.hasPrefix("g"), domain.hasSuffix(".example"), let number = UInt32(domain.dropFirst().dropLast(8))
        else { return nil }
        return groups.first { $0.rawValue == number }
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
        guard let core = node.core else { return false }
        let sequence = node.submitted[group, default: 0] + 1
        node.submitted[group] = sequence
        let request = RequestID(session: node.session, sequence: sequence)
        checker.register(request, group: group, account: account, command: command)
        core.inboxes.put(
            .submit(
                ClientCall(
                    group: group,
                    account: account,
                    command: command,
                    deadlineMilliseconds: node.clock.monotonicMilliseconds() + settings.callMilliseconds,
                    completion: Completion(on: nil) { [unowned self] result in
                        switch result {
                        case .success(let outcome):
                            checker.acknowledged(request, group: group, outcome: outcome, world: self)
                        case .failure: checker.gaveUp(request, group)
                        }
                        ended()
                    }
                )
            ),
            for: group
        )
        wake(node)
        return true
    }
}
