internal import MailModel

/// Whom RCPT names.
enum RecipientName: Hashable {
    /// `<postmaster>` without a domain, which every server must know (RFC 5321, section 4.5.1).
    case postmaster
    case address(AccountAddress)

    /// Nil for a path that can be nobody's address.
    init?(path: String) {
        if path.utf8.elementsEqual("postmaster".utf8, by: { $0 | 0x20 == $1 }) {
            self = .postmaster
            return
        }
        guard let text = Self.unquoted(path), let address = AccountAddress(text) else { return nil }
        self = .address(address)
    }

    /// How replies and the names of deliveries spell it.
    var text: String {
        switch self {
        case .postmaster: "postmaster"
        case .address(let address): address.text
        }
    }

    /// The path with its local part as it is meant: quotes and backslashes that only protect others are no part of it
    /// (RFC 5321, section 4.1.2). Nil when the quotes do not enclose the whole local part.
    private static func unquoted(_ path: String) -> String? {
        guard path.unicodeScalars.first == "\"" else { return path }
        var local = String.UnicodeScalarView()
        var isEscaped = false
        var rest = path.unicodeScalars.dropFirst()
        while let scalar = rest.popFirst() {
            if isEscaped {
                isEscaped = false
            } else if scalar == "\\" {
                isEscaped = true
                continue
            } else if scalar == "\"" {
                return rest.first == "@" ? String(local) + String(rest) : nil
            }
            local.append(scalar)
        }
        return nil
    }
}

extension AccountAddress {
    /// `user@domain` of `user+detail@domain` (RFC 5233); nil where there is no detail, or nothing before it.
    ///
    /// - Parameter separator: the byte before the detail.
    func withoutDetail(_ separator: UInt8) -> AccountAddress? {
        let bytes = text.utf8
        guard let at = bytes.lastIndex(of: UInt8(ascii: "@")), let end = bytes[..<at].firstIndex(of: separator) else {
            return nil
        }
        return AccountAddress(text[..<end] + text[at...])
    }
}
