internal import MailModel

/// Accounts as such, one of them with a large mailbox.
struct AccountCosts {
    let rig: ApplyRig

    func run(_ messages: Int) throws {
        let anna = try rig.createAccount("anna")
        try rig.append(messages, to: .inbox, of: anna)
        let inbox = try rig.mailbox(.inbox, of: anna).id
        for piece in 0..<messages / 5 / MailLimits.messagesPerMove {
            try rig.apply(.remove(inbox, row(piece, of: MailLimits.messagesPerMove)), of: anna)
        }
        try rig.measure("create an account", 300) { number in
            let address = AccountAddress("new\(number)@example.org")
            guard let address else { throw BenchError("no address") }
            let create = MailCommand.createAccount(
                address: address,
                credential: CredentialHash(bytes: [UInt8](repeating: 1, count: CredentialHash.maximumBytes)),
                quotaBytes: 0,
                mailboxes: DefaultMailbox.standard
            )
            return (AccountID(0), create)
        }
        try rig.measure("suspend an account", 300) { number in
            (anna, .setAccountState(number % 2 == 0 ? .suspended : .active))
        }
        try rig.measure("set a password", 300) { _ in
            (anna, .setCredential(CredentialHash(bytes: [UInt8](repeating: 1, count: CredentialHash.maximumBytes))))
        }
        try rig.measure("set a quota", 300) { number in (anna, .setQuota(bytes: UInt64(number + 1) << 40)) }
        try rig.apply(.setQuota(bytes: 0), of: anna)
        try rig.measure("deliver, 10 KB", 10_000) { number in
            (anna, .deliver(rig.message(sizeBytes: 10_240), id: DeliveryID(high: 2, low: UInt64(number))))
        }
        try rig.measure("APPEND, 10 KB", 1_000) { _ in (anna, .append(rig.message(sizeBytes: 10_240), to: .inbox)) }
        var others: [AccountID] = []
        for number in 0..<30 { others.append(try rig.createAccount("other\(number)")) }
        others[15] = anna
        try rig.settle()
        try rig.measure("delete an account, one of them large", others.count) { number in
            (others[number], .deleteAccount)
        }
        try rig.measureHousekeeping("purge of deleted accounts") { due in
            if case .purgeRemnant = due { true } else { false }
        }
    }
}
