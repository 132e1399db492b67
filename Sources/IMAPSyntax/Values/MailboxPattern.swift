/// A pattern of LIST: `*` stands for anything, `%` for anything within a level (RFC 9051 section 6.3.9).
public struct MailboxPattern: Hashable, Sendable {
    /// Decoded to UTF-8.
    public let text: String

    public init(_ text: String) {
        self.text = text
    }

    /// The pattern behind a reference: a plain concatenation, as there is no other notion of a root.
    public func relative(to reference: String) -> MailboxPattern {
        MailboxPattern(reference + text)
    }

    /// Whether the name is one that the pattern asks for. INBOX as the first level is compared in any case.
    ///
    /// Works in `pattern × name` steps at most, whatever the wildcards.
    public func matches(_ name: MailboxName) -> Bool {
        let pattern = Array(text.utf8)
        let bytes = Array(name.text.utf8)
        let isInInbox = name.isInbox || name.text.hasPrefix("INBOX/")
        // reachable[i]: the pattern's first i bytes match the part of the name that was looked at.
        var reachable = [Bool](repeating: false, count: pattern.count + 1)
        reachable[0] = true
        Self.passWildcards(pattern, &reachable)
        for (position, byte) in bytes.enumerated() {
            let ignoresCase = isInInbox && position < 5
            var following = [Bool](repeating: false, count: pattern.count + 1)
            for index in pattern.indices where reachable[index] {
                switch pattern[index] {
                case UInt8(ascii: "*"):
                    following[index] = true
                case UInt8(ascii: "%"):
                    if byte != UInt8(ascii: "/") { following[index] = true }
                default:
                    let wanted = ignoresCase ? pattern[index].uppercased : pattern[index]
                    if wanted == byte { following[index + 1] = true }
                }
            }
            Self.passWildcards(pattern, &following)
            reachable = following
        }
        return reachable[pattern.count]
    }

    /// A wildcard may stand for nothing.
    private static func passWildcards(_ pattern: [UInt8], _ reachable: inout [Bool]) {
        for index in pattern.indices where reachable[index] {
            if pattern[index] == UInt8(ascii: "*") || pattern[index] == UInt8(ascii: "%") {
                reachable[index + 1] = true
            }
        }
    }
}
