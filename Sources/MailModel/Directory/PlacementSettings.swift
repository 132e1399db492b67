/// When placement acts, and how much of it goes on at once.
public struct PlacementSettings: Hashable, Sendable {
    /// A node that has been gone for this long, in seconds, is dead: its replicas are replaced.
    public var deadAfterSeconds: Int
    /// How far a node may be from the average, in per cent of it, before something is moved.
    public var balanceTolerancePercent: Int
    /// No replica is put where more than this share of the capacity, in per cent, would then be used.
    public var fullPercent: Int
    /// Moves that copy bytes to or from one node at the same time.
    public var movesPerNode: Int
    /// Moves of replicas in the whole cluster at the same time.
    public var movesPerCluster: Int
    /// Leaderships that are handed over at the same time.
    public var transfersPerCluster: Int

    /// Settings. Traps where a time, a percentage or a limit is not above 0.
    public init(
        deadAfterSeconds: Int = 600,
        balanceTolerancePercent: Int = 10,
        fullPercent: Int = 90,
        movesPerNode: Int = 2,
        movesPerCluster: Int = 16,
        transfersPerCluster: Int = 32
    ) {
        precondition(deadAfterSeconds > 0 && balanceTolerancePercent > 0 && fullPercent > 0)
        precondition(movesPerNode > 0 && movesPerCluster > 0 && transfersPerCluster > 0)
        self.deadAfterSeconds = deadAfterSeconds
        self.balanceTolerancePercent = balanceTolerancePercent
        self.fullPercent = fullPercent
        self.movesPerNode = movesPerNode
        self.movesPerCluster = movesPerCluster
        self.transfersPerCluster = transfersPerCluster
    }
}
