// Stand-in until the real module arrives: same contract, small, not for production.
public import NIOCore

public struct MessageParser {
    var bytes = ByteBuffer()
    public init() {}
    public mutating func append(_ bytes: ByteBuffer) {
        let room = 200 * 1024 - self.bytes.readableBytes
        if room > 0 { self.bytes.writeBytes(bytes.readableBytesView.prefix(room)) }
        total += bytes.readableBytes
    }
    var total = 0
    public mutating func finish() -> MessageSummary { MessageSummary(raw: bytes, size: total) }
}

public struct MessagePart {
    public var headerRange: Range<UInt64>
    public var mimeRange: Range<UInt64>
    public var bodyRange: Range<UInt64>
    public var mediaType: String
    public var subtype: String
    public var charset: String?
    public var transferEncoding: String
    public struct Message {
        public let headerRange: Range<UInt64>
        public let textRange: Range<UInt64>
    }
    public var message: Message?
    public var isMessage: Bool { message != nil }
}

public struct MessageSummary {
    let raw: [UInt8]
    let size: Int
    let root: Node

    indirect enum Node {
        case leaf(MessagePart)
        case multipart(MessagePart, [Node])
        case message(MessagePart, Node)
        var part: MessagePart {
            switch self {
            case .leaf(let part), .multipart(let part, _), .message(let part, _): part
            }
        }
    }

    init(raw: ByteBuffer, size: Int) {
        self.raw = Array(raw.readableBytesView)
        self.size = size
        root = Self.parse(self.raw, 0, max(self.raw.count, size), mime: true)
    }

    public func encoded() -> ByteBuffer {
        var buffer = ByteBuffer(integer: UInt64(size))
        buffer.writeBytes(raw)
        return buffer
    }

    public struct Failure: Error {}
    public init(decoding encoded: ByteBuffer) throws {
        var encoded = encoded
        guard let size = encoded.readInteger(as: UInt64.self) else { throw Failure() }
        self.init(raw: encoded, size: Int(size))
    }

    static func headerEnd(_ raw: [UInt8], _ start: Int, _ end: Int) -> Int {
        var line = start
        while line < min(end, raw.count) {
            guard let feed = raw[line..<min(end, raw.count)].firstIndex(of: 10) else { return end }
            if feed == line || (feed == line + 1 && raw[line] == 13) { return feed + 1 }
            line = feed + 1
        }
        return min(end, raw.count)
    }

    static func fields(_ raw: [UInt8], _ range: Range<Int>) -> [(String, String)] {
        let text = String(decoding: raw[range.clamped(to: 0..<raw.count)], as: UTF8.self)
        var fields: [(String, String)] = []
        for line in text.split(omittingEmptySubsequences: true, whereSeparator: \.isNewline) {
            let line = line.last == "\r" ? line.dropLast() : line
            if line.first == " " || line.first == "\t" {
                if !fields.isEmpty { fields[fields.count - 1].1 += line }
            } else if let colon = line.firstIndex(of: ":") {
                var value = line[line.index(after: colon)...]
                while value.first == " " { value.removeFirst() }
                fields.append((line[..<colon].lowercased(), String(value)))
            }
        }
        return fields
    }

    static func parse(_ raw: [UInt8], _ start: Int, _ end: Int, mime: Bool) -> Node {
        let body = headerEnd(raw, start, end)
        let fields = fields(raw, start..<body)
        let type = fields.first { $0.0 == "content-type" }?.1 ?? "text/plain"
        let pieces = type.split(separator: ";")
        let names = (pieces.first ?? "text/plain").split(separator: "/")
        func parameter(_ name: String) -> String? {
            for piece in pieces.dropFirst() {
                let pair = piece.split(separator: "=", maxSplits: 1)
                guard pair.count == 2, pair[0].filter({ $0 != " " }).lowercased() == name else { continue }
                return pair[1].filter { $0 != "\"" && $0 != "\r" }
            }
            return nil
        }
        var part = MessagePart(
            headerRange: UInt64(start)..<UInt64(body),
            mimeRange: UInt64(start)..<UInt64(body),
            bodyRange: UInt64(body)..<UInt64(max(body, end)),
            mediaType: names.first.map { $0.uppercased() } ?? "TEXT",
            subtype: names.last.map { $0.uppercased() } ?? "PLAIN",
            charset: parameter("charset"),
            transferEncoding: fields.first { $0.0 == "content-transfer-encoding" }?.1.uppercased() ?? "7BIT"
        )
        if part.mediaType == "MULTIPART", let boundary = parameter("boundary") {
            let mark = Array("--\(boundary)".utf8)
            var starts: [(Int, Int)] = []
            var line = body
            while line < min(end, raw.count) {
                let feed = raw[line..<min(end, raw.count)].firstIndex(of: 10) ?? min(end, raw.count)
                if raw[line...].starts(with: mark) { starts.append((line, min(feed + 1, end))) }
                line = feed + 1
            }
            var children: [Node] = []
            for (index, (_, next)) in starts.enumerated() {
                guard index + 1 < starts.count else { break }
                var stop = starts[index + 1].0
                if stop > next, raw[stop - 1] == 10 { stop -= 1 }
                if stop > next, raw[stop - 1] == 13 { stop -= 1 }
                children.append(parse(raw, next, max(next, stop), mime: true))
            }
            if !children.isEmpty { return .multipart(part, children) }
        }
        if part.mediaType == "MESSAGE" && part.subtype == "RFC822" {
            let inner = parse(raw, body, end, mime: false)
            part.message = .init(headerRange: inner.part.headerRange, textRange: inner.part.bodyRange)
            return .message(part, inner)
        }
        return .leaf(part)
    }

    public var headerBytes: UInt64 { root.part.headerRange.upperBound }
    public var sentDay: Int? { nil }

    public func part(_ path: [Int]) -> MessagePart? {
        var node = root
        for (depth, number) in path.enumerated() {
            if case .message(_, let inner) = node, depth > 0 { node = inner }
            switch node {
            case .multipart(_, let children):
                guard number >= 1, number <= children.count else { return nil }
                node = children[number - 1]
            case .leaf, .message:
                guard number == 1 else { return nil }
            }
        }
        return node.part
    }

    public func writeEnvelope(into buffer: inout ByteBuffer) {
        let fields = Self.fields(raw, 0..<Int(headerBytes))
        func value(_ name: String) -> String {
            fields.first { $0.0 == name }.map { "\"\($0.1)\"" } ?? "NIL"
        }
        let from = fields.contains { $0.0 == "from" } ? "((NIL NIL \"user\" \"example.org\"))" : "NIL"
        buffer.writeString(
            "(\(value("date")) \(value("subject")) \(from) \(from) \(from) NIL NIL NIL NIL \(value("message-id")))"
        )
    }

    public func writeBodyStructure(into buffer: inout ByteBuffer, isExtended: Bool) {
        func write(_ node: Node) {
            switch node {
            case .leaf(let part), .message(let part, _):
                let lines = part.mediaType == "TEXT" ? " 1" : ""
                buffer.writeString(
                    "(\"\(part.mediaType)\" \"\(part.subtype)\" NIL NIL NIL \"\(part.transferEncoding)\" \(part.bodyRange.count)\(lines))"
                )
            case .multipart(let part, let children):
                buffer.writeString("(")
                for child in children { write(child) }
                buffer.writeString(" \"\(part.subtype)\")")
            }
        }
        write(root)
    }
}

public enum HeaderFields {
    public static func filter(_ header: ByteBuffer, names: [String], not: Bool) -> ByteBuffer {
        let wanted = Set(names.map { $0.lowercased() })
        var result = ByteBuffer()
        var keeps = false
        for line in String(buffer: header).split(separator: "\r\n", omittingEmptySubsequences: true) {
            if line.first != " ", line.first != "\t" {
                let name = line.prefix { $0 != ":" }.lowercased()
                keeps = wanted.contains(name) != not
            }
            if keeps { result.writeString(line + "\r\n") }
        }
        result.writeString("\r\n")
        return result
    }
}

public enum HeaderText {
    public static func decode(_ bytes: ByteBuffer) -> String { String(buffer: bytes) }
}

public struct TextMatcher {
    let needle: String
    var text = ""
    public init(_ needle: String) { self.needle = needle.lowercased() }
    public mutating func feed(_ piece: String) { text += piece.lowercased() }
    public var isFound: Bool { text.contains(needle) }
}
