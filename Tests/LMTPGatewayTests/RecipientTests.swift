import MailModel
import MailTestSupport
import NIOCore
import NIOPosix
import Testing

@testable import LMTPGateway

@Suite struct RecipientNameTests {
    @Test(arguments: [
        ("user18@example.org", "user18@example.org"), ("\"user18\"@example.org", "user18@example.org"),
        ("\"user\\18\"@example.org", "user18@example.org"), ("\"\\u\\s\\e\\r\"@Example.org", "user@example.org"),
        ("\"User\"@example.org", "user@example.org"), ("\"a\\\"b\"@c", "a\"b@c"), ("\"a\\\\b\"@c", "a\\b@c"),
        ("\"a@b\"@c", "a@b@c"), ("\"a+b\"@c", "a+b@c"), ("a\"b@c", "a\"b@c"), ("\"ü\"@c", "ü@c"),
        ("postmaster@c", "postmaster@c"),
    ])
    func address(_ path: String, _ text: String) {
        #expect(RecipientName(path: path) == AccountAddress(text).map { .address($0) })
    }

    @Test(arguments: ["postmaster", "Postmaster", "POSTMASTER"])
    func postmaster(_ path: String) { #expect(RecipientName(path: path) == .postmaster) }

    @Test(arguments: [
        "", "user", "@", "@c", "a@", "\"\"@c", "\"a\"", "\"a\"b@c", "\"a\".b@c", "\"a@c", "\"a\\\"@c", "\"a b\"@c",
        "\"a>b\"@c", "postmasters", "post\u{10}aster",
    ])
    func nobody(_ path: String) { #expect(RecipientName(path: path) == nil) }

    @Test(arguments: [
        ("user+a@x", "user@x"), ("user+@x", "user@x"), ("user+a+b@x", "user@x"), ("user@x+y", nil), ("+a@x", nil),
        ("user@x", nil), ("a@b+c@x", "a@b@x"),
    ])
    func withoutDetail(_ text: String, _ base: String?) throws {
        let address = try #require(AccountAddress(text))
        #expect(address.withoutDetail(UInt8(ascii: "+")) == base.flatMap { AccountAddress($0) })
    }
}

@Suite struct ReceivedStampTests {
    private static func stamp(
        _ name: String = "mx.example.net",
        from address: String? = "192.0.2.1",
        isTLS: Bool = false,
        isUTF8: Bool = false
    ) -> ReceivedStamp {
        ReceivedStamp(
            clientName: name,
            clientAddress: address,
            hostName: "mail.example.org",
            isTLS: isTLS,
            isUTF8: isUTF8,
            time: Timestamp(milliseconds: 1_700_000_000_999)
        )
    }

    private static let id = BodyID(high: 0x123, low: .max)

    @Test func forOneRecipient() {
        #expect(
            Self.stamp().field(id: Self.id, for: "User+a@example.org") == """
                Received: from mx.example.net ([192.0.2.1])\r
                \tby mail.example.org with LMTP id 0000000000000123ffffffffffffffff\r
                \tfor <User+a@example.org>;\r
                \tTue, 14 Nov 2023 22:13:20 +0000\r

                """
        )
    }

    @Test func forOthersAsWell() {
        let field = Self.stamp().field(id: Self.id, for: nil)
        #expect(field.hasSuffix("ffff;\r\n\tTue, 14 Nov 2023 22:13:20 +0000\r\n"))
        #expect(!field.contains(" for "))
    }

    @Test(arguments: [
        (false, false, "LMTP"), (true, false, "LMTPS"), (false, true, "UTF8LMTP"), (true, true, "UTF8LMTPS"),
    ])
    func with(_ isTLS: Bool, _ isUTF8: Bool, _ name: String) {
        let field = Self.stamp(isTLS: isTLS, isUTF8: isUTF8).field(id: Self.id, for: "ü@c")
        #expect(field.contains(" with \(name) id "))
        // Only who speaks UTF-8 gets a header in it.
        #expect(field.contains("for <ü@c>") == isUTF8)
    }

    /// What the client calls itself never makes another field of this one.
    @Test(
        arguments: [
            ("mx", "2001:db8::1", "mx ([IPv6:2001:db8::1])"), ("[192.0.2.9]", "192.0.2.1", "[192.0.2.9] ([192.0.2.1])"),
            ("[IPv6:::1]", nil, "[IPv6:::1]"), ("a b", "192.0.2.1", "[192.0.2.1]"), ("a;b", nil, "unknown"),
            ("x) by y (", "192.0.2.1", "[192.0.2.1]"), ("ü", nil, "unknown"), ("", nil, "unknown"),
            ("[]", nil, "unknown"),
            (String(repeating: "a", count: 256), nil, "unknown"),
        ] as [(String, String?, String)]
    )
    func sender(_ name: String, _ address: String?, _ sender: String) {
        #expect(Self.stamp(name, from: address).field(id: Self.id, for: nil).hasPrefix("Received: from \(sender)\r\n"))
    }

    @Test(
        arguments: [
            (0, "Thu, 1 Jan 1970 00:00:00 +0000"), (951_782_400, "Tue, 29 Feb 2000 00:00:00 +0000"),
            (951_868_800, "Wed, 1 Mar 2000 00:00:00 +0000"), (1_767_225_599, "Wed, 31 Dec 2025 23:59:59 +0000"),
            (1_767_225_600, "Thu, 1 Jan 2026 00:00:00 +0000"), (4_107_542_400, "Mon, 1 Mar 2100 00:00:00 +0000"),
            (253_402_300_799, "Fri, 31 Dec 9999 23:59:59 +0000"), (.max / 1_000, "Fri, 31 Dec 9999 23:59:59 +0000"),
            (-1, "Thu, 1 Jan 1970 00:00:00 +0000"),
        ] as [(Int64, String)]
    )
    func date(_ seconds: Int64, _ text: String) {
        #expect(ReceivedStamp.date(Timestamp(milliseconds: seconds * 1_000)) == text)
    }

    /// A field of ours, over another message, is the trace of an MTA as well.
    @Test func isATrace() {
        var scanner = TraceScanner()
        scanner.append(ByteBuffer(string: Self.stamp().field(id: Self.id, for: "a@b") + "\r\n"))
        #expect(scanner.verdict == .hasID)
    }
}

private let message = "Subject: x\r\n\r\nhello\r\n"

extension TestServer {
    /// One transaction; the replies to the RCPTs and then those after the message.
    fileprivate func deliver(to paths: [String], parameters: String = "") async throws -> [String] {
        let client = try await greet()
        let recipients = paths.map { "RCPT TO:<\($0)>\r\n" }.joined()
        try await client.send("MAIL FROM:<s@x>\(parameters)\r\n\(recipients)")
        let replies = try await client.lines(paths.count + 1).dropFirst()
        let accepted = replies.count { $0.hasPrefix("250") }
        guard accepted > 0 else { return Array(replies) }
        try await client.send("DATA\r\n\(message).\r\n")
        return try await Array(replies) + client.lines(accepted + 1).dropFirst()
    }
}

@Suite struct RecipientTests {
    @Test func quotedNamesAreTheSamePerson() async throws {
        try await TestServer.with { server async throws in
            #expect(
                try await server.deliver(to: ["\"anna\"@example.org", "anna@example.org", "\"b\\ert\"@example.org"])
                    == [
                        "250 2.1.5 <anna@example.org> ok", "250 2.1.5 <anna@example.org> ok",
                        "250 2.1.5 <bert@example.org> ok", "250 2.0.0 <anna@example.org> delivered",
                        "250 2.0.0 <anna@example.org> delivered", "250 2.0.0 <bert@example.org> delivered",
                    ]
            )
            for name in ["anna@example.org", "bert@example.org"] {
                let stored = TestServer.stored(message, for: name, from: "s@x")
                #expect(try await server.inbox(of: name) == [stored])
            }
        }
    }

    /// Two details are two copies; each says where it went.
    @Test func details() async throws {
        try await TestServer.with { server async throws in
            #expect(
                try await server.deliver(to: ["anna+A@example.org", "anna@example.org", "anna+b+c@example.org"]).suffix(
                    3
                )
                    == [
                        "250 2.0.0 <anna+a@example.org> delivered", "250 2.0.0 <anna@example.org> delivered",
                        "250 2.0.0 <anna+b+c@example.org> delivered",
                    ]
            )
            #expect(
                try await server.inbox(of: "anna@example.org").sorted()
                    == ["anna+a@example.org", "anna+b+c@example.org", "anna@example.org"]
                    .map { TestServer.stored(message, for: $0, from: "s@x") }.sorted()
            )
            #expect(
                try await server.deliver(to: ["nobody+a@example.org", "+a@example.org"]).map { $0.prefix(9) }
                    == ["550 5.1.1", "550 5.1.1"]
            )
        }
    }

    @Test func theExactNameWins() async throws {
        try await TestServer.with { server async throws in
            try server.service.addAccount("anna+list@example.org", password: "pass")
            _ = try await server.deliver(to: ["anna+list@example.org"])
            #expect(try await server.inbox(of: "anna+list@example.org").count == 1)
            #expect(try await server.inbox(of: "anna@example.org").isEmpty)
        }
    }

    @Test func detailsBySetting() async throws {
        try await TestServer.with {
            $0.detailSeparator = UInt8(ascii: "-")
        } _: { server async throws in
            #expect(
                try await server.deliver(to: ["anna-a@example.org", "anna+a@example.org"]).map { $0.prefix(9) }
                    == ["250 2.1.5", "550 5.1.1", "250 2.0.0"]
            )
        }
        try await TestServer.with {
            $0.detailSeparator = nil
        } _: { server async throws in
            #expect(try await server.deliver(to: ["anna+a@example.org"]).map { $0.prefix(9) } == ["550 5.1.1"])
        }
    }

    @Test func postmaster() async throws {
        try await TestServer.with { server async throws in
            #expect(
                try await server.deliver(to: ["postmaster"])
                    == ["550 5.1.1 <postmaster> has no account here (address.postmaster is not set)"]
            )
        }
        try await TestServer.with {
            $0.postmaster = AccountAddress("anna@example.org")
        } _: { server async throws in
            #expect(
                try await server.deliver(to: ["PostMaster", "bert@example.org"])
                    == [
                        "250 2.1.5 <postmaster> ok", "250 2.1.5 <bert@example.org> ok",
                        "250 2.0.0 <postmaster> delivered", "250 2.0.0 <bert@example.org> delivered",
                    ]
            )
            let stored = TestServer.stored(message, for: "anna@example.org", from: "s@x")
            #expect(try await server.inbox(of: "anna@example.org") == [stored])
        }
        // Not there: the operator's mistake, for which no mail goes back.
        try await TestServer.with {
            $0.postmaster = AccountAddress("gone@example.org")
        } _: { server async throws in
            #expect(try await server.deliver(to: ["postmaster"]).map { $0.prefix(9) } == ["451 4.3.5"])
        }
    }

    /// Another account may have the name by now: only RCPT says that there is none.
    @Test func whoIsDeletedMeanwhile() async throws {
        try await TestServer.with { server async throws in
            let client = try await server.greet()
            try await client.send("MAIL FROM:<s@x>\r\nRCPT TO:<anna@example.org>\r\n")
            #expect(try await client.codes(2) == ["250 2.1.0", "250 2.1.5"])
            let address = try #require(AccountAddress("anna@example.org"))
            let found = try await server.service.find(address, on: MultiThreadedEventLoopGroup.singleton.any()).get()
            let account = AccountReference(id: try #require(found).id, slot: address.slot)
            #expect(try server.service.perform(.deleteAccount, for: account) == .done)
            try await client.send("DATA\r\n\(message).\r\n")
            #expect(try await client.codes(2) == ["354", "451 4.3.0"])
            try await client.send("MAIL FROM:<s@x>\r\nRCPT TO:<anna@example.org>\r\n")
            #expect(try await client.codes(2) == ["250 2.1.0", "550 5.1.1"])
        }
    }

    /// Says who sent it, how and when, and to whom only when nobody else got it.
    @Test func received() async throws {
        try await TestServer.with { server async throws in
            _ = try await server.deliver(to: ["anna+a@example.org", "nobody@example.org"], parameters: " SMTPUTF8")
            _ = try await server.deliver(to: ["anna@example.org", "bert@example.org"])
            let stored = try await server.rawInbox(of: "anna@example.org")
            try #require(stored.count == 2)
            #expect(
                stored[0].contains(
                    "\r\nReceived: from test ([127.0.0.1])\r\n\tby mx.example.org with UTF8LMTP id "
                )
            )
            #expect(stored[0].contains("\r\n\tfor <anna+a@example.org>;\r\n\t"))
            #expect(stored[1].contains(" with LMTP id "))
            #expect(!stored[1].contains("\tfor <"))
        }
    }

    /// By whatever details and at whatever time it comes again: the name that the MTA gave is what counts.
    @Test func aRepetitionIsKnownByTheNameThatTheMTAGave() async throws {
        let trace = "Received: from a by b with ESMTP id X; date\r\n\(message)"
        try await TestServer.with { server async throws in
            for paths in [["anna+a@example.org"], ["\"anna+a\"@Example.org", "anna+b@example.org"]] {
                let client = try await server.greet()
                let recipients = paths.map { "RCPT TO:<\($0)>\r\n" }.joined()
                try await client.send("MAIL FROM:<s@x>\r\n\(recipients)DATA\r\n")
                _ = try await client.lines(paths.count + 2)
                try await client.send("\(trace).\r\n")
                for reply in try await client.lines(paths.count) { #expect(reply.hasPrefix("250 2.0.0")) }
            }
            #expect(
                try await server.inbox(of: "anna@example.org")
                    == ["anna+a@example.org", "anna+b@example.org"].map {
                        TestServer.stored(trace, for: $0, from: "s@x")
                    }
            )
        }
    }
}

extension ReceivedStamp {
    fileprivate func field(id: BodyID, for path: String?) -> String {
        var buffer = ByteBuffer()
        write(into: &buffer, id: id, for: path)
        return String(buffer: buffer)
    }
}
