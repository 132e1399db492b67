public import ReplicaCore

/// When and how the replicas of a group compare what they hold.
public struct VerificationSettings: Sendable {
    /// How often each group is verified, by its leader; 0: only when an admin asks.
    public var intervalMilliseconds: Int64 = 86_400_000
    /// How fast a node reads rows to compute digests from them, its replica loops together; 0: on schedule not at all.
    public var scrubBytesPerSecond = 16 << 20
    /// States kept at once by one replica loop, for all its groups.
    public var maximumKept = 4
    /// Verifications that one replica loop coordinates at once.
    public var maximumRunning = 4
    /// A kept state that no coordinator asks about is let go after this.
    public var idleMilliseconds: Int64 = 30_000
    /// Any kept state is let go after this: the old rows that it holds take up room.
    public var keepMilliseconds: Int64 = 2 * 3_600_000
    /// A leader that is given up hands over for so long at most.
    public var handoverMilliseconds: Int64 = 5_000
    /// How often a verification that a replica has missed is begun in all, each time at another index.
    public var attempts = 5
    /// How long the phases of a verification take at most, and how much one question about rows may be about.
    public var limits = VerificationLimits()

    public init() {}

    /// What one step of a scrub reads, in bytes: a loop's share of the pace for the time of a tick.
    func scrubBytes(perMilliseconds milliseconds: Int64, loops: Int) -> Int {
        // On demand something must be read, whatever the schedule does.
        let pace = scrubBytesPerSecond > 0 ? scrubBytesPerSecond : Self.paceOnDemand
        return max(Self.leastBytes, pace / loops / 1_000 * Int(milliseconds))
    }

    private static let paceOnDemand = 16 << 20
    private static let leastBytes = 4_096
}
