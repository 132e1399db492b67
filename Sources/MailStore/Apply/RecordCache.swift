/// Records that commands look up, kept decoded. What commands change is written once per batch, however many of them
/// change it.
struct RecordCache<Name: Hashable, Record> {
    private struct Entry {
        var record: Record
        /// The hash under which the record's row counts in the digest; 0 for a record that has no row yet.
        var digestedHash: UInt64
        var isDirty: Bool
    }

    private var entries: [Name: Entry] = [:]
    /// Records that commands changed since the last batch, in the order of their first change.
    private var dirty: [Name] = []

    var count: Int { entries.count }

    subscript(name: Name) -> Record? { entries[name]?.record }

    /// Keeps a record that was read from the store.
    mutating func keep(_ record: Record, of name: Name, digestedHash: UInt64) {
        entries[name] = Entry(record: record, digestedHash: digestedHash, isDirty: false)
    }

    /// Takes a record as a command has changed it.
    mutating func change(_ record: Record, of name: Name) {
        if entries[name]?.isDirty != true { dirty.append(name) }
        entries[name] = Entry(record: record, digestedHash: entries[name]?.digestedHash ?? 0, isDirty: true)
    }

    /// Drops a record that a command has deleted.
    ///
    /// - Returns: the hash that the digest still counts; 0 where the record has no row.
    mutating func remove(_ name: Name) -> UInt64 {
        let hash = entries[name]?.digestedHash ?? 0
        entries[name] = nil
        return hash
    }

    /// Has the changed records written, each once.
    ///
    /// - Parameter write: gets the name, the record and the hash of the row that is replaced, and returns the hash of
    ///   the new row.
    mutating func writeDirty(_ write: (Name, Record, UInt64) -> UInt64) {
        for name in dirty {
            guard let entry = entries[name], entry.isDirty else { continue }
            let hash = write(name, entry.record, entry.digestedHash)
            entries[name] = Entry(record: entry.record, digestedHash: hash, isDirty: false)
        }
        dirty.removeAll(keepingCapacity: true)
    }

    /// Forgets all records, with what was not written.
    mutating func forget() {
        entries.removeAll(keepingCapacity: true)
        dirty.removeAll(keepingCapacity: true)
    }
}
