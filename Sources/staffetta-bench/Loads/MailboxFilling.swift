internal import LoadModel
internal import NIOConcurrencyHelpers

/// Fills a mailbox with small messages, as fast as the server takes them.
struct MailboxFilling {
    let endpoint: Endpoint
    let accounts: AccountOptions
    let account: String
    let mailbox: String
    let source: MessageSource

    private static let sessions = 8
    /// Messages of one MULTIAPPEND, or APPENDs in flight.
    private static let batch = 100
    private static let progressEvery = 20_000

    /// - Parameter count: messages to add.
    func run(_ count: Int) throws {
        Output.printProgress("filling \(mailbox) of \(account) with \(count) messages")
        let done = NIOLockedValueBox((batches: 0, messages: 0))
        try WorkerThread.runAll(Self.sessions) { [self] _ in
            let client = try IMAPClient(endpoint, timeoutSeconds: accounts.timeout)
            try client.login(account, accounts.password)
            let hasMultiAppend = try client.hasCapability("MULTIAPPEND")
            while true {
                let first = done.withLockedValue { done in
                    defer { done.batches += 1 }
                    return done.batches * Self.batch
                }
                guard first < count else { return }
                let messages = (first..<min(count, first + Self.batch)).map { source.message($0) }
                if hasMultiAppend {
                    try client.finish(try client.sendAppend(messages, to: mailbox))
                } else {
                    let tags = try messages.map { try client.sendAppend([$0], to: mailbox) }
                    for tag in tags { try client.finish(tag) }
                }
                let (before, after) = done.withLockedValue { done in
                    defer { done.messages += messages.count }
                    return (done.messages, done.messages + messages.count)
                }
                if before / Self.progressEvery != after / Self.progressEvery { Output.printProgress("  \(after)") }
            }
        }
    }
}
