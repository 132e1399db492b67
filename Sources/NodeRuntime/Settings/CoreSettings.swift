internal import Consensus
internal import MailModel
public import ReplicaCore

/// Times and limits of the part of a node that also runs in the simulator.
public struct CoreSettings: Sendable {
    /// What each replica is made with: the times of Raft, in ticks, and the limits of its memory.
    public var replica = ReplicaSettings()
    /// How many threads share the groups.
    public var threads = ThreadCounts()
    /// How long a tick is: the unit of the times of Raft.
    public var tickMilliseconds: Int64 = 50
    /// A leader to which nothing has happened for so long goes to rest, and its group with it.
    public var ticksUntilRest = 10
    /// How long a client's call is retried under its request ID before it is answered "unavailable".
    public var callMilliseconds: Int64 = 15_000
    /// How long a node that starts waits for the others' word on what it has promised them.
    public var recallMilliseconds: Int64 = 1_500
    /// After this, a call or a question for a read index without an answer is sent again, and a failed install begins
    /// again.
    public var resendMilliseconds: Int64 = 1_000
    /// What of its clients' calls a node lets wait.
    public var calls = CallLimits()
    /// How many reads of its clients a node lets wait.
    public var reads = ReadLimits()
    /// Entries kept in the log for followers that lag, behind what the state keeps durably.
    public var retainedEntries = 10_000
    /// Payload bytes kept so, per group: whichever limit is reached first counts.
    public var retainedBytes = 64 << 20
    /// The log is cut in steps of at least this many entries, or of a quarter of the log where that is less.
    public var compactionStep = 1_000
    /// With more segments than this, the log copies forward what keeps the oldest alive.
    public var maximumLogSegments = 16
    /// When a disk is too full, or takes too long.
    public var disk = DiskLimits()
    /// When rows whose time is over are removed.
    public var housekeeping = HousekeepingSettings()
    /// How often the state is asked what it keeps durably, and the disk how much room it has.
    public var maintenanceMilliseconds: Int64 = 2_000
    /// When the state is flushed.
    public var flush = FlushSettings()
    /// How snapshots go to other nodes.
    public var snapshots = SnapshotSettings()
    /// Whether the node that leads the directory plans where replicas and leaderships are to be.
    public var isScheduling = true
    /// When and how replicas are compared.
    public var verification = VerificationSettings()

    /// A node that lags makes up for so many ticks at once, and no more.
    static let maximumTicksPerTurn = 3
    /// So much shorter than the election timeout a lease has to be: a follower may make up for
    /// ``maximumTicksPerTurn`` right after it has heard the leader, the two nodes' clocks tick out of phase (two), and
    /// one may be a little faster (one).
    static let leaseMarginTicks = maximumTicksPerTurn + 3

    /// The times and limits of a node in production.
    public init() {
        replica.raft.electionTimeoutTicks = 12
        replica.raft.heartbeatTicks = 2
    }
}

/// How many threads share the groups of a node; each group belongs to one of each kind.
public struct ThreadCounts: Sendable {
    /// Threads that step groups.
    public var loops = 1
    /// Threads that apply committed entries.
    public var appliers = 1
}

/// How many calls of a node's clients wait, and what they hold in memory; more are refused as busy.
public struct CallLimits: Sendable {
    /// Calls under way at once, per group.
    public var countPerGroup = 4_096
    /// What they hold, in bytes, per group; a single call is always taken.
    public var bytesPerGroup = 32 << 20
    /// Calls that were taken in since the oldest of a group that is not answered: replicas keep the answers of all of
    /// them.
    public var spanPerGroup = 65_536
    /// What the calls to all groups hold together, in bytes.
    public var bytes = 256 << 20
}

/// How many reads of a node's clients, and of other nodes, are under way; more are refused as busy.
public struct ReadLimits: Sendable {
    /// Reads under way at once, to all groups together.
    public var perNode = 65_536
    /// Reads of one group that wait for its leader's word or for the state.
    public var perGroup = 16_384
    /// Reads under way at once for other nodes, which have no replica to answer them.
    public var foreign = 4_096
    /// What the answers to those hold in memory until they have been fetched, in bytes; a single one is always kept.
    public var foreignBytes = 64 << 20
}

/// When a disk is too full, or takes too long.
public struct DiskLimits: Sendable {
    /// With less than this free on the disk, no new mail is taken in.
    public var reservedBytes = 1 << 30
    /// A write of the log that takes so long counts as slow; where many do, others are to lead.
    public var slowMilliseconds: Int64 = 400
    /// The node gives up its leaderships after so long without an answer of the disk (six times so long for a flush of
    /// the state).
    public var hangMilliseconds: Int64 = 10_000
    /// The node ends after so long without an answer of the disk (six times so long for a flush, here too).
    public var hangEndMilliseconds: Int64 = 60_000
}

/// How snapshots go from one node to another.
public struct SnapshotSettings: Sendable {
    /// Bytes of a piece of a snapshot.
    public var pieceBytes = 1 << 20
    /// What this node sends of snapshots, to all others together; 0: as fast as they ask.
    public var bytesPerSecond = 128 << 20
    /// A snapshot transfer without progress is begun anew after this.
    public var stallMilliseconds: Int64 = 5_000
}

/// When rows whose time is over are looked for and removed.
public struct HousekeepingSettings: Sendable {
    /// How often leaders look in all their groups. Where some rows were due, they look again as soon as those are
    /// removed.
    public var lookMilliseconds: Int64 = 60_000
    /// How long what was expunged is kept, by the clock of the node that leads its group.
    public var expungedRetentionMilliseconds = MailLimits.expungedRetentionMilliseconds
}

/// When the state is flushed: what is not has to be applied again, from the log, when a node starts.
public struct FlushSettings: Hashable, Sendable {
    /// At least this often while the state changes.
    public var milliseconds: Int64 = 30_000
    /// Also when the log has had so many bytes of entries. A node that starts reads and applies a few hundred million
    /// bytes a second.
    public var logBytes = 256 << 20

    public init() {}
}
