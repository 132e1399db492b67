import MailModel
import MailTestSupport
import NIOCore
import Testing

@testable import LMTPGateway

@Suite struct RecipientPlacesTests {
    /// Look-ups end in any order, and the replies are in that of the RCPTs.
    @Test func acceptedInTheOrderOfTheRCPTs() {
        var places = RecipientPlaces()
        let numbers = (0..<5).map { _ in places.take() }
        places.accept(numbers[4], as: 0)
        places.refuse(numbers[1])
        places.accept(numbers[2], as: 1)
        let late = places.take()
        places.accept(late, as: 0)
        places.accept(numbers[0], as: 2)
        #expect(places.accepted == [2, 1, 0, 0])
        // The fourth is still being looked up.
        #expect(places.openCount == 5)
        places.accept(numbers[3], as: 3)
        #expect(places.accepted == [2, 1, 3, 0, 0])
    }

    @Test func refusedOnesAreCountedAndNotKept() {
        var places = RecipientPlaces()
        for _ in 0..<1_000 { places.refuse(places.take()) }
        places.countRefusal()
        #expect(places.refusedCount == 1_001)
        #expect(places.openCount == 0)
        places.accept(places.take(), as: 0)
        #expect(places.accepted == [0])
    }
}

@Suite struct RecipientLimitTests {
    private func recipients(_ names: [String]) -> String {
        names.map { "RCPT TO:<\($0)@example.org>\r\n" }.joined()
    }

    @Test func soManyAreAccepted() async throws {
        try await TestServer.with({ $0.maxRecipients = 2 }) { server async throws in
            let client = try await server.greet()
            _ = try await client.command("MAIL FROM:<>")
            // One that is refused takes no other's place.
            for (name, reply) in [("nobody", "550 5.1.1"), ("anna", "250 2.1.5"), ("bert", "250 2.1.5")] {
                #expect(try await client.command("RCPT TO:<\(name)@example.org>").hasPrefix(reply))
            }
            #expect(
                try await client.command("RCPT TO:<full@example.org>") == "452 4.5.3 more than 2 recipients"
            )
            // Those before it get the message, and the next transaction has room again.
            try await client.send("DATA\r\na\r\n.\r\nMAIL FROM:<>\r\nRCPT TO:<anna@example.org>\r\n")
            #expect(try await client.codes(5) == ["354", "250 2.0.0", "250 2.0.0", "250 2.1.0", "250 2.1.5"])
            for name in ["anna", "bert"] { #expect(try await server.inbox(of: "\(name)@example.org").count == 1) }
        }
    }

    /// RCPTs whose look-ups are under way count: all of them may be accepted.
    @Test func soManyAreAcceptedOfThoseThatComeTogether() async throws {
        try await TestServer.with({ $0.maxRecipients = 2 }) { server async throws in
            server.service.answerLookUpsInReverse(together: 2)
            let client = try await server.greet()
            try await client.send(
                "MAIL FROM:<>\r\n" + recipients(["anna", "bert", "full", "anna"]) + "DATA\r\na\r\n.\r\n"
            )
            #expect(
                try await client.codes(8) == [
                    "250 2.1.0", "250 2.1.5", "250 2.1.5", "452 4.5.3", "452 4.5.3", "354", "250 2.0.0", "250 2.0.0",
                ]
            )
        }
    }

    /// A client that tries names is told to wait, and costs no more look-ups; who was accepted gets the message.
    @Test func soManyAreRefused() async throws {
        try await TestServer.with({ $0.maxRefusedRecipients = 3 }) { server async throws in
            let client = try await server.greet()
            _ = try await client.command("MAIL FROM:<>")
            for path in ["nobody", "a@example.org", "anna@example.org", "postmaster"] {
                let reply = try await client.command("RCPT TO:<\(path)>")
                #expect(reply.hasPrefix(path.hasPrefix("anna") ? "250 2.1.5" : "550 5.1.1"))
            }
            // From now on a look-up would never be answered.
            server.service.answerLookUpsInReverse(together: 100)
            for name in ["b", "bert"] {
                #expect(
                    try await client.command("RCPT TO:<\(name)@example.org>")
                        == "452 4.5.3 after 3 refused recipients"
                )
            }
            try await client.send("DATA\r\na\r\n.\r\n")
            #expect(try await client.codes(2) == ["354", "250 2.0.0"])
            server.service.answerLookUpsInReverse(together: 1)
            try await client.send("MAIL FROM:<>\r\n" + recipients(["bert"]))
            #expect(try await client.codes(2) == ["250 2.1.0", "250 2.1.5"])
        }
    }

    /// A store that does not answer makes no client try all its recipients.
    @Test func failedLookUpsCount() async throws {
        try await TestServer.with({ $0.maxRefusedRecipients = 2 }) { server async throws in
            let client = try await server.greet()
            _ = try await client.command("MAIL FROM:<>")
            server.service.setFailure(.busy)
            var codes: [String] = []
            for _ in 0..<3 { codes.append(String(try await client.command("RCPT TO:<anna@example.org>").prefix(9))) }
            #expect(codes == ["451 4.3.0", "451 4.3.0", "452 4.5.3"])
        }
    }

    /// The replies to the RCPTs before the last one are not lost, though their look-ups end after it has come.
    @Test func whoGoesOnLosesTheConnection() async throws {
        try await TestServer.with({
            $0.maxRecipients = 2
            $0.maxExcessRecipients = 5
        }) { server async throws in
            server.service.answerLookUpsInReverse(together: 2)
            let client = try await server.greet()
            let names = ["anna", "bert"] + Array(repeating: "full", count: 6)
            try await client.send("MAIL FROM:<>\r\n" + recipients(names))
            let accepted = ["250 2.1.0", "250 2.1.5", "250 2.1.5"]
            #expect(
                try await client.codes(9) == accepted + Array(repeating: "452 4.5.3", count: 5) + ["421 4.7.0"]
            )
            #expect(try await client.toEnd() == "")
        }
    }

    @Test func theLimitsByDefault() {
        let settings = LMTPSettings()
        // RFC 5321, section 4.5.3.1.8.
        #expect(settings.maxRecipients >= 100)
        #expect(settings.maxRefusedRecipients == 100)
        #expect(settings.maxExcessRecipients == 1_000)
    }
}
