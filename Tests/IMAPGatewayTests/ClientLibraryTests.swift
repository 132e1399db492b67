import Foundation
import IMAPGateway
import MailModel
import MailTestSupport
import NIOCore
import NIOSSL
import Testing

/// Runs a program; gives its status and what it printed.
func runProgram(_ program: String, _ arguments: [String]) async throws -> (Int32, String) {
    try await withCheckedThrowingContinuation { continuation in
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = [program] + arguments
        let output = Pipe()
        process.standardOutput = output
        process.standardError = output
        process.terminationHandler = { process in
            let data = output.fileHandleForReading.readDataToEndOfFile()
            continuation.resume(returning: (process.terminationStatus, String(decoding: data, as: UTF8.self)))
        }
        do { try process.run() } catch { continuation.resume(throwing: error) }
    }
}

/// Clients that others wrote.
@Suite struct ClientLibraryTests {
    static let script = """
        import imaplib, sys
        c = imaplib.IMAP4("127.0.0.1", int(sys.argv[1]), timeout=30)
        assert c.login("user@example.org", "pass")[0] == "OK"
        assert c.create("Python")[0] == "OK"
        raw = b"From: a@example.org\\r\\nSubject: hello\\r\\n\\r\\nworld\\r\\n"
        for flags in (None, r"(\\Seen)", r"(\\Flagged work)"):
            t, d = c.append("Python", flags, None, raw)
            assert t == "OK" and b"APPENDUID" in d[0], d
        t, d = c.select("Python")
        assert t == "OK" and d == [b"3"], d
        t, d = c.search(None, "UNSEEN", "SUBJECT", "hello")
        assert d == [b"1 3"], d
        t, d = c.fetch("1:3", "(UID FLAGS RFC822.SIZE BODY.PEEK[])")
        assert d[0][1] == raw and len([x for x in d if isinstance(x, tuple)]) == 3, d
        t, d = c.store("1", "+FLAGS", r"(\\Deleted)")
        assert b"Deleted" in d[0], d
        t, d = c.uid("COPY", "2:3", "Archive")
        assert t == "OK", d
        t, d = c.expunge()
        assert d == [b"1"], d
        t, d = c.status("Archive", "(MESSAGES UNSEEN)")
        assert b"MESSAGES 2" in d[0], d
        t, d = c.list()
        assert t == "OK" and len(d) == 7, d
        t, d = c.lsub()
        assert t == "OK" and len(d) == 6, d
        assert c.noop()[0] == "OK"
        assert c.check()[0] == "OK"
        t, d = c.uid("FETCH", "1:*", "(ENVELOPE BODYSTRUCTURE INTERNALDATE)")
        assert t == "OK" and len(d) == 2, d
        assert c.close()[0] == "OK"
        assert c.rename("Python", "Snake")[0] == "OK"
        assert c.delete("Snake")[0] == "OK"
        assert c.logout()[0] == "BYE"
        print("fine")
        """

    @Test func pythonsImaplib() async throws {
        try await TestServer.with { server in
            let script = Self.script
            let (status, output) = try await runProgram("python3", ["-c", script, "\(server.port)"])
            #expect(status == 0, "\(output)")
        }
    }

    @Test func curl() async throws {
        try await TestServer.with { server in
            let client = try await server.logIn()
            _ = try await client.append("a", "INBOX", "Subject: hi\r\n\r\ncurly\r\n")
            let arguments = ["-s", "--user", "user@example.org:pass", "imap://127.0.0.1:\(server.port)/INBOX;UID=1"]
            let (status, output) = try await runProgram("curl", arguments)
            guard status != 127, status != 1 else { return }
            #expect(status == 0)
            #expect(output == "Subject: hi\r\n\r\ncurly\r\n")
        }
    }
}
