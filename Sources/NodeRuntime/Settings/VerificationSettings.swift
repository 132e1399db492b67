public import ReplicaCore

/// When and how the replicas of a group compare what they hold.
public struct VerificationSettings: Sendable {
    /// Each group is verified this often, by its leader; 0: only when somebody asks.
    public var intervalMilliseconds: Int64
    /// How fast rows are read to compute digests from them; 0: on schedule not at all.
    public var scrubBytesPerSecond: Int
    /// States kept at once by one node, for all its groups.
    public var maximumKept: Int
    /// Verifications that one node coordinates at once.
    public var maximumRunning: Int
    /// A kept state that nobody asks about is let go after this, ...
    public var idleMilliseconds: Int64
    /// ... and any after this: what it keeps from being cleaned up costs room.
    public var keepMilliseconds: Int64
    /// A leader that is given up hands over for so long at most.
    public var handoverMilliseconds: Int64
    /// A verification that was missed by somebody is begun anew at another index, so often in all.
    public var attempts: Int
    public var limits: VerificationLimits

    public init() {
        intervalMilliseconds = 86_400_000
        scrubBytesPerSecond = 16 << 20
        maximumKept = 4
        maximumRunning = 4
        idleMilliseconds = 30_000
        keepMilliseconds = 2 * 3_600_000
        handoverMilliseconds = 5_000
        attempts = 5
        limits = VerificationLimits()
    }

    /// What one step of a scrub reads: the pace for the time of a tick.
    func scrubBytes(perMilliseconds milliseconds: Int64) -> Int {
        // On demand something must be read, whatever the schedule does.
        let pace = scrubBytesPerSecond > 0 ? scrubBytesPerSecond : Self.paceOnDemand
        return max(Self.leastBytes, pace / 1_000 * Int(milliseconds))
    }

    private static let paceOnDemand = 16 << 20
    private static let leastBytes = 4_096
}
