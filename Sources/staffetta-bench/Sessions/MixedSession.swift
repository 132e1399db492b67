internal import Consensus
internal import LoadModel

/// Does by IMAP what mail clients do, by the weights of `MixedStep`.
final class MixedSession: SteppedSession {
    private let source: MessageSource
    private let accounts: AccountOptions
    private let account: String
    private let seed: UInt64
    private var client: IMAPClient?

    /// What a client shows at once, and what an empty mailbox is given at the beginning.
    private static let shownMessages = 20

    init(seed: UInt64, _ source: MessageSource, _ accounts: AccountOptions, session: Int) {
        self.source = source
        self.accounts = accounts
        self.seed = seed
        account = accounts.account(session)
    }

    override func open(_ endpoint: Endpoint) throws {
        client = nil
        let client = try IMAPClient(endpoint, timeoutSeconds: accounts.timeout)
        try client.login(account, accounts.password)
        try client.perform("SELECT INBOX")
        if client.exists < Self.shownMessages {
            for number in 0..<Self.shownMessages {
                try client.finish(try client.sendAppend([source.message(-1 - number)]))
            }
            try client.perform("NOOP")
        }
        self.client = client
    }

    override func perform(_ number: Int) throws -> Finished {
        guard let client else { throw RequestError.connectionLost("there is no connection") }
        var random = SplitMix64(seed: SplitMix64.mix(seed) &+ UInt64(number))
        let step = MixedStep.draw(&random)
        var finished = Finished(kind: step.rawValue)
        do {
            switch step {
            case .list: try client.perform("LIST \"\" \"*\"")
            case .status: try client.perform("STATUS INBOX (MESSAGES UIDNEXT UNSEEN)")
            case .headers:
                let first = max(1, client.exists - Self.shownMessages + 1)
                try client.perform(
                    "FETCH \(first):* (UID FLAGS INTERNALDATE RFC822.SIZE "
                        + "BODY.PEEK[HEADER.FIELDS (FROM TO SUBJECT DATE)])"
                )
            case .message:
                let message = 1 + random.below(max(1, client.exists))
                finished.fetched = try client.perform("FETCH \(message) BODY.PEEK[]").literalBytes
            case .store:
                let sign = number % 2 == 0 ? "+" : "-"
                try client.perform("STORE \(1 + random.below(max(1, client.exists))) \(sign)FLAGS (\\Seen)")
            case .append: finished.stored = try appendAndExpunge(source.message(number), client)
            case .noop: try client.perform("NOOP")
            }
        } catch RequestError.refused(let answer) where answer.contains("[EXPUNGEISSUED]") {
            // Another session has expunged the message, which this one has not been told yet (RFC 2180).
        }
        return finished
    }

    /// - Returns: the bytes of the message.
    private func appendAndExpunge(_ message: [UInt8], _ client: IMAPClient) throws -> Int {
        let answer = try client.finish(try client.sendAppend([message]))
        if let uid = IMAPClient.appendedUID(answer) {
            try client.perform("UID STORE \(uid) +FLAGS.SILENT (\\Deleted)")
            try client.perform("UID EXPUNGE \(uid)")
        } else {
            try client.perform("NOOP")
            try client.perform("STORE \(client.exists) +FLAGS.SILENT (\\Deleted)")
            try client.perform("EXPUNGE")
        }
        return message.count
    }
}
