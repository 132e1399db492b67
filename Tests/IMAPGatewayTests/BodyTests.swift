import IMAPGateway
import MailModel
import MailTestSupport
import NIOCore
import Testing

@Suite struct BodyTests {
    static let multipart = """
        From: Anna <anna@example.org>\r
        To: bruno@example.org\r
        Subject: Parts\r
        MIME-Version: 1.0\r
        Content-Type: multipart/mixed; boundary=outer\r
        \r
        preamble\r
        --outer\r
        Content-Type: text/plain\r
        \r
        first part\r
        --outer\r
        Content-Type: message/rfc822\r
        \r
        Subject: inner\r
        \r
        inner text\r
        --outer--\r\n
        """

    @Test func sections() async throws {
        try await TestServer.with { server in
            let client = try await server.logIn()
            _ = try await client.append("x", "INBOX", Self.multipart)
            _ = try await client.command("y", "SELECT INBOX")
            func fetch(_ section: String) async throws -> String {
                let answer = try await client.command("f", "FETCH 1 BODY.PEEK[\(section)]")
                return answer.replacing("\r\nf OK Fetched\r\n", with: "")
            }
            #expect(try await fetch("1") == "* 1 FETCH (BODY[1] {10}\r\nfirst part)")
            #expect(try await fetch("1.MIME") == "* 1 FETCH (BODY[1.MIME] {28}\r\nContent-Type: text/plain\r\n\r\n)")
            #expect(try await fetch("2.HEADER") == "* 1 FETCH (BODY[2.HEADER] {18}\r\nSubject: inner\r\n\r\n)")
            #expect(try await fetch("2.TEXT") == "* 1 FETCH (BODY[2.TEXT] {10}\r\ninner text)")
            #expect(try await fetch("2") == "* 1 FETCH (BODY[2] {28}\r\nSubject: inner\r\n\r\ninner text)")
            #expect(try await fetch("3") == "* 1 FETCH (BODY[3] NIL)")
            #expect(try await fetch("1.HEADER") == "* 1 FETCH (BODY[1.HEADER] NIL)")
            #expect(
                try await fetch("HEADER.FIELDS (subject to)")
                    == "* 1 FETCH (BODY[HEADER.FIELDS (subject to)] {41}\r\n"
                    + "To: bruno@example.org\r\nSubject: Parts\r\n\r\n)"
            )
            #expect(
                try await client.command(
                    "g",
                    "FETCH 1 BODY.PEEK[HEADER.FIELDS.NOT (From MIME-Version Content-Type)]<4.7>"
                )
                .contains("<4> {7}\r\nbruno@e)\r\n")
            )
            #expect(try await client.command("h", "FETCH 1 BODY.PEEK[]<6.4>").contains("BODY[]<6> {4}\r\nAnna)"))
            #expect(try await client.command("i", "FETCH 1 BODY.PEEK[]<9999.4>").contains("BODY[]<9999> {0}\r\n)"))
            #expect(try await client.command("j", "FETCH 1 (FLAGS)").contains("(FLAGS (\\Recent))"))
            #expect(try await client.command("k", "FETCH 1 BODY[1]").contains("first part FLAGS (\\Seen \\Recent))"))
            #expect(try await client.command("l", "FETCH 1 RFC822.HEADER").contains("RFC822.HEADER {"))
            #expect(try await client.command("m", "FETCH 1 RFC822.TEXT").contains("RFC822.TEXT {"))
            #expect(try await client.command("n", "FETCH 1 FULL").contains("BODY (("))
            #expect(try await client.command("o", "FETCH 1 (BODYSTRUCTURE SAVEDATE EMAILID THREADID)").contains("o OK"))
            #expect(try await client.command("p", "FETCH 1 BINARY[1]").contains("p BAD"))
        }
    }

    @Test func strangeBytesComeBackAsTheyWere() async throws {
        try await TestServer.with { server in
            let client = try await server.logIn()
            let bytes: [UInt8] = Array("Subject: x\n\nbare\nLF\r\nnul:".utf8) + [0, 0xff, 0x80, 0x0d, 0x0a, 0x0a, 0x0d]
            try await client.send("a APPEND INBOX {\(bytes.count)}\r\n")
            try await client.read(through: "+ ")
            try await client.send(ByteBuffer(bytes: bytes + Array("\r\n".utf8)))
            #expect(try await client.read(through: "a ").contains("a OK"))
            _ = try await client.command("b", "SELECT INBOX")
            try await client.send("c FETCH 1 (RFC822.SIZE BODY.PEEK[])\r\n")
            let start = "* 1 FETCH (RFC822.SIZE \(bytes.count) BODY[] {\(bytes.count)}\r\n"
            #expect(String(buffer: try await client.read(count: start.utf8.count)) == start)
            // A literal must not hold NUL: 0x80 stands for it, so that no size changes.
            let sent = bytes.map { $0 == 0 ? 0x80 : $0 }
            #expect(Array(try await client.read(count: bytes.count).readableBytesView) == sent)
            #expect(try await client.read(through: "c ").contains(")\r\nc OK"))
        }
    }

    /// NULs wherever they are: in pieces that are copied and in pieces that are passed on, in the whole, in a part,
    /// in header fields and in the envelope.
    @Test func noLiteralHoldsNUL() async throws {
        try await TestServer.with { server in
            let client = try await server.logIn()
            var bytes = Array("Subject: a\0b\r\nX-Other: \0\r\n\r\n".utf8)
            while bytes.count < MailLimits.bodyChunkBytes * 2 + 100 {
                bytes.append(UInt8(truncatingIfNeeded: bytes.count &* 31))
            }
            for index in [-1, 0, 1].map({ $0 + MailLimits.bodyChunkBytes }) + [bytes.count - 1] { bytes[index] = 0 }
            try await client.send("a APPEND INBOX {\(bytes.count)+}\r\n")
            try await client.send(ByteBuffer(bytes: bytes + Array("\r\n".utf8)))
            #expect(try await client.read(through: "a ").contains("a OK"))
            _ = try await client.command("b", "SELECT INBOX")
            let sent = bytes.map { $0 == 0 ? 0x80 : $0 }
            func expect(_ item: String, _ answer: String, _ wanted: ArraySlice<UInt8>) async throws {
                try await client.send("c FETCH 1 (\(item))\r\n")
                let start = "* 1 FETCH (\(answer) {\(wanted.count)}\r\n"
                #expect(String(buffer: try await client.read(count: start.utf8.count)) == start)
                #expect(Array(try await client.read(count: wanted.count).readableBytesView) == Array(wanted))
                #expect(try await client.read(through: "c ").hasSuffix("c OK Fetched\r\n"))
            }
            try await expect("BODY.PEEK[]", "BODY[]", sent[...])
            let edge = MailLimits.bodyChunkBytes - 2
            try await expect("BODY.PEEK[]<\(edge).5>", "BODY[]<\(edge)>", sent[edge..<(edge + 5)])
            try await expect("RFC822.HEADER", "RFC822.HEADER", sent[..<28])
            let subject = sent[..<14] + [13, 10]
            try await expect("BODY.PEEK[HEADER.FIELDS (Subject)]", "BODY[HEADER.FIELDS (Subject)]", subject[...])
            try await client.send("d FETCH 1 ENVELOPE\r\n")
            let envelope = Array("* 1 FETCH (ENVELOPE (NIL {3}\r\na".utf8) + [0x80] + Array("b NIL".utf8)
            #expect(Array(try await client.read(count: envelope.count).readableBytesView) == envelope)
        }
    }

    @Test(arguments: [
        MailLimits.bodyChunkBytes, MailLimits.bodyChunkBytes + 1, 2 * MailLimits.bodyChunkBytes, 20 << 20,
    ])
    func largeMessages(_ size: Int) async throws {
        try await TestServer.with { server in
            let client = try await server.logIn()
            var message = ByteBuffer(string: "Subject: large\r\n\r\n")
            var value: UInt32 = 12_345
            while message.readableBytes < size {
                value = value &* 1_664_525 &+ 1_013_904_223
                // No NUL, which does not come back as it was.
                message.writeInteger(value | 0x0101_0101)
            }
            message = message.getSlice(at: 0, length: size) ?? message
            try await client.send("a APPEND INBOX {\(size)+}\r\n")
            try await client.send(message)
            try await client.send("\r\n")
            #expect(try await client.read(through: "a ").contains("a OK"))
            _ = try await client.command("b", "SELECT INBOX")
            try await client.send("c UID FETCH 1 (BODY.PEEK[])\r\n")
            let start = "* 1 FETCH (UID 1 BODY[] {\(size)}\r\n"
            #expect(String(buffer: try await client.read(count: start.utf8.count)) == start)
            #expect(try await client.read(count: size) == message)
            #expect(try await client.read(through: "c ").hasPrefix(")\r\nc OK"))
        }
    }

    /// A client that does not read costs pieces, not messages.
    @Test func aSlowReaderIsBounded() async throws {
        try await TestServer.with { server in
            let client = try await server.logIn()
            let size = 8 << 20
            try await client.send("a APPEND INBOX {\(size)+}\r\n")
            try await client.send(ByteBuffer(repeating: UInt8(ascii: "z"), count: size))
            try await client.send("\r\n")
            #expect(try await client.read(through: "a ").contains("a OK"))
            let slow = try await TestClient.connect(server.port, autoRead: false, receiveBuffer: 8_192)
            try await slow.send("a LOGIN user@example.org pass\r\nb SELECT INBOX\r\n")
            try await slow.send(String(repeating: "c FETCH 1 BODY.PEEK[]\r\n", count: 20))
            // Others are served meanwhile; the store is asked for some of the 32 pieces of one message, then no more.
            var before = -1
            var queries = server.service.calls.queries
            for _ in 0..<50 where before != queries {
                before = queries
                for _ in 0..<20 { _ = try await client.command("n", "NOOP") }
                queries = server.service.calls.queries
            }
            #expect(before == queries)
            #expect(queries < 60)
            slow.close()
        }
    }

    /// The same with many messages of one piece each.
    @Test func aSlowReaderOfManyMessagesIsBounded() async throws {
        try await TestServer.with { server in
            let client = try await server.logIn()
            let message = String(repeating: "z", count: 100_000)
            for number in 1...60 { _ = try await client.append("x\(number)", "INBOX", message) }
            let slow = try await TestClient.connect(server.port, autoRead: false, receiveBuffer: 8_192)
            let start = server.service.calls.queries
            try await slow.send("a LOGIN user@example.org pass\r\nb SELECT INBOX\r\n")
            try await slow.send(String(repeating: "c FETCH 1:* BODY.PEEK[]\r\n", count: 20))
            var before = -1
            var queries = start
            // On a busy machine the slow client's own commands may take a while to be taken up.
            for _ in 0..<1_000 where before != queries || queries - start <= 3 {
                before = queries
                for _ in 0..<20 { _ = try await client.command("n", "NOOP") }
                queries = server.service.calls.queries
            }
            #expect(before == queries)
            #expect(queries - start < 120)
            #expect(queries - start > 3)
            slow.close()
        }
    }

    /// More addresses and parameters than the stored summary holds: the message itself is read.
    @Test func longHeadersAreToldWhole() async throws {
        try await TestServer.with { server in
            let client = try await server.logIn()
            let addresses = (0..<7_000).map { "\"Nr. \($0), x\" <user\($0)@example.org>" }
            let parameters = (0..<1_000).map { "p\($0)=v" }
            let part = "--b\r\nContent-Type: text/x; \(parameters.joined(separator: ";\r\n "))\r\n\r\npart\r\n"
            let message =
                "To: \(addresses.joined(separator: ",\r\n "))\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
                + "\(part)\(part)--b--\r\n"
            #expect(try await client.append("a", "INBOX", message).contains("a OK"))
            #expect(try await client.append("a", "INBOX", "To: a@b\r\n\r\nx").contains("a OK"))
            _ = try await client.command("b", "SELECT INBOX")
            let list = (0..<7_000).map { "(\"Nr. \($0), x\" NIL \"user\($0)\" \"example.org\")" }.joined()
            let pairs = (0..<1_000).map { "\"p\($0)\" \"v\"" }.joined(separator: " ")
            let envelope = "ENVELOPE (NIL NIL NIL NIL NIL (\(list)) NIL NIL NIL NIL)"
            let text = "(\"text\" \"x\" (\(pairs)) NIL NIL \"7bit\" 4 0)"
            let body = "BODY (\(text)\(text) \"mixed\")"
            let second = "* 2 FETCH (ENVELOPE (NIL NIL NIL NIL NIL ((NIL NIL \"a\" \"b\")) NIL NIL NIL NIL)"
            let all = try await client.command("c", "FETCH 1:2 (ENVELOPE BODY BODY.PEEK[2])")
            #expect(all.hasPrefix("* 1 FETCH (\(envelope) \(body) BODY[2] {4}\r\npart)\r\n\(second)"))
            #expect(all.hasSuffix("c OK Fetched\r\n"))
            #expect(try await client.command("d", "FETCH 1 ENVELOPE") == "* 1 FETCH (\(envelope))\r\nd OK Fetched\r\n")
            #expect(try await client.command("e", "FETCH 1 BODY") == "* 1 FETCH (\(body))\r\ne OK Fetched\r\n")
            server.service.failBodies(true)
            let failed = try await client.command("f", "FETCH 1 ENVELOPE")
            #expect(failed.hasPrefix("* 1 FETCH (UID 1)\r\nf NO [UNAVAILABLE]"))
        }
    }

    /// A summary of another version, or of bytes that are none.
    @Test(arguments: [[], [1, 0, 0], [255, 1, 2, 3]] as [[UInt8]])
    func withoutASummaryTheMessageIsRead(_ summary: [UInt8]) async throws {
        try await TestServer.with { server in
            let client = try await server.logIn()
            let bytes = ByteBuffer(string: Self.multipart)
            let message = NewMessage(
                bodyID: server.service.makeBodyID(),
                internalDate: InternalDate(seconds: 0, zoneMinutes: 0),
                sizeBytes: UInt64(bytes.readableBytes),
                summary: ByteBuffer(bytes: summary),
                body: .inline(bytes)
            )
            _ = try server.service.perform(.append(message, to: .inbox), for: server.account)
            _ = try await client.append("a", "INBOX", Self.multipart)
            _ = try await client.command("b", "SELECT INBOX")
            let items = [
                "ENVELOPE", "BODYSTRUCTURE", "BODY.PEEK[2.HEADER]", "BODY.PEEK[HEADER.FIELDS (To)]", "BODY.PEEK[3]",
                "RFC822.HEADER", "BODY.PEEK[TEXT]<2.4>", "(BODY.PEEK[1] ENVELOPE BODY)", "BODY.PEEK[]",
            ]
            for item in items {
                let first = try await client.command("c", "FETCH 1 \(item)")
                let second = try await client.command("c", "FETCH 2 \(item)")
                #expect(first.replacing("* 1 FETCH", with: "* 2 FETCH") == second)
            }
        }
    }

    @Test func aBodyThatCannotBeReadEndsTheFetchOnly() async throws {
        try await TestServer.with { server in
            let client = try await server.logIn()
            _ = try await client.append("a", "INBOX", "hello")
            _ = try await client.command("b", "SELECT INBOX")
            server.service.failBodies(true)
            #expect(
                try await client.command("c", "FETCH 1 (BODY.PEEK[])").hasPrefix(
                    "* 1 FETCH (UID 1)\r\nc NO [UNAVAILABLE]"
                )
            )
            server.service.failBodies(false)
            #expect(try await client.command("d", "FETCH 1 (BODY.PEEK[])").contains("{5}\r\nhello)"))
        }
    }
}
