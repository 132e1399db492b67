import Foundation
import IMAPGateway
import IMAPSession
import Logging
import MailModel
import MailTestSupport
import NIOCore
import NIOPosix
import NIOSSL
import Testing

@Suite struct TLSTests {
    static let script = """
        import imaplib, ssl, sys
        x = ssl.create_default_context()
        x.check_hostname = False
        x.verify_mode = ssl.CERT_NONE
        if sys.argv[2] == "implicit":
            c = imaplib.IMAP4_SSL("127.0.0.1", int(sys.argv[1]), ssl_context=x, timeout=30)
        else:
            c = imaplib.IMAP4("127.0.0.1", int(sys.argv[1]), timeout=30)
            assert "STARTTLS" in c.capabilities and "LOGINDISABLED" in c.capabilities, c.capabilities
            assert c.starttls(x)[0] == "OK"
            assert "STARTTLS" not in c.capabilities, c.capabilities
        assert "AUTH=PLAIN" in c.capabilities
        assert c.login("user@example.org", "pass")[0] == "OK"
        body = b"Subject: x\\r\\n\\r\\n" + b"0123456789abcde\\n" * 60000
        assert c.append("INBOX", None, None, body)[0] == "OK"
        assert c.select()[0] == "OK"
        t, d = c.fetch("1", "(BODY[])")
        assert len(d[0][1]) >= 960000, len(d[0][1])
        c.logout()
        """

    /// A certificate for this run only.
    static func makeContext() async throws -> NIOSSLContext {
        let directory = FileManager.default.temporaryDirectory.appendingPathComponent("tls-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: directory) }
        let key = directory.appendingPathComponent("key.pem").path
        let certificate = directory.appendingPathComponent("certificate.pem").path
        let arguments =
            "req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -keyout \(key) -out \(certificate)"
        let (status, output) = try await runProgram("openssl", arguments.split(separator: " ").map(String.init))
        guard status == 0 else { throw TestFailure(description: output) }
        return try NIOSSLContext(
            configuration: .makeServerConfiguration(
                certificateChain: NIOSSLCertificate.fromPEMFile(certificate).map { .certificate($0) },
                privateKey: .privateKey(NIOSSLPrivateKey(file: key, format: .pem))
            )
        )
    }

    static func start(_ mode: IMAPServerMode) async throws -> (IMAPServer, MemoryMailService) {
        let service = try MemoryMailService()
        try service.addAccount("user@example.org", password: "pass")
        let server = try await IMAPServer.start(
            host: "127.0.0.1",
            port: 0,
            settings: IMAPServerSettings(),
            service: service,
            group: MultiThreadedEventLoopGroup.singleton,
            tls: makeContext(),
            mode: mode,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        )
        return (server, service)
    }

    @Test(arguments: [("starttls", IMAPServerMode.plain), ("implicit", .implicitTLS)])
    func pythonsImaplib(_ name: String, _ mode: IMAPServerMode) async throws {
        let (server, _) = try await Self.start(mode)
        let (status, output) = try await runProgram("python3", ["-c", Self.script, "\(server.port ?? 0)", name])
        #expect(status == 0, "\(output)")
        await server.stop()
    }

    /// CVE-2021-33515 and its kin: what comes with STARTTLS is not the client's.
    @Test func injectedCommandsEndTheConnection() async throws {
        let (server, _) = try await Self.start(.plain)
        let client = try await TestClient.connect(server.port ?? 0)
        try await client.send("a STARTTLS\r\nb LOGIN user@example.org pass\r\n")
        let all = try await client.readToEnd()
        #expect(!all.contains("b OK"))
        await server.stop()
    }
}
