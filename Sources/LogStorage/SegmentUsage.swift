/// How many entries each segment holds that are still needed, and how large they are.
struct SegmentUsage: Sendable {
    private struct Live: Sendable {
        var entries = 0
        var bytes = 0
    }

    private var live: [UInt64: Live] = [:]

    mutating func add(_ slot: GroupLog.Slot?) {
        guard let slot else { return }
        live[slot.location.segment, default: Live()].entries += 1
        live[slot.location.segment]?.bytes += slot.location.bytes
    }

    mutating func remove(_ slot: GroupLog.Slot?) {
        guard let slot else { return }
        let segment = slot.location.segment
        var left = live[segment, default: Live()]
        left.entries -= 1
        left.bytes -= slot.location.bytes
        precondition(left.entries >= 0 && left.bytes >= 0, "More entries left a segment than it held.")
        live[segment] = left.entries == 0 ? nil : left
    }

    func isInUse(_ segment: UInt64) -> Bool { live[segment] != nil }

    /// Payload bytes of the entries in the segment that are still needed.
    func liveBytes(in segment: UInt64) -> Int { live[segment]?.bytes ?? 0 }
}
