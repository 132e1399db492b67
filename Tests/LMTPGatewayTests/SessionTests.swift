import Foundation
import GatewaySupport
import MailModel
import MailTestSupport
import NIOCore
import NIOSSL
import Testing

@testable import LMTPGateway

@Suite struct SessionTests {
    @Test func wrongOrder() async throws {
        try await TestServer.with { server in
            let client = try await server.connect()
            #expect(try await client.command("MAIL FROM:<>").hasPrefix("503"))
            #expect(try await client.command("EHLO x").hasPrefix("500"))
            try await client.send("LHLO x\r\n")
            while try await client.line().hasPrefix("250-") {}
            #expect(try await client.command("RCPT TO:<anna@example.org>").hasPrefix("503"))
            #expect(try await client.command("DATA").hasPrefix("503"))
            #expect(try await client.command("MAIL FROM:<>").hasPrefix("250"))
            #expect(try await client.command("MAIL FROM:<>").hasPrefix("503"))
            #expect(try await client.command("DATA").hasPrefix("503"))
            #expect(try await client.command("RSET").hasPrefix("250"))
            #expect(try await client.command("RCPT TO:<anna@example.org>").hasPrefix("503"))
            #expect(try await client.command("VRFY anna").hasPrefix("252"))
            #expect(try await client.command("STARTTLS").hasPrefix("502"))
        }
    }

    @Test func tenErrorsEndTheSession() async throws {
        try await TestServer.with { server in
            let client = try await server.greet()
            try await client.send(String(repeating: "FROB\r\n", count: 9) + "NOOP\r\n")
            #expect(try await client.codes(10) == Array(repeating: "500 5.5.1", count: 9) + ["250 2.0.0"])
            try await client.send(String(repeating: "FROB\r\n", count: 10) + "NOOP\r\n")
            #expect(try await client.codes(11) == Array(repeating: "500 5.5.1", count: 10) + ["421 4.7.0"])
            #expect(try await client.toEnd() == "")
        }
    }

    /// After the last word nothing is carried out, whatever stands in the same piece.
    @Test func nothingIsDoneAfterTheEnd() async throws {
        try await TestServer.with { server in
            let client = try await server.greet()
            try await client.send("MAIL FROM:<>\r\nRCPT TO:<anna@example.org>\r\n")
            #expect(try await client.codes(2) == ["250 2.1.0", "250 2.1.5"])
            let long = String(repeating: "x", count: 4_097) + "\n"
            try await client.send(String(repeating: long, count: 10) + "BDAT 3 LAST\r\na\r\n")
            let rest = try await client.toEnd()
            #expect(rest.contains("421 4.7.0"))
            #expect(try await server.inbox(of: "anna@example.org").isEmpty)
        }
    }

    @Test func longLines() async throws {
        try await TestServer.with { server in
            let client = try await server.greet()
            let longest = "NOOP " + String(repeating: "x", count: 4_091)
            #expect(try await client.command(longest).hasPrefix("250"))
            #expect(try await client.command(longest + "x").hasPrefix("500 5.5.2"))
            #expect(try await client.command("NOOP").hasPrefix("250"))
            try await client.send(String(repeating: "x", count: 10_000))
            #expect(try await client.line().hasPrefix("500 5.5.2"))
            #expect(try await client.toEnd() == "")
        }
    }

    @Test func aSilentClientIsCutOff() async throws {
        try await TestServer.with({ $0.commandTimeoutSeconds = 1 }) { server in
            let client = try await server.connect()
            #expect(try await client.line().hasPrefix("421 4.4.2"))
            #expect(try await client.toEnd() == "")
        }
    }

    @Test func tooManySessions() async throws {
        try await TestServer.with({ $0.maxSessions = 1 }) { server in
            let first = try await server.connect()
            let second = try await TestClient.connect(server.server.port ?? 0)
            #expect(try await second.line().hasPrefix("421 4.3.2"))
            #expect(try await second.toEnd() == "")
            #expect(try await first.command("NOOP").hasPrefix("250"))
        }
    }

    @Test func anAddressHasSoManySessions() async throws {
        let limit = AddressLimit(sessionsPerAddress: 3, unlimited: [])
        try await TestServer.with({ $0.addresses = limit }) { server in
            let first = try await server.greet()
            let second = try await server.greet()
            let third = try await server.greet()
            let fourth = try await TestClient.connect(server.server.port ?? 0)
            let answer = try await fourth.line()
            #expect(answer.hasPrefix("421 4.7.0 "))
            #expect(answer.hasSuffix(" takes 3 sessions from one address, try again later"))
            #expect(try await fourth.toEnd() == "")
            // However a session ends, its place is free again, once: by QUIT, by the server, which has had enough of
            // what is no command, ...
            #expect(try await first.command("QUIT").hasPrefix("221"))
            try await second.send(String(repeating: "FROB\r\n", count: 20))
            _ = try await second.toEnd()
            let others = [try await Self.enter(server), try await Self.enter(server)]
            #expect(try await Self.isTurnedAway(server))
            // ... and by a client that hangs up, in the middle of a message.
            try await third.send("MAIL FROM:<>\r\nRCPT TO:<anna@example.org>\r\nDATA\r\nhalf a")
            _ = try await third.lines(3)
            try await third.channel.close()
            let last = try await Self.enter(server)
            #expect(try await Self.isTurnedAway(server))
            for client in others + [last] { try await client.channel.close() }
        }
        #expect(limit.addressCount == 0)
    }

    @Test func addressesWithManyClientsAreNotCounted() async throws {
        let limit = AddressLimit(sessionsPerAddress: 1)
        try await TestServer.with({ $0.addresses = limit }) { server in
            for _ in 0..<5 { _ = try await server.greet() }
            #expect(limit.addressCount == 0)
        }
    }

    /// Connects until a session that has ended was counted out.
    static func enter(_ server: TestServer) async throws -> TestClient {
        for _ in 0..<10_000 {
            let client = try await TestClient.connect(server.server.port ?? 0)
            if try await client.line().hasPrefix("220") { return client }
        }
        throw TestFailure(description: "the place of a session that ended was never free")
    }

    static func isTurnedAway(_ server: TestServer) async throws -> Bool {
        try await TestClient.connect(server.server.port ?? 0).line().hasPrefix("421 4.7.0")
    }

    @Test func stopping() async throws {
        try await TestServer.with { server in
            let client = try await server.greet()
            async let stopped: Void = server.server.stop()
            #expect(try await client.line().hasPrefix("421 4.3.2"))
            #expect(try await client.toEnd() == "")
            await stopped
        }
    }
}

@Suite struct TLSTests {
    /// A certificate for this run only.
    static func makeContext() async throws -> NIOSSLContext {
        let directory = FileManager.default.temporaryDirectory.appendingPathComponent("lmtp-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: directory) }
        let key = directory.appendingPathComponent("key.pem").path
        let certificate = directory.appendingPathComponent("certificate.pem").path
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = [
            "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost",
            "-keyout", key, "-out", certificate,
        ]
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        try await withCheckedThrowingContinuation { (done: CheckedContinuation<Void, any Error>) in
            process.terminationHandler = { _ in done.resume() }
            do { try process.run() } catch { done.resume(throwing: error) }
        }
        return try NIOSSLContext(
            configuration: .makeServerConfiguration(
                certificateChain: NIOSSLCertificate.fromPEMFile(certificate).map { .certificate($0) },
                privateKey: .privateKey(NIOSSLPrivateKey(file: key, format: .pem))
            )
        )
    }

    private static func upgrade(_ client: TestClient) async throws {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.certificateVerification = .none
        let context = try NIOSSLContext(configuration: configuration)
        let channel = client.channel
        try await channel.eventLoop.submit {
            let handler = try NIOSSLClientHandler(context: context, serverHostname: nil)
            try channel.pipeline.syncOperations.addHandler(handler, position: .first)
        }.get()
    }

    @Test func deliversAfterSTARTTLS() async throws {
        let tls = try await Self.makeContext()
        try await TestServer.with({ $0.tls = tls }) { server in
            let client = try await server.connect()
            try await client.send("LHLO x\r\n")
            #expect(try await client.lines(8).last == "250 STARTTLS")
            #expect(try await client.command("MAIL FROM:<before@x>").hasPrefix("250"))
            #expect(try await client.command("STARTTLS").hasPrefix("220 2.0.0"))
            try await Self.upgrade(client)
            // What was said before counts no more.
            #expect(try await client.command("MAIL FROM:<>").hasPrefix("503"))
            try await client.send("LHLO x\r\n")
            #expect(try await client.lines(7).last == "250 CHUNKING")
            try await client.send("MAIL FROM:<>\r\nRCPT TO:<anna@example.org>\r\nDATA\r\na\r\n.\r\nSTARTTLS\r\n")
            #expect(try await client.codes(5) == ["250 2.1.0", "250 2.1.5", "354", "250 2.0.0", "502 5.5.1"])
            #expect(
                try await server.inbox(of: "anna@example.org")
                    == [TestServer.stored("a\r\n", for: "anna@example.org", from: "")]
            )
            #expect(try await server.rawInbox(of: "anna@example.org")[0].contains(" with LMTPS id "))
        }
    }

    /// CVE-2011-0411 and its kin: what comes with STARTTLS is not the client's.
    @Test func injectedCommandsEndTheConnection() async throws {
        let tls = try await Self.makeContext()
        try await TestServer.with({ $0.tls = tls }) { server in
            let client = try await server.greet()
            try await client.send("STARTTLS\r\nLHLO evil\r\nMAIL FROM:<evil@x>\r\n")
            #expect(try await client.toEnd() == "")
        }
    }
}
