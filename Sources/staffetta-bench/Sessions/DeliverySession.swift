internal import LoadModel

/// Delivers messages by LMTP, each to one or several accounts.
final class DeliverySession: SteppedSession {
    private let source: MessageSource
    private let accounts: AccountOptions
    private let recipients: Int
    private var client: LMTPClient?

    /// The number of the message of the first request.
    private let first: Int

    init(_ source: MessageSource, to accounts: AccountOptions, recipients: Int = 1, from first: Int = 0) {
        self.source = source
        self.accounts = accounts
        self.recipients = recipients
        self.first = first
    }

    override func open(_ endpoint: Endpoint) throws {
        client = nil
        client = try LMTPClient(endpoint, timeoutSeconds: accounts.timeout)
    }

    override func perform(_ number: Int) throws -> Finished {
        guard let client else { throw RequestError.connectionLost("there is no connection") }
        let message = source.message(first + number)
        try client.deliver(message, to: (0..<recipients).map { accounts.account(number * recipients + $0) })
        return Finished(stored: message.count * recipients)
    }
}
