public import MailModel
internal import NIOCore

/// How a node without a replica of a group hears of changes to accounts that its clients watch.
public enum WatchMessage: Hashable, Sendable {
    /// "Tell me when one of these accounts changes." Said again every ``renewMilliseconds``; what is not named again is
    /// forgotten: see ``expiryMilliseconds``. `id` is never used twice.
    case ask(id: UInt64, [AccountID])
    /// The accounts of the question are watched from now on.
    case watching(id: UInt64)
    /// The accounts of the question are not watched: too many are, or there is no replica that follows its leader.
    case refused(id: UInt64)
    /// These accounts have changed, or may have: those that were not watched before are among them.
    case changed([AccountID])
    /// Every account of the group that the receiver has asked for may have changed.
    case allChanged
}

extension WatchMessage {
    static let formatVersion: UInt8 = 1
    /// Accounts that one message names.
    public static let maximumAccounts = 4_096
    /// How often a watch is renewed.
    public static let renewMilliseconds: Int64 = 2_000
    /// How long a watch lasts that is not renewed, at least; at most twice as long.
    public static let expiryMilliseconds: Int64 = 6_000

    var approximateBytes: Int {
        switch self {
        case .ask(_, let accounts), .changed(let accounts): 64 + 8 * accounts.count
        case .watching, .refused, .allChanged: 64
        }
    }
}

extension ByteBuffer {
    mutating func write(_ message: WatchMessage) {
        func begin(_ tag: UInt8) {
            writeInteger(WatchMessage.formatVersion)
            writeInteger(tag)
        }
        switch message {
        case .ask(let id, let accounts):
            begin(1)
            writeInteger(id)
            write(accounts)
        case .watching(let id):
            begin(2)
            writeInteger(id)
        case .refused(let id):
            begin(3)
            writeInteger(id)
        case .changed(let accounts):
            begin(4)
            write(accounts)
        case .allChanged: begin(5)
        }
    }

    private mutating func write(_ accounts: [AccountID]) {
        writeCount(accounts.count)
        for account in accounts { writeInteger(account.rawValue) }
    }
}

extension WireDecoder {
    mutating func watchMessage() throws(DecodingError) -> WatchMessage {
        let version: UInt8 = try integer()
        guard version == WatchMessage.formatVersion else { throw failure(.unknownVersion(UInt64(version))) }
        let tag: UInt8 = try integer()
        switch tag {
        case 1: return .ask(id: try integer(), try accounts())
        case 2: return .watching(id: try integer())
        case 3: return .refused(id: try integer())
        case 4: return .changed(try accounts())
        case 5: return .allChanged
        default: throw failure(.unknownTag(UInt64(tag)))
        }
    }

    private mutating func accounts() throws(DecodingError) -> [AccountID] {
        let count = try count(minimumBytes: 8)
        guard count <= WatchMessage.maximumAccounts else { throw failure(.tooLong) }
        var accounts: [AccountID] = []
        accounts.reserveCapacity(count)
        for _ in 0..<count { accounts.append(AccountID(try integer())) }
        return accounts
    }
}
