/// A mailbox's full name in UTF-8, levels separated by `/`. INBOX is one name however it is typed (RFC 3501, 5.1).
public struct MailboxName: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// Bytes of a name's UTF-8.
    public static let maximumBytes = 1_000
    /// Levels of a name.
    public static let maximumDepth = 32
    /// What stands between levels.
    public static let separator: Character = "/"
    /// The mailbox that every account has.
    public static let inbox = MailboxName(unchecked: "INBOX")

    /// The name in UTF-8; `INBOX` in upper case, also as the first of several levels.
    public let text: String

    private init(unchecked text: String) { self.text = text }

    /// Why a text is no name of a mailbox.
    public enum Problem: Error, Hashable, Sendable {
        case empty, tooLong, tooDeep, emptyLevel, controlCharacter
    }

    /// The name that a text spells.
    ///
    /// - Throws: ``Problem``.
    public init(_ text: String) throws(Problem) {
        guard !text.isEmpty else { throw .empty }
        guard text.utf8.count <= Self.maximumBytes else { throw .tooLong }
        var depth = 1
        var previous = UInt8(ascii: "/")
        for byte in text.utf8 {
            if byte < 0x20 || byte == 0x7f { throw .controlCharacter }
            if byte == UInt8(ascii: "/") {
                if previous == UInt8(ascii: "/") { throw .emptyLevel }
                depth += 1
            }
            previous = byte
        }
        if previous == UInt8(ascii: "/") { throw .emptyLevel }
        guard depth <= Self.maximumDepth else { throw .tooDeep }
        self.text = Self.normalised(text)
    }

    private static func normalised(_ text: String) -> String {
        let bytes = text.utf8
        guard bytes.count >= 5, bytes.prefix(5).elementsEqual("INBOX".utf8, by: { ($0 & 0xdf) == $1 }) else {
            return text
        }
        if bytes.count == 5 { return "INBOX" }
        let rest = bytes.dropFirst(5)
        return rest.first == UInt8(ascii: "/") ? "INBOX" + String(decoding: rest, as: UTF8.self) : text
    }

    public var description: String { text }

    // By bytes, as keys are: for Swift, two spellings of an accented letter are one string.
    public static func == (a: MailboxName, b: MailboxName) -> Bool {
        a.text.utf8.count == b.text.utf8.count && a.text.utf8.elementsEqual(b.text.utf8)
    }

    public func hash(into hasher: inout Hasher) { hasher.combine(bytesOf: text) }
    public static func < (a: MailboxName, b: MailboxName) -> Bool {
        a.text.utf8.lexicographicallyPrecedes(b.text.utf8)
    }

    /// Whether this is INBOX itself, not a mailbox below it.
    public var isInbox: Bool { text == "INBOX" }

    /// The levels above this one, nearest last: `a/b/c` gives `a`, `a/b`.
    public var ancestors: [MailboxName] {
        var result: [MailboxName] = []
        // By bytes, as `init` checks them: a combining mark behind the separator makes another character of it.
        for index in text.utf8.indices where text.utf8[index] == UInt8(ascii: "/") {
            result.append(MailboxName(unchecked: String(text[..<index])))
        }
        return result
    }

    /// Whether this name lies below `other`, at any depth.
    public func isDescendant(of other: MailboxName) -> Bool {
        let (own, prefix) = (text.utf8, other.text.utf8)
        guard own.count > prefix.count, own.starts(with: prefix) else { return false }
        return own[own.index(own.startIndex, offsetBy: prefix.count)] == UInt8(ascii: "/")
    }

    /// This name with the leading `old` replaced by `new`; nil where the result breaks a limit.
    public func replacingPrefix(_ old: MailboxName, with new: MailboxName) -> MailboxName? {
        precondition(self == old || isDescendant(of: old), "the prefix must lead this name")
        let rest = String(decoding: text.utf8.dropFirst(old.text.utf8.count), as: UTF8.self)
        return try? MailboxName(new.text + rest)
    }
}

extension Hasher {
    /// Takes in a text as its bytes: for those whose equality is that of bytes.
    mutating func combine(bytesOf text: String) {
        combine(text.utf8.count)
        let isDone: Void? = text.utf8.withContiguousStorageIfAvailable { combine(bytes: UnsafeRawBufferPointer($0)) }
        if isDone == nil { for byte in text.utf8 { combine(byte) } }
    }
}
