internal import LoadModel

/// Logs in and out again, over a new connection each time.
final class LoginSession: SteppedSession {
    private let accounts: AccountOptions
    /// How many of the accounts log in.
    private let distinct: Int
    private var endpoint: Endpoint?

    init(_ accounts: AccountOptions, distinct: Int) {
        self.accounts = accounts
        self.distinct = distinct
    }

    override func open(_ endpoint: Endpoint) throws {
        self.endpoint = endpoint
        // Whether the server is there shows at the beginning, and when it is back.
        _ = try IMAPClient(endpoint, timeoutSeconds: accounts.timeout)
    }

    override func perform(_ number: Int) throws -> Finished {
        guard let endpoint else { throw RequestError.connectionLost("there is no server") }
        let client = try IMAPClient(endpoint, timeoutSeconds: accounts.timeout)
        try client.login(accounts.account(number % distinct), accounts.password)
        try client.perform("LOGOUT")
        return Finished()
    }
}
