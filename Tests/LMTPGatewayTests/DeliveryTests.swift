import Consensus
import MailModel
import MailTestSupport
import NIOCore
import Testing

@testable import LMTPGateway

private let message = "From: a@b\r\nSubject: x\r\n\r\nhello\r\n.dot\nbare\r\n"
private let wire = "From: a@b\r\nSubject: x\r\n\r\nhello\r\n..dot\nbare\r\n.\r\n"

@Suite struct DeliveryTests {
    @Test func capabilities() async throws {
        try await TestServer.with { server in
            let client = try await server.connect()
            try await client.send("LHLO test\r\n")
            #expect(
                try await client.lines(7) == [
                    "250-mx.example.org", "250-PIPELINING", "250-SIZE 52428800", "250-8BITMIME", "250-SMTPUTF8",
                    "250-ENHANCEDSTATUSCODES", "250 CHUNKING",
                ]
            )
            #expect(try await client.command("QUIT").hasPrefix("221 2.0.0"))
            #expect(try await client.toEnd() == "")
        }
    }

    /// Two transactions in one piece: every reply in its place, one per recipient after the dot.
    @Test func pipelinedTransactions() async throws {
        try await TestServer.with { server in
            let client = try await server.greet()
            try await client.send(
                "MAIL FROM:<s@x>\r\nRCPT TO:<anna@example.org>\r\nRCPT TO:<nobody@example.org>\r\n"
                    + "RCPT TO:<full@example.org>\r\nRCPT TO:<Bert@Example.org>\r\nDATA\r\n\(wire)"
                    + "MAIL FROM:<>\r\nRCPT TO:<anna@example.org>\r\nDATA\r\n\(wire)NOOP\r\nQUIT\r\n"
            )
            #expect(
                try await client.codes(14) == [
                    "250 2.1.0", "250 2.1.5", "550 5.1.1", "250 2.1.5", "250 2.1.5", "354",
                    "250 2.0.0", "552 5.2.2", "250 2.0.0",
                    "250 2.1.0", "250 2.1.5", "354", "250 2.0.0", "250 2.0.0",
                ]
            )
            #expect(try await client.line().hasPrefix("221"))
            #expect(
                try await server.inbox(of: "anna@example.org") == [
                    TestServer.stored(message, for: "anna@example.org", from: "s@x"),
                    TestServer.stored(message, for: "anna@example.org", from: ""),
                ]
            )
            #expect(
                try await server.inbox(of: "bert@example.org")
                    == [TestServer.stored(message, for: "bert@example.org", from: "s@x")]
            )
            #expect(try await server.inbox(of: "full@example.org") == [])
        }
    }

    /// The replies after the dot are those of the RCPTs in their order, whichever look-up ended first.
    @Test func repliesAreInTheOrderOfTheRecipients() async throws {
        try await TestServer.with { server in
            server.service.answerLookUpsInReverse(together: 4)
            let client = try await server.greet()
            try await client.send(
                "MAIL FROM:<s@x>\r\nRCPT TO:<full@example.org>\r\nRCPT TO:<nobody@example.org>\r\n"
                    + "RCPT TO:<anna@example.org>\r\nRCPT TO:<bert@example.org>\r\nDATA\r\n\(wire)"
            )
            #expect(
                try await client.lines(9).suffix(8) == [
                    "250 2.1.5 <full@example.org> ok", "550 5.1.1 <nobody@example.org> is no account here",
                    "250 2.1.5 <anna@example.org> ok", "250 2.1.5 <bert@example.org> ok",
                    "354 end with a dot on a line of its own",
                    "552 5.2.2 <full@example.org> has no room left",
                    "250 2.0.0 <anna@example.org> delivered", "250 2.0.0 <bert@example.org> delivered",
                ]
            )
            for name in ["anna", "bert"] { #expect(try await server.inbox(of: "\(name)@example.org").count == 1) }
        }
    }

    /// Somebody named twice gets one copy, and each RCPT its answer.
    @Test func oneRecipientTwice() async throws {
        try await TestServer.with { server in
            server.service.answerLookUpsInReverse(together: 3)
            let client = try await server.greet()
            try await client.send(
                "MAIL FROM:<s@x>\r\nRCPT TO:<anna@example.org>\r\nRCPT TO:<full@example.org>\r\n"
                    + "RCPT TO:<Anna@example.org>\r\nDATA\r\n\(wire)NOOP\r\n"
            )
            #expect(
                try await client.codes(9).suffix(5) == ["354", "250 2.0.0", "552 5.2.2", "250 2.0.0", "250 2.0.0"]
            )
            #expect(try await server.inbox(of: "anna@example.org").count == 1)
        }
    }

    /// A recipient who comes behind a part of the message would get it without that part.
    @Test func noRecipientBehindBDAT() async throws {
        try await TestServer.with { server in
            let client = try await server.greet()
            let chunk = String(repeating: "x", count: 300_000)
            try await client.send("MAIL FROM:<s@x>\r\nRCPT TO:<anna@example.org>\r\nBDAT 300000\r\n\(chunk)")
            #expect(try await client.codes(3) == ["250 2.1.0", "250 2.1.5", "250 2.0.0"])
            try await client.send("RCPT TO:<bert@example.org>\r\nBDAT 2 LAST\r\n\r\n")
            #expect(try await client.codes(2) == ["503 5.5.1", "250 2.0.0"])
            #expect(try await server.inbox(of: "anna@example.org").map(\.utf8.count).first ?? 0 > 300_002)
            #expect(try await server.inbox(of: "bert@example.org").isEmpty)
        }
    }

    @Test func everyByteByItself() async throws {
        try await TestServer.with { server in
            let client = try await server.greet()
            let all = "MAIL FROM:<s@x>\r\nRCPT TO:<anna@example.org>\r\nDATA\r\n\(wire)QUIT\r\n"
            for byte in all.utf8 { try await client.send(ByteBuffer(integer: byte)) }
            #expect(try await client.codes(5) == ["250 2.1.0", "250 2.1.5", "354", "250 2.0.0", "221 2.0.0"])
            #expect(
                try await server.inbox(of: "anna@example.org")
                    == [TestServer.stored(message, for: "anna@example.org", from: "s@x")]
            )
        }
    }

    /// What is not an end for us, but for others, is part of the one message.
    @Test(arguments: ["\n.\n", "\r\n.\n", "\n.\r\n"])
    func smuggling(_ end: String) async throws {
        try await TestServer.with { server in
            let client = try await server.greet()
            let evil = "\(end)MAIL FROM:<evil@x>\r\nRCPT TO:<bert@example.org>\r\nDATA\r\nevil\r\n.\r\n"
            try await client.send(
                "MAIL FROM:<s@x>\r\nRCPT TO:<anna@example.org>\r\nDATA\r\nSubject: x\r\n\r\na\(evil)NOOP\r\n"
            )
            #expect(try await client.codes(5) == ["250 2.1.0", "250 2.1.5", "354", "250 2.0.0", "250 2.0.0"])
            #expect(try await server.inbox(of: "anna@example.org").count == 1)
            #expect(try await server.inbox(of: "bert@example.org").isEmpty)
        }
    }

    @Test func overQuotaMayBeDeferred() async throws {
        try await TestServer.with({ $0.overQuota = .defer }) { server in
            let client = try await server.greet()
            try await client.send("MAIL FROM:<>\r\nRCPT TO:<full@example.org>\r\nDATA\r\n\(wire)")
            #expect(try await client.codes(4) == ["250 2.1.0", "250 2.1.5", "354", "452 4.2.2"])
        }
    }

    /// Never a permanent answer for a fault of ours.
    @Test func theStoreIsAway() async throws {
        try await TestServer.with { server in
            let client = try await server.greet()
            server.service.setFailure(.unavailable)
            try await client.send("MAIL FROM:<>\r\nRCPT TO:<anna@example.org>\r\nRCPT TO:<nobody@example.org>\r\n")
            #expect(try await client.codes(3) == ["250 2.1.0", "451 4.3.0", "451 4.3.0"])
            server.service.setFailure(nil)
            try await client.send("RCPT TO:<anna@example.org>\r\nRCPT TO:<bert@example.org>\r\n")
            #expect(try await client.codes(2) == ["250 2.1.5", "250 2.1.5"])
            server.service.setFailure(.busy)
            try await client.send("DATA\r\n\(wire)")
            #expect(try await client.codes(3) == ["354", "451 4.3.0", "451 4.3.0"])
            server.service.setFailure(nil)
            #expect(try await server.inbox(of: "anna@example.org").isEmpty)
        }
    }

    /// The store goes away in the middle of a large message: it is read to its end, and answered.
    @Test func theStoreGoesAwayInTheMiddle() async throws {
        try await TestServer.with { server in
            let client = try await server.greet()
            try await client.send(
                "MAIL FROM:<>\r\nRCPT TO:<anna@example.org>\r\nRCPT TO:<bert@example.org>\r\nDATA\r\n"
            )
            #expect(try await client.codes(4).last == "354")
            server.service.setFailure(.unavailable)
            let line = String(repeating: "x", count: 998) + "\r\n"
            for _ in 0..<20 { try await client.send(String(repeating: line, count: 100)) }
            try await client.send(".\r\n")
            #expect(try await client.codes(2) == ["451 4.3.0", "451 4.3.0"])
            server.service.setFailure(nil)
            try await client.send("MAIL FROM:<>\r\nRCPT TO:<anna@example.org>\r\nDATA\r\n\(wire)")
            #expect(try await client.codes(4).last == "250 2.0.0")
        }
    }

    @Test func tooLargeIsSaidBeforeDATAAndAfter() async throws {
        try await TestServer.with({ $0.maxMessageBytes = 2_000 }) { server in
            let client = try await server.greet()
            try await client.send("MAIL FROM:<> SIZE=2001\r\nMAIL FROM:<> SIZE=2000\r\n")
            #expect(try await client.codes(2) == ["552 5.3.4", "250 2.1.0"])
            let line = String(repeating: "x", count: 98) + "\r\n"
            try await client.send("RCPT TO:<anna@example.org>\r\nRCPT TO:<bert@example.org>\r\nDATA\r\n")
            try await client.send(String(repeating: line, count: 21) + ".\r\n")
            #expect(try await client.codes(5) == ["250 2.1.5", "250 2.1.5", "354", "552 5.3.4", "552 5.3.4"])
            try await client.send("MAIL FROM:<>\r\nRCPT TO:<anna@example.org>\r\nDATA\r\n")
            try await client.send(String(repeating: line, count: 20) + ".\r\n")
            #expect(try await client.codes(4).last == "250 2.0.0")
            #expect(try await server.inbox(of: "bert@example.org").isEmpty)
        }
    }

    /// A message of many chunks, for recipients whose copies start differently; the pieces lie across all borders.
    @Test(arguments: [256 * 1_024 - 80, 256 * 1_024, 256 * 1_024 + 1, 1_000_000, 3_500_000])
    func largeMessages(_ size: Int) async throws {
        try await TestServer.with { server in
            try server.service.addAccount("somebody-with-a-longer-name@example.org", password: "pass")
            let names = ["anna@example.org", "somebody-with-a-longer-name@example.org", "bert@example.org"]
            let client = try await server.greet()
            try await client.send("MAIL FROM:<s@x>\r\n" + names.map { "RCPT TO:<\($0)>\r\n" }.joined() + "DATA\r\n")
            #expect(try await client.codes(5).last == "354")
            var body = "Subject: large\r\n\r\n"
            var number = 0
            while body.utf8.count < size {
                body += "line \(number) \(String(repeating: "abcdefgh", count: number % 20))\r\n"
                number += 1
            }
            var generator = SplitMix64(seed: UInt64(size))
            var rest = ByteBuffer(string: body + ".\r\n")
            while rest.readableBytes > 0 {
                let length = min(rest.readableBytes, Int.random(in: 1...100_000, using: &generator))
                try await client.send(rest.readSlice(length: length) ?? ByteBuffer())
            }
            #expect(try await client.codes(3) == ["250 2.0.0", "250 2.0.0", "250 2.0.0"])
            for name in names {
                let stored = try await server.inbox(of: name)
                #expect(stored == [TestServer.stored(body, for: name, from: "s@x")], "\(name)")
            }
        }
    }

    @Test func tooManyRecipients() async throws {
        try await TestServer.with { server in
            let client = try await server.greet()
            try await client.send("MAIL FROM:<>\r\n" + String(repeating: "RCPT TO:<anna@example.org>\r\n", count: 101))
            let codes = try await client.codes(102)
            #expect(codes[1...100].allSatisfy { $0 == "250 2.1.5" })
            #expect(codes[101] == "452 4.5.3")
            try await client.send("DATA\r\n\(wire)")
            #expect(try await client.codes(101).filter { $0 == "250 2.0.0" }.count == 100)
        }
    }
}

@Suite struct ChunkingTests {
    @Test func twoChunks() async throws {
        try await TestServer.with { server in
            let client = try await server.greet()
            try await client.send(
                "MAIL FROM:<s@x>\r\nRCPT TO:<anna@example.org>\r\nRCPT TO:<bert@example.org>\r\n"
                    + "BDAT 10\r\nSubject: xBDAT 9 LAST\r\n\r\n\r\n.\r\n.\nNOOP\r\n"
            )
            #expect(
                try await client.codes(7)
                    == ["250 2.1.0", "250 2.1.5", "250 2.1.5", "250 2.0.0", "250 2.0.0", "250 2.0.0", "250 2.0.0"]
            )
            #expect(
                try await server.inbox(of: "anna@example.org")
                    == [TestServer.stored("Subject: x\r\n\r\n.\r\n.\n", for: "anna@example.org", from: "s@x")]
            )
        }
    }

    @Test func anEmptyLastChunk() async throws {
        try await TestServer.with { server in
            let client = try await server.greet()
            try await client.send("MAIL FROM:<>\r\nRCPT TO:<anna@example.org>\r\nBDAT 3\r\na\r\nBDAT 0 LAST\r\n")
            #expect(try await client.codes(4) == ["250 2.1.0", "250 2.1.5", "250 2.0.0", "250 2.0.0"])
        }
    }

    /// The bytes of a chunk that is refused are still a chunk, not commands.
    @Test func chunksInTheWrongState() async throws {
        try await TestServer.with { server in
            let client = try await server.greet()
            try await client.send("BDAT 6\r\nNOOP\r\nBDAT 6 LAST\r\nQUIT\r\nNOOP\r\n")
            #expect(try await client.codes(3) == ["503 5.5.1", "503 5.5.1", "250 2.0.0"])
            // And leave nothing behind.
            try await client.send("MAIL FROM:<>\r\nRCPT TO:<anna@example.org>\r\nDATA\r\n\(wire)")
            #expect(try await client.codes(4) == ["250 2.1.0", "250 2.1.5", "354", "250 2.0.0"])
        }
    }

    @Test func noRecipientAndDATAAfterBDAT() async throws {
        try await TestServer.with { server in
            let client = try await server.greet()
            try await client.send("MAIL FROM:<>\r\nRCPT TO:<nobody@example.org>\r\nBDAT 3 LAST\r\na\r\n")
            #expect(try await client.codes(3) == ["250 2.1.0", "550 5.1.1", "503 5.5.1"])
            try await client.send(
                "RSET\r\nMAIL FROM:<>\r\nRCPT TO:<anna@example.org>\r\nBDAT 3\r\na\r\nDATA\r\nRSET\r\n"
            )
            #expect(
                try await client.codes(6)
                    == ["250 2.0.0", "250 2.1.0", "250 2.1.5", "250 2.0.0", "503 5.5.1", "250 2.0.0"]
            )
        }
    }
}
