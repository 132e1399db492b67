import MailModel
import MailTestSupport
import NIOCore
import NIOPosix
import Testing

@testable import LMTPGateway

private let trace =
    "Received: from a.example by mx.example (Postfix) with ESMTP id 4ZbQ1c2m3Xz;\r\n\tThu, 1 Jan 2026\r\n"

/// A message in lines, as large as asked for.
private func message(_ head: String, bytes: Int) -> String {
    let line = String(repeating: "x", count: 98) + "\r\n"
    return head + "Subject: x\r\n\r\n" + String(repeating: line, count: bytes / 100)
}

extension TestServer {
    /// Delivers through a session of its own.
    fileprivate func deliver(_ message: String, to recipients: [String], from sender: String = "s@x") async throws
        -> [String]
    {
        let client = try await greet()
        let paths = recipients.map { "RCPT TO:<\($0)>\r\n" }.joined()
        try await client.send("MAIL FROM:<\(sender)>\r\n\(paths)DATA\r\n")
        _ = try await client.lines(recipients.count + 2)
        try await client.send(message + ".\r\n")
        let replies = try await client.lines(recipients.count)
        _ = try await client.command("QUIT")
        return replies
    }

    fileprivate func account(_ address: String) async throws -> (AccountRecord, AccountReference) {
        let address = try #require(AccountAddress(address))
        let record = try #require(
            try await service.find(address, on: MultiThreadedEventLoopGroup.singleton.any()).get()
        )
        return (record, AccountReference(id: record.id, slot: address.slot))
    }
}

@Suite struct RepeatedDeliveryTests {
    private static let anna = "anna@example.org"
    private static let bert = "bert@example.org"

    /// Inline, and in several chunks.
    @Test(arguments: [1_000, 1_000_000])
    func `what an MTA repeats is delivered once`(_ bytes: Int) async throws {
        try await TestServer.with { server async throws in
            let mail = message(trace, bytes: bytes)
            let first = try await server.deliver(mail, to: [Self.anna, Self.bert])
            #expect(first == ["250 2.0.0 <anna@example.org> delivered", "250 2.0.0 <bert@example.org> delivered"])
            #expect(try await server.deliver(mail, to: [Self.bert, "Anna@Example.ORG"]) == first.reversed())
            for address in [Self.anna, Self.bert] {
                #expect(try await server.inbox(of: address) == [TestServer.stored(mail, for: address, from: "s@x")])
            }
            // No upload is left behind.
            let purge = MailCommand.purgeUploads(before: Timestamp(milliseconds: .max), from: AccountID(0), limit: 10)
            let (_, account) = try await server.account(Self.anna)
            #expect(try server.service.perform(purge, for: account) == .purged(0))
        }
    }

    @Test(arguments: [1_000, 1_000_000])
    func `what is made by hand is delivered each time`(_ bytes: Int) async throws {
        try await TestServer.with { server async throws in
            for head in ["", "Received: from a by b; date\r\n"] {
                let mail = message(head, bytes: bytes)
                for _ in 0..<2 { #expect(try await server.deliver(mail, to: [Self.anna])[0].hasPrefix("250")) }
            }
            #expect(try await server.inbox(of: Self.anna).count == 4)
        }
    }

    @Test func `another sender, recipient or byte is another delivery`() async throws {
        try await TestServer.with { server async throws in
            let mail = message(trace, bytes: 1_000)
            #expect(try await server.deliver(mail, to: [Self.anna])[0].hasPrefix("250"))
            #expect(try await server.deliver(mail, to: [Self.anna], from: "S@x")[0].hasPrefix("250"))
            #expect(try await server.deliver(mail, to: [Self.anna], from: "")[0].hasPrefix("250"))
            #expect(try await server.deliver(mail + "\r\n", to: [Self.anna])[0].hasPrefix("250"))
            let other = mail.replacing("4ZbQ1c2m3Xz", with: "4ZbQ1c2m3XZ")
            #expect(try await server.deliver(other, to: [Self.anna])[0].hasPrefix("250"))
            #expect(try await server.inbox(of: Self.anna).count == 5)
            #expect(try await server.deliver(mail, to: [Self.bert])[0].hasPrefix("250"))
            #expect(try await server.inbox(of: Self.bert).count == 1)
        }
    }

    /// Other pieces, and chunks instead of DATA: the same bytes.
    @Test func `how the bytes came does not matter`() async throws {
        try await TestServer.with { server async throws in
            let mail = message(trace, bytes: 1_000)
            #expect(try await server.deliver(mail, to: [Self.anna])[0].hasPrefix("250"))
            let client = try await server.greet()
            let half = mail.utf8.count / 2
            try await client.send("MAIL FROM:<s@x>\r\nRCPT TO:<\(Self.anna)>\r\nBDAT \(half)\r\n")
            try await client.send(String(decoding: mail.utf8.prefix(half), as: UTF8.self))
            try await client.send("BDAT \(mail.utf8.count - half) LAST\r\n")
            for byte in mail.utf8.dropFirst(half) { try await client.send(ByteBuffer(integer: byte)) }
            #expect(try await client.codes(4).allSatisfy { $0.hasPrefix("250") })
            #expect(try await server.inbox(of: Self.anna).count == 1)
        }
    }

    /// The first copy took the room that the second would need.
    @Test(arguments: [1_000, 1_000_000])
    func `a repetition needs no room`(_ bytes: Int) async throws {
        try await TestServer.with { server async throws in
            let mail = message(trace, bytes: bytes)
            #expect(try await server.deliver(mail, to: [Self.anna])[0].hasPrefix("250"))
            let (record, account) = try await server.account(Self.anna)
            try server.service.perform(.setQuota(bytes: record.usedBytes + 10), for: account)
            #expect(try await server.deliver(mail, to: [Self.anna])[0].hasPrefix("250"))
            let other = message(trace, bytes: bytes + 100)
            #expect(try await server.deliver(other, to: [Self.anna])[0].hasPrefix("552 5.2.2"))
            #expect(try await server.inbox(of: Self.anna).count == 1)
        }
    }

    /// A refusal is no delivery: the MTA may come again with it.
    @Test(arguments: [1_000, 1_000_000])
    func `what was refused is taken once there is room`(_ bytes: Int) async throws {
        try await TestServer.with { server async throws in
            let mail = message(trace, bytes: bytes)
            let (_, account) = try await server.account(Self.anna)
            try server.service.perform(.setQuota(bytes: UInt64(bytes / 2)), for: account)
            #expect(try await server.deliver(mail, to: [Self.anna])[0].hasPrefix("552 5.2.2"))
            try server.service.perform(.setQuota(bytes: 0), for: account)
            #expect(try await server.deliver(mail, to: [Self.anna])[0].hasPrefix("250"))
            #expect(try await server.inbox(of: Self.anna) == [TestServer.stored(mail, for: Self.anna, from: "s@x")])
        }
    }

    /// The names are what nodes of all versions must agree on.
    @Test func `the identity is fixed`() throws {
        var identity = DeliveryIdentity()
        identity.append(ByteBuffer(string: trace))
        identity.append(ByteBuffer(string: "Subject: x\r\n\r\nhello\r\n"))
        let complete = try #require(identity.finish())
        let address = try #require(RecipientName(path: "Anna@example.org"))
        let expected = DeliveryID(high: 0x4c04_93cb_6a09_0866, low: 0x1a83_2ebe_654b_3172)
        #expect(complete.delivery(from: "s@x", to: address) == expected)
    }
}
