public import Consensus

/// How a simulation is run.
public struct SimulationOptions: Sendable {
    /// Decides all that is random in the run.
    public var seed: UInt64
    /// Simulated seconds with faults; the time to become live again comes on top.
    public var seconds: Int
    /// Nodes of the cluster.
    public var nodes: Int
    /// Groups that hold mail.
    public var mailGroups: Int
    /// Clients that work on accounts.
    public var clients: Int
    /// Prints what happens while it happens.
    public var isTraced = false
    /// Lines kept for the report of a violation.
    public var traceLines = 0
    /// A bug put in on purpose: the simulator must find it, or it finds nothing.
    public var mutant: Mutant?

    /// A run whose nodes, groups and clients are drawn from the seed.
    public init(seed: UInt64, seconds: Int = 60) {
        self.seed = seed
        self.seconds = seconds
        var random = SimRandom(seed: seed ^ 0x6f70_7469_6f6e_7321)
        nodes = random.pick([3, 3, 3, 5, 7]) ?? 3
        mailGroups = random.pick([1, 3, 3, 8]) ?? 3
        clients = random.pick([4, 8, 16]) ?? 8
    }
}

/// A whole cluster in one thread, from one seed: the production node core over a simulated clock, network and disks,
/// clients that use it, faults of every kind, and checks of everything that was promised.
public enum Simulation {
    /// Runs one simulation to its end, or to the first violation, in the calling thread.
    public static func run(_ options: SimulationOptions) -> SimulationReport {
        #if Mutants
            Mutant.active = options.mutant
        #endif
        let world = World(options)
        defer { world.tearDown() }
        return world.run()
    }
}
