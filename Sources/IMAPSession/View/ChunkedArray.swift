/// An array in pieces of one size, of which copies share those that are the same: who changes an element, or adds one,
/// copies one piece.
struct ChunkedArray<Element: Hashable & Sendable>: RandomAccessCollection, Hashable, Sendable {
    /// 4,096 elements to a piece: a mailbox of a million messages has 245.
    private static var bits: Int { 12 }
    private static var mask: Int { 1 << bits - 1 }

    /// All full but for the last one.
    private var chunks: [[Element]] = []
    private(set) var count = 0

    var startIndex: Int { 0 }
    var endIndex: Int { count }
    /// For how many elements there is room in memory.
    var capacity: Int { chunks.reduce(0) { $0 + $1.capacity } }

    subscript(index: Int) -> Element {
        get { chunks[index >> Self.bits][index & Self.mask] }
        set { chunks[index >> Self.bits][index & Self.mask] = newValue }
    }

    mutating func append(_ element: Element) {
        if count & Self.mask == 0 { chunks.append([]) }
        chunks[chunks.count - 1].append(element)
        count += 1
    }

    /// Removes all elements from an index on.
    mutating func truncate(to newCount: Int) {
        precondition(newCount >= 0 && newCount <= count, "an array is not truncated to more than it has")
        count = newCount
        chunks.removeSubrange(((count + Self.mask) >> Self.bits)...)
        let rest = count & Self.mask
        if rest > 0 { chunks[chunks.count - 1].removeSubrange(rest...) }
    }
}
