internal import Dispatch
internal import Glibc
public import MailModel

/// The two clocks of a node.
public protocol NodeClock: Sendable {
    /// Only rises; for timeouts.
    func monotonicMilliseconds() -> Int64
    /// The time of day; only ever written into commands.
    func now() -> Timestamp
}

/// The machine's clocks.
public struct SystemClock: NodeClock {
    public init() {}

    public func monotonicMilliseconds() -> Int64 { Int64(DispatchTime.now().uptimeNanoseconds / 1_000_000) }

    public func now() -> Timestamp {
        var time = timespec()
        unsafe clock_gettime(CLOCK_REALTIME, &time)
        return Timestamp(milliseconds: Int64(time.tv_sec) * 1_000 + Int64(time.tv_nsec) / 1_000_000)
    }
}
