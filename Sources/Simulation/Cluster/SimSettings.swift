internal import Consensus
internal import LogStorage
internal import NodeRuntime
internal import ReplicaCore

/// Settings of the nodes, small, so that what is rare in production happens all the time here.
enum SimSettings {
    static func draw(_ random: inout SimRandom) -> CoreSettings {
        var settings = CoreSettings()
        settings.tickMilliseconds = 50
        settings.callMilliseconds = 5_000
        settings.isScheduling = false
        settings.resendMilliseconds = random.pick([150, 400, 1_000]) ?? 400
        settings.retainedEntries = random.pick([0, 5, 40, 400]) ?? 40
        settings.retainedBytes = random.pick([2_000, 50_000, 1 << 30]) ?? 50_000
        settings.maximumLogSegments = random.pick([1, 3, 16]) ?? 3
        settings.compactionStep = random.pick([1, 10, 50]) ?? 10
        settings.maintenanceMilliseconds = random.pick([100, 400, 1_500]) ?? 400
        settings.housekeeping.lookMilliseconds = random.pick([500, 2_000, 8_000]) ?? 2_000
        settings.flush.milliseconds = random.pick([200, 1_000, 5_000]) ?? 1_000
        settings.snapshots.pieceBytes = random.pick([512, 4_096, 65_536]) ?? 4_096
        // All must have got theirs within the time to become well.
        settings.snapshots.bytesPerSecond = random.pick([0, 1_000_000, 4_000_000]) ?? 0
        settings.snapshots.stallMilliseconds = 1_500
        settings.replica.cacheBytes = random.pick([0, 4_096, 1 << 20]) ?? 4_096
        settings.replica.maxApplyBytes = random.pick([1, 8_192, 1 << 20]) ?? 8_192
        settings.replica.raft.maxInflightEntries = random.pick([2, 32, 4_096]) ?? 32
        settings.replica.raft.maxInflightBytes = random.pick([4_096, 1 << 20]) ?? 4_096
        settings.replica.raft.maxAppendEntries = random.pick([1, 1, 8, 512]) ?? 8
        settings.replica.raft.maxBytesFromTheBeginning = random.pick([0, 8_192, 2 << 20]) ?? 8_192
        settings.replica.raft.maxUncommittedBytes = random.pick([20_000, 4 << 20]) ?? 4 << 20
        settings.calls.countPerGroup = random.pick([20, 200, 4_096]) ?? 200
        settings.calls.bytesPerGroup = random.pick([30_000, 1 << 20, 32 << 20]) ?? 1 << 20
        settings.calls.spanPerGroup = random.pick([40, 400, 65_536]) ?? 400
        settings.replica.raft.leaseTicks = random.pick([nil, nil, 6]) ?? nil
        settings.verification = verification(&random)
        settings.ticksUntilRest = random.pick([1, 3, 10]) ?? 3
        return settings
    }

    private static func verification(_ random: inout SimRandom) -> VerificationSettings {
        var settings = VerificationSettings()
        settings.intervalMilliseconds = random.pick([4_000, 8_000, 12_000]) ?? 8_000
        settings.scrubBytesPerSecond = random.pick([1 << 20, 16 << 20]) ?? 1 << 20
        settings.idleMilliseconds = 5_000
        settings.handoverMilliseconds = 2_000
        settings.limits.gatherMilliseconds = 5_000
        settings.limits.scrubMilliseconds = 20_000
        settings.limits.searchMilliseconds = 20_000
        settings.limits.askMilliseconds = 300
        settings.limits.silenceMilliseconds = 2_000
        settings.limits.rangeRows = random.pick([1, 16, 4_096]) ?? 16
        settings.limits.rangeBytes = random.pick([1_000, 1 << 20]) ?? 1_000
        return settings
    }

    static func logSettings(_ id: UInt64) -> LogSettings {
        var settings = LogSettings(logID: id)
        settings.segmentBytes = 64 << 10
        settings.blockBytes = 512
        return settings
    }
}
