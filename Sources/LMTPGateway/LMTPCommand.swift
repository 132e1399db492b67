internal import NIOCore

/// One LMTP command line (RFC 2033; grammar of RFC 5321, section 4.1).
enum LMTPCommand: Hashable {
    case lhlo(String)
    /// The reverse path is empty for bounces.
    case mail(reversePath: String, MailParameters)
    case rcpt(forwardPath: String)
    case data
    case bdat(bytes: Int, isLast: Bool)
    case rset
    case noop
    case quit
    case vrfy
    case startTLS
    /// HELO and EHLO: this is LMTP.
    case wrongGreeting

    struct MailParameters: Hashable {
        var sizeBytes: Int?
        var isSMTPUTF8 = false
    }
}

/// Why a line is no command: the reply says it.
struct LMTPSyntaxError: Error, Hashable {
    let reply: LMTPReply
    init(_ code: Int, _ enhanced: String, _ text: String) { reply = LMTPReply(code, enhanced, text) }
}

struct LMTPReply: Hashable {
    let code: Int
    /// RFC 3463; empty where a reply has none.
    let enhanced: String
    let text: String

    init(_ code: Int, _ enhanced: String, _ text: String) {
        self.code = code
        self.enhanced = enhanced
        self.text = text
    }

    func write(into buffer: inout ByteBuffer) {
        // Piece by piece: the strings of three digits and of an enhanced code take no memory of their own.
        buffer.writeString(String(code))
        if !enhanced.isEmpty {
            buffer.writeInteger(UInt8(ascii: " "))
            buffer.writeString(enhanced)
        }
        buffer.writeInteger(UInt8(ascii: " "))
        buffer.writeString(text)
        buffer.writeStaticString("\r\n")
    }
}

extension LMTPCommand {
    static func parse(_ line: ByteBufferView) throws(LMTPSyntaxError) -> LMTPCommand {
        guard let text = String(validating: line, as: UTF8.self) else {
            throw LMTPSyntaxError(500, "5.5.2", "the command is not UTF-8")
        }
        // They have no place in a command, and must not come back in a reply.
        guard text.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7f }) else {
            throw LMTPSyntaxError(500, "5.5.2", "the command has control characters")
        }
        let verb = text.prefix { $0 != " " }.uppercased()
        let rest = text.dropFirst(verb.count).drop { $0 == " " }
        switch verb {
        case "LHLO":
            guard !rest.isEmpty else { throw LMTPSyntaxError(501, "5.5.4", "LHLO needs a name") }
            return .lhlo(String(rest))
        case "HELO", "EHLO": return .wrongGreeting
        case "MAIL": return try parseMail(rest)
        case "RCPT":
            let (path, parameters) = try parsePath(rest, after: "TO:")
            guard parameters.isEmpty else {
                throw LMTPSyntaxError(555, "5.5.4", "RCPT has no parameter \(parameters[0])")
            }
            guard !path.isEmpty else { throw LMTPSyntaxError(501, "5.1.3", "RCPT needs an address") }
            return .rcpt(forwardPath: path)
        case "DATA": return .data
        case "BDAT": return try parseBdat(rest)
        case "RSET": return .rset
        case "NOOP": return .noop
        case "QUIT": return .quit
        case "VRFY": return .vrfy
        case "STARTTLS": return .startTLS
        default: throw LMTPSyntaxError(500, "5.5.1", "no such command")
        }
    }

    private static func parseMail(_ rest: Substring) throws(LMTPSyntaxError) -> LMTPCommand {
        let (path, parameters) = try parsePath(rest, after: "FROM:")
        var result = MailParameters()
        for parameter in parameters {
            let parts = parameter.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            switch parts[0].uppercased() {
            case "SIZE":
                guard parts.count == 2, let size = Int(parts[1]), size >= 0 else {
                    throw LMTPSyntaxError(501, "5.5.4", "SIZE needs a number")
                }
                result.sizeBytes = size
            case "BODY":
                guard parts.count == 2, ["7BIT", "8BITMIME"].contains(parts[1].uppercased()) else {
                    throw LMTPSyntaxError(501, "5.5.4", "BODY is 7BIT or 8BITMIME")
                }
            case "SMTPUTF8": result.isSMTPUTF8 = true
            default: throw LMTPSyntaxError(555, "5.5.4", "MAIL has no parameter \(parts[0])")
            }
        }
        return .mail(reversePath: path, result)
    }

    /// `FROM:<path> parameters`; a source route is dropped (RFC 5321, appendix F.2).
    private static func parsePath(
        _ rest: Substring,
        after keyword: String
    ) throws(LMTPSyntaxError) -> (String, [Substring]) {
        guard rest.prefix(keyword.count).uppercased() == keyword else {
            throw LMTPSyntaxError(501, "5.5.4", "expected \(keyword)<address>")
        }
        let path = rest.dropFirst(keyword.count).drop { $0 == " " }
        guard path.first == "<" else { throw LMTPSyntaxError(501, "5.5.4", "expected \(keyword)<address>") }
        var isQuoted = false
        var isEscaped = false
        var end: Substring.Index?
        for index in path.indices.dropFirst() {
            if isEscaped {
                isEscaped = false
                continue
            }
            switch path[index] {
            case "\\": isEscaped = isQuoted
            case "\"": isQuoted.toggle()
            case ">" where !isQuoted: end = index
            default: break
            }
            if end != nil { break }
        }
        guard let end else { throw LMTPSyntaxError(501, "5.5.4", "the address has no closing >") }
        var address = path[path.index(after: path.startIndex)..<end]
        if address.first == "@", let colon = address.firstIndex(of: ":") {
            address = address[address.index(after: colon)...]
        }
        guard address.utf8.count <= 320, address.utf8.allSatisfy({ $0 > 0x20 && $0 != 0x7f }) || isQuotedLocal(address)
        else { throw LMTPSyntaxError(501, "5.1.3", "the address is not valid") }
        let parameters = path[path.index(after: end)...].split(separator: " ")
        return (String(address), parameters)
    }

    private static func isQuotedLocal(_ address: Substring) -> Bool {
        address.first == "\"" && address.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7f }
    }

    private static func parseBdat(_ rest: Substring) throws(LMTPSyntaxError) -> LMTPCommand {
        let parts = rest.split(separator: " ")
        guard let first = parts.first, let bytes = Int(first), bytes >= 0, parts.count <= 2,
            parts.count == 1 || parts[1].uppercased() == "LAST"
        else { throw LMTPSyntaxError(501, "5.5.4", "BDAT needs a size, and perhaps LAST") }
        return .bdat(bytes: bytes, isLast: parts.count == 2)
    }
}
