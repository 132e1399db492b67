import AdminAPI
import GRPCCore
import Testing

@Suite struct EndpointOrderTests {
    private struct ConnectionRefused: Error {}

    private enum Answer {
        case done(Int)
        case refuses(RPCError.Code, String)
        case isSilent
        case isLate
    }

    /// Asks nodes that answer so, the next after `failedPrecondition`, and counts whom it asked.
    private func ask(
        _ answers: [Answer],
        _ repetition: Repetition = .harmless
    ) async throws -> (value: Int, asked: Int) {
        let endpoints = answers.indices.map { AdminEndpoint(host: "node", port: $0 + 1) }
        var asked = 0
        let value = try await AdminEndpoint.firstAnswer(
            of: endpoints,
            repetition: repetition,
            asksNext: { $0.code == .failedPrecondition },
            { endpoint -> Int in
                asked += 1
                switch answers[endpoint.port - 1] {
                case .done(let value): return value
                case .refuses(let code, let message): throw RPCError(code: code, message: message)
                case .isSilent:
                    throw RPCError(code: .unavailable, message: "channel isn't ready", cause: ConnectionRefused())
                case .isLate: throw RPCError(code: .deadlineExceeded, message: "RPC timed out before completing")
                }
            }
        )
        return (value, asked)
    }

    @Test func theFirstThatAnswersIsAsked() async throws {
        let found = try await ask([.isSilent, .done(7), .done(8)])
        #expect(found == (7, 2))
        #expect(try await ask([.refuses(.unavailable, "no quorum"), .done(8)]) == (8, 2))
        #expect(try await ask([.refuses(.failedPrecondition, "ask node 2"), .done(8)]) == (8, 2))
    }

    @Test(arguments: [RPCError.Code.failedPrecondition, .unavailable, .notFound])
    func aRefusalIsTheAnswerWhereTheNextIsSilent(_ code: RPCError.Code) async {
        let error = await #expect(throws: RPCError.self) { try await ask([.refuses(code, "says why"), .isSilent]) }
        #expect(error?.code == code)
        #expect(error?.message == "says why")
    }

    @Test func theFirstRefusalIsTheAnswer() async {
        let error = await #expect(throws: RPCError.self) {
            try await ask([.isSilent, .refuses(.failedPrecondition, "first"), .refuses(.unavailable, "second")])
        }
        #expect(error?.message == "first")
        let final = await #expect(throws: RPCError.self) {
            try await ask([.refuses(.notFound, "there is none"), .done(1)])
        }
        #expect(final?.code == .notFound)
    }

    @Test func theNextIsAskedWhereTheAnswerIsLateAndTheSameAgainDoesNoHarm() async throws {
        #expect(try await ask([.isLate, .done(7)]) == (7, 2))
        #expect(try await ask([.isLate, .isSilent, .done(7)]) == (7, 3))
        let refusal = await #expect(throws: RPCError.self) {
            try await ask([.isLate, .refuses(.notFound, "there is none"), .done(1)])
        }
        #expect(refusal?.code == .notFound)
        let error = await #expect(throws: RPCError.self) { try await ask([.isSilent, .isLate]) }
        #expect(error?.code == .unavailable)
        #expect(error?.message.contains("node:1 does not answer:") == true)
        #expect(error?.message.contains("node:2 does not answer in time") == true)
    }

    /// A node that was not reached has carried nothing out, so the next is asked; then nobody knows.
    @Test func theOutcomeIsUnknownWhereTheAnswerIsLateAndTheCallIsNotToBeRepeated() async throws {
        let repetition = Repetition.unwanted(thenAsk: "staffettactl account show a@b")
        #expect(try await ask([.isSilent, .done(7)], repetition) == (7, 2))
        let error = await #expect(throws: RPCError.self) { try await ask([.isSilent, .isLate, .done(7)], repetition) }
        #expect(error?.code == .deadlineExceeded)
        #expect(error?.message.contains("node:2 did not answer in time: the outcome is unknown") == true)
        #expect(error?.message.contains("`staffettactl account show a@b`") == true)
    }

    @Test func silentNodesAreNamed() async {
        let error = await #expect(throws: RPCError.self) { try await ask([.isSilent, .isSilent]) }
        #expect(error?.code == .unavailable)
        #expect(error?.message.contains("node:1, node:2 do not answer") == true)
        let none = await #expect(throws: RPCError.self) { try await ask([]) }
        #expect(none?.message == "no endpoint was given")
    }
}
