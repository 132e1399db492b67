/// A set of UIDs as sorted, disjoint, non-adjacent ranges.
public struct UIDSet: Hashable, Sendable {
    /// The UIDs as ranges in rising order, with a gap between any two.
    public private(set) var ranges: [ClosedRange<UInt32>]

    /// No UIDs.
    public init() { ranges = [] }

    /// From ranges in any order, overlapping or not.
    public init(ranges unsorted: [ClosedRange<UInt32>]) {
        ranges = []
        for range in unsorted.sorted(by: { $0.lowerBound < $1.lowerBound }) { appendRange(range) }
    }

    /// The UIDs in any order; equal ones count once.
    public init(_ uids: some Sequence<UID>) {
        ranges = []
        for uid in uids.sorted() { append(uid) }
    }

    /// Adds a UID that is not below any in the set: building from a scan is linear.
    public mutating func append(_ uid: UID) { appendRange(uid.rawValue...uid.rawValue) }

    private mutating func appendRange(_ range: ClosedRange<UInt32>) {
        guard let last = ranges.last else {
            ranges.append(range)
            return
        }
        precondition(range.lowerBound >= last.lowerBound, "UIDs are appended in rising order")
        if UInt64(range.lowerBound) <= UInt64(last.upperBound) + 1 {
            ranges[ranges.count - 1] = last.lowerBound...max(last.upperBound, range.upperBound)
        } else {
            ranges.append(range)
        }
    }

    /// The first so many UIDs, and the others.
    public func split(after count: Int) -> (UIDSet, UIDSet) {
        var (first, rest) = (UIDSet(), UIDSet())
        var left = count
        for range in ranges {
            guard left > 0, left < range.count else {
                if left > 0 { first.ranges.append(range) } else { rest.ranges.append(range) }
                left -= min(left, range.count)
                continue
            }
            let middle = range.lowerBound + UInt32(left)
            first.ranges.append(range.lowerBound...middle - 1)
            rest.ranges.append(middle...range.upperBound)
            left = 0
        }
        return (first, rest)
    }

    /// Whether there is no UID.
    public var isEmpty: Bool { ranges.isEmpty }
    /// How many UIDs there are.
    public var count: Int { ranges.reduce(0) { $0 + $1.count } }

    /// Whether the UID is there. Takes time in the logarithm of the ranges.
    public func contains(_ uid: UID) -> Bool {
        var low = 0
        var high = ranges.count
        while low < high {
            let middle = (low + high) / 2
            if ranges[middle].upperBound < uid.rawValue { low = middle + 1 } else { high = middle }
        }
        return low < ranges.count && ranges[low].contains(uid.rawValue)
    }

    /// All UIDs, in rising order.
    public var uids: some Sequence<UID> { ranges.lazy.flatMap { $0.lazy.map { UID($0) } } }
}
