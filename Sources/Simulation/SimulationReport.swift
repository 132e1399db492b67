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

/// How often things happened.
public struct SimulationCounts: Sendable {
    /// Steps of the simulated scheduler.
    public var events = 0
    /// Nodes that lost their power.
    public var crashes = 0
    /// Crashes that came in the middle of a write of the log.
    public var crashesInWriter = 0
    /// Nodes that ended because their storage failed.
    public var storageFailures = 0
    /// Cuts of the network between nodes.
    public var partitions = 0
    /// Nodes that stood still for a while.
    public var pauses = 0
    /// Jumps of a node's wall clock.
    public var clockJumps = 0
    /// Disks that became slow for a while.
    public var slowDisks = 0
    /// Links that became slow for a while.
    public var slowLinks = 0
    /// Disks that answered nothing for a while.
    public var hangingDisks = 0
    /// Disks that became nearly full.
    public var fullDisks = 0
    /// Reads that failed or returned other sectors.
    public var readFaults = 0
    /// Planned ends, and leaderships given back to whom they belong.
    public var transfers = 0
    /// Batches of messages that a node sent to another.
    public var messages = 0
    /// Batches that the network lost.
    public var lost = 0
    /// Batches that came more than once.
    public var duplicated = 0
    /// Calls of clients that were carried out.
    public var succeeded = 0
    /// Calls of clients that were refused.
    public var refused = 0
    /// Calls of clients that were not answered in time.
    public var unknown = 0
    /// Calls of clients whose node crashed before it answered.
    public var lostInCrash = 0
    /// Linearizable reads that were answered.
    public var reads = 0
    /// Entries that were committed.
    public var entries = 0
    /// Requests that were in a log more than once.
    public var repetitions = 0
    /// By simulated MTAs, of which the store recognised some: others it had not taken the first time.
    public var deliveriesRepeated = 0
    /// Repeated deliveries that the store recognised.
    public var deliveriesRecognised = 0
    /// Recipients of mail by LMTP, by what they were told at last in a transaction.
    public var recipientsAccepted = 0
    /// Recipients that were refused for good.
    public var recipientsRefused = 0
    /// Recipients that the MTA has to try again.
    public var recipientsLeftOpen = 0
    /// Leaders that were elected.
    public var elections = 0
    /// Snapshots that were installed.
    public var snapshots = 0
    /// Disks that lost a part of what they held, or all.
    public var destructions = 0
    /// Replicas that were given up.
    public var quarantines = 0
    /// Replicas that were taken into a group anew.
    public var admissions = 0
    /// Voters that were made learners.
    public var demotions = 0
    /// Flushes that stores did by themselves, because their memory was full.
    public var ownFlushes = 0
    /// Replicas that went to rest.
    public var sleeps = 0
    /// Replicas at rest that woke.
    public var wakes = 0
    /// Checks of the invariants.
    public var checks = 0
    /// Verifications that ended.
    public var verifications = 0
    /// Replicas that a verification found to differ.
    public var differences = 0
    /// Rows that were changed behind a node's back.
    public var harms = 0
    /// Of these, rows that were found.
    public var harmsFound = 0
    /// Spoiled bytes of messages that were put right, or went with their messages.
    public var chunksMended = 0
    /// Reports that named the row in which a replica differs.
    public var rowsNamed = 0
    /// Snapshots that a receiver refused, because their rows had another digest than they said.
    public var snapshotsRefused = 0
    /// Nodes that were started with another version of the program.
    public var programsReplaced = 0
    /// Programs that the cluster refused as too old.
    public var programsRefused = 0
    /// Nodes that went on to the next cluster version.
    public var versionsTaken = 0
    /// Which faults met which states.
    public var coverage = FaultCoverage()

    public init() {}

    /// By name, in the order in which they are printed.
    public var table: [(name: String, value: Int)] {
        [
            ("events", events), ("crashes", crashes), ("  within a log write", crashesInWriter),
            ("storage failures", storageFailures), ("partitions", partitions), ("pauses", pauses),
            ("clock jumps", clockJumps), ("slow disks", slowDisks), ("slow links", slowLinks),
            ("hanging disks", hangingDisks), ("nearly full disks", fullDisks),
            ("reads that fail or go astray", readFaults),
            ("stops and handovers", transfers),
            ("batches sent", messages),
            ("  lost", lost), ("  duplicated", duplicated), ("calls succeeded", succeeded), ("calls refused", refused),
            ("calls unknown", unknown), ("calls lost in a crash", lostInCrash), ("linearizable reads", reads),
            ("entries committed", entries), ("requests repeated", repetitions),
            ("deliveries repeated", deliveriesRepeated), ("  recognised", deliveriesRecognised),
            ("recipients by LMTP accepted", recipientsAccepted), ("  refused", recipientsRefused),
            ("  left open", recipientsLeftOpen),
            ("leaders elected", elections),
            ("replicas gone to rest", sleeps), ("  woken", wakes),
            ("snapshots installed", snapshots),
            ("disks harmed", destructions), ("replicas given up", quarantines), ("replicas taken in", admissions),
            ("voters made learners", demotions),
            ("rows silently harmed", harms), ("  found", harmsFound), ("  named", rowsNamed),
            ("  bytes of messages mended", chunksMended),
            ("groups verified", verifications), ("  replicas differed", differences),
            ("snapshots refused for their rows", snapshotsRefused),
            ("programs replaced", programsReplaced), ("  refused as too old", programsRefused),
            ("  nodes gone on to the next version", versionsTaken),
            ("flushes by themselves", ownFlushes), ("invariant checks", checks),
        ]
    }

    /// Adds the counts of another run.
    public mutating func add(_ other: SimulationCounts) {
        for path in Self.paths { self[keyPath: path] += other[keyPath: path] }
        coverage.merge(other.coverage)
    }

    private static var paths: [WritableKeyPath<SimulationCounts, Int>] {
        [
            \.events, \.crashes, \.crashesInWriter, \.storageFailures, \.partitions, \.pauses, \.clockJumps,
            \.slowDisks,
            \.slowLinks, \.hangingDisks, \.fullDisks, \.readFaults, \.transfers, \.messages, \.lost, \.duplicated,
            \.succeeded,
            \.refused, \.unknown,
            \.lostInCrash, \.reads,
            \.entries, \.repetitions, \.deliveriesRepeated, \.deliveriesRecognised,
            \.recipientsAccepted, \.recipientsRefused, \.recipientsLeftOpen,
            \.elections, \.snapshots, \.destructions, \.quarantines, \.admissions,
            \.demotions, \.ownFlushes, \.sleeps, \.wakes, \.checks, \.verifications, \.differences, \.harms,
            \.harmsFound, \.chunksMended, \.rowsNamed, \.snapshotsRefused, \.programsReplaced, \.programsRefused,
            \.versionsTaken,
        ]
    }
}
