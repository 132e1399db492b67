/// What bytes of text stand for, by the charset's name in mail (RFC 2046, section 4.1.2).
enum Charset: Hashable, Sendable {
    /// UTF-8, ASCII within it, and text that names no charset.
    case utf8
    case table(SingleByteTable)
    /// A charset without a table, by its name in lower case: a `CharsetSource` may know it.
    case named([UInt8])

    /// Reads a name in any case; ISO-8859-1 and -9 are read as the Windows charsets that contain them, as mailers mean.
    init(name: some Sequence<UInt8>) {
        // No name is that long.
        let name = name.prefix(64).map(ASCII.lower)
        let key = name.filter { ASCII.isLetter($0) || ASCII.isDigit($0) }
        switch String(decoding: key, as: UTF8.self) {
        case "", "utf8", "usascii", "ascii", "ansix341968", "iso646us", "unicode11utf8": self = .utf8
        case "iso88591", "latin1", "l1", "windows1252", "cp1252", "ibm819": self = .table(.windows1252)
        case "iso88592", "latin2", "l2": self = .table(.latin2)
        case "iso88593", "latin3", "l3": self = .table(.latin3)
        case "iso88594", "latin4", "l4": self = .table(.latin4)
        case "iso88595", "cyrillic": self = .table(.cyrillic)
        case "iso88597", "greek": self = .table(.greek)
        case "iso88599", "latin5", "l5", "windows1254", "cp1254": self = .table(.windows1254)
        case "iso885910", "latin6", "l6": self = .table(.latin6)
        case "iso885913", "latin7": self = .table(.latin7)
        case "iso885914", "latin8": self = .table(.latin8)
        case "iso885915", "latin9": self = .table(.latin9)
        case "iso885916", "latin10": self = .table(.latin10)
        case "windows1250", "cp1250": self = .table(.windows1250)
        case "windows1251", "cp1251": self = .table(.windows1251)
        case "windows1253", "cp1253": self = .table(.windows1253)
        case "windows1257", "cp1257": self = .table(.windows1257)
        case "koi8r", "koi8": self = .table(.koi8r)
        case "koi8u": self = .table(.koi8u)
        case "ibm866", "cp866": self = .table(.ibm866)
        default: self = .named(name)
        }
    }

    /// Whether ASCII stands for itself in it.
    var hasASCII: Bool {
        switch self {
        case .utf8, .table: true
        // UTF-7 and ISO-2022 make other text of such bytes.
        case .named: false
        }
    }

    static func append(_ scalar: Unicode.Scalar, to text: inout [UInt8]) {
        let value = scalar.value
        switch value {
        case ..<0x80: text.append(UInt8(value))
        case ..<0x800:
            text.append(0xc0 | UInt8(value >> 6))
            text.append(0x80 | UInt8(value & 0x3f))
        case ..<0x1_0000:
            text.append(0xe0 | UInt8(value >> 12))
            text.append(0x80 | UInt8(value >> 6 & 0x3f))
            text.append(0x80 | UInt8(value & 0x3f))
        default:
            text.append(0xf0 | UInt8(value >> 18))
            text.append(0x80 | UInt8(value >> 12 & 0x3f))
            text.append(0x80 | UInt8(value >> 6 & 0x3f))
            text.append(0x80 | UInt8(value & 0x3f))
        }
    }
}
