internal import LoadModel

/// Appends messages to INBOX by IMAP, several at once (LITERAL+, RFC 7888).
final class AppendSession: LoadSession {
    let window: Int
    private let source: MessageSource
    private let accounts: AccountOptions
    private let account: String
    private var client: IMAPClient?
    private var inFlight: [(tag: String, bytes: Int)] = []

    init(_ source: MessageSource, _ accounts: AccountOptions, session: Int, window: Int) {
        self.source = source
        self.accounts = accounts
        self.window = window
        account = accounts.account(session)
    }

    func open(_ endpoint: Endpoint) throws {
        client = nil
        inFlight = []
        let client = try IMAPClient(endpoint, timeoutSeconds: accounts.timeout)
        try client.login(account, accounts.password)
        self.client = client
    }

    func begin(_ number: Int) throws {
        guard let client else { throw RequestError.connectionLost("there is no connection") }
        let message = source.message(number)
        inFlight.append((try client.sendAppend([message]), message.count))
    }

    func finish() throws -> Finished {
        guard let client, !inFlight.isEmpty else { throw RequestError.connectionLost("there is no connection") }
        let (tag, bytes) = inFlight.removeFirst()
        try client.finish(tag)
        return Finished(stored: bytes)
    }
}
