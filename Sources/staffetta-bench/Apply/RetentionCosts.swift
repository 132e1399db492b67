internal import MailModel

/// Rows that end after a time.
struct RetentionCosts {
    let rig: ApplyRig

    func run() throws {
        try measureAnswers()
        try measureDeliveries()
        let anna = try rig.createAccount("anna")
        // Uploads that go on hide one that is old.
        for _ in 0..<2_000 { _ = try rig.upload(1, of: anna) }
        let now = rig.time
        rig.time = Timestamp(milliseconds: now.rawValue - 2)
        let bert = try rig.createAccount("bert")
        for _ in 0..<1_000 { _ = try rig.upload(1, of: bert) }
        rig.time = now
        try rig.settle()
        try rig.measure("purge of uploads, among many that go on", 50) { _ in
            (AccountID(0), .purgeUploads(before: rig.time, from: anna, limit: UInt32(MailLimits.purgedPerCommand)))
        }
        try rig.measure("purge of uploads that are small", 4) { _ in
            (AccountID(0), .purgeUploads(before: rig.time, from: bert, limit: UInt32(MailLimits.purgedPerCommand)))
        }
    }

    /// The answers of a session that was busy, and is never heard of again.
    private func measureAnswers() throws {
        let anna = try rig.createAccount("carl")
        let command = MailCommand.setSubscribed(.inbox, true)
        rig.settledBelow = 1
        try rig.measure("a command of a session with up to 20,000 answers", 20_000) { _ in (anna, command) }
        rig.settledBelow = nil
        try rig.measure("a command that settles many answers", 41) { _ in (anna, command) }
        rig.settledBelow = 1
        for _ in 0..<20_000 { try rig.apply(command, of: anna) }
        rig.time = Timestamp(milliseconds: rig.time.rawValue + MailLimits.requestRetentionMilliseconds + 1)
        try rig.settle()
        try rig.measure("purge of answers", 80) { _ in
            let purge = MailCommand.purgeRequests(before: rig.time, limit: UInt32(MailLimits.purgedPerCommand))
            return (AccountID(0), purge)
        }
        rig.settledBelow = nil
    }

    /// Deliveries of many accounts that are gone lie before those that are there.
    private func measureDeliveries() throws {
        let anna = try rig.createAccount("dora")
        let goneCount = 2_000
        for number in 0..<goneCount {
            let gone = try rig.createAccount("gone\(number)")
            try rig.apply(.deliver(rig.message(), id: DeliveryID(high: 1, low: 1)), of: gone)
            try rig.apply(.deleteAccount, of: gone)
        }
        rig.time = Timestamp(milliseconds: rig.time.rawValue + 1)
        for number in 0..<25_000 {
            let mixed = UInt64(number) &* 0x9e37_79b9_7f4a_7c15
            try rig.apply(.deliver(rig.message(), id: DeliveryID(high: mixed, low: 1)), of: anna)
        }
        rig.time = Timestamp(milliseconds: rig.time.rawValue + MailLimits.deliveryRetentionMilliseconds + 1)
        try rig.settle()
        try rig.measureHousekeeping("purge of deliveries, those of 2,000 deleted accounts first", atMost: 120) { due in
            if case .purgeDeliveries = due { true } else { false }
        }
    }
}
