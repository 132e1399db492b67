/// Where the rows of an index by time begin, at the earliest: what was removed before leaves marks in the store, over
/// which every scan from the table's beginning would pass.
///
/// The start is no part of the state: without it, the same rows are found.
struct IndexStart {
    /// No row is before this one.
    private(set) var key: [UInt8]

    mutating func rowAdded(_ added: Key) {
        if added.bytes.lexicographicallyPrecedes(key) { key = added.bytes }
    }
}
