/// Bugs that others had, which can be put back one at a time to see whether the simulator finds them
/// (`Docs/reliability.md`). Only a build with the package trait `Mutants` can do so; in any other ``isOn(_:)`` is
/// `false` for the compiler, and nothing of them is left.
public enum Mutant: String, Sendable, CaseIterable {
    // The simulator puts these in by itself, at the edge of the node.
    /// The log's disk says it has synced, and has not.
    case disksLie = "disks-lie"
    /// Term and vote are not written to the log.
    case votesForgotten = "votes-forgotten"
    /// Reads are served from whatever the local replica has.
    case staleReads = "stale-reads"
    /// Whatever a beat says, its receiver takes it to stand for all that it relies on.
    case beatsUnchecked = "beats-unchecked"
    /// A session does not hear of flags that others changed.
    case flagsForgotten = "flags-forgotten"
    /// A session is not told that something has changed.
    case watchesDeaf = "watches-deaf"
    /// A session is answered by the rows of its node however old these are.
    case nearbyUnchecked = "nearby-unchecked"

    // The gateways.
    /// LMTP answers for the recipients in the order in which their look-ups ended.
    case answersByLookUp = "answers-by-look-up"

    // The Raft core.
    /// A leader counts its own entries as durable before its disk has them.
    case leaderCountsBeforeSync = "leader-counts-before-sync"
    /// The commit index is taken from match indexes that are not sorted.
    case matchesUnsorted = "matches-unsorted"
    /// Entries of earlier terms are committed by counting.
    case oldTermsCounted = "old-terms-counted"
    /// A change of membership does not wait for the one before.
    case changesInFlight = "changes-in-flight"
    /// A pre-vote is kept like a vote.
    case preVoteKept = "pre-vote-kept"
    /// What is under way to a follower is limited in entries only.
    case windowInEntries = "window-in-entries"

    // The log.
    /// A new segment's name is not made durable.
    case directoryNotSynced = "directory-not-synced"
    /// A failed sync is tried again.
    case syncRetried = "sync-retried"
    /// A log that is known to be damaged is used as far as it goes.
    case damageIgnored = "damage-ignored"
    /// After a start a replica does not ask the others what it promised before.
    case recallSkipped = "recall-skipped"

    // The way to the state.
    /// Entries are applied before this replica's log has them.
    case appliedBeforeDurable = "applied-before-durable"
    /// Reading entries from the disk gives fewer than were counted.
    case shortReads = "short-reads"
    /// The applied index is written apart from what was applied.
    case appliedIndexApart = "applied-index-apart"
    /// Message bodies are written apart from the messages.
    case bodiesApart = "bodies-apart"
    /// A mailbox's counters are written before the batch that they belong to.
    case countersApart = "counters-apart"
    /// Answers given are forgotten: a repeated request is carried out again.
    case answersForgotten = "answers-forgotten"
    /// The names of deliveries are forgotten: a repeated delivery is stored again.
    case deliveriesForgotten = "deliveries-forgotten"
    /// Nothing notes that a snapshot is being installed.
    case installUnmarked = "install-unmarked"

    /// Replicas that differ are taken for equal.
    case differencesIgnored = "differences-ignored"

    // The cluster.
    /// A node writes the newest version that it knows, whatever the others know.
    case versionUngated = "version-ungated"

    /// A replica goes when the directory does not name it, however old what the directory says is.
    case staleMembersBelieved = "stale-members-believed"

    // The directory, and who plans by it.
    /// A change of voters is not checked for majorities of one value of a label.
    case majorityUnchecked = "majority-unchecked"
    /// A voter goes before the one that is to take its place votes.
    case voterGoesFirst = "voter-goes-first"
    /// A node that is gone for good may register again.
    case goneNodeLetIn = "gone-node-let-in"
    /// A token lets in as many nodes as hold it.
    case tokenKept = "token-kept"
    /// A group is placed whatever the directory says of it by now.
    case placingsUncompared = "placings-uncompared"
    /// An operation that is asked for again begins again.
    case operationTwice = "operation-twice"

    // The router.
    /// A read that is asked again keeps its ID.
    case readIDKept = "read-id-kept"

    #if Mutants
        /// The bug that is put back. Set before a simulation starts, by its only thread.
        nonisolated(unsafe) public static var active: Mutant?
        /// Whether the code is to behave as this bug would.
        public static func isOn(_ mutant: Mutant) -> Bool { active == mutant }
        /// Whether this build can put bugs back at all.
        public static let isBuiltIn = true
    #else
        /// Whether the code is to behave as this bug would: never, in this build.
        @inlinable public static func isOn(_ mutant: Mutant) -> Bool { false }
        /// Whether this build can put bugs back at all.
        public static let isBuiltIn = false
    #endif
}
