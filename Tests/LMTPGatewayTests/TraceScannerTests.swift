import NIOCore
import Testing

@testable import LMTPGateway

/// A header with one `Received` field.
private func received(_ stamp: String) -> String { "Received: \(stamp)\r\nSubject: x\r\n\r\nbody\r\n" }

private let traced: [String] = [
    // As widespread MTAs write it.
    received(
        "from a.example (a.example [192.0.2.1])\r\n\tby mx.example (Postfix) with ESMTPS id 4ZbQ1c2m3Xz9tHL\r\n"
            + "\tfor <anna@example.org>; Thu, 1 Jan 2026 00:00:00 +0000 (UTC)"
    ),
    received(
        "from [192.0.2.1] (helo=a) by mx.example with esmtps (TLS1.3) tls X (Exim 4.98)\r\n"
            + "\t(envelope-from <a@b>) id 1tabcd-0000000012A-3XYz for c@d; Thu, 1 Jan 2026 00:00:00 +0000"
    ),
    received("from a by b (8.18/8.18) with ESMTP id 501C3 for <c@d>; date"),
    received("from a by b with Microsoft SMTP Server (version=TLS1_2, id=x) id 15.1.2507.39; date"),
    received("by 2002:a05:6000 with SMTP id m7csp; date"),
    received("by mail.example (Postfix, from userid 1000) id 4ZbQ; date"),
    // Grammar.
    received("from a by b ID X"),
    received("from a by b iD <x@y>; date"),
    received("from a by b id <\"x>y\"@z>; date"),
    received("from a by b id\r\n\tX\r\n ; date"),
    received("from a by b\r\n id X; date"),
    received("from a by b id(comment)X; date"),
    received("from a by b id (a (nested \\) comment)) X; date"),
    received("from a by b id X(comment); date"),
    received("from id by with with with id X; date"),
    received("from a by b for \"a b\"@c id X; date"),
    received("from \"\\\"\" by b id X; date"),
    "RECEIVED: from a by b id X\r\n\r\n",
    "Received : from a by b id X\r\n\r\n",
    "Received:\r\n id X\r\n\r\n",
    // No body, no empty line, bare line feeds.
    "Received: from a by b id X\r\n", "Received: from a by b id X", "Received: by b id X\nSubject: x\n\n",
    // What filters put before it; a relay without an ID before one with.
    "Authentication-Results: mx; none\r\n\t(folded)\r\nX-Spam: no\r\n" + received("by b id X"),
    "Return-Path: <>\r\nReceived: from a by b; date\r\nReceived: from c by d id X; date\r\n\r\n",
]

private let untraced: [String] = [
    "", "\r\n", "body only", "Subject: x\r\n\r\nReceived: by b id X\r\n", "Subject: x\n\nReceived: by b id X\n",
    received(""), received("from a by b; date"), received("from a by b with SMTP for <c@d>; date id X"),
    received("from a by b (id X); date"), received("from a by b (a (b) id X); date"),
    received("from a by b (\\) id X)"),
    received("from \"a id X\" by b; date"), received("from [a id X] by b; date"), received("for <a id X> by b; date"),
    received("from a by b id; date"), received("from a by b id"), received("from a by b id (X); date"),
    received("from a by b id \"X\"; date"), received("from a by b id <>; date"), received("from a by b id for <c@d>"),
    received("from a by b id=X; date"), received("from id by b; date"), received("from a by id X; date"),
    received("from a by b identity X; date"), received("from a by b xid X; date"), received("from a by b with id X"),
    received("from a by b (unclosed id X"), received("from a by b \"unclosed id X"),
    "Received-SPF: by b id X\r\n\r\n", "X-Received: by b id X\r\n\r\n", "Receive: by b id X\r\n\r\n",
    // A line that is no field ends the header; the first line goes on with nothing.
    "Subject\r\n" + received("by b id X"), " Received: by b id X\r\n\r\n", "\rReceived: by b id X\r\n\r\n",
    // Not the topmost block.
    "Received: from a by b; date\r\nSubject: x\r\nReceived: from c by d id X; date\r\n\r\n",
]

@Suite struct TraceScannerTests {
    private func verdict(_ message: String, pieces size: Int) -> TraceScanner.Verdict {
        var scanner = TraceScanner()
        var rest = ByteBuffer(string: message)
        while let piece = rest.readSlice(length: min(size, rest.readableBytes)), piece.readableBytes > 0 {
            scanner.append(piece)
        }
        scanner.finish()
        return scanner.verdict
    }

    @Test(arguments: traced) func `an ID is found`(_ message: String) {
        for size in [1, 2, 7, 1 << 20] { #expect(verdict(message, pieces: size) == .hasID, "\(size)") }
    }

    @Test(arguments: untraced) func `no ID is found`(_ message: String) {
        for size in [1, 2, 7, 1 << 20] { #expect(verdict(message, pieces: size) == .hasNone, "\(size)") }
    }

    @Test func `a header is read up to the limit`() {
        let id = "Received: by b id X;"
        func message(_ filler: Int) -> String { "X: " + String(repeating: "y", count: filler - 5) + "\r\n" + id }
        let filler = TraceScanner.limitBytes - id.utf8.count
        #expect(verdict(message(filler), pieces: 4_096) == .hasID)
        #expect(verdict(message(filler + 1), pieces: 4_096) == .hasNone)
    }
}
