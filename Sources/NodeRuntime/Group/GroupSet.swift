internal import Consensus

/// Groups in the order of their IDs: what is iterated over must come in the same order everywhere.
struct GroupSet: Sequence {
    private var groups: [GroupID] = []

    var isEmpty: Bool { groups.isEmpty }
    var count: Int { groups.count }

    func makeIterator() -> IndexingIterator<[GroupID]> { groups.makeIterator() }

    func contains(_ group: GroupID) -> Bool { index(of: group) != nil }

    /// How many groups of the set have a lower ID; nil where the group is not in the set.
    func index(of group: GroupID) -> Int? {
        let position = position(of: group)
        return position < groups.count && groups[position] == group ? position : nil
    }

    /// How many groups of the set have an ID up to this one.
    func firstIndex(above group: GroupID) -> Int {
        let position = position(of: group)
        return position < groups.count && groups[position] == group ? position + 1 : position
    }

    /// Those in a range of IDs.
    subscript(range: ClosedRange<GroupID>) -> ArraySlice<GroupID> {
        let first = position(of: range.lowerBound)
        let last = position(of: range.upperBound)
        let hasLast = last < groups.count && groups[last] == range.upperBound
        return groups[first..<(hasLast ? last + 1 : last)]
    }

    /// - Returns: whether it is new.
    @discardableResult
    mutating func insert(_ group: GroupID) -> Bool {
        guard let last = groups.last, last >= group else {
            groups.append(group)
            return true
        }
        let position = position(of: group)
        guard groups[position] != group else { return false }
        groups.insert(group, at: position)
        return true
    }

    /// - Returns: whether it was there.
    @discardableResult
    mutating func remove(_ group: GroupID) -> Bool {
        let position = position(of: group)
        guard position < groups.count, groups[position] == group else { return false }
        groups.remove(at: position)
        return true
    }

    /// Where the group is, or would be.
    private func position(of group: GroupID) -> Int {
        var low = 0
        var high = groups.count
        while low < high {
            let middle = (low + high) / 2
            if groups[middle] < group { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
