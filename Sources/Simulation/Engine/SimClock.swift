internal import MailModel
internal import NodeRuntime

/// The clocks of one node: the world's time, off by what its machine is off.
///
/// `@unchecked Sendable`: a simulation has one thread.
final class SimClock: NodeClock, @unchecked Sendable {
    private let world: WorldTime
    /// Since when this machine runs, and how much its clock drifts, in millionths.
    private let bootMicroseconds: Int64
    private let drift: Int64
    /// What the time of day is off by.
    var wallOffsetMilliseconds: Int64 = 0

    init(world: WorldTime, bootMicroseconds: Int64, drift: Int64) {
        self.world = world
        self.bootMicroseconds = bootMicroseconds
        self.drift = drift
    }

    func monotonicMilliseconds() -> Int64 {
        (bootMicroseconds + world.now + world.now / 1_000_000 * drift) / 1_000
    }

    func now() -> Timestamp {
        Timestamp(milliseconds: 1_800_000_000_000 + world.now / 1_000 + wallOffsetMilliseconds)
    }
}

/// The simulated time, in microseconds. `@unchecked Sendable`: a simulation has one thread.
final class WorldTime: @unchecked Sendable {
    var now: Int64 = 0
}
