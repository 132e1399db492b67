internal import MailModel

/// The recipient that RCPT names.
enum RecipientName: Hashable {
    /// `<postmaster>` without a domain, which every server must know (RFC 5321, section 4.5.1).
    case postmaster
    case address(AccountAddress)

    /// The name in a path; nil for a path that can be no account's address.
    init?(path: String) {
        if path.utf8.elementsEqual("postmaster".utf8, by: { $0 | 0x20 == $1 }) {
            self = .postmaster
            return
        }
        guard let address = AccountAddress(path: path) else { return nil }
        self = .address(address)
    }

    /// The name as replies and the names of deliveries spell it.
    var text: String {
        switch self {
        case .postmaster: "postmaster"
        case .address(let address): address.text
        }
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
