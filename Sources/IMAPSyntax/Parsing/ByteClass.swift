/// The character classes of RFC 9051 section 9.
extension UInt8 {
    /// `CTL`: 0x00 to 0x1F and 0x7F.
    var isControl: Bool { self < 0x20 || self == 0x7F }

    var isDigit: Bool { self >= UInt8(ascii: "0") && self <= UInt8(ascii: "9") }

    /// `ATOM-CHAR`: any 7-bit character except atom-specials.
    var isAtomCharacter: Bool {
        switch self {
        case UInt8(ascii: "("), UInt8(ascii: ")"), UInt8(ascii: "{"), UInt8(ascii: " "), UInt8(ascii: "%"),
            UInt8(ascii: "*"), UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "]"):
            false
        default:
            self > 0x1F && self < 0x7F
        }
    }

    /// `ASTRING-CHAR`: `ATOM-CHAR` and `]`.
    var isAStringCharacter: Bool { isAtomCharacter || self == UInt8(ascii: "]") }

    /// `list-char`: `ASTRING-CHAR` and the wildcards.
    var isListCharacter: Bool { isAStringCharacter || self == UInt8(ascii: "%") || self == UInt8(ascii: "*") }

    /// `tag` is made of `ASTRING-CHAR` without `+`.
    var isTagCharacter: Bool { isAStringCharacter && self != UInt8(ascii: "+") }

    /// What the names of commands, items and options are made of.
    var isWordCharacter: Bool {
        isDigit || isLetter || self == UInt8(ascii: ".") || self == UInt8(ascii: "-") || self == UInt8(ascii: "=")
            || self == UInt8(ascii: "_")
    }

    var isLetter: Bool { (self | 0x20) >= UInt8(ascii: "a") && (self | 0x20) <= UInt8(ascii: "z") }

    var uppercased: UInt8 { self >= UInt8(ascii: "a") && self <= UInt8(ascii: "z") ? self & 0xDF : self }

    var lowercased: UInt8 { self >= UInt8(ascii: "A") && self <= UInt8(ascii: "Z") ? self | 0x20 : self }
}

extension String {
    /// Upper case of the ASCII letters only: the grammar's keywords do not depend on a locale.
    var asciiUppercased: String { String(decoding: utf8.map(\.uppercased), as: UTF8.self) }

    var asciiLowercased: String { String(decoding: utf8.map(\.lowercased), as: UTF8.self) }
}
