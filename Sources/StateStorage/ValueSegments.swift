internal import Synchronization

/// Gives values that are kept apart their positions: one segment is open, and closed when it is full or flushed.
final class ValueSegments: Sendable {
    /// Bytes at which the open segment is closed.
    let segmentBytes: Int
    private let next: Atomic<UInt64>
    /// Rows of values kept apart that went since the last look; a range that was removed counts for many.
    private let removals = Atomic<Int>(0)

    /// - Parameter first: the first segment that nothing was written to yet.
    init(first: UInt32, segmentBytes: Int) {
        self.segmentBytes = segmentBytes
        next = Atomic(ValuePosition(segment: first).rawValue)
    }

    /// The segment that values go to now.
    var open: UInt32 { ValuePosition(rawValue: next.load(ordering: .acquiring)).segment }

    /// Whether the open segment has as much as one is to have.
    var isFull: Bool { Int(ValuePosition(rawValue: next.load(ordering: .relaxed)).offset) >= segmentBytes }

    /// A place for a record. With the gate shared.
    func take(recordBytes: Int, valueBytes: Int) -> ValuePlace {
        let before = next.wrappingAdd(UInt64(recordBytes), ordering: .relaxed).oldValue
        let position = ValuePosition(rawValue: before)
        precondition(Int(position.offset) + recordBytes < 1 << 32, "a segment of values has less than 4 GiB")
        return ValuePlace(position, bytes: UInt32(valueBytes))
    }

    /// Begins another segment, unless nothing is in the open one. Alone in the gate.
    func close() {
        let position = ValuePosition(rawValue: next.load(ordering: .relaxed))
        guard position.offset > 0 else { return }
        precondition(position.segment < .max, "all segments of values are used up")
        next.store(ValuePosition(segment: position.segment + 1).rawValue, ordering: .releasing)
    }

    func noteRemoved(rows: Int) { removals.wrappingAdd(rows, ordering: .relaxed) }

    /// How many rows went since the last call.
    func takeRemovals() -> Int { removals.exchange(0, ordering: .relaxed) }

    /// How many rows went since the last ``takeRemovals()``.
    var removed: Int { removals.load(ordering: .relaxed) }
}
