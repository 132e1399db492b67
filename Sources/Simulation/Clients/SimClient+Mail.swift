internal import MailModel

/// A client is an MTA as well: what it delivers under a name it keeps until it knows what became of it, and delivers
/// again, with the same bytes, through another node.
extension SimClient {
    /// A message of which the store recognises a repetition.
    struct Mail {
        let message: NewMessage
        let id: DeliveryID
        var attempts: UInt64 = 0
        /// Through which node it went last.
        var node = 0
        /// When it is delivered again.
        var due: Int64 = 0
    }

    /// Messages that wait to be delivered again; the oldest gives way to another one.
    static let queuedMails = 8
    /// After so many an MTA sends a message back.
    static let mailAttempts: UInt64 = 6

    /// Delivers a message for the first time, with or without a name.
    func deliver(_ message: NewMessage) -> MailCommand {
        guard random.below(2) == 0 else { return .deliver(message, id: nil) }
        return handOver(named(message))
    }

    /// As gateways do, by who sends it and its bytes.
    func named(_ message: NewMessage) -> Mail {
        Mail(message: message, id: DeliveryID(high: UInt64(number), low: message.bodyID.low))
    }

    /// What is due in the queue, through another node than the last time.
    func repetition() -> MailCommand? {
        guard let position = queue.firstIndex(where: { $0.due <= world.now }) else { return nil }
        let mail = queue.remove(at: position)
        let others = world.nodes.indices.filter { $0 != mail.node && world.nodes[$0].isUp }
        if let other = random.pick(others) { node = other }
        world.counts.deliveries.repeated += 1
        return handOver(mail)
    }

    /// - Returns: the delivery; for a large message the first of its chunks.
    func handOver(_ mail: Mail) -> MailCommand {
        var mail = mail
        mail.attempts += 1
        mail.node = node
        self.mail = mail
        // A gateway names the body anew each time it comes.
        var message = mail.message
        message.bodyID = BodyID(
            milliseconds: Int64(message.bodyID.high >> 16),
            random: mail.attempts,
            message.bodyID.low
        )
        if case .uploaded = message.body {
            upload = Upload(message: message, bytes: Int(message.sizeBytes), next: 0)
            if let chunk = nextOfUpload() { return chunk }
        }
        return .deliver(message, id: mail.id)
    }

    /// The MTA was told what became of the message.
    func mailAnswered(_ outcome: MailOutcome) {
        guard let mail else { return }
        self.mail = nil
        switch outcome {
        case .refused(.noSuchAccount): break
        case .refused: keep(mail)
        case .done, .accountCreated, .mailboxCreated, .appended, .flagsStored, .expunged, .copied,
            .purged, .nodeAdmitted, .groupAdded, .operationConflicts:
            // Now and then it is cut off before it has read that.
            if random.chance(perMillion: 100_000) { keep(mail) }
        }
    }

    /// The message under way, if there is one, gets no answer.
    func mailLost() {
        if let mail { keep(mail) }
        mail = nil
    }

    private func keep(_ mail: Mail) {
        guard mail.attempts < Self.mailAttempts else { return }
        var mail = mail
        mail.due = world.now + random.time(20_000...5_000_000)
        if queue.count == Self.queuedMails { queue.removeFirst() }
        queue.append(mail)
    }
}
