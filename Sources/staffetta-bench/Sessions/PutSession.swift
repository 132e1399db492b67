internal import LoadModel

/// Puts values into etcd over its JSON gateway, one after the other.
final class PutSession: SteppedSession {
    private let valueBytes: Int
    private let timeoutSeconds: Int
    private var wire: Wire?
    private var host = ""

    /// As many as a mailbox has messages.
    private static let keys = 10_000

    init(valueBytes: Int, timeoutSeconds: Int) {
        self.valueBytes = valueBytes
        self.timeoutSeconds = timeoutSeconds
    }

    override func open(_ endpoint: Endpoint) throws {
        wire = nil
        host = endpoint.description
        wire = try Wire(endpoint, timeoutSeconds: timeoutSeconds)
    }

    override func perform(_ number: Int) throws -> Finished {
        guard let wire else { throw RequestError.connectionLost("there is no connection") }
        let digits = "\(number)"
        let value = digits + String(repeating: "f", count: max(0, valueBytes - digits.count))
        let body = """
            {"key": "\(Self.base64("flags/\(number % Self.keys)"))", "value": "\(Self.base64(value))"}
            """
        try wire.send(
            "POST /v3/kv/put HTTP/1.1\r\nHost: \(host)\r\nContent-Type: application/json\r\n"
                + "Content-Length: \(body.utf8.count)\r\n\r\n\(body)"
        )
        try finish(wire)
        return Finished(stored: value.utf8.count)
    }

    private func finish(_ wire: Wire) throws {
        let status = try wire.line().text
        var length = 0
        while true {
            let header = try wire.line().text.lowercased()
            if header.isEmpty { break }
            if header.hasPrefix("content-length:") { length = Int(header.dropFirst(15).drop { $0 == " " }) ?? 0 }
        }
        try wire.skip(length)
        if status.contains(" 503 ") { throw RequestError.temporary(status) }
        guard status.contains(" 200 ") else { throw RequestError.refused(status) }
    }

    private static func base64(_ text: String) -> String {
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
        let bytes = Array(text.utf8)
        var encoded: [UInt8] = []
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let piece = bytes[start..<min(start + 3, bytes.count)]
            var word = piece.reduce(UInt32(0)) { $0 << 8 | UInt32($1) } << UInt32(8 * (3 - piece.count))
            word <<= 8
            for place in 0..<4 {
                encoded.append(place <= piece.count ? alphabet[Int(word >> 26)] : UInt8(ascii: "="))
                word <<= 6
            }
        }
        return String(decoding: encoded, as: UTF8.self)
    }
}
