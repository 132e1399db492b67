/// What a Content-Type field says (RFC 2045, section 5).
struct ContentType: Hashable, Sendable {
    /// In lower case.
    var type: String
    var subtype: String
    var parameters: [Parameter]

    /// The type of a part without the field (RFC 2045, section 5.2).
    static let plainText = ContentType(
        type: "text",
        subtype: "plain",
        parameters: [Parameter(name: Array("charset".utf8), value: Array("us-ascii".utf8))]
    )
    /// The type of a part without the field in a multipart/digest (RFC 2046, section 5.1.5).
    static let message = ContentType(type: "message", subtype: "rfc822", parameters: [])
    static let opaque = ContentType(type: "application", subtype: "octet-stream", parameters: [])

    init(type: String, subtype: String, parameters: [Parameter]) {
        self.type = type
        self.subtype = subtype
        self.parameters = parameters
    }

    /// Nil when the field holds no type that could be one.
    /// - Parameter maximumParameters: further parameters are left out.
    init?(field: [UInt8], maximumParameters: Int) {
        var scanner = FieldScanner(field)
        scanner.skipSpace()
        let isEnd: (UInt8) -> Bool = { $0 == UInt8(ascii: "/") || $0 == UInt8(ascii: ";") }
        let type = scanner.token(until: isEnd)
        scanner.skipSpace()
        guard scanner.take(UInt8(ascii: "/")) else { return nil }
        scanner.skipSpace()
        let subtype = scanner.token(until: isEnd)
        guard let type = Self.name(type), let subtype = Self.name(subtype) else { return nil }
        self.type = type
        self.subtype = subtype
        self.parameters = scanner.parameters(maximum: maximumParameters)
    }

    func parameter(_ name: StaticString) -> [UInt8]? { Parameter.value(name, in: parameters) }

    var isMultipart: Bool { type == "multipart" }
    /// A message within a message (RFC 2046, section 5.2.1; RFC 6532, section 3.7).
    var isMessage: Bool { isMessageRFC822 || (type == "message" && subtype == "global") }
    var isMessageRFC822: Bool { type == "message" && subtype == "rfc822" }

    /// A boundary that can be looked for: not empty, of one line's length, no spaces at its end.
    var boundary: [UInt8]? {
        guard var value = parameter("boundary"), value.count <= FormatLimits.boundaryBytes else { return nil }
        while let last = value.last, ASCII.isSpace(last) { value.removeLast() }
        return value.isEmpty ? nil : value
    }

    private static func name(_ token: [UInt8]) -> String? {
        guard !token.isEmpty, token.count <= FormatLimits.typeNameBytes else { return nil }
        for byte in token where byte <= 0x20 || byte >= 0x7f || byte == ASCII.quote || byte == ASCII.backslash {
            return nil
        }
        return String(decoding: ASCII.lowercased(token), as: UTF8.self)
    }
}
