/// Where the rows of an index by time begin, at the earliest. Removed rows leave marks in the store, and every scan
/// from the table's beginning would pass over them.
///
/// The start is no part of the state: without it, the same rows are found.
struct IndexStart {
    /// No row of the index is before this key.
    private(set) var key: [UInt8]

    mutating func rowAdded(_ added: Key) {
        if added.bytes.lexicographicallyPrecedes(key) { key = added.bytes }
    }
}
