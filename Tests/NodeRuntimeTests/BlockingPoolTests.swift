import MailModel
import NIOConcurrencyHelpers
import NIOPosix
import Testing

@testable import NodeRuntime

/// Threads of a pool, which tell since when they have been at work.
@Suite(.timeLimit(.minutes(5))) struct BlockingPoolTests {
    private final class Clock: NodeClock {
        private let box = NIOLockedValueBox<Int64>(0)
        var milliseconds: Int64 {
            get { box.withLockedValue { $0 } }
            set { box.withLockedValue { $0 = newValue } }
        }
        func monotonicMilliseconds() -> Int64 { milliseconds }
        func now() -> Timestamp { Timestamp(milliseconds: 0) }
    }

    /// Work that goes on until it is let go.
    private final class Work: Sendable {
        private let lock = ConditionLock(value: false)

        /// Returns when a thread has begun.
        func begin(on blocking: BlockingPool) async {
            await withCheckedContinuation { continuation in
                blocking.run {
                    continuation.resume()
                    self.lock.lock(whenValue: true)
                    self.lock.unlock()
                }
            }
        }

        func letGo() {
            lock.lock()
            lock.unlock(withValue: true)
        }
    }

    /// Returns when the thread that is free has noted the end of what it did before.
    private func settle(_ blocking: BlockingPool) async {
        await withCheckedContinuation { continuation in blocking.run { continuation.resume() } }
    }

    @Test func `the oldest of what runs is told`() async throws {
        let pool = NIOThreadPool(numberOfThreads: 2)
        pool.start()
        let clock = Clock()
        let blocking = BlockingPool(pool: pool, clock: clock)
        #expect(blocking.oldestStartMilliseconds() == nil)
        let (first, second) = (Work(), Work())
        clock.milliseconds = 100
        await first.begin(on: blocking)
        clock.milliseconds = 250
        #expect(blocking.oldestStartMilliseconds() == 100)
        await second.begin(on: blocking)
        clock.milliseconds = 400
        #expect(blocking.oldestStartMilliseconds() == 100)
        // The one that goes on is now the oldest; what is short behind it begins and ends.
        first.letGo()
        await settle(blocking)
        #expect(blocking.oldestStartMilliseconds() == 250)
        second.letGo()
        try await pool.shutdownGracefully()
        #expect(blocking.oldestStartMilliseconds() == nil)
    }

    /// What waits for a thread has not begun: nothing hangs in it.
    @Test func `what waits does not count`() async throws {
        let pool = NIOThreadPool(numberOfThreads: 1)
        pool.start()
        let clock = Clock()
        let blocking = BlockingPool(pool: pool, clock: clock)
        let work = Work()
        clock.milliseconds = 7
        blocking.run {}
        await settle(blocking)
        clock.milliseconds = 50
        await work.begin(on: blocking)
        clock.milliseconds = 60
        let isDone = NIOLockedValueBox(false)
        blocking.run { isDone.withLockedValue { $0 = true } }
        #expect(blocking.oldestStartMilliseconds() == 50)
        #expect(!isDone.withLockedValue { $0 })
        work.letGo()
        await settle(blocking)
        #expect(isDone.withLockedValue { $0 })
        try await pool.shutdownGracefully()
    }
}
