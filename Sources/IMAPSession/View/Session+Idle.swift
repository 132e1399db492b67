internal import IMAPSyntax

/// Changes while the client waits (RFC 2177).
extension Session {
    /// The store has changed something of the account.
    public mutating func accountChanged() {
        isStale = true
    }

    /// Shows changes while the client idles (RFC 2177).
    public mutating func continueIdle() {
        guard wantsUpdate else { return }
        synchronise { $0.tellUpdates(.all) { _ in } }
    }

    mutating func idle(_ tag: String) {
        badCommands = 0
        encoder.continuation("Idling")
        idleTag = tag
        effects.append(.expectDone)
        guard view != nil else { return }
        synchronise(isLinearizable: true) { $0.tellUpdates(.all) { _ in } }
    }

    mutating func endIdle() {
        guard let tag = idleTag else { preconditionFailure("not idling") }
        idleTag = nil
        succeed(tag, "Idle no more")
    }

    mutating func breakIdle(_ error: SyntaxError) {
        guard let tag = idleTag else { preconditionFailure("not idling") }
        idleTag = nil
        answerBad(tag, error.message)
    }

    /// Shows the client, and whatever is between, that the connection lives.
    public mutating func heartbeat() {
        guard idleTag != nil, isReady else { return }
        encoder.untagged(.ok, code: nil, text: "Still here")
    }
}
