internal import Glibc

/// A blocking connection that speaks enough LMTP and IMAP to load a server.
final class Connection {
    private let descriptor: Int32
    private var input: [UInt8] = []
    private var position = 0
    private var tag = 0

    init(host: String, port: UInt16) throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var one: Int32 = 1
        setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &one, socklen_t(MemoryLayout<Int32>.size))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        guard inet_pton(AF_INET, host == "localhost" ? "127.0.0.1" : host, &address.sin_addr) == 1 else {
            throw BenchError("\(host) is no IPv4 address")
        }
        let size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let status = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(descriptor, $0, size) }
        }
        guard status == 0 else {
            throw BenchError("cannot connect to \(host):\(port): \(String(cString: strerror(errno)))")
        }
    }

    deinit { close(descriptor) }

    func send(_ bytes: [UInt8]) throws {
        var sent = 0
        while sent < bytes.count {
            let count = bytes.withUnsafeBytes {
                Glibc.send(descriptor, $0.baseAddress! + sent, bytes.count - sent, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { throw BenchError("the server closed the connection") }
            sent += count
        }
    }

    func send(_ text: String) throws { try send(Array(text.utf8)) }

    private func fill() throws {
        if position > 0 {
            input.removeFirst(position)
            position = 0
        }
        var chunk = [UInt8](repeating: 0, count: 65_536)
        let count = recv(descriptor, &chunk, chunk.count, 0)
        guard count > 0 else { throw BenchError("the server closed the connection") }
        input += chunk[..<count]
    }

    func line() throws -> String {
        var start = position
        while true {
            if let end = input[start...].firstIndex(of: 10) {
                defer { position = end + 1 }
                return String(decoding: input[position..<end], as: UTF8.self)
            }
            start = input.count - position
            try fill()
        }
    }

    private func skip(_ count: Int) throws {
        var rest = count
        while true {
            let available = min(rest, input.count - position)
            position += available
            rest -= available
            if rest == 0 { return }
            try fill()
        }
    }

    // MARK: LMTP

    /// A reply's code, after its last line.
    private func reply() throws -> String {
        while true {
            let text = try line()
            if text.utf8.count < 4 || text.utf8[text.utf8.index(text.utf8.startIndex, offsetBy: 3)] != UInt8(ascii: "-")
            {
                return text
            }
        }
    }

    private func expect(_ code: String) throws {
        let text = try reply()
        guard text.hasPrefix(code) else { throw BenchError("expected \(code), the server said: \(text)") }
    }

    func lmtpGreeting() throws {
        try expect("220")
        try send("LHLO bench\r\n")
        try expect("250")
    }

    func deliver(_ text: [UInt8], to account: String) throws {
        try send("MAIL FROM:<bench@example.net>\r\nRCPT TO:<\(account)>\r\nDATA\r\n")
        try expect("250")
        try expect("250")
        try expect("354")
        try send(text + [46, 13, 10])
        try expect("250")
    }

    // MARK: IMAP

    private func command(_ text: String) throws -> String {
        tag += 1
        try send("a\(tag) \(text)\r\n")
        return "a\(tag) "
    }

    private func finish(_ prefix: String, _ each: (String) throws -> Void = { _ in }) throws {
        while true {
            let text = try line()
            if text.hasPrefix(prefix) {
                guard text.dropFirst(prefix.count).hasPrefix("OK") else {
                    throw BenchError("the server said: \(text)")
                }
                return
            }
            try each(text)
        }
    }

    func login(_ account: String, _ password: String) throws {
        _ = try line()
        try finish(try command("LOGIN \(account) \(password)"))
    }

    /// - Returns: how many messages INBOX has.
    func examine() throws -> Int {
        var count = 0
        try finish(try command("EXAMINE INBOX")) { text in
            let words = text.split(separator: " ")
            if words.count == 3, words[2].hasPrefix("EXISTS") { count = Int(words[1]) ?? 0 }
        }
        return count
    }

    /// Carries out a command, whatever its answers.
    func perform(_ text: String) throws { try finish(try command(text)) }

    /// - Returns: the size of the message.
    func fetch(_ number: Int) throws -> Int {
        var size = 0
        try finish(try command("FETCH \(number) BODY.PEEK[]")) { text in
            guard let open = text.lastIndex(of: "{") else { return }
            size = Int(text[text.index(after: open)...].prefix { $0.isNumber }) ?? 0
            try skip(size)
        }
        return size
    }

    func append(_ text: [UInt8]) throws {
        tag += 1
        try send(Array("a\(tag) APPEND INBOX {\(text.count)+}\r\n".utf8) + text + [13, 10])
        try finish("a\(tag) ")
    }
}

/// Messages to load with.
enum Message {
    /// Plain text of about `size` bytes; each has its own Message-ID.
    static func make(number: Int, size: Int) -> [UInt8] {
        var text = Array(
            ("From: Bench <bench@example.net>\r\nTo: someone@example.org\r\nSubject: message \(number)\r\n"
                + "Message-ID: <\(number).\(getpid())@example.net>\r\nDate: Sat, 21 Nov 2026 12:00:00 +0100\r\n"
                + "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n").utf8
        )
        // Text that compresses about as mail does.
        var word = UInt64(truncatingIfNeeded: number) &* 0x9e37_79b9_7f4a_7c15
        while text.count + 74 <= size {
            for _ in 0..<9 {
                word = word &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                text += Self.words[Int(word >> 58)]
            }
            text += [13, 10]
        }
        return text
    }

    private static let words: [[UInt8]] = (0..<64).map { number in
        Array("word\(number) ".utf8).prefix(8) + []
    }
}
