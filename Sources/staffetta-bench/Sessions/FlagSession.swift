internal import LoadModel

/// Sets and clears a flag of one message after the other.
final class FlagSession: SteppedSession {
    private let accounts: AccountOptions
    private let account: String
    private let session: Int
    private var client: IMAPClient?

    init(_ accounts: AccountOptions, session: Int) {
        self.accounts = accounts
        self.session = session
        account = accounts.account(session)
    }

    override func open(_ endpoint: Endpoint) throws {
        client = nil
        let client = try IMAPClient(endpoint, timeoutSeconds: accounts.timeout)
        try client.login(account, accounts.password)
        try client.perform("SELECT INBOX")
        guard client.exists > 0 else { throw BenchError("INBOX of \(account) is empty: deliver first") }
        self.client = client
    }

    override func perform(_ number: Int) throws -> Finished {
        guard let client else { throw RequestError.connectionLost("there is no connection") }
        // Every other time around the mailbox the flag is cleared, so that each STORE changes something.
        let sign = number / client.exists % 2 == 0 ? "+" : "-"
        try client.perform("STORE \(1 + number % client.exists) \(sign)FLAGS.SILENT (\\Flagged)")
        return Finished()
    }
}
