import NIOCore
import Testing

@testable import Consensus
@testable import ReplicaCore

/// The payloads of the newest entries, kept for followers.
@Suite struct PayloadCacheTests {
    private static func payload(_ text: String) -> ByteBuffer { ByteBuffer(string: text) }

    /// The payloads at the indexes 6 to 9, of 1, 2, 3 and 4 bytes.
    private static func filled() -> PayloadCache {
        var cache = PayloadCache(after: LogIndex(5))
        for text in ["a", "bb", "ccc", "dddd"] { cache.append(payload(text)) }
        return cache
    }

    private static func texts(_ cache: PayloadCache, _ index: UInt64, _ count: Int) -> [String]? {
        cache.payloads(from: LogIndex(index), count: count)?.map { String(buffer: $0) }
    }

    @Test func `an empty cache begins behind the log`() {
        let cache = PayloadCache(after: LogIndex(5))
        #expect(cache.first == LogIndex(6) && cache.next == LogIndex(6) && cache.bytes == 0)
        #expect(Self.texts(cache, 6, 0) == [])
        #expect(Self.texts(cache, 6, 1) == nil)
        #expect(Self.texts(cache, 5, 1) == nil)
    }

    @Test(
        arguments: [
            (6, 4, ["a", "bb", "ccc", "dddd"]), (6, 1, ["a"]), (7, 2, ["bb", "ccc"]), (9, 1, ["dddd"]), (9, 2, nil),
            (6, 5, nil),
            (5, 1, nil), (5, 3, nil), (10, 0, []), (10, 1, nil), (11, 0, nil),
        ] as [(UInt64, Int, [String]?)]
    )
    func `only what is there as a whole is given`(_ index: UInt64, _ count: Int, _ expected: [String]?) {
        #expect(Self.texts(Self.filled(), index, count) == expected)
    }

    /// - Parameter first: of the payloads behind the cut.
    @Test(
        arguments: [
            (10, 6, 10, 10), (12, 6, 10, 10), (9, 6, 9, 6), (7, 6, 7, 1), (6, 6, 6, 0), (5, 5, 5, 0), (1, 1, 1, 0),
        ] as [(UInt64, UInt64, UInt64, Int)]
    )
    func `a log that is cut at its end`(_ index: UInt64, _ first: UInt64, _ next: UInt64, _ bytes: Int) {
        var cache = Self.filled()
        cache.truncate(from: LogIndex(index))
        #expect(cache.first == LogIndex(first) && cache.next == LogIndex(next) && cache.bytes == bytes)
        cache.append(Self.payload("new"))
        #expect(Self.texts(cache, next, 1) == ["new"])
        #expect(cache.bytes == bytes + 3)
    }

    /// What exceeds the limit goes from the front; what the log has not got durably stays, however much it is.
    @Test(
        arguments: [
            (10, 10, 6, 10), (9, 10, 7, 9), (8, 10, 8, 7), (7, 10, 8, 7), (4, 10, 9, 4), (3, 10, 10, 0), (0, 10, 10, 0),
            (0, 6, 6, 10),
            (0, 7, 7, 9), (8, 7, 7, 9), (0, 9, 9, 4), (100, 10, 6, 10), (0, 3, 6, 10),
        ] as [(Int, UInt64, UInt64, Int)]
    )
    func `what exceeds the limit is dropped`(_ limit: Int, _ keep: UInt64, _ first: UInt64, _ bytes: Int) {
        var cache = Self.filled()
        cache.trim(toBytes: limit, keepingFrom: LogIndex(keep))
        #expect(cache.first == LogIndex(first) && cache.bytes == bytes)
        // The end does not move.
        #expect(cache.next == LogIndex(10))
    }

    @Test func `a new beginning forgets all`() {
        var cache = Self.filled()
        cache.reset(after: LogIndex(50))
        #expect(cache.first == LogIndex(51) && cache.next == LogIndex(51) && cache.bytes == 0)
        #expect(Self.texts(cache, 6, 1) == nil)
        cache.append(Self.payload("x"))
        #expect(Self.texts(cache, 51, 1) == ["x"])
    }

    /// Any sequence of calls leaves what a plain list would have.
    @Test(arguments: 1...20 as ClosedRange<UInt64>)
    func `as a list would`(_ seed: UInt64) {
        var generator = SplitMix64(seed: seed)
        var cache = PayloadCache(after: LogIndex(100))
        var list: [(index: UInt64, text: String)] = []
        var next: UInt64 = 101
        for _ in 0..<400 {
            switch Int.random(in: 0..<10, using: &generator) {
            case 0..<6:
                let text = String(repeating: "x", count: Int.random(in: 0...20, using: &generator))
                cache.append(Self.payload(text))
                list.append((next, text))
                next += 1
            case 6:
                let index = next - UInt64(Int.random(in: 0...5, using: &generator))
                cache.truncate(from: LogIndex(index))
                list.removeAll { $0.index >= index }
                next = index
            case 7, 8:
                let limit = Int.random(in: 0...150, using: &generator)
                let keep = next - UInt64(Int.random(in: 0...8, using: &generator))
                cache.trim(toBytes: limit, keepingFrom: LogIndex(keep))
                while list.reduce(0, { $0 + $1.text.utf8.count }) > limit, let oldest = list.first, oldest.index < keep
                {
                    list.removeFirst()
                }
            default:
                next += 10
                cache.reset(after: LogIndex(next - 1))
                list = []
            }
            #expect(cache.next == LogIndex(next))
            #expect(cache.bytes == list.reduce(0) { $0 + $1.text.utf8.count })
            #expect(list.isEmpty || cache.first == LogIndex(list[0].index))
            #expect(Self.texts(cache, cache.first.rawValue, list.count) == list.map(\.text))
        }
    }
}
