package import Consensus
package import MailModel
package import MailStore
package import NIOCore
package import PeerTransport
package import ReplicaCore

/// Everything that reaches a replica loop.
package enum LoopInput: Sendable {
    /// The receipt is let go of when the messages are dealt with; nil for what this node says to itself.
    case received([PeerMessage], from: NodeID, PeerReceipt?)
    /// What was under way to the node may be lost.
    case lost(NodeID)
    case persisted([PersistedWrite])
    case applied([AppliedEntries])
    case submit(ClientCall)
    case read(ReadCall)
    case installing(InstallingInput)
    case rebuild(RebuildInput)
    case snapshotPieceRead(SnapshotPieceRead)
    case markedStates(MarkedStatesInput)
    case durable(DurableIndexes)
    case bodies(BodiesInput)
    case remoteReads(RemoteReadsInput)
    case foreignReads(ForeignReadsInput)
    case remoteWatches(RemoteWatchesInput)
    case foreignWatches(ForeignWatchesInput)
    case housekeepingDue([(group: GroupID, work: HousekeepingDue)])
    /// A read of a group has failed, though the disk says that what it gave is whole.
    case unreadable(GroupID, reason: String)
    /// The entry cannot be applied by this program: nothing behind it is.
    case stopped(GroupID, at: LogIndex, reason: String)
    /// The directory's state here says that the cluster is at this version.
    case version(ClusterVersion)
    case order(LoopOrder)
    case question(LoopQuestion)
}

/// What the agent of the node, an admin or a simulation has a loop do.
package enum LoopOrder: Sendable {
    /// The first thing that a loop does.
    case begin(LoopBegin)
    /// The log has the group as the cluster began with it.
    case beginFounded(FoundedGroup)
    /// The log has the group as it was added, and the node has noted that its replica begins.
    case beginAdded(FoundedGroup)
    /// Nothing begins here any more as a replica of a new group, up to that one.
    case noteBegun(upTo: GroupID)
    /// The node has what it began with: a group of which it has nothing now has lost it.
    case replaceMissing
    /// What the disk of the node is like.
    case health(NodeHealth)
    /// What the node knows of its cluster now.
    case directory(Directory)
    /// All leaderships go to one node.
    case handOver(to: NodeID)
    case balance(onlyToReturned: Bool)
    /// Changes the members of a group that this node leads.
    case propose(Configuration, in: GroupID)
}

/// What recovery made of the groups of one loop.
package struct LoopBegin: Sendable {
    let opened: [OpenedGroup]
    let quarantined: [QuarantinedGroup]
    /// Groups whose state cannot be opened by this program.
    let stopped: [(group: GroupID, at: LogIndex, reason: String)]
    /// Whether the node has what it began with.
    let isComplete: Bool
    /// No replica of a group up to this one begins here any more as that of a new group.
    let begunUpTo: GroupID
}

/// Which groups of a loop are meant.
package enum GroupSelection: Sendable {
    case one(GroupID)
    /// So many of those with a higher ID, in order; nil: from the first on.
    case behind(GroupID?, limit: Int)
}

/// What an admin or the stop of the node asks of a loop, or has it do and wants an answer to. The completions are
/// called on the loop's thread.
package enum LoopQuestion: Sendable {
    case groups(GroupSelection, @Sendable ([HostedGroupReport]) -> Void)
    case summary(@Sendable (LoopSummary) -> Void)
    case problems(@Sendable (LoopProblems) -> Void)
    /// Answered by why the leadership is not handed over; nil when it is under way.
    case transferLeadership(of: GroupID, to: NodeID?, @Sendable (Rejection?) -> Void)
    case verify(GroupID, isScrub: Bool, @Sendable (Result<VerificationID, VerificationRefusal>) -> Void)
    case verificationCourse(of: GroupID, VerificationID, @Sendable (VerificationCourse) -> Void)
    /// All leaderships go to the best followers; answered by how many there still are.
    case resign(@Sendable (Int) -> Void)
    /// All replicas of the loop, in order.
    case holdings(@Sendable ([HeldReplica]) -> Void)
}

/// A write of a replica that the log has durably.
package struct PersistedWrite: Sendable {
    let group: GroupID
    let sequence: UInt64
}

/// What the applier did for one group in one batch.
package struct AppliedEntries: Sendable {
    let group: GroupID
    let upTo: LogIndex
    let results: [(request: RequestID, outcome: MailOutcome)]
}

/// How a call ends. Runs on its event loop; in a simulation, where there is none, at once.
package struct Completion<Value: Sendable>: Sendable {
    let loop: (any EventLoop)?
    let body: @Sendable (Result<Value, ServiceFailure>) -> Void

    package init(on loop: (any EventLoop)?, _ body: @escaping @Sendable (Result<Value, ServiceFailure>) -> Void) {
        self.loop = loop
        self.body = body
    }

    /// Hands the result over: on the event loop, where there is one.
    package func finish(_ result: Result<Value, ServiceFailure>) {
        guard let loop else { return body(result) }
        let body = body
        loop.execute { body(result) }
    }
}

/// A command on its way to its group.
package struct ClientCall: Sendable {
    let group: GroupID
    let account: AccountID
    let command: MailCommand
    let deadlineMilliseconds: Int64
    /// What the call holds of the ``CallBudget``, in bytes.
    let admittedBytes: Int
    let completion: Completion<MailOutcome>

    package init(
        group: GroupID,
        account: AccountID,
        command: MailCommand,
        deadlineMilliseconds: Int64,
        admittedBytes: Int = 0,
        completion: Completion<MailOutcome>
    ) {
        self.admittedBytes = admittedBytes
        self.group = group
        self.account = account
        self.command = command
        self.deadlineMilliseconds = deadlineMilliseconds
        self.completion = completion
    }
}

/// A read on its way to its group: `read` runs where it may block, once the state has what it must see. What it returns
/// tells the result; where the rows were replaced meanwhile, it is thrown away, and `read` runs again.
package struct ReadCall: Sendable {
    let group: GroupID
    let deadlineMilliseconds: Int64
    let read: @Sendable () -> @Sendable () -> Void
    let fail: @Sendable (ServiceFailure) -> Void
    /// What another node is asked where this one has no replica that could answer; nil where only this node's own state
    /// will do.
    let remote: RemoteRead?
    /// Reads the rows of this node as they are; nil where these are not new enough. Nil for a read that must see all
    /// that was acknowledged before.
    private(set) var readNearby: (@Sendable () -> (@Sendable () -> Void)?)?

    package init(
        group: GroupID,
        deadlineMilliseconds: Int64,
        read: @escaping @Sendable () -> @Sendable () -> Void,
        fail: @escaping @Sendable (ServiceFailure) -> Void,
        remote: RemoteRead? = nil,
        readNearby: (@Sendable () -> (@Sendable () -> Void)?)? = nil
    ) {
        self.remote = remote
        self.readNearby = readNearby
        self.group = group
        self.deadlineMilliseconds = deadlineMilliseconds
        self.read = read
        self.fail = fail
    }

    /// The same read, which sees all that was acknowledged before.
    var linearizable: ReadCall {
        var call = self
        call.readNearby = nil
        return call
    }
}

/// What another node is asked for a read, and where its answer goes.
package struct RemoteRead: Sendable {
    let query: GroupQuery
    /// The epoch of the group by which the read was routed.
    let epoch: UInt64
    /// Tells the client what the other node has answered. Called where it may take its time.
    let receive: @Sendable (GroupAnswer) -> Void
    /// Begins the read anew, at the group that the directory of now names.
    let routeAnew: @Sendable () -> Void
}
