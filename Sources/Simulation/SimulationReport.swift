/// What a simulation did, and what it found.
public struct SimulationReport: Sendable {
    /// The seed of the run.
    public var seed: UInt64
    /// How far the simulated clock got.
    public var simulatedSeconds: Double
    /// The same for the same seed, on every machine.
    public var digest: UInt64
    /// The first invariant that did not hold; nil where all did.
    public var violation: Violation?
    /// The last lines before a violation.
    public var trace: [String]
    /// How often what happened.
    public var counts: SimulationCounts
}
