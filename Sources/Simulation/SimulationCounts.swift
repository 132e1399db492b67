/// How often things happened.
public struct SimulationCounts: Sendable {
    /// What was done to nodes, their disks and the network.
    public struct Faults: Sendable {
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
        /// Disks that lost a part of what they held, or all.
        public var destructions = 0
    }

    /// What nodes sent one another.
    public struct Network: Sendable {
        /// Batches of messages that a node sent to another.
        public var batches = 0
        /// Batches that the network lost.
        public var lost = 0
        /// Batches that came more than once.
        public var duplicated = 0
        /// Batches of nodes that the cluster goes on without.
        public var refused = 0
    }

    /// What became of calls of clients.
    public struct Calls: Sendable {
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
    }

    /// What simulated MTAs were told.
    public struct Deliveries: Sendable {
        /// Deliveries that MTAs repeated. The store recognised some: others it had not taken the first time.
        public var repeated = 0
        /// Repeated deliveries that the store recognised.
        public var recognised = 0
        /// Recipients of mail by LMTP that were accepted in the last transaction with them.
        public var recipientsAccepted = 0
        /// Recipients that were refused for good.
        public var recipientsRefused = 0
        /// Recipients that the MTA has to try again.
        public var recipientsLeftOpen = 0
    }

    /// What groups and their replicas went through.
    public struct Replicas: Sendable {
        /// Entries that were committed.
        public var entries = 0
        /// Requests that were in a log more than once.
        public var repetitions = 0
        /// Leaders that were elected.
        public var elections = 0
        /// Snapshots that were installed.
        public var snapshots = 0
        /// Replicas that were given up.
        public var quarantines = 0
        /// Replicas that were taken into a group anew.
        public var admissions = 0
        /// Voters that were made learners.
        public var demotions = 0
        /// Groups that the directory was to want on other nodes.
        public var placings = 0
        /// What an admin has asked for.
        public var adminActs = 0
        /// Machines that joined the cluster while it ran.
        public var joins = 0
        /// Machines that lost everything, and were to join as new nodes.
        public var wipedToJoin = 0
        /// Groups that were to be added while the cluster ran.
        public var groupsAdded = 0
        /// Replicas that went to rest.
        public var sleeps = 0
        /// Replicas at rest that woke.
        public var wakes = 0
        /// Flushes that stores did by themselves, because their memory was full.
        public var ownFlushes = 0
    }

    /// What was changed behind the nodes' backs, and what of it was found.
    public struct Verification: Sendable {
        /// Verifications that ended.
        public var ended = 0
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
    }

    /// What became of nodes with another version of the program.
    public struct Programs: Sendable {
        /// Nodes that were started with another version of the program.
        public var replaced = 0
        /// Programs that the cluster refused as too old.
        public var refused = 0
        /// Nodes that went on to the next cluster version.
        public var versionsTaken = 0
    }

    /// Steps of the simulated scheduler.
    public var events = 0
    /// Checks of the invariants.
    public var checks = 0
    /// What was done to nodes, their disks and the network.
    public var faults = Faults()
    /// What nodes sent one another.
    public var network = Network()
    /// What became of calls of clients.
    public var calls = Calls()
    /// What simulated MTAs were told.
    public var deliveries = Deliveries()
    /// What groups and their replicas went through.
    public var replicas = Replicas()
    /// What was changed behind the nodes' backs, and what of it was found.
    public var verification = Verification()
    /// What became of nodes with another version of the program.
    public var programs = Programs()
    /// Which faults met which states.
    public var coverage = FaultCoverage()

    public init() {}

    /// By name, in the order in which they are printed.
    public var table: [(name: String, value: Int)] {
        Self.rows.map { ($0.name, self[keyPath: $0.path]) }
    }

    /// Adds the counts of another run.
    public mutating func add(_ other: SimulationCounts) {
        for (_, path) in Self.rows { self[keyPath: path] += other[keyPath: path] }
        coverage.merge(other.coverage)
    }

    /// All counts, in the order in which they are printed.
    private static var rows: [(name: String, path: WritableKeyPath<SimulationCounts, Int>)] {
        [
            ("events", \.events),
            ("crashes", \.faults.crashes),
            ("  within a log write", \.faults.crashesInWriter),
            ("storage failures", \.faults.storageFailures),
            ("partitions", \.faults.partitions),
            ("pauses", \.faults.pauses),
            ("clock jumps", \.faults.clockJumps),
            ("slow disks", \.faults.slowDisks),
            ("slow links", \.faults.slowLinks),
            ("hanging disks", \.faults.hangingDisks),
            ("nearly full disks", \.faults.fullDisks),
            ("reads that fail or go astray", \.faults.readFaults),
            ("stops and handovers", \.faults.transfers),
            ("batches sent", \.network.batches),
            ("  lost", \.network.lost),
            ("  duplicated", \.network.duplicated),
            ("  refused", \.network.refused),
            ("calls succeeded", \.calls.succeeded),
            ("calls refused", \.calls.refused),
            ("calls unknown", \.calls.unknown),
            ("calls lost in a crash", \.calls.lostInCrash),
            ("linearizable reads", \.calls.reads),
            ("entries committed", \.replicas.entries),
            ("requests repeated", \.replicas.repetitions),
            ("deliveries repeated", \.deliveries.repeated),
            ("  recognised", \.deliveries.recognised),
            ("recipients by LMTP accepted", \.deliveries.recipientsAccepted),
            ("  refused", \.deliveries.recipientsRefused),
            ("  left open", \.deliveries.recipientsLeftOpen),
            ("leaders elected", \.replicas.elections),
            ("replicas gone to rest", \.replicas.sleeps),
            ("  woken", \.replicas.wakes),
            ("snapshots installed", \.replicas.snapshots),
            ("disks harmed", \.faults.destructions),
            ("replicas given up", \.replicas.quarantines),
            ("replicas taken in", \.replicas.admissions),
            ("voters made learners", \.replicas.demotions),
            ("groups placed elsewhere", \.replicas.placings),
            ("acts of an admin", \.replicas.adminActs),
            ("  machines that joined", \.replicas.joins),
            ("  wiped, to join as others", \.replicas.wipedToJoin),
            ("  groups to be added", \.replicas.groupsAdded),
            ("rows silently harmed", \.verification.harms),
            ("  found", \.verification.harmsFound),
            ("  named", \.verification.rowsNamed),
            ("  bytes of messages mended", \.verification.chunksMended),
            ("groups verified", \.verification.ended),
            ("  replicas differed", \.verification.differences),
            ("snapshots refused for their rows", \.verification.snapshotsRefused),
            ("programs replaced", \.programs.replaced),
            ("  refused as too old", \.programs.refused),
            ("  nodes gone on to the next version", \.programs.versionsTaken),
            ("flushes by themselves", \.replicas.ownFlushes),
            ("invariant checks", \.checks),
        ]
    }
}
