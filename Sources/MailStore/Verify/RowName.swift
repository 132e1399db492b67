internal import Consensus
internal import MailModel

/// A row by its key, for people. Addresses and names of mailboxes are nobody's business who reads a log: they appear as
/// hashes, which are the same on every node.
public struct RowName: Hashable, Sendable, CustomStringConvertible {
    /// The table's name, as in the documentation of the state.
    public let table: String
    public let description: String

    /// Names the row of a key.
    ///
    /// - Parameter key: without its group; empty for the group's own row.
    public init(key: [UInt8]) {
        guard let first = key.first, let table = Table(rawValue: first) else {
            self.table = key.isEmpty ? "meta" : "unknown"
            description = key.isEmpty ? "the group's own row" : "a row of no table that is known"
            return
        }
        let fields = Fields(key)
        self.table = table.name
        var parts: [String] = [table.name]
        switch table {
        case .meta: break
        case .requests:
            parts += [fields.number("session", at: 1, bytes: 8), fields.number("sequence", at: 9, bytes: 8)]
        case .addresses: parts.append(fields.text("address", at: 1))
        case .accounts: parts.append(fields.number("account", at: 1, bytes: 8))
        case .mailboxes:
            parts += [fields.number("account", at: 1, bytes: 8), fields.number("mailbox", at: 9, bytes: 4)]
        case .mailboxNames: parts += [fields.number("account", at: 1, bytes: 8), fields.text("name", at: 9)]
        case .messages, .flags:
            parts += [
                fields.number("account", at: 1, bytes: 8), fields.number("contents", at: 9, bytes: 4),
                fields.number("UID", at: 13, bytes: 4),
            ]
        case .expunged, .changes:
            parts += [
                fields.number("account", at: 1, bytes: 8), fields.number("contents", at: 9, bytes: 4),
                fields.number("UID", at: 21, bytes: 4),
            ]
        case .bodies, .uploads, .chunks, .deliveries:
            parts += [fields.number("account", at: 1, bytes: 8), fields.hexadecimal("", at: 9, bytes: 16)]
        case .expungedByTime, .deliveriesByTime:
            parts += [fields.number("time", at: 1, bytes: 8), fields.number("account", at: 9, bytes: 8)]
        case .directory: parts.append(fields.hexadecimal("", at: 1, bytes: 9))
        case .remnants, .keywords:
            parts += [fields.number("account", at: 1, bytes: 8), fields.number("contents", at: 9, bytes: 4)]
        }
        description = parts.filter { !$0.isEmpty }.joined(separator: ", ")
    }
}

private struct Fields {
    private let key: [UInt8]

    init(_ key: [UInt8]) { self.key = key }

    private func bytes(at offset: Int, count: Int) -> ArraySlice<UInt8> { key.dropFirst(offset).prefix(count) }

    func number(_ name: String, at offset: Int, bytes count: Int) -> String {
        let bytes = bytes(at: offset, count: count)
        guard bytes.count == count else { return "" }
        return "\(name) \(bytes.reduce(UInt64(0)) { $0 << 8 | UInt64($1) })"
    }

    func hexadecimal(_ name: String, at offset: Int, bytes count: Int) -> String {
        name + Hexadecimal.digits(of: bytes(at: offset, count: count))
    }

    func text(_ name: String, at offset: Int) -> String {
        let bytes = Array(key.dropFirst(offset))
        var hash = RowHash()
        hash.combine(bytes.span)
        return "\(name) with hash \(String(hash.finish(), radix: 16))"
    }
}

extension Table {
    /// As in `Docs/formats/state.md`.
    fileprivate var name: String {
        switch self {
        case .meta: "meta"
        case .requests: "requests"
        case .addresses: "addresses"
        case .accounts: "accounts"
        case .mailboxes: "mailboxes"
        case .mailboxNames: "mailbox names"
        case .messages: "messages"
        case .flags: "flags"
        case .expunged: "expunged"
        case .expungedByTime: "expunged by time"
        case .bodies: "bodies"
        case .chunks: "chunks"
        case .uploads: "uploads"
        case .deliveries: "deliveries"
        case .deliveriesByTime: "deliveries by time"
        case .directory: "directory"
        case .remnants: "remnants"
        case .keywords: "keywords"
        case .changes: "changes"
        }
    }
}
