public import GRPCCore

extension AdminEndpoint {
    /// Asks nodes one after the other until one has carried the call out.
    ///
    /// - Parameters:
    ///   - endpoints: in the order in which they are asked.
    ///   - asksNext: whether another node may answer better than the one that refused so.
    /// - Throws: what a node that answered has said, the first of them where several refused; that no node answers only
    ///   where none did.
    public static func firstAnswer<Value>(
        of endpoints: [AdminEndpoint],
        asksNext: (RPCError) -> Bool,
        _ ask: (AdminEndpoint) async throws -> Value
    ) async throws -> Value {
        var refusal: RPCError?
        var silent: [AdminEndpoint] = []
        for endpoint in endpoints {
            do {
                return try await ask(endpoint)
            } catch let error as RPCError where error.code == .unavailable || asksNext(error) {
                // The transport gives a cause, or says nothing; a node says what to do.
                if error.code == .unavailable, error.message.isEmpty || error.cause != nil {
                    silent.append(endpoint)
                } else if refusal == nil {
                    refusal = error
                }
            }
        }
        if let refusal { throw refusal }
        let names = silent.map(\.description).joined(separator: ", ")
        throw RPCError(
            code: .unavailable,
            message: silent.isEmpty
                ? "no endpoint was given"
                : "\(names) \(silent.count == 1 ? "does" : "do") not answer: is the node running, and is this its "
                    + "admin address?"
        )
    }
}
