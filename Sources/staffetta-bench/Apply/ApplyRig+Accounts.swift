internal import MailModel

/// Accounts, and rows that end after a time.
extension ApplyRig {
    func measureAccounts(_ messages: Int) throws {
        let anna = try createAccount("anna")
        try append(messages, to: .inbox, of: anna)
        let inbox = try mailbox(.inbox, of: anna).id
        for piece in 0..<messages / 5 / MailLimits.messagesPerMove {
            try apply(.remove(inbox, row(piece, of: MailLimits.messagesPerMove)), of: anna)
        }
        try measure("create an account", 300) { number in
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
        try measure("suspend an account", 300) { number in
            (anna, .setAccountState(number % 2 == 0 ? .suspended : .active))
        }
        try measure("set a password", 300) { _ in
            (anna, .setCredential(CredentialHash(bytes: [UInt8](repeating: 1, count: CredentialHash.maximumBytes))))
        }
        try measure("set a quota", 300) { number in (anna, .setQuota(bytes: UInt64(number + 1) << 40)) }
        try apply(.setQuota(bytes: 0), of: anna)
        try measure("claim recent messages", 300) { _ in (anna, .claimRecent(inbox)) }
        try measure("deliver, 10 KB", 10_000) { number in
            (anna, .deliver(message(sizeBytes: 10_240), id: DeliveryID(high: 2, low: UInt64(number))))
        }
        try measure("APPEND, 10 KB", 1_000) { _ in (anna, .append(message(sizeBytes: 10_240), to: .inbox)) }
        var others: [AccountID] = []
        for number in 0..<30 { others.append(try createAccount("other\(number)")) }
        others[15] = anna
        try settle()
        try measure("delete an account, one of them large", others.count) { number in
            (others[number], .deleteAccount)
        }
        try measureHousekeeping("purge of deleted accounts") { due in
            if case .purgeRemnant = due { true } else { false }
        }
    }

    // MARK: Retention

    func measureRetention() throws {
        try measureAnswers()
        try measureDeliveries()
        let anna = try createAccount("anna")
        // Uploads that go on hide one that is old.
        for _ in 0..<2_000 { _ = try upload(1, of: anna) }
        let now = time
        time = Timestamp(milliseconds: now.rawValue - 2)
        let bert = try createAccount("bert")
        for _ in 0..<1_000 { _ = try upload(1, of: bert) }
        time = now
        try settle()
        try measure("purge of uploads, among many that go on", 50) { _ in
            (AccountID(0), .purgeUploads(before: time, from: anna, limit: UInt32(MailLimits.purgedPerCommand)))
        }
        try measure("purge of uploads that are small", 4) { _ in
            (AccountID(0), .purgeUploads(before: time, from: bert, limit: UInt32(MailLimits.purgedPerCommand)))
        }
    }

    /// The answers of a session that was busy, and is never heard of again.
    private func measureAnswers() throws {
        let anna = try createAccount("carl")
        let inbox = try mailbox(.inbox, of: anna).id
        settledBelow = 1
        try measure("a command of a session with up to 20,000 answers", 20_000) { _ in (anna, .claimRecent(inbox)) }
        settledBelow = nil
        try measure("a command that settles many answers", 41) { _ in (anna, .claimRecent(inbox)) }
        settledBelow = 1
        for _ in 0..<20_000 { try apply(.claimRecent(inbox), of: anna) }
        time = Timestamp(milliseconds: time.rawValue + MailLimits.requestRetentionMilliseconds + 1)
        try settle()
        try measure("purge of answers", 80) { _ in
            let purge = MailCommand.purgeRequests(before: time, limit: UInt32(MailLimits.purgedPerCommand))
            return (AccountID(0), purge)
        }
        settledBelow = nil
    }

    /// Deliveries of many accounts that are gone lie before those that are there.
    private func measureDeliveries() throws {
        let anna = try createAccount("dora")
        let goneCount = 2_000
        for number in 0..<goneCount {
            let gone = try createAccount("gone\(number)")
            try apply(.deliver(message(), id: DeliveryID(high: 1, low: 1)), of: gone)
            try apply(.deleteAccount, of: gone)
        }
        time = Timestamp(milliseconds: time.rawValue + 1)
        for number in 0..<25_000 {
            let mixed = UInt64(number) &* 0x9e37_79b9_7f4a_7c15
            try apply(.deliver(message(), id: DeliveryID(high: mixed, low: 1)), of: anna)
        }
        time = Timestamp(milliseconds: time.rawValue + MailLimits.deliveryRetentionMilliseconds + 1)
        try settle()
        try measureHousekeeping("purge of deliveries, those of 2,000 deleted accounts first", atMost: 120) { due in
            if case .purgeDeliveries = due { true } else { false }
        }
    }
}
