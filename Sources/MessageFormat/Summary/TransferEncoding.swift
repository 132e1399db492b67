/// How a part's content is encoded (RFC 2045, section 6).
public enum TransferEncoding: UInt8, Hashable, Sendable {
    case sevenBit
    case eightBit
    case binary
    case base64
    case quotedPrintable
    /// An encoding that this module cannot decode.
    case other

    /// Whether the content is there as it is.
    public var isIdentity: Bool {
        switch self {
        case .sevenBit, .eightBit, .binary: true
        case .base64, .quotedPrintable, .other: false
        }
    }

    /// The name in responses; nil for an encoding that is not known.
    var name: StaticString? {
        switch self {
        case .sevenBit: "7bit"
        case .eightBit: "8bit"
        case .binary: "binary"
        case .base64: "base64"
        case .quotedPrintable: "quoted-printable"
        case .other: nil
        }
    }

    /// Reads the first token of a Content-Transfer-Encoding field.
    init(field: [UInt8]) {
        var scanner = FieldScanner(field)
        let token = ASCII.lowercased(scanner.value())
        if token.isEmpty || ASCII.equal(token, "7bit") {
            self = .sevenBit
        } else if ASCII.equal(token, "8bit") {
            self = .eightBit
        } else if ASCII.equal(token, "binary") {
            self = .binary
        } else if ASCII.equal(token, "base64") {
            self = .base64
        } else if ASCII.equal(token, "quoted-printable") {
            self = .quotedPrintable
        } else {
            self = .other
        }
    }
}
