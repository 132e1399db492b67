internal import NIOConcurrencyHelpers
internal import NIOPosix

/// Runs what may block, away from the loops; in a simulation, at once.
package protocol BlockingWork: Sendable {
    /// Has `work` run once, on another thread or before this returns. A pool that has been shut down drops it.
    func run(_ work: @escaping @Sendable () -> Void)
    /// When the oldest of what runs now was begun, on the monotonic clock; nil when nothing runs.
    func oldestStartMilliseconds() -> Int64?
}

extension BlockingWork {
    /// Nil: what runs at once is over by the time anybody asks.
    package func oldestStartMilliseconds() -> Int64? { nil }
}

/// Threads of a pool. The pool tells since when its threads have been at work, so that a call of the state that never
/// comes back is seen.
struct BlockingPool: BlockingWork {
    private struct State {
        var starts: [UInt64: Int64] = [:]
        var next: UInt64 = 0
    }

    let pool: NIOThreadPool
    private let clock: any NodeClock
    private let state = NIOLockedValueBox(State())

    init(pool: NIOThreadPool, clock: any NodeClock) {
        self.pool = pool
        self.clock = clock
    }

    func run(_ work: @escaping @Sendable () -> Void) {
        pool.submit { status in
            switch status {
            case .active:
                let now = clock.monotonicMilliseconds()
                let id = state.withLockedValue { state in
                    state.next += 1
                    state.starts[state.next] = now
                    return state.next
                }
                work()
                state.withLockedValue { _ = $0.starts.removeValue(forKey: id) }
            case .cancelled: break
            }
        }
    }

    func oldestStartMilliseconds() -> Int64? { state.withLockedValue { $0.starts.values.min() } }
}
