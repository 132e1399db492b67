import NIOConcurrencyHelpers
import Testing

@testable import NodeRuntime

/// Hands batches to a thread that may be asleep.
@Suite(.timeLimit(.minutes(5))) struct InboxTests {
    /// Longer than a test may take: where nobody wakes the thread, the test has failed when the wait ends.
    private static let forEver = 400_000.0

    @Test func `what was put comes out in order, once`() {
        let inbox = Inbox<Int>()
        #expect(inbox.isEmpty && inbox.drain() == [])
        inbox.put(1)
        inbox.put(contentsOf: [2, 3])
        inbox.put(4)
        #expect(!inbox.isEmpty)
        #expect(inbox.drain() == [1, 2, 3, 4])
        #expect(inbox.isEmpty && inbox.drain() == [])
        inbox.put(5)
        #expect(!inbox.isEmpty && inbox.drain() == [5])
    }

    @Test func `nothing is no item`() {
        let inbox = Inbox<Int>()
        inbox.put(contentsOf: [])
        #expect(inbox.isEmpty && inbox.drain() == [])
    }

    /// What came before the wait ends it at once.
    @Test(arguments: [true, false])
    func `a wait ends when something is there`(_ isBatch: Bool) async {
        let inbox = Inbox<Int>()
        if isBatch { inbox.put(contentsOf: [7]) } else { inbox.put(7) }
        await onThread { inbox.wait(milliseconds: Self.forEver) }
        #expect(inbox.drain() == [7])
    }

    @Test(arguments: [true, false])
    func `a thread that sleeps is woken`(_ isBatch: Bool) async {
        let inbox = Inbox<Int>()
        let asleep = NIOLockedValueBox(false)
        async let slept: [Int] = withCheckedContinuation { continuation in
            _ = LoopThread(named: "test") {
                asleep.withLockedValue { $0 = true }
                var items: [Int] = []
                while items.isEmpty {
                    inbox.wait(milliseconds: Self.forEver)
                    items = inbox.drain()
                }
                continuation.resume(returning: items)
            }
        }
        while !asleep.withLockedValue({ $0 }) { await Task.yield() }
        if isBatch { inbox.put(contentsOf: [1, 2]) } else { inbox.put(1) }
        #expect(await slept == (isBatch ? [1, 2] : [1]))
    }

    /// Whatever the threads' order, nothing is lost, nothing comes twice, and each one's items keep their order.
    @Test func `many put and one drains`() async {
        let inbox = Inbox<(putter: Int, number: Int)>()
        let (putters, items) = (4, 5_000)
        async let drained: [(putter: Int, number: Int)] = withCheckedContinuation { continuation in
            _ = LoopThread(named: "test") {
                var got: [(putter: Int, number: Int)] = []
                while got.count < putters * items {
                    let batch = inbox.drain()
                    if batch.isEmpty { inbox.wait(milliseconds: Self.forEver) } else { got += batch }
                }
                continuation.resume(returning: got)
            }
        }
        await withTaskGroup { group in
            for putter in 0..<putters {
                group.addTask {
                    await onThread {
                        for number in 0..<items {
                            if number % 3 == 0 {
                                inbox.put((putter, number))
                            } else {
                                inbox.put(contentsOf: [(putter, number)])
                            }
                        }
                    }
                }
            }
        }
        let got = await drained
        for putter in 0..<putters {
            #expect(got.filter { $0.putter == putter }.map(\.number) == Array(0..<items))
        }
        #expect(inbox.isEmpty)
    }

    @Test func `a stop wakes whoever waits, and is seen`() async {
        let inbox = Inbox<Int>()
        #expect(!inbox.isStopped)
        async let ended: Void = onThread { while !inbox.isStopped { inbox.wait(milliseconds: Self.forEver) } }
        inbox.stop()
        await ended
        #expect(inbox.isStopped)
        // What was put is there all the same.
        inbox.put(1)
        #expect(inbox.drain() == [1])
    }
}

/// Runs what blocks on a thread of its own: the threads of tasks are few.
private func onThread(_ body: @escaping @Sendable () -> Void) async {
    await withCheckedContinuation { continuation in
        _ = LoopThread(named: "test") {
            body()
            continuation.resume()
        }
    }
}
