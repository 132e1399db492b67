internal import Consensus
internal import MailModel

/// A row's key: `group · table · account · ...`, big-endian, so that order is meaning.
struct Key: Hashable {
    private(set) var bytes: [UInt8]

    init(_ group: GroupID, _ table: Table, capacity: Int = 40) {
        bytes = []
        bytes.reserveCapacity(capacity)
        append(group.rawValue)
        bytes.append(table.rawValue)
    }

    init(_ group: GroupID, _ table: Table, _ account: AccountID) {
        self.init(group, table)
        append(account.rawValue)
    }

    init(_ group: GroupID, _ table: Table, _ account: AccountID, _ mailbox: MailboxID) {
        self.init(group, table, account)
        append(mailbox.rawValue)
    }

    init(_ group: GroupID, _ table: Table, _ account: AccountID, _ contents: ContentsID) {
        self.init(group, table, account)
        append(contents.rawValue)
    }

    init(_ group: GroupID, _ table: Table, _ account: AccountID, _ contents: ContentsID, _ uid: UID) {
        self.init(group, table, account, contents)
        append(uid.rawValue)
    }

    init(_ group: GroupID, _ table: Table, _ account: AccountID, _ body: BodyID) {
        self.init(group, table, account)
        append(body.high)
        append(body.low)
    }

    func hash(into hasher: inout Hasher) {
        // At once: an array would give its bytes one by one.
        bytes.withUnsafeBytes { hasher.combine(bytes: $0) }
    }

    /// A key as a scan has found it.
    init(raw: [UInt8]) { bytes = raw }

    mutating func append<T: FixedWidthInteger & UnsignedInteger>(_ value: T) {
        var shift = T.bitWidth
        while shift > 0 {
            shift -= 8
            bytes.append(UInt8(truncatingIfNeeded: value >> T(shift)))
        }
    }

    mutating func append(text: String) { bytes.append(contentsOf: text.utf8) }

    mutating func append(_ time: Timestamp) { append(UInt64(bitPattern: time.rawValue)) }

    /// The same place in another table.
    func moved(to table: Table) -> Key {
        var key = self
        key.bytes[Table.offsetInKeys] = table.rawValue
        return key
    }

    func appending<T: FixedWidthInteger & UnsignedInteger>(_ value: T) -> Key {
        var key = self
        key.append(value)
        return key
    }

    /// The first key behind all that start with this one.
    var end: [UInt8] {
        var end = bytes
        while let last = end.popLast() {
            if last < 255 {
                end.append(last + 1)
                return end
            }
        }
        preconditionFailure("a key starts with its group, and no group is 2³²−1")
    }

    /// Reads a big-endian integer out of a raw key, or a row that is not worth a decoder.
    static func integer<T: FixedWidthInteger & UnsignedInteger>(
        _ key: Span<UInt8>,
        at offset: Int,
        as: T.Type
    ) throws(DecodingError) -> T {
        guard offset + T.bitWidth / 8 <= key.count else {
            throw DecodingError(.truncated, offset: key.count, subject: "key")
        }
        var value: T = 0
        for index in 0..<(T.bitWidth / 8) { value = value << 8 | T(key[offset + index]) }
        return value
    }

    /// Offset of what follows group, table and account.
    static let afterAccount = 13
    /// Offset of what follows group, table, account and mailbox or contents.
    static let afterMailbox = 17
}
