/// What is to happen, by time; of two events at one time, the one scheduled first comes first.
struct EventQueue {
    struct Item {
        let time: Int64
        let event: SimEvent
    }

    /// Moved about in the heap: plain numbers, while the events stay where they are.
    private struct Entry {
        let time: Int64
        let sequence: UInt64
        let slot: Int
    }

    private var heap: [Entry] = []
    private var events: [SimEvent?] = []
    private var freeSlots: [Int] = []
    private var nextSequence: UInt64 = 0

    var count: Int { heap.count }

    mutating func add(_ event: SimEvent, at time: Int64) {
        let slot: Int
        if let free = freeSlots.popLast() {
            slot = free
            events[slot] = event
        } else {
            slot = events.count
            events.append(event)
        }
        heap.append(Entry(time: time, sequence: nextSequence, slot: slot))
        nextSequence += 1
        var child = heap.count - 1
        while child > 0 {
            let parent = (child - 1) / 2
            guard Self.isBefore(heap[child], heap[parent]) else { break }
            heap.swapAt(child, parent)
            child = parent
        }
    }

    mutating func next() -> Item? {
        guard let first = heap.first else { return nil }
        let last = heap.removeLast()
        if !heap.isEmpty { sink(last) }
        guard let event = events[first.slot].take() else { preconditionFailure("a slot of the heap is empty") }
        freeSlots.append(first.slot)
        return Item(time: first.time, event: event)
    }

    /// Puts an entry in the place of the first one.
    private mutating func sink(_ entry: Entry) {
        heap[0] = entry
        var parent = 0
        while true {
            var least = parent
            for child in (2 * parent + 1)...(2 * parent + 2) {
                if child < heap.count, Self.isBefore(heap[child], heap[least]) { least = child }
            }
            if least == parent { return }
            heap.swapAt(parent, least)
            parent = least
        }
    }

    private static func isBefore(_ a: Entry, _ b: Entry) -> Bool {
        a.time != b.time ? a.time < b.time : a.sequence < b.sequence
    }
}
