public import Consensus
internal import MailModel
internal import NIOCore
public import StateStorage

/// Counts all rows of a group anew, and compares the counters, references, names and indexes in the rows with them.
/// For tests and the simulator: it reads everything, and holds the keys of it in memory.
public struct StateAudit {
    private let group: GroupID
    private let store: any StateStore
    /// What is wrong, a sentence for each problem.
    public private(set) var problems: [String] = []

    private struct Account {
        var record: AccountRecord
        var mailboxes: [MailboxID: MailboxRecord] = [:]
        var names: [String: MailboxID] = [:]
        var references: [BodyID: UInt32] = [:]
        var bodies: [BodyID: UInt32] = [:]
        var messages: [ContentsID: [UID: UInt64]] = [:]
        var flags: [ContentsID: [UID: FlagsRow]] = [:]
        var keywords: [ContentsID: KeywordTable] = [:]
        var remnants: Set<ContentsID> = []
        var changes: [ContentsID: [UID: [ModSeq]]] = [:]

        /// Changes the account in place: a copy of all that it has, for each of its rows, would take for ever.
        mutating func change(_ body: (inout Account) throws -> Void) rethrows { try body(&self) }
    }

    private var accounts: [AccountID: Account] = [:]
    /// Deleted accounts whose rows are not all gone.
    private var deleted: Set<AccountID> = []

    /// Reads all rows of the group, and finds the problems.
    ///
    /// - Throws: what the store throws, and `DecodingError` for a row that cannot be read.
    public init(_ group: GroupID, in store: any StateStore) throws {
        self.group = group
        self.store = store
        try readAccounts()
        try readRemnants()
        try readMailboxes()
        try readMessages()
        try readChanges()
        try readBodies()
        try readTimeIndexes()
        for (id, account) in accounts.sorted(by: { $0.key < $1.key }) { check(id, account) }
    }

    private func scan(_ table: Table, _ body: (Span<UInt8>, ByteBuffer) throws -> Void) throws {
        let prefix = Key(group, table)
        try store.scan(from: prefix.bytes, to: prefix.end) { key, value in
            try body(key, ByteBuffer(copying: value))
            return true
        }
    }

    private mutating func readAccounts() throws {
        var found: [AccountID: AccountRecord] = [:]
        try scan(.accounts) { _, value in
            let record = try AccountRecord(row: value)
            found[record.id] = record
        }
        for (id, record) in found { accounts[id] = Account(record: record) }
        var addresses: [AccountID: Int] = [:]
        try scan(.addresses) { _, value in
            addresses[AccountID(try Key.integer(value.readableBytesUInt8Span, at: 1, as: UInt64.self)), default: 0] += 1
        }
        for id in Set(addresses.keys).union(found.keys) where found[id] == nil || addresses[id] != 1 {
            problems.append("account \(id.rawValue) has \(addresses[id, default: 0]) addresses")
        }
    }

    private mutating func readRemnants() throws {
        var found: [(AccountID, ContentsID)] = []
        try scan(.remnants) { key, value in
            _ = try RemnantRow(row: value)
            found.append((try Self.account(key), try Self.contents(key)))
        }
        for (account, contents) in found {
            if contents == .wholeAccount {
                deleted.insert(account)
            } else {
                accounts[account]?.remnants.insert(contents)
            }
        }
        for id in deleted where accounts[id] != nil { problems.append("account \(id.rawValue) is there and deleted") }
    }

    /// Runs the body for each row of an account that is there.
    private mutating func read(_ table: Table, _ body: (Span<UInt8>, ByteBuffer, inout Account) throws -> Void) throws {
        var accounts = accounts
        var strays: Set<AccountID> = []
        try scan(table) { key, value in
            let id = try Self.account(key)
            guard accounts[id] != nil else {
                if !deleted.contains(id) { strays.insert(id) }
                return
            }
            try accounts[id]?.change { try body(key, value, &$0) }
        }
        self.accounts = accounts
        for id in strays.sorted() { problems.append("account \(id.rawValue) is not there, and has rows in \(table)") }
    }

    private mutating func readMailboxes() throws {
        try read(.mailboxes) { _, value, account in
            let record = try MailboxRecord(row: value)
            account.mailboxes[record.id] = record
        }
        try read(.mailboxNames) { key, value, account in
            let name = String(decoding: key.copied().dropFirst(Key.afterAccount), as: UTF8.self)
            account.names[name] = MailboxID(try Key.integer(value.readableBytesUInt8Span, at: 1, as: UInt32.self))
        }
    }

    private mutating func readMessages() throws {
        try read(.messages) { key, value, account in
            let row = try MessageRow(row: value)
            account.messages[try Self.contents(key), default: [:]][try Self.uid(key)] = row.sizeBytes
            account.references[row.bodyID, default: 0] += 1
        }
        try read(.flags) { key, value, account in
            account.flags[try Self.contents(key), default: [:]][try Self.uid(key)] =
                try FlagsRow(span: value.readableBytesUInt8Span)
        }
        try read(.keywords) { key, value, account in
            account.keywords[try Self.contents(key)] = try KeywordTable(row: value)
        }
        try read(.expunged) { _, value, account in
            account.references[try ExpungedRow.message(value).bodyID, default: 0] += 1
        }
    }

    /// A message's flags have either the MODSEQ at which it came, and these rise with the UIDs, or that of a change
    /// that is in the index.
    private mutating func readChanges() throws {
        try read(.changes) { key, _, account in
            let modSeq = ModSeq(try Key.integer(key, at: Key.afterMailbox, as: UInt64.self))
            let uid = UID(try Key.integer(key, at: Key.afterMailbox + 8, as: UInt32.self))
            account.changes[try Self.contents(key), default: [:]][uid, default: []].append(modSeq)
        }
        for (id, account) in accounts {
            for (contents, flags) in account.flags {
                let changes = account.changes[contents] ?? [:]
                var last = ModSeq.zero
                for (uid, row) in flags.sorted(by: { $0.key < $1.key }) {
                    if let known = changes[uid] {
                        if known != [row.modSeq] {
                            problems.append("account \(id.rawValue): changes of a message are not as its flags say")
                        }
                    } else if row.modSeq < last {
                        problems.append("account \(id.rawValue): a change of flags is in no index")
                    } else {
                        last = row.modSeq
                    }
                }
            }
            for (contents, changes) in account.changes {
                let flags = account.flags[contents] ?? [:]
                if changes.keys.contains(where: { flags[$0] == nil }) {
                    problems.append("account \(id.rawValue): changes of messages that are gone")
                }
            }
        }
    }

    private mutating func readBodies() throws {
        try read(.bodies) { key, value, account in
            account.bodies[try Self.body(key)] = try BodyRow(row: value).references
        }
        var chunked: [AccountID: Set<BodyID>] = [:]
        try read(.chunks) { key, _, account in chunked[account.record.id, default: []].insert(try Self.body(key)) }
        try read(.uploads) { key, _, account in chunked[account.record.id]?.remove(try Self.body(key)) }
        for (id, bodies) in chunked {
            for body in bodies where accounts[id]?.bodies[body] == nil {
                problems.append("account \(id.rawValue) has chunks of no body")
            }
        }
    }

    private mutating func readTimeIndexes() throws {
        for (table, index) in [(Table.expunged, Table.expungedByTime), (.deliveries, .deliveriesByTime)] {
            var rows = 0
            var pointers = 0
            let deleted = deleted
            try scan(table) { key, _ in if !deleted.contains(try Self.account(key)) { rows += 1 } }
            try scan(index) { key, _ in
                let id = AccountID(try Key.integer(key, at: 13, as: UInt64.self))
                if !deleted.contains(id) { pointers += 1 }
            }
            if rows != pointers { problems.append("\(rows) rows in \(table), \(pointers) in \(index)") }
        }
    }

    private mutating func check(_ id: AccountID, _ account: Account) {
        func expect(_ isRight: Bool, _ problem: @autoclosure () -> String) -> String? {
            isRight ? nil : "account \(id.rawValue): \(problem())"
        }
        let record = account.record
        let mailboxes = account.mailboxes.values
        let names = Dictionary(uniqueKeysWithValues: mailboxes.map { ($0.name.text, $0.id) })
        var found = [
            expect(names == account.names, "names \(account.names.count) of \(names.count) mailboxes"),
            expect(
                Int(record.mailboxCount) == mailboxes.count(where: \.selectable),
                "\(record.mailboxCount) mailboxes are counted"
            ),
            expect(
                Int(record.subscriptionCount) == mailboxes.count(where: \.subscribed),
                "\(record.subscriptionCount) subscriptions are counted"
            ),
            expect(mailboxes.allSatisfy { $0.selectable || $0.subscribed }, "a name is kept for nothing"),
            expect(
                record.usedMessages == mailboxes.reduce(0) { $0 + UInt64($1.messages) },
                "\(record.usedMessages) messages are counted"
            ),
            expect(
                record.usedBytes == mailboxes.reduce(0) { $0 + $1.sizeBytes },
                "\(record.usedBytes) bytes are counted"
            ),
            expect(account.references == account.bodies, "references to bodies are not as counted"),
        ]
        let places = mailboxes.map(\.contents)
        found.append(expect(Set(places).count == places.count, "mailboxes share contents"))
        for contents in Set(account.messages.keys).union(account.flags.keys).union(account.keywords.keys) {
            let isKnown = places.contains(contents) || account.remnants.contains(contents)
            found.append(expect(isKnown, "contents \(contents.rawValue) are nobody's"))
            let uids = account.messages[contents].map { Set($0.keys) } ?? []
            let flagged = account.flags[contents].map { Set($0.keys) } ?? []
            found.append(expect(uids == flagged, "contents \(contents.rawValue): messages without flags"))
        }
        for mailbox in mailboxes {
            let sizes = account.messages[mailbox.contents] ?? [:]
            let flags = account.flags[mailbox.contents] ?? [:]
            let isRight =
                sizes.count == Int(mailbox.messages) && sizes.values.reduce(0, +) == mailbox.sizeBytes
                && flags.values.count { !$0.flags.system.contains(.seen) } == Int(mailbox.unseen)
                && flags.values.count { $0.flags.system.contains(.deleted) } == Int(mailbox.deleted)
                && sizes.keys.allSatisfy { $0 < mailbox.uidNext }
                && flags.values.allSatisfy { $0.modSeq <= mailbox.highestModSeq }
            found.append(expect(isRight, "mailbox \(mailbox.id.rawValue) is not as counted"))
            let table = account.keywords[mailbox.contents]
            var counts = [UInt32](repeating: 0, count: table?.counts.count ?? 0)
            var named = true
            for number in flags.values.lazy.flatMap(\.flags.keywords.numbers) {
                named = named && number < counts.count
                if named { counts[number] += 1 }
            }
            let isCounted = named && counts == table?.counts ?? [] && counts.last != 0
            found.append(expect(isCounted, "keywords of mailbox \(mailbox.id.rawValue) are not as counted"))
        }
        problems += found.compactMap { $0 }
    }

    // MARK: Parts of keys

    private static func account(_ key: Span<UInt8>) throws -> AccountID {
        AccountID(try Key.integer(key, at: 5, as: UInt64.self))
    }

    private static func contents(_ key: Span<UInt8>) throws -> ContentsID {
        ContentsID(try Key.integer(key, at: Key.afterAccount, as: UInt32.self))
    }

    private static func uid(_ key: Span<UInt8>) throws -> UID {
        UID(try Key.integer(key, at: Key.afterMailbox, as: UInt32.self))
    }

    private static func body(_ key: Span<UInt8>) throws -> BodyID {
        BodyID(
            high: try Key.integer(key, at: Key.afterAccount, as: UInt64.self),
            low: try Key.integer(key, at: Key.afterAccount + 8, as: UInt64.self)
        )
    }
}
