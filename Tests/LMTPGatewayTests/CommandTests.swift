import Consensus
import NIOCore
import Testing

@testable import LMTPGateway

private func parse(_ line: String) throws(LMTPSyntaxError) -> LMTPCommand {
    try LMTPCommand.parse(ByteBuffer(string: line).readableBytesView)
}

private typealias Parameters = LMTPCommand.MailParameters

@Suite struct CommandTests {
    @Test(arguments: [
        ("LHLO mx.example.org", LMTPCommand.lhlo("mx.example.org")), ("lhlo [::1]", .lhlo("[::1]")),
        ("EHLO a", .wrongGreeting), ("HELO a", .wrongGreeting),
        ("MAIL FROM:<>", .mail(reversePath: "", Parameters())),
        ("MAIL FROM:<a@b>", .mail(reversePath: "a@b", Parameters())),
        ("mail from: <a@b>", .mail(reversePath: "a@b", Parameters())),
        ("MAIL FROM:<@r1,@r2:a@b>", .mail(reversePath: "a@b", Parameters())),
        ("MAIL FROM:<\"x> y\"@b>", .mail(reversePath: "\"x> y\"@b", Parameters())),
        ("MAIL FROM:<\"x\\\"> y\"@b>", .mail(reversePath: "\"x\\\"> y\"@b", Parameters())),
        ("MAIL FROM:<ü@b> SMTPUTF8", .mail(reversePath: "ü@b", Parameters(isSMTPUTF8: true))),
        ("MAIL FROM:<a@b> SIZE=12", .mail(reversePath: "a@b", Parameters(sizeBytes: 12))),
        ("MAIL FROM:<a@b>  body=8bitmime size=0 ", .mail(reversePath: "a@b", Parameters(sizeBytes: 0))),
        ("MAIL FROM:<a@b> BODY=7BIT", .mail(reversePath: "a@b", Parameters())),
        ("RCPT TO:<a@b>", .rcpt(forwardPath: "a@b")), ("rcpt to:<A@B>", .rcpt(forwardPath: "A@B")),
        ("RCPT TO:<@r:a@b>", .rcpt(forwardPath: "a@b")), ("RCPT TO:<postmaster>", .rcpt(forwardPath: "postmaster")),
        ("DATA", .data), ("data", .data), ("RSET", .rset), ("NOOP", .noop), ("NOOP x", .noop), ("QUIT", .quit),
        ("VRFY a", .vrfy), ("STARTTLS", .startTLS),
        ("BDAT 0", .bdat(bytes: 0, isLast: false)), ("BDAT 12 LAST", .bdat(bytes: 12, isLast: true)),
        ("bdat 12 last", .bdat(bytes: 12, isLast: true)),
    ])
    func good(_ line: String, _ command: LMTPCommand) throws { #expect(try parse(line) == command) }

    @Test(arguments: [
        ("", 500), ("FROB", 500), ("MAILFROM:<a@b>", 500), (" DATA", 500), ("LHLO", 501), ("LHLO ", 501),
        ("MAIL", 501), ("MAIL FROM", 501), ("MAIL FROM:", 501), ("MAIL FROM:a@b", 501), ("MAIL FROM:<a@b", 501),
        ("MAIL TO:<a@b>", 501), ("MAIL FROM:<a b@c>", 501), ("MAIL FROM:<\"a@b>", 501),
        ("MAIL FROM:<a@b> SIZE", 501), ("MAIL FROM:<a@b> SIZE=", 501), ("MAIL FROM:<a@b> SIZE=x", 501),
        ("MAIL FROM:<a@b> SIZE=-1", 501), ("MAIL FROM:<a@b> SIZE=99999999999999999999", 501),
        ("MAIL FROM:<a@b> BODY=BINARYMIME", 501), ("MAIL FROM:<a@b> BODY", 501), ("MAIL FROM:<a@b> AUTH=<>", 555),
        ("MAIL FROM:<a@b> =", 555), ("MAIL FROM:<a@b> ==", 555), ("MAIL FROM:<a@b> =SIZE", 555),
        ("RCPT TO:<>", 501), ("RCPT TO:<a@b> NOTIFY=NEVER", 555), ("RCPT TO:<a@b>NOTIFY=NEVER", 555),
        ("RCPT FROM:<a@b>", 501), ("BDAT", 501), ("BDAT x", 501), ("BDAT -1", 501), ("BDAT 1 2", 501),
        ("BDAT 1 LAST x", 501), ("BDAT 99999999999999999999", 501),
        ("MAIL FROM:<a@b> X\rY=1", 500), ("NOOP \u{0}", 500), ("RCPT TO:<a\u{1}@b>", 500), ("DA\tTA", 500),
    ])
    func bad(_ line: String, _ code: Int) {
        let error = #expect(throws: LMTPSyntaxError.self) { try parse(line) }
        #expect(error?.reply.code == code)
    }

    @Test func notUTF8() {
        #expect(throws: LMTPSyntaxError.self) {
            try LMTPCommand.parse(ByteBuffer(bytes: Array("MAIL FROM:<".utf8) + [0xff, 0x3e]).readableBytesView)
        }
    }

    @Test func longAddresses() throws {
        let longest = String(repeating: "a", count: 64) + "@" + String(repeating: "b", count: 255)
        #expect(try parse("RCPT TO:<\(longest)>") == .rcpt(forwardPath: longest))
        #expect(throws: LMTPSyntaxError.self) { try parse("RCPT TO:<\(longest)b>") }
    }

    /// Whatever is sent, there is a command or an answer.
    @Test func garbageNeverTraps() {
        var generator = SplitMix64(seed: 1)
        let pieces = [
            "MAIL", "FROM:", "RCPT", "TO:", "<", ">", "@", ":", "=", " ", "\"", "\\", "SIZE", "BDAT", "9", "ß",
            "\u{301}",
        ]
        for _ in 0..<20_000 {
            let count = Int.random(in: 0...10, using: &generator)
            let line = (0..<count).map { _ in pieces.randomElement(using: &generator) ?? "" }.joined()
            _ = try? parse(line)
        }
    }
}
