import Consensus
import Glibc
import MailTestSupport
import NIOCore
import Testing

@testable import StateStorage

/// Values that are kept apart: when they are moved, and when their space is given back.
@Suite struct ValuesApartTests {
    private let subject: StoreUnderTest
    private var store: any StateStore { subject.store }

    init() throws { subject = try StoreUnderTest(.rocksApart) }

    private func key(_ number: Int) -> [UInt8] {
        [0, 72, UInt8(truncatingIfNeeded: number >> 8), UInt8(truncatingIfNeeded: number)]
    }

    /// Bytes that no codec makes smaller.
    private func value(_ number: Int, bytes: Int = 1_000) -> [UInt8] {
        var random = SplitMix64(seed: UInt64(number))
        return (0..<bytes).map { _ in UInt8(truncatingIfNeeded: random.next()) }
    }

    private func write(_ numbers: some Sequence<Int>) throws {
        for number in numbers { try subject.write { $0.put(key(number), value(number)) } }
    }

    private func remove(_ numbers: some Sequence<Int>) throws {
        try subject.write { batch in for number in numbers { batch.delete(key(number)) } }
    }

    private func reclaim() throws {
        // A pass ends with a step that finds nothing to do at once; what it dropped may make another one due.
        for _ in 0..<3 {
            while try store.reclaimSpace(maximumBytes: 4_000) {}
        }
    }

    private var segments: [ValueSegment] {
        get throws { try #require(store as? RocksStateStore).valueSegments() }
    }

    private func expectAll(_ numbers: some Sequence<Int>) throws {
        for number in numbers { #expect(try store.bytes(key(number)) == value(number)) }
    }

    @Test func `a segment of which nothing is left is dropped without another write`() throws {
        try write(0..<200)
        try store.flush()
        let before = try segments
        #expect(before.count > 4)
        try remove(0..<100)
        let last = try #require(before.last).number
        try reclaim()
        let after = try segments
        #expect(after.count <= before.count / 2 + 1)
        #expect(after.allSatisfy { $0.number <= last })
        try expectAll(100..<200)
        #expect(try store.bytes(key(50)) == nil)
    }

    @Test func `what is left of segments that are mostly gone is moved, and of others not`() throws {
        try write(0..<400)
        try store.flush()
        let before = try segments
        // Of the first half one in ten is left, of the other half all.
        try remove((0..<200).filter { $0 % 10 != 0 })
        try reclaim()
        let after = try segments
        let stored = after.reduce(0) { $0 + $1.bytes }
        #expect(stored < 250 * 1_100)
        let kept = Set(after.map(\.number)).intersection(before.map(\.number))
        #expect(kept.contains(before[before.count / 2 + 1].number))
        #expect(!kept.contains(before[0].number))
        try expectAll((0..<400).filter { $0 >= 200 || $0 % 10 == 0 })
        try subject.crash()
        try expectAll((0..<200).filter { $0 % 10 == 0 })
    }

    @Test func `where a fifth is gone, nothing is moved`() throws {
        try write(0..<400)
        try store.flush()
        let before = try segments
        try remove((0..<400).filter { $0 % 5 == 0 })
        try reclaim()
        #expect(try segments == before)
    }

    @Test func `a snapshot reads what has been moved and dropped since`() throws {
        try write(0..<200)
        var snapshot: (any StateSnapshot)? = store.makeSnapshot()
        try remove((0..<200).filter { $0 % 10 != 0 })
        try reclaim()
        let before = try segments.count
        for number in 0..<200 { #expect(try snapshot?.bytes(key(number)) == value(number)) }
        #expect(try snapshot?.rows().count == 200)
        snapshot = nil
        try reclaim()
        #expect(try segments.count < before)
        try expectAll((0..<200).filter { $0 % 10 == 0 })
    }

    @Test func `many values are looked up at once, also where much is gone`() throws {
        try write(0..<400)
        try store.flush()
        try remove((0..<400).filter { $0 % 150 > 2 })
        try write([3, 399])
        let wanted = Array(0..<400)
        var found: [Int: [UInt8]] = [:]
        store.withReadableValues(wanted.map(key)) { index, value in found[wanted[index]] = value.array }
        #expect(found.keys.sorted() == [0, 1, 2, 3, 150, 151, 152, 300, 301, 302, 399])
        for (number, bytes) in found { #expect(bytes == value(number)) }
        // Where all that is wanted lies behind what is gone.
        found = [:]
        let few = [140, 149, 150, 200, 299, 301]
        store.withReadableValues(few.map(key)) { index, value in found[few[index]] = value.array }
        #expect(found.keys.sorted() == [150, 301])
    }

    @Test func `many small segments become few`() throws {
        for number in 0..<70 {
            try write([number])
            try store.flush()
        }
        #expect(try segments.count == 70)
        try reclaim()
        #expect(try segments.count < 40)
        try expectAll(0..<70)
    }

    @Test func `what was removed while it was moved does not come back`() async throws {
        let rocks = try #require(store as? RocksStateStore)
        let database = rocks.database
        let keys = (0..<60).map { key($0) }
        for round in 0..<150 {
            let batch = rocks.makeBatch()
            for key in keys { batch.put(key, [UInt8](repeating: 1, count: 100)) }
            try rocks.write(batch)
            let moved = try keys.map { key in
                let place = try #require(try database.place(of: key.span))
                return (key: key, from: place.position, value: [UInt8](repeating: 1, count: 100))
            }
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try database.move(moved) }
                group.addTask {
                    let batch = rocks.makeBatch()
                    for key in keys { batch.delete(key) }
                    try rocks.write(batch)
                }
                try await group.waitForAll()
            }
            let left = try keys.count { try rocks.get($0) != nil }
            #expect(left == 0, "round \(round)")
        }
    }

    @Test func `a file of two segments is dropped when both are gone`() throws {
        let rocks = try #require(store as? RocksStateStore)
        func files() -> [ClosedRange<UInt32>] {
            let segments = rocks.database.valueFiles().map(\.segments)
            return segments.sorted { $0.lowerBound < $1.lowerBound }
        }
        try write(0..<8)
        // As if the segment had ended, and others had written, before RocksDB began the flush.
        rocks.database.gate.goAlone { rocks.database.segments.close() }
        try write(8..<16)
        try store.flush()
        try write(16..<24)
        try store.flush()
        #expect(files() == [1...2, 3...3])
        try remove(0..<8)
        try reclaim()
        #expect(files() == [1...2, 3...3])
        try remove(8..<16)
        try reclaim()
        #expect(files() == [3...3])
        try expectAll(16..<24)
    }

    /// RocksDB writes files of its last level anew, to take the sequence numbers out, when a snapshot that was older
    /// than them is released.
    @Test func `values are written once, whatever is read meanwhile`() throws {
        let database = try #require(store as? RocksStateStore).database
        try write(0..<200)
        try store.flush()
        let before = try valueFiles
        #expect(before.count > 4 && before.allSatisfy { $0.level == 0 })
        try reclaim()
        #expect(try valueFiles.allSatisfy { $0.level > 0 })
        var snapshot: (any StateSnapshot)? = store.makeSnapshot()
        try write(200..<240)
        try store.flush()
        #expect(try snapshot?.bytes(key(7)) == value(7))
        snapshot = nil
        try write(240..<280)
        try store.flush()
        try reclaim()
        while database.property("rocksdb.num-running-compactions") > 0 { sched_yield() }
        #expect(try Set(before.map(\.name)).isSubset(of: valueFiles.map(\.name)))
        try expectAll(0..<280)
    }

    private var valueFiles: [RocksDatabase.ValueFile] {
        get throws { try #require(store as? RocksStateStore).database.valueFiles() }
    }

    @Test func `within a batch the last operation on a key counts`() throws {
        try subject.write { batch in
            batch.put(key(1), value(1))
            batch.delete(key(1))
            batch.delete(key(2))
            batch.put(key(2), value(2))
            batch.put(key(3), value(1))
            batch.put(key(3), value(3))
            batch.put(key(4), value(4))
            batch.deleteRange(key(4), key(5))
        }
        #expect(try store.bytes(key(1)) == nil)
        #expect(try store.bytes(key(4)) == nil)
        try expectAll([2, 3])
    }

    @Test func `a damaged row that names another value is an error`() throws {
        try write([1, 2])
        let database = try #require(store as? RocksStateStore)
        // Two rows change places, as if a disk had misdirected a write.
        let batch = database.makeBatch() as? RocksStateBatch
        let place = try #require(try database.database.place(of: key(1).span))
        #expect(try database.database.place(of: key(2).span) != place)
        batch?.putRow(key(2).span, place.row.span)
        try database.write(try #require(batch))
        #expect(throws: StateError.self) { try store.get(key(2)) }
        try expectAll([1])
    }

    @Test(arguments: 1...6 as ClosedRange<UInt64>)
    func `readers and writers beside a collection find what they should`(seed: UInt64) async throws {
        let store = store
        let keys = (0..<120).map { key($0) }
        try write(0..<120)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for lane in 0..<2 {
                group.addTask {
                    var random = SplitMix64(seed: seed &* 2 &+ UInt64(lane))
                    for round in 0..<150 {
                        let batch = store.makeBatch()
                        for _ in 0..<8 {
                            let number = lane * 60 + Int(random.below(60))
                            batch.put(keys[number], [UInt8(number)] + [UInt8](repeating: UInt8(round), count: 700))
                        }
                        try store.write(batch)
                    }
                }
            }
            group.addTask {
                for _ in 0..<400 { _ = try store.reclaimSpace(maximumBytes: 3_000) }
            }
            group.addTask {
                for _ in 0..<40 {
                    try store.scan(from: [], to: nil, order: .ascending) { key, value in
                        #expect(value.count >= 701)
                        return true
                    }
                    for key in keys { #expect(try store.get(key) != nil) }
                }
            }
            try await group.waitForAll()
        }
    }
}
