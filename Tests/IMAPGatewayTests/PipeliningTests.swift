import IMAPGateway
import IMAPSession
import IMAPSyntax
import MailTestSupport
import NIOCore
import Testing

@Suite struct PipeliningTests {
    @Test func severalCommandsInOnePacket() async throws {
        try await TestServer.with { server in
            let client = try await server.connect()
            try await client.send(
                "a LOGIN user@example.org pass\r\nb SELECT INBOX\r\nc FETCH 1:* FLAGS\r\nd NOOP\r\ne LOGOUT\r\n"
            )
            let all = try await client.readToEnd()
            let tags = all.split(separator: "\r\n").filter { !$0.hasPrefix("*") }.map { $0.prefix(4) }
            #expect(tags == ["a OK", "b OK", "c OK", "d OK", "e OK"])
        }
    }

    @Test func commandsDirectlyBehindDone() async throws {
        try await TestServer.with { server in
            let client = try await server.select()
            try await client.send("i IDLE\r\nDONE\r\nn NOOP\r\n")
            let answer = try await client.read(through: "n ")
            #expect(answer.hasPrefix("+ "))
            #expect(answer.contains("i OK"))
            #expect(answer.contains("n OK"))
        }
    }

    @Test func commandsBehindALiteralThatIsPending() async throws {
        try await TestServer.with { server in
            let client = try await server.select()
            try await client.send("a APPEND INBOX {10}\r\n")
            try await client.read(through: "+ ")
            try await client.send("0123456")
            try await client.send("789\r\nb NOOP\r\nc APPEND INBOX {4+}\r\nabcd\r\nd SEARCH ALL\r\n")
            let answer = try await client.read(through: "d ")
            #expect(answer.contains("a OK [APPENDUID"))
            #expect(answer.contains("c OK [APPENDUID"))
            #expect(answer.contains("* SEARCH 1 2\r\n"))
        }
    }

    @Test(arguments: [1, 2, 3, 7]) func bytesInSmallPieces(_ size: Int) async throws {
        try await TestServer.with { server in
            let client = try await server.connect()
            let all = "a LOGIN {16+}\r\nuser@example.org {4+}\r\npass\r\nb APPEND INBOX {5+}\r\nhello\r\nc LOGOUT\r\n"
            var rest = ByteBuffer(string: all)
            while rest.readableBytes > 0 {
                try await client.send(rest.readSlice(length: min(size, rest.readableBytes)) ?? ByteBuffer())
            }
            let answer = try await client.readToEnd()
            #expect(answer.contains("b OK [APPENDUID"))
            #expect(answer.contains("c OK"))
        }
    }

    @Test func aLineOf64KiB() async throws {
        try await TestServer.with { server in
            let client = try await server.select()
            let set = (0..<10_000).map { "\($0 * 2 + 1)" }.joined(separator: ",")
            #expect(try await client.command("a", "UID FETCH \(set) FLAGS").hasSuffix("a OK Fetched\r\n"))
            let tooLong = String(repeating: "x", count: 70_000)
            let refused = try await client.command("b", "SEARCH SUBJECT \(tooLong)")
            #expect(refused.contains("b BAD"))
            #expect(try await client.command("c", "NOOP").contains("c OK"))
        }
    }

    @Test func refusedLiterals() async throws {
        try await TestServer.with({ $0.session.limits.appendLiteralBytes = 1_000 }) { server in
            let client = try await server.logIn()
            #expect(try await client.command("a", "APPEND INBOX {2000}").contains("a NO [TOOBIG]"))
            let body = String(repeating: "y", count: 2_000)
            #expect(try await client.command("b", "APPEND INBOX {2000+}\r\n\(body)").contains("b NO [TOOBIG]"))
            #expect(try await client.command("c", "APPEND Nowhere {3+}\r\nabc").contains("c NO [TRYCREATE]"))
            #expect(try await client.command("d", "APPEND Nowhere {3}").contains("d NO [TRYCREATE]"))
            #expect(try await client.command("e", "LOGIN {100000}").contains("e BAD"))
            #expect(try await client.command("f", "NOOP").contains("f OK"))
        }
    }

    @Test func tenBadCommandsEndTheSession() async throws {
        try await TestServer.with { server in
            let client = try await server.connect()
            for number in 1...9 {
                #expect(try await client.command("a\(number)", "NONSENSE").contains("BAD"))
            }
            try await client.send("a10 NONSENSE\r\n")
            #expect(try await client.readToEnd().contains("* BYE"))
        }
    }

    @Test func tooManySessions() async throws {
        try await TestServer.with({ $0.maximumSessions = 1 }) { server in
            let first = try await server.connect()
            let second = try await TestClient.connect(server.port)
            #expect(try await second.readToEnd().hasPrefix("* BYE Too many sessions"))
            #expect(try await first.command("a", "NOOP").contains("a OK"))
        }
    }

    @Test func aStopSaysGoodbye() async throws {
        var client: TestClient?
        try await TestServer.with { server in client = try await server.logIn() }
        #expect(try await client?.readToEnd().contains("* BYE The server is stopping") == true)
    }

    @Test func timeouts() async throws {
        try await TestServer.with({ $0.loginSeconds = 0 }) { server in
            let client = try await TestClient.connect(server.port)
            #expect(try await client.readToEnd().contains("* BYE No login"))
        }
        try await TestServer.with({ $0.idleSeconds = 1 }) { server in
            let client = try await TestClient.connect(server.port)
            #expect(try await client.readToEnd().contains("* BYE Autologout"))
        }
    }
}
