internal import Consensus
internal import HeapModule

/// Calls that a leader has not answered, and groups whose leader has refused calls, by the times at which ``CallsRoom``
/// is to look at them again. No tick looks at a call that is not due.
struct DueCalls {
    enum Matter: Equatable {
        /// The call, if it was forwarded exactly so often.
        case call(sequence: UInt64, sendings: UInt32)
        /// The pause of the group with this number is over.
        case pause(number: UInt64)
    }

    /// In the order of their times; equal times come in the order in which they were set.
    struct Due: Comparable {
        let milliseconds: Int64
        /// Rises with each matter that is added.
        let number: UInt64
        let group: GroupID
        let matter: Matter

        static func < (left: Due, right: Due) -> Bool {
            (left.milliseconds, left.number) < (right.milliseconds, right.number)
        }

        static func == (left: Due, right: Due) -> Bool { left.number == right.number }
    }

    /// So many may be out of date before anybody looks for those.
    static let spare = 1_024

    private var heap: Heap<Due> = []
    private var nextNumber: UInt64 = 0
    private var crowd = DueCalls.spare

    var count: Int { heap.count }

    mutating func add(_ matter: Matter, of group: GroupID, at milliseconds: Int64) {
        heap.insert(Due(milliseconds: milliseconds, number: nextNumber, group: group, matter: matter))
        nextNumber += 1
    }

    /// Whether so many were added that many are likely to be out of date.
    var isCrowded: Bool { heap.count > crowd }

    /// Forgets what is out of date: of `n` matters that are not, at most `2 n + spare` are kept at any time.
    mutating func removeStale(_ isStale: (Due) -> Bool) {
        heap = Heap(heap.unordered.filter { !isStale($0) })
        crowd = 2 * heap.count + Self.spare
    }

    /// Takes out the next matter whose time has come.
    mutating func takeNext(_ nowMilliseconds: Int64) -> Due? {
        guard let first = heap.min, first.milliseconds <= nowMilliseconds else { return nil }
        return heap.removeMin()
    }
}
