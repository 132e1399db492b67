public import GRPCCore

/// What it means to make a call again when nobody knows what became of it.
public enum Repetition: Hashable, Sendable {
    /// The call only reads, or asks for a state: made twice, it leaves what it leaves once.
    case harmless
    /// The same again may be something else.
    ///
    /// - thenAsk: the command that shows what became of the first.
    case unwanted(thenAsk: String)
}

extension AdminEndpoint {
    /// Asks nodes one after the other until one has carried the call out.
    ///
    /// - Parameters:
    ///   - endpoints: in the order in which they are asked.
    ///   - repetition: what is done when a node takes the call and does not answer before the deadline.
    ///   - asksNext: whether another node may answer better than the one that refused so.
    /// - Throws: what a node that answered has said, the first of them where several refused; that no node answers only
    ///   where none did; DEADLINE_EXCEEDED where the call may have been carried out, and is not to be repeated.
    public static func firstAnswer<Value>(
        of endpoints: [AdminEndpoint],
        repetition: Repetition,
        asksNext: (RPCError) -> Bool,
        _ ask: (AdminEndpoint) async throws -> Value
    ) async throws -> Value {
        var refusal: RPCError?
        var unreachable: [AdminEndpoint] = []
        var late: [AdminEndpoint] = []
        for endpoint in endpoints {
            do {
                return try await ask(endpoint)
            } catch let error as RPCError where error.code == .deadlineExceeded {
                if case .unwanted(let command) = repetition { throw unknownOutcome(at: endpoint, thenAsk: command) }
                late.append(endpoint)
            } catch let error as RPCError where error.code == .unavailable || asksNext(error) {
                // The transport gives a cause, or says nothing; a node says what to do.
                if error.code == .unavailable, error.message.isEmpty || error.cause != nil {
                    unreachable.append(endpoint)
                } else if refusal == nil {
                    refusal = error
                }
            }
        }
        throw refusal ?? noAnswer(unreachable: unreachable, late: late)
    }

    private static func unknownOutcome(at endpoint: AdminEndpoint, thenAsk command: String) -> RPCError {
        RPCError(
            code: .deadlineExceeded,
            message:
                "\(endpoint) did not answer in time: the outcome is unknown. What was asked for may have happened, or "
                + "may still happen, so no other node was asked. Look with `\(command)` before you repeat it"
        )
    }

    private static func noAnswer(unreachable: [AdminEndpoint], late: [AdminEndpoint]) -> RPCError {
        func names(_ endpoints: [AdminEndpoint]) -> String {
            endpoints.map(\.description).joined(separator: ", ") + (endpoints.count == 1 ? " does" : " do")
        }
        var sentences: [String] = []
        if !unreachable.isEmpty {
            sentences.append("\(names(unreachable)) not answer: is the node running, and is this its admin address?")
        }
        if !late.isEmpty {
            sentences.append("\(names(late)) not answer in time, although somebody listens there: does the node hang?")
        }
        return RPCError(
            code: .unavailable,
            message: sentences.isEmpty ? "no endpoint was given" : sentences.joined(separator: " ")
        )
    }
}
