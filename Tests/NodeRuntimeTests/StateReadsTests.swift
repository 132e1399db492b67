import MailModel
import NIOConcurrencyHelpers
import Testing

@testable import NodeRuntime

/// Calls whose answer is being read, which end at their deadline whatever becomes of the read.
@Suite struct StateReadsTests {
    private final class Failed: Sendable {
        private let box = NIOLockedValueBox<[String]>([])
        var all: [String] { box.withLockedValue { $0 } }
        func note(_ name: String, _ failure: ServiceFailure) { box.withLockedValue { $0.append("\(name) \(failure)") } }
    }

    private let failed = Failed()
    private let reads = StateReads()

    private func begin(_ name: String, _ deadline: Int64) -> UInt64 {
        reads.begin(deadlineMilliseconds: deadline) { [failed] in failed.note(name, $0) }
    }

    @Test func `a read that ends in time is answered, once`() {
        let id = begin("a", 100)
        reads.expire(99)
        #expect(reads.end(id))
        #expect(!reads.end(id))
        reads.expire(1_000)
        #expect(failed.all.isEmpty)
    }

    @Test func `at its deadline a call fails, and the read is told so`() {
        let id = begin("a", 100)
        reads.expire(100)
        #expect(failed.all == ["a unavailable"])
        #expect(!reads.end(id))
        reads.expire(1_000)
        #expect(failed.all.count == 1)
    }

    @Test func `only those whose time is over fail, in the order they came`() {
        let ids = [("a", 300), ("b", 100), ("c", 200), ("d", 100)].map { begin($0.0, Int64($0.1)) }
        reads.expire(200)
        #expect(failed.all == ["b unavailable", "c unavailable", "d unavailable"])
        #expect(ids.map { reads.end($0) } == [true, false, false, false])
    }

    @Test func `numbers are never given twice`() {
        let ids = (0..<100).map { _ in
            let id = begin("x", 1)
            _ = reads.end(id)
            return id
        }
        #expect(Set(ids).count == 100)
        #expect(!reads.end(0))
    }

    /// A call that fails may begin the next one at once.
    @Test func `a failure may begin another read`() {
        let next = NIOLockedValueBox<UInt64?>(nil)
        _ = reads.begin(deadlineMilliseconds: 1) { [reads] _ in
            let id = reads.begin(deadlineMilliseconds: 50) { _ in }
            next.withLockedValue { $0 = id }
        }
        reads.expire(10)
        #expect(next.withLockedValue { $0 }.map { reads.end($0) } == true)
    }
}
