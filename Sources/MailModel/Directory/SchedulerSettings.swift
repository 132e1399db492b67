/// What admins have said of the scheduler: the same for all nodes, in force as soon as a node knows of it.
public struct SchedulerSettings: Hashable, Sendable {
    /// When something is moved, and how much at once.
    public var placement: PlacementSettings
    /// How many mebibytes a second a node sends of the replicas that are copied, all of them together; 0 leaves it to
    /// the setting of each node.
    public var copyMebibytesPerSecond: UInt32
    /// Until then the scheduler moves nothing by itself; operations that admins have begun go on.
    public var pausedUntil: Timestamp?

    public init(
        placement: PlacementSettings = PlacementSettings(),
        copyMebibytesPerSecond: UInt32 = 0,
        pausedUntil: Timestamp? = nil
    ) {
        self.placement = placement
        self.copyMebibytesPerSecond = copyMebibytesPerSecond
        self.pausedUntil = pausedUntil
    }
}
