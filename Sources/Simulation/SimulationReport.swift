/// What a simulation did, and what it found.
public struct SimulationReport: Sendable {
    public var seed: UInt64
    public var simulatedSeconds: Double
    /// The same for the same seed, on every machine.
    public var digest: UInt64
    public var violation: Violation?
    /// The last lines before a violation.
    public var trace: [String]
    public var counts: SimulationCounts
}

/// How often things happened.
public struct SimulationCounts: Sendable {
    public var events = 0
    public var crashes = 0
    public var crashesInWriter = 0
    public var storageFailures = 0
    public var partitions = 0
    public var pauses = 0
    public var clockJumps = 0
    public var slowDisks = 0
    public var slowLinks = 0
    public var hangingDisks = 0
    public var fullDisks = 0
    public var readFaults = 0
    /// Planned ends, and leaderships given back to whom they belong.
    public var transfers = 0
    public var messages = 0
    public var lost = 0
    public var duplicated = 0
    public var succeeded = 0
    public var refused = 0
    public var unknown = 0
    public var lostInCrash = 0
    public var reads = 0
    public var entries = 0
    public var repetitions = 0
    /// By simulated MTAs, of which the store recognised some: others it had not taken the first time.
    public var deliveriesRepeated = 0
    public var deliveriesRecognised = 0
    /// Recipients of mail by LMTP, by what they were told at last in a transaction.
    public var recipientsAccepted = 0
    public var recipientsRefused = 0
    public var recipientsLeftOpen = 0
    public var elections = 0
    public var snapshots = 0
    public var destructions = 0
    public var quarantines = 0
    public var admissions = 0
    public var demotions = 0
    public var ownFlushes = 0
    public var sleeps = 0
    public var wakes = 0
    public var checks = 0
    public var verifications = 0
    public var differences = 0
    public var harms = 0
    public var harmsFound = 0
    public var rowsNamed = 0
    public var snapshotsRefused = 0
    public var programsReplaced = 0
    public var programsRefused = 0
    public var versionsTaken = 0
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
            ("groups verified", verifications), ("  replicas differed", differences),
            ("snapshots refused for their rows", snapshotsRefused),
            ("programs replaced", programsReplaced), ("  refused as too old", programsRefused),
            ("  nodes gone on to the next version", versionsTaken),
            ("flushes by themselves", ownFlushes), ("invariant checks", checks),
        ]
    }

    public mutating func add(_ other: SimulationCounts) {
        for path in Self.paths { self[keyPath: path] += other[keyPath: path] }
        coverage.add(other.coverage)
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
            \.harmsFound, \.rowsNamed, \.snapshotsRefused, \.programsReplaced, \.programsRefused, \.versionsTaken,
        ]
    }
}
