internal import Consensus
internal import MailModel
internal import NIOCore
internal import StateStorage

/// What one command works on: the rows of its group as the commands before it left them, seen from one account, and
/// the time at which the command is carried out.
struct CommandScope {
    private let batch: OpenBatch
    let group: GroupID
    /// 0 for commands that are about no account.
    let accountID: AccountID
    let timestamp: Timestamp

    init(_ batch: OpenBatch, group: GroupID, account: AccountID, timestamp: Timestamp) {
        self.batch = batch
        self.group = group
        self.accountID = account
        self.timestamp = timestamp
    }

    /// The same rows, seen from another account.
    func ofAccount(_ account: AccountID) -> CommandScope {
        CommandScope(batch, group: group, account: account, timestamp: timestamp)
    }

    // MARK: The store and the batch

    /// What is written. Commands that scan it call ``commit()`` first.
    var store: any StateStore { batch.store }

    /// Writes what the commands before this one changed. Only before a command's own first change.
    func commit() throws { try batch.commit() }

    /// Has the batch written before the next command, which may look for this one's changes in the store.
    func requireCommit() { batch.requireCommit() }

    /// The counter of the next account, which is given once.
    func takeAccountNumber() throws -> UInt32 {
        guard let number = try batch.takeAccountNumber(in: group) else { throw Refusal.notHere }
        return number
    }

    /// Where the rows of an index by time begin, at the earliest.
    func indexStart(of table: Table) -> [UInt8] {
        batch.indexStart(of: table, in: group)?.key ?? groupKey(table).bytes
    }

    /// Notes that all rows of an index by time up to this key were removed.
    func noteIndexRemoved(of table: Table, through key: [UInt8]) {
        batch.setIndexStart(of: table, to: IndexStart(key: key + [0]), in: group)
    }

    /// Ends answers to requests given before a time.
    ///
    /// - Returns: how many answers and sessions ended.
    func purgeAnswers(before: Timestamp, limit: Int) -> Int {
        batch.purgeAnswers(before: before, limit: limit, in: group)
    }

    // MARK: Rows

    /// The row as the commands before this one left it.
    func lookUp(_ key: Key) throws -> ByteBuffer? { try batch.lookUp(key) }

    /// Puts a digested row that may replace `old`, and that later commands of the batch may look up.
    func putLookedUp(_ key: Key, row: ByteBuffer, replacing old: ByteBuffer?) {
        batch.putLookedUp(key, row: row, replacing: old, in: group)
    }

    /// Deletes a digested row that later commands of the batch may look up.
    func deleteLookedUp(_ key: Key, old: ByteBuffer) { batch.deleteLookedUp(key, old: old, in: group) }

    /// Puts a digested row that commands find in the store only.
    func put(_ key: Key, row: ByteBuffer, replacing old: ByteBuffer? = nil) {
        batch.put(key, row: row, replacing: old, in: group)
    }

    /// Deletes a digested row that commands find in the store only.
    func delete(_ key: Key, old: ByteBuffer) { batch.delete(key, old: old, in: group) }

    /// Puts a row of an index by time, which is not digested and has nothing but its key.
    func putByTime(_ key: Key, in table: Table) { batch.putByTime(key, table: table, in: group) }

    /// Notes when the flags of a message have changed, in a row that is not digested.
    func putChange(of uid: UID, at modSeq: ModSeq, in contents: ContentsID) {
        batch.putUndigested(changeKey(of: uid, at: modSeq, in: contents))
    }

    /// Puts the bytes of a piece of a body, which are not digested.
    func putChunk(_ bytes: ByteBuffer, in chunk: ChunkRow, at key: Key) { batch.putChunk(bytes, in: chunk, at: key) }

    /// Puts the bytes of a body that came with its message.
    func putWholeBody(_ bytes: ByteBuffer, in chunk: ChunkRow, at key: Key) {
        batch.putWholeBody(bytes, in: chunk, at: key)
    }

    /// Deletes a row that is not digested.
    func deleteUndigested(_ key: [UInt8]) { batch.deleteUndigested(key) }

    /// Deletes all rows below a key that are not digested.
    func deleteUndigestedRows(below prefix: Key) { batch.deleteUndigestedRows(below: prefix) }

    // MARK: The account and its mailboxes

    /// - Throws: `Refusal.noSuchAccount`, besides what the store throws.
    func account() throws -> AccountRecord { try batch.account(accountID, in: group) }

    func setAccount(_ record: AccountRecord) { batch.setAccount(record, of: accountID, in: group) }

    func removeAccount() { batch.removeAccount(accountID, in: group) }

    /// - Throws: `Refusal.noSuchMailbox`, besides what the store throws.
    func mailbox(_ id: MailboxID) throws -> MailboxRecord { try batch.mailbox(id, of: accountID, in: group) }

    /// A mailbox that holds messages.
    func selectable(_ id: MailboxID) throws -> MailboxRecord {
        let record = try mailbox(id)
        guard record.selectable else { throw Refusal.noSuchMailbox }
        return record
    }

    func mailbox(named name: MailboxName) throws -> MailboxRecord? {
        guard let id = try mailboxID(name) else { return nil }
        return try mailbox(id)
    }

    func setMailbox(_ record: MailboxRecord) { batch.setMailbox(record, of: accountID, in: group) }

    func removeMailbox(_ record: MailboxRecord) {
        removeMailboxRow(record)
        deleteName(record.name, of: record.id)
    }

    /// Removes a mailbox whose name is taken over.
    func removeMailboxRow(_ record: MailboxRecord) { batch.removeMailbox(record.id, of: accountID, in: group) }

    // MARK: Names of mailboxes

    private func nameKey(_ name: MailboxName) -> Key {
        var key = key(.mailboxNames)
        key.append(text: name.text)
        return key
    }

    func mailboxID(_ name: MailboxName) throws -> MailboxID? {
        guard var row = try lookUp(nameKey(name)) else { return nil }
        guard row.readInteger(as: UInt8.self) == rowVersion, let id = row.readInteger(as: UInt32.self) else {
            throw DecodingError(.truncated, offset: 0, subject: "mailbox name row")
        }
        return MailboxID(id)
    }

    /// Gives a name to a mailbox.
    ///
    /// - Parameter old: the mailbox that has the name so far, where one has.
    func putName(_ name: MailboxName, of id: MailboxID, replacing old: MailboxID?) {
        putLookedUp(nameKey(name), row: Self.nameRow(id), replacing: old.map(Self.nameRow))
    }

    func deleteName(_ name: MailboxName, of id: MailboxID) {
        deleteLookedUp(nameKey(name), old: Self.nameRow(id))
    }

    private static func nameRow(_ id: MailboxID) -> ByteBuffer {
        var row = newRow(capacity: 5)
        row.writeInteger(id.rawValue)
        return row
    }
}
