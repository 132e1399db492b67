/// How many entries each segment holds that are still needed.
struct SegmentUsage: Sendable {
    private(set) var liveEntries: [UInt64: Int] = [:]

    mutating func add(_ slot: GroupLog.Slot?) {
        if let slot { liveEntries[slot.location.segment, default: 0] += 1 }
    }

    mutating func remove(_ slot: GroupLog.Slot?) {
        guard let slot else { return }
        let left = liveEntries[slot.location.segment, default: 0] - 1
        precondition(left >= 0, "More entries left a segment than it held.")
        liveEntries[slot.location.segment] = left == 0 ? nil : left
    }

    func isInUse(_ segment: UInt64) -> Bool { liveEntries[segment] != nil }
}
