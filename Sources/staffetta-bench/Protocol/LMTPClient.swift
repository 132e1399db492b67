internal import LoadModel

/// As much of LMTP (RFC 2033) as it takes to deliver.
final class LMTPClient {
    private let wire: Wire

    init(_ endpoint: Endpoint, timeoutSeconds: Int) throws {
        wire = try Wire(endpoint, timeoutSeconds: timeoutSeconds)
        try expect("220")
        try wire.send("LHLO bench.example.net\r\n")
        try expect("250")
    }

    /// - Parameter message: with lines that end in CRLF, none of which begins with a dot.
    func deliver(_ message: [UInt8], to recipients: [String]) throws {
        let envelope = recipients.map { "RCPT TO:<\($0)>\r\n" }.joined()
        try wire.send("MAIL FROM:<bench@example.net>\r\n\(envelope)DATA\r\n")
        // All answers are read: the connection is of use then, whatever they say.
        var failure = refusal("250", try reply())
        var taken = 0
        for _ in recipients {
            let refused = refusal("250", try reply())
            if refused == nil { taken += 1 }
            failure = failure ?? refused
        }
        if let refused = refusal("354", try reply()) {
            try wire.send("RSET\r\n")
            try expect("250")
            throw failure ?? refused
        }
        try wire.send(message + [46, 13, 10])
        // There is an answer for each recipient that was taken.
        for _ in 0..<taken {
            let refused = refusal("250", try reply())
            failure = failure ?? refused
        }
        if let failure { throw failure }
    }

    /// The last line of a reply.
    private func reply() throws -> String {
        while true {
            let line = try wire.line()
            if line.bytes.count < 4 || line.bytes[3] != UInt8(ascii: "-") { return line.text }
        }
    }

    private func refusal(_ code: String, _ reply: String) -> RequestError? {
        reply.hasPrefix(code) ? nil : reply.hasPrefix("4") ? .temporary(reply) : .refused(reply)
    }

    private func expect(_ code: String) throws {
        if let refusal = refusal(code, try reply()) { throw refusal }
    }
}
