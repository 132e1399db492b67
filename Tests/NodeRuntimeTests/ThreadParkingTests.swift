import NIOConcurrencyHelpers
import Testing

@testable import NodeRuntime

@Suite(.timeLimit(.minutes(2))) struct ThreadParkingTests {
    @Test func `who was woken before does not sleep`() {
        let parking = ThreadParking()
        parking.wake()
        parking.wake()
        // An hour would be over the limit of the test.
        parking.wait(milliseconds: 3_600_000)
        // Two calls are one: now it sleeps until the time is over.
        parking.wait(milliseconds: 1)
    }

    @Test func `every item is taken, however the two threads meet`() {
        let count = 100_000
        let (there, back) = (Inbox<Int>(), Inbox<Int>())
        let thread = LoopThread(named: "test") {
            var taken = 0
            while taken < count {
                let items = there.drain()
                taken += items.count
                if let last = items.last { back.put(last) } else { there.wait(milliseconds: 3_600_000) }
            }
        }
        var answered = -1
        for item in 0..<count {
            there.put(item)
            // Now and then both sides have nothing left to do but to sleep.
            guard item % 100 == 99 else { continue }
            while answered < item {
                answered = back.drain().last ?? answered
                if answered < item { back.wait(milliseconds: 3_600_000) }
            }
        }
        #expect(thread.join(seconds: 60))
        #expect(answered == count - 1)
    }

    @Test func `a wake at the moment in which the time is over is not lost, nor counted twice`() {
        let parking = ThreadParking()
        let isOver = NIOLockedValueBox(false)
        let thread = LoopThread(named: "test") {
            while !isOver.withLockedValue({ $0 }) { parking.wake() }
        }
        for _ in 0..<20_000 { parking.wait(milliseconds: 0.001) }
        isOver.withLockedValue { $0 = true }
        #expect(thread.join(seconds: 60))
        parking.wait(milliseconds: 1)
    }
}
