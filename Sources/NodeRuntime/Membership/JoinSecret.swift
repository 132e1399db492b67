internal import Authentication
package import MailModel
internal import PeerTransport

/// A token as its holder has it: the name by which it is found, a dot, and the secret, both in hexadecimal.
package struct JoinSecret: Sendable, CustomStringConvertible {
    /// By which the directory finds the token.
    package let id: JoinTokenID
    /// Random bytes, `JoinRequest.secretBytes` of them. They never reach a log.
    let bytes: [UInt8]

    /// Draws a new one.
    package init() {
        var random = SystemRandomNumberGenerator()
        id = JoinTokenID(rawValue: random.next())
        bytes = (0..<JoinRequest.secretBytes).map { _ in UInt8.random(in: .min ... .max, using: &random) }
    }

    /// Nil for text that is no token.
    package init?(_ text: String) {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        let isHexadecimal = parts.allSatisfy { $0.utf8.allSatisfy(Self.digits.contains) }
        guard parts.count == 2, isHexadecimal, parts[0].utf8.count == 16, let id = UInt64(parts[0], radix: 16) else {
            return nil
        }
        let digits = Array(parts[1].utf8)
        guard digits.count == 2 * JoinRequest.secretBytes else { return nil }
        var bytes: [UInt8] = []
        for place in stride(from: 0, to: digits.count, by: 2) {
            guard let byte = UInt8(String(decoding: digits[place..<place + 2], as: UTF8.self), radix: 16) else {
                return nil
            }
            bytes.append(byte)
        }
        self.id = JoinTokenID(rawValue: id)
        self.bytes = bytes
    }

    /// Numbers are read with signs, and with other digits, where it is not looked.
    private static let digits = Set("0123456789abcdef".utf8)

    /// What its holder is told.
    package var text: String { "\(Self.name(of: id)).\(Hexadecimal.digits(of: bytes))" }

    /// What admins call a token.
    package static func name(of id: JoinTokenID) -> String { Hexadecimal.digits(of: id.rawValue) }

    /// What the directory keeps of the secret.
    package var hash: [UInt8] { SecretHash.sha256(bytes) }

    package var description: String { "\(Self.name(of: id)).<secret>" }
}
