internal import LoadModel

/// As much of IMAP (RFC 3501) as it takes to load a server.
final class IMAPClient {
    private let wire: Wire
    private var tag = 0
    /// Messages of the selected mailbox, as far as the server has told.
    private(set) var exists = 0

    /// What came with the answer to a command.
    struct Answer {
        /// The words behind the tag.
        var text = ""
        var untaggedLines = 0
        /// Bytes of all literals.
        var literalBytes = 0
        /// Numbers in `* SEARCH`.
        var found = 0
    }

    init(_ endpoint: Endpoint, timeoutSeconds: Int) throws {
        wire = try Wire(endpoint, timeoutSeconds: timeoutSeconds)
        _ = try wire.line()
    }

    // MARK: Commands

    /// Sends a command without waiting for its answer.
    ///
    /// - Returns: its tag.
    func send(_ command: String) throws -> String {
        let tag = nextTag()
        try wire.send("\(tag) \(command)\r\n")
        return tag
    }

    /// Reads up to the answer to a command.
    @discardableResult
    func finish(_ tag: String) throws -> Answer {
        var answer = Answer()
        while true {
            let line = try wire.line()
            if line.hasPrefix(tag), line.bytes.count > tag.utf8.count, line.bytes[tag.utf8.count] == 32 {
                answer.text = String(line.text.dropFirst(tag.count + 1))
                guard answer.text.hasPrefix("OK") else { throw Self.refusal(answer.text) }
                return answer
            }
            answer.untaggedLines += 1
            if let literal = line.literal {
                answer.literalBytes += literal
                try wire.skip(literal)
            } else if line.hasSuffix(" EXISTS") || line.hasSuffix(" EXPUNGE") {
                note(line)
            } else if line.hasPrefix("* SEARCH ") {
                answer.found += line.bytes.count { $0 == 32 } - 1
            }
        }
    }

    @discardableResult
    func perform(_ command: String) throws -> Answer { try finish(try send(command)) }

    private func nextTag() -> String {
        tag += 1
        return "a\(tag)"
    }

    private func note(_ line: Line) {
        let words = line.text.split(separator: " ")
        guard words.count == 3, words[0] == "*", let number = Int(words[1]) else { return }
        exists = words[2] == "EXISTS" ? number : max(0, exists - 1)
    }

    /// Response codes of RFC 5530 that say that it may work later.
    private static func refusal(_ answer: String) -> RequestError {
        ["[UNAVAILABLE]", "[INUSE]", "[SERVERBUG]"].contains { answer.contains($0) }
            ? .temporary(answer) : .refused(answer)
    }

    func login(_ account: String, _ password: String) throws {
        try perform("LOGIN \"\(account)\" \"\(password)\"")
    }

    func hasCapability(_ name: String) throws -> Bool {
        let tag = try send("CAPABILITY")
        var has = false
        while true {
            let line = try wire.line()
            if line.hasPrefix("* CAPABILITY") { has = line.text.split(separator: " ").contains { $0 == name } }
            if line.hasPrefix("\(tag) ") { return has }
        }
    }

    // MARK: Mail

    /// - Returns: the tag.
    func sendAppend(_ messages: [[UInt8]], to mailbox: String = "INBOX") throws -> String {
        let tag = nextTag()
        var bytes = Array("\(tag) APPEND \"\(mailbox)\"".utf8)
        for message in messages { bytes += Array(" {\(message.count)+}\r\n".utf8) + message }
        try wire.send(bytes + [13, 10])
        return tag
    }

    /// - Returns: the UID of the message, where the server says it (RFC 4315).
    static func appendedUID(_ answer: Answer) -> String? {
        guard let code = answer.text.ranges(of: "APPENDUID ").first else { return nil }
        let words = answer.text[code.upperBound...].prefix { $0 != "]" }.split(separator: " ")
        return words.count == 2 ? String(words[1]) : nil
    }

    // MARK: IDLE

    /// Begins IDLE (RFC 2177).
    func beginIdle() throws {
        try wire.send("\(nextTag()) IDLE\r\n")
        while !(try wire.line()).hasPrefix("+") {}
    }

    /// Waits in IDLE until the mailbox has more messages.
    func awaitExists() throws {
        while true {
            let line = try wire.line()
            if line.hasSuffix(" EXISTS") { return }
        }
    }
}
