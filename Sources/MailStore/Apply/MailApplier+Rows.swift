internal import Consensus
internal import MailModel
internal import NIOCore
internal import StateStorage

/// Rows in and out of the batch, and the digest that follows them.
extension MailApplier {
    /// The row as the commands before this one left it.
    func lookUp(_ key: Key) throws -> ByteBuffer? {
        if let pending = overlay[key] { return pending }
        return try store.get(key.bytes)
    }

    /// Puts a row that may replace `old`, and that later commands of the batch may look up.
    func putLookedUp(_ context: Context, _ key: Key, row value: ByteBuffer, replacing old: ByteBuffer?) {
        put(context, key, row: value, replacing: old)
        overlay[key] = .some(value)
    }

    func deleteLookedUp(_ context: Context, _ key: Key, old: ByteBuffer) {
        delete(context, key, old: old)
        overlay.updateValue(nil, forKey: key)
    }

    /// Puts a digested row.
    func put(_ context: Context, _ key: Key, row value: ByteBuffer, replacing old: ByteBuffer? = nil) {
        batch.put(key.bytes, value)
        let hash = RowHash.of(key.bytes.span, value.readableBytesUInt8Span)
        groups[context.group]?.digest.add(hash)
        if let old { groups[context.group]?.digest.remove(RowHash.of(key.bytes.span, old.readableBytesUInt8Span)) }
    }

    /// Puts a row of an index by time, which is not digested and has nothing but its key.
    func putByTime(_ context: Context, in table: Table, key: Key) {
        batch.put(key.bytes, newRow(capacity: 1))
        groups[context.group]?.indexStarts[table]?.rowAdded(key)
    }

    /// Deletes a digested row.
    func delete(_ context: Context, _ key: Key, old: ByteBuffer) {
        batch.delete(key.bytes)
        groups[context.group]?.digest.remove(RowHash.of(key.bytes.span, old.readableBytesUInt8Span))
    }

    // MARK: Accounts and mailboxes, kept decoded

    func account(_ context: Context) throws -> AccountRecord {
        let key = AccountKey(group: context.group, account: context.account)
        if let cached = accounts[key] { return cached.record }
        let rowKey = Key(context.group, .accounts, context.account)
        guard let row = try store.get(rowKey.bytes) else { throw Refusal.noSuchAccount }
        let record = try AccountRecord(row: row)
        let hash = RowHash.of(rowKey.bytes.span, row.readableBytesUInt8Span)
        accounts[key] = Cached(record: record, digestedHash: hash, isDirty: false)
        return record
    }

    func setAccount(_ context: Context, _ record: AccountRecord) {
        let key = AccountKey(group: context.group, account: context.account)
        if accounts[key]?.isDirty != true { dirtyAccounts.append(key) }
        accounts[key] = Cached(record: record, digestedHash: accounts[key]?.digestedHash ?? 0, isDirty: true)
    }

    func mailbox(_ context: Context, _ id: MailboxID) throws -> MailboxRecord {
        let key = MailboxKey(group: context.group, account: context.account, mailbox: id)
        if let cached = mailboxes[key] { return cached.record }
        let rowKey = Key(context.group, .mailboxes, context.account, id)
        guard let row = try store.get(rowKey.bytes) else { throw Refusal.noSuchMailbox }
        let record = try MailboxRecord(row: row)
        let hash = RowHash.of(rowKey.bytes.span, row.readableBytesUInt8Span)
        mailboxes[key] = Cached(record: record, digestedHash: hash, isDirty: false)
        return record
    }

    /// A mailbox that holds messages.
    func selectable(_ context: Context, _ id: MailboxID) throws -> MailboxRecord {
        let record = try mailbox(context, id)
        guard record.selectable else { throw Refusal.noSuchMailbox }
        return record
    }

    func mailboxID(_ context: Context, _ name: MailboxName) throws -> MailboxID? {
        guard var row = try lookUp(nameKey(context, name)) else { return nil }
        guard row.readInteger(as: UInt8.self) == rowVersion, let id = row.readInteger(as: UInt32.self) else {
            throw DecodingError(.truncated, offset: 0, subject: "mailbox name row")
        }
        return MailboxID(id)
    }

    func mailbox(_ context: Context, named name: MailboxName) throws -> MailboxRecord? {
        guard let id = try mailboxID(context, name) else { return nil }
        return try mailbox(context, id)
    }

    func setMailbox(_ context: Context, _ record: MailboxRecord) {
        let key = MailboxKey(group: context.group, account: context.account, mailbox: record.id)
        if mailboxes[key]?.isDirty != true { dirtyMailboxes.append(key) }
        mailboxes[key] = Cached(record: record, digestedHash: mailboxes[key]?.digestedHash ?? 0, isDirty: true)
        if Mutant.isOn(.countersApart) {
            let apart = store.makeBatch()
            apart.put(Key(context.group, .mailboxes, context.account, record.id).bytes, record.row)
            try? store.write(apart)
        }
    }

    func nameKey(_ context: Context, _ name: MailboxName) -> Key {
        var key = Key(context.group, .mailboxNames, context.account)
        key.append(text: name.text)
        return key
    }

    static func nameRow(_ id: MailboxID) -> ByteBuffer {
        var row = newRow(capacity: 5)
        row.writeInteger(id.rawValue)
        return row
    }

    /// Writes the decoded rows that changed, each once.
    func writeDirtyRecords() {
        for key in dirtyAccounts {
            guard let cached = accounts[key], cached.isDirty else { continue }
            let row = cached.record.row
            let hash = write(
                Key(key.group, .accounts, key.account),
                row: row,
                replacing: cached.digestedHash,
                in: key.group
            )
            accounts[key] = Cached(record: cached.record, digestedHash: hash, isDirty: false)
        }
        for key in dirtyMailboxes {
            guard let cached = mailboxes[key], cached.isDirty else { continue }
            let row = cached.record.row
            let rowKey = Key(key.group, .mailboxes, key.account, key.mailbox)
            let hash = write(rowKey, row: row, replacing: cached.digestedHash, in: key.group)
            mailboxes[key] = Cached(record: cached.record, digestedHash: hash, isDirty: false)
        }
        dirtyAccounts.removeAll(keepingCapacity: true)
        dirtyMailboxes.removeAll(keepingCapacity: true)
    }

    private func write(_ key: Key, row: ByteBuffer, replacing oldHash: UInt64, in group: GroupID) -> UInt64 {
        batch.put(key.bytes, row)
        let hash = RowHash.of(key.bytes.span, row.readableBytesUInt8Span)
        groups[group]?.digest.add(hash)
        groups[group]?.digest.remove(oldHash)
        return hash
    }

    func removeAccount(_ context: Context) {
        let key = AccountKey(group: context.group, account: context.account)
        batch.delete(Key(context.group, .accounts, context.account).bytes)
        groups[context.group]?.digest.remove(accounts[key]?.digestedHash ?? 0)
        accounts[key] = nil
        mustCommitFirst = true
    }

    func removeMailbox(_ context: Context, _ record: MailboxRecord) {
        removeMailboxRow(context, record)
        deleteLookedUp(context, nameKey(context, record.name), old: Self.nameRow(record.id))
    }

    /// Removes a mailbox whose name is taken over.
    func removeMailboxRow(_ context: Context, _ record: MailboxRecord) {
        let key = MailboxKey(group: context.group, account: context.account, mailbox: record.id)
        let hash = mailboxes[key]?.digestedHash ?? 0
        batch.delete(Key(context.group, .mailboxes, context.account, record.id).bytes)
        groups[context.group]?.digest.remove(hash)
        mailboxes[key] = nil
        // The next command may name the mailbox by its ID, and the store still has the row.
        mustCommitFirst = true
    }
}
