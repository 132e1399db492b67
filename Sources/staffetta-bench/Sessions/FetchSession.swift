internal import LoadModel

/// Fetches whole messages from INBOX, one after the other.
final class FetchSession: SteppedSession {
    private let accounts: AccountOptions
    private let account: String
    private var client: IMAPClient?

    init(_ accounts: AccountOptions, session: Int) {
        self.accounts = accounts
        account = accounts.account(session)
    }

    override func open(_ endpoint: Endpoint) throws {
        client = nil
        let client = try IMAPClient(endpoint, timeoutSeconds: accounts.timeout)
        try client.login(account, accounts.password)
        try client.perform("EXAMINE INBOX")
        guard client.exists > 0 else { throw BenchError("INBOX of \(account) is empty: deliver first") }
        self.client = client
    }

    override func perform(_ number: Int) throws -> Finished {
        guard let client else { throw RequestError.connectionLost("there is no connection") }
        return Finished(fetched: try client.perform("FETCH \(1 + number % client.exists) BODY.PEEK[]").literalBytes)
    }
}
