import NIOCore
import StateStorage
import Testing

/// What every store must do.
@Suite struct StateStoreTests {
    @Test(arguments: StoreKind.allCases)
    func putGetDelete(_ kind: StoreKind) throws {
        let subject = try StoreUnderTest(kind)
        #expect(try subject.store.bytes([1]) == nil)
        try subject.write {
            $0.put([1], [10])
            $0.put([2], [])
            $0.put([], [30])
        }
        #expect(try subject.store.bytes([1]) == [10])
        #expect(try subject.store.bytes([2]) == [])
        #expect(try subject.store.bytes([]) == [30])
        try subject.write {
            $0.delete([1])
            $0.delete([9])
            $0.put([2], [21])
        }
        #expect(try subject.rows() == [Row([], [30]), Row([2], [21])])
        #expect(try subject.store.withValue([1]) { _ in Issue.record("no value") } == false)
        var seen: [UInt8] = []
        #expect(try subject.store.withValue([2]) { seen = $0.array })
        #expect(seen == [21])
    }

    @Test(arguments: StoreKind.allCases)
    func laterOperationsInABatchWin(_ kind: StoreKind) throws {
        let subject = try StoreUnderTest(kind)
        try subject.write {
            $0.put([1], [1])
            $0.put([2], [2])
            $0.deleteRange([0], [9])
            $0.put([3], [3])
            $0.put([3], [4])
            #expect($0.count == 5)
            #expect($0.byteCount > 5)
        }
        #expect(try subject.rows() == [Row([3], [4])])
    }

    @Test(arguments: StoreKind.allCases)
    func batchesAreReusable(_ kind: StoreKind) throws {
        let subject = try StoreUnderTest(kind)
        let batch = subject.store.makeBatch()
        try subject.store.write(batch)
        batch.put([1], [1])
        try subject.store.write(batch)
        batch.clear()
        #expect(batch.isEmpty)
        batch.put([2], [2])
        try subject.store.write(batch)
        #expect(try subject.rows() == [Row([1], [1]), Row([2], [2])])
    }

    @Test(arguments: StoreKind.allCases)
    func valuesInPieces(_ kind: StoreKind) throws {
        let subject = try StoreUnderTest(kind)
        var message = ByteBuffer(bytes: (0..<100_000).map { UInt8(truncatingIfNeeded: $0 &* 7) })
        let head = message.readSlice(length: 5)!
        try subject.write { $0.put([1], prefix: [1, 2], pieces: [head, ByteBuffer(), message]) }
        #expect(try subject.store.bytes([1]) == [1, 2] + head.readableBytesView + message.readableBytesView)
        try subject.store.flush()
        #expect(try subject.store.bytes([1]) == [1, 2] + head.readableBytesView + message.readableBytesView)
    }

    @Test(arguments: StoreKind.allCases)
    func scansBothWays(_ kind: StoreKind) throws {
        let subject = try StoreUnderTest(kind)
        let keys: [[UInt8]] = [[1], [1, 0], [1, 255], [2], [127], [128], [255], [255, 255]]
        try subject.write { batch in keys.reversed().forEach { batch.put($0, $0) } }
        #expect(try subject.rows().map(\.key) == keys)
        #expect(try subject.rows(from: [], to: nil, .descending).map(\.key) == keys.reversed())
        #expect(try subject.rows(from: [1, 0], to: [128]).map(\.key) == Array(keys[1..<5]))
        #expect(try subject.rows(from: [1, 0], to: [128], .descending).map(\.key) == keys[1..<5].reversed())
        #expect(try subject.rows(from: [1, 1], to: [126]).map(\.key) == Array(keys[2..<4]))
        #expect(try subject.rows(from: [3], to: [4]).isEmpty)
        #expect(try subject.rows(from: [4], to: [3]).isEmpty)
        #expect(try subject.rows(from: [4], to: [4], .descending).isEmpty)
        var first: [UInt8]? = nil
        try subject.store.scan(from: [2], to: nil) { key, _ in
            first = key.array
            return false
        }
        #expect(first == [2])
        struct Stop: Error {}
        #expect(throws: Stop.self) { try subject.store.scan(from: [], to: nil) { _, _ in throw Stop() } }
    }

    @Test(arguments: StoreKind.allCases)
    func snapshotsStandStill(_ kind: StoreKind) throws {
        let subject = try StoreUnderTest(kind)
        try subject.write { batch in for key in 0..<100 { batch.put([UInt8(key)], [1]) } }
        let snapshot = subject.store.makeSnapshot()
        let before = try subject.rows()
        try subject.write {
            $0.deleteRange([0], [50])
            $0.put([60], [2])
            $0.put([200], [2])
        }
        try subject.store.flush()
        #expect(try snapshot.rows() == before)
        #expect(try snapshot.rows(from: [], to: nil, .descending) == before.reversed())
        #expect(try snapshot.bytes([60]) == [1])
        #expect(try snapshot.bytes([200]) == nil)
        #expect(try subject.store.bytes([60]) == [2])
        #expect(try subject.rows().count == 51)
    }

    @Test(arguments: StoreKind.allCases)
    func writesInAScanAreNotSeen(_ kind: StoreKind) throws {
        let subject = try StoreUnderTest(kind)
        try subject.write { batch in for key in 0..<10 { batch.put([UInt8(key)], [1]) } }
        var seen = 0
        try subject.store.scan(from: [], to: nil) { _, value in
            seen += 1
            #expect(value.array == [1])
            try subject.write {
                $0.put([9], [2]); $0.put([UInt8(100 + seen)], [2])
            }
            return true
        }
        #expect(seen == 10)
    }

    @Test(arguments: StoreKind.allCases)
    func persistedTierShowsWhatIsFlushed(_ kind: StoreKind) throws {
        let subject = try StoreUnderTest(kind)
        try subject.write { $0.put([1], [1]) }
        #expect(try subject.store.get([1], tier: .persisted) == nil)
        #expect(try subject.store.get([1], tier: .latest) == ByteBuffer(bytes: [1]))
        try subject.store.flush()
        #expect(try subject.store.get([1], tier: .persisted) == ByteBuffer(bytes: [1]))
        try subject.write { $0.put([1], [2]) }
        #expect(try subject.store.get([1], tier: .persisted) == ByteBuffer(bytes: [1]))
        try subject.crash()
        #expect(try subject.store.get([1], tier: .persisted) == ByteBuffer(bytes: [1]))
        try subject.write { $0.delete([1]) }
        #expect(try subject.store.get([1], tier: .persisted) == ByteBuffer(bytes: [1]))
        try subject.store.flush()
        #expect(try subject.store.get([1], tier: .persisted) == nil)
    }

    @Test(arguments: StoreKind.allCases)
    func crashLosesExactlyTheUnflushed(_ kind: StoreKind) throws {
        let subject = try StoreUnderTest(kind)
        try subject.write { $0.put([1], [1]) }
        try subject.write { $0.put([2], Array(repeating: 2, count: 10_000)) }
        try subject.store.flush()
        let flushed = try subject.rows()
        try subject.write {
            $0.put([3], [3])
            $0.delete([1])
        }
        try subject.write { $0.put([2], [9]) }
        try subject.crash()
        #expect(try subject.rows() == flushed)
        try subject.write { $0.put([4], [4]) }
        try subject.store.flush()
        try subject.crash()
        #expect(try subject.rows() == flushed + [Row([4], [4])])
    }

    @Test(arguments: StoreKind.allCases)
    func largeValues(_ kind: StoreKind) throws {
        let subject = try StoreUnderTest(kind)
        let sizes = [0, 1, 4095, 4096, 4097, 1 << 20, 3 << 20]
        let key = { (size: Int) in [UInt8(size >> 16), UInt8(size >> 8 & 0xFF), UInt8(size & 0xFF)] }
        let value = { (size: Int) in (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ size) } }
        try subject.write { batch in for size in sizes { batch.put(key(size), value(size)) } }
        for crash in [false, true] {
            if crash {
                try subject.store.flush()
                try subject.crash()
            }
            for size in sizes { #expect(try subject.store.bytes(key(size)) == value(size)) }
        }
        #expect(subject.store.approximateSize > 1000)
    }
}
