/// How a simulation is run.
public struct SimulationOptions: Sendable {
    /// A bug put in on purpose: the simulator must find it, or it finds nothing.
    public enum Mutant: String, Sendable, CaseIterable {
        /// The log's disk says it has synced, and has not.
        case disksLie = "disks-lie"
        /// Term and vote are not written to the log.
        case votesForgotten = "votes-forgotten"
        /// Reads are served from whatever the local replica has.
        case staleReads = "stale-reads"
        /// Whatever a beat says, its receiver takes it to stand for all that it relies on.
        case beatsUnchecked = "beats-unchecked"
    }

    public var seed: UInt64
    /// Simulated seconds with faults; the time to become live again comes on top.
    public var seconds: Int
    public var nodes = 3
    public var mailGroups = 3
    public var clients = 8
    /// Prints what happens while it happens.
    public var isTraced = false
    /// Lines kept for the report of a violation.
    public var traceLines = 0
    public var mutant: Mutant?

    public init(seed: UInt64, seconds: Int = 60) {
        self.seed = seed
        self.seconds = seconds
    }
}

/// A whole cluster in one thread, from one seed: the production node core over a simulated clock, network and disks,
/// clients that use it, faults of every kind, and checks of everything that was promised.
public enum Simulation {
    public static func run(_ options: SimulationOptions) -> SimulationReport {
        let world = World(options)
        return world.run()
    }
}
