internal import Consensus
internal import MailModel
internal import MailStore
internal import NIOCore
internal import NodeRuntime
internal import PeerTransport
internal import ReplicaCore
internal import StateStorage

/// Watches everything: what Raft promises, what the replicas hold, and what clients were told.
struct Checker {
    /// An entry that some node handed to its state machine, and so must be there for ever.
    struct Committed {
        let term: Term
        let command: ByteBuffer?
        /// No earlier leader need have it: the term, at the latest, in which it was committed. Which may be another one
        /// than its own: a leader that is elected late, in a term between the two, is in order without it.
        var committedIn: Term
    }

    struct Registered {
        let command: MailCommand
        let account: AccountID
    }

    struct GroupFacts {
        var model: GroupModel
        /// By index, from 1 on.
        var committed: [Committed] = []
        var leaders: [Term: Int] = [:]
        var digests: [UInt64: UInt64] = [:]
        /// Whom a node voted for in a term.
        var votes: [Vote: ReplicaID] = [:]
        /// No read that starts now may see less.
        var floor: UInt64 = 0
        var registered: [RequestID: Registered] = [:]
        /// Calls that ended without an answer.
        var givenUp: Set<RequestID> = []
    }

    struct Vote: Hashable {
        let replica: ReplicaID
        let term: Term
    }

    /// What a replica let others see of itself, which it may not take back.
    struct Shown {
        var replica = ReplicaID(0)
        var incarnation: UInt64 = 0
        var term = Term.zero
        var commitIndex = LogIndex.zero
        /// The last in which it committed something as the leader.
        var committedTerm = Term.zero
    }

    private(set) var groups: [GroupFacts]
    /// What came by LMTP.
    var mail = MailLedger()
    private var shown: [[Shown]]
    private let settings: CoreSettings
    private var checks = 0
    private var loopChecks = 0

    init(groups: [GroupID], nodes: Int, settings: CoreSettings) {
        self.groups = groups.map { GroupFacts(model: GroupModel(group: $0)) }
        shown = Array(repeating: Array(repeating: Shown(), count: groups.count), count: nodes)
        self.settings = settings
    }

    /// The cluster's version, by what was committed.
    var version: ClusterVersion { groups[0].model.directory.version ?? .first }
    func model(_ group: GroupID) -> GroupModel { groups[Int(group.rawValue)].model }
    /// Whether a replica of a group was ever seen on a node.
    func hasShown(_ group: GroupID, on node: SimNode) -> Bool {
        shown[node.position][Int(group.rawValue)].replica != ReplicaID(0)
    }
    var checkCount: Int { checks }
    var repetitions: Int { groups.reduce(0) { $0 + $1.model.repetitions } }
    var recognised: Int { groups.reduce(0) { $0 + $1.model.recognised } }
    var entries: Int { groups.reduce(0) { $0 + $1.committed.count } }

    // MARK: What nodes say

    mutating func observeMessages(_ messages: [PeerMessage], from node: Int, world: World) {
        for message in messages {
            guard case .replica(let replica) = message else { continue }
            let group = Int(replica.group.rawValue)
            let term = replica.message.term
            switch replica.message.body {
            case .preVote, .preVoteResponse: continue
            case .requestVote:
                note(vote: replica.message.from, of: replica.message.from, term: term, group: group, in: world)
            case .voteResponse(let granted):
                if granted {
                    note(vote: replica.message.to, of: replica.message.from, term: term, group: group, in: world)
                }
            case .appendEntries, .appendAccepted, .appendRejected, .heartbeat, .heartbeatResponse, .installSnapshot,
                .snapshotRejected, .timeoutNow:
                break
            }
            guard shown[node][group].replica == replica.message.from else { continue }
            shown[node][group].term = max(shown[node][group].term, term)
        }
    }

    private mutating func note(vote: ReplicaID, of replica: ReplicaID, term: Term, group: Int, in world: World) {
        checks += 1
        let key = Vote(replica: replica, term: term)
        let earlier = groups[group].votes.updateValue(vote, forKey: key)
        if let earlier, earlier != vote {
            world.fail(
                "one vote per term",
                "replica \(replica.rawValue), group \(group), term \(term.rawValue): \(earlier.rawValue), "
                    + "then \(vote.rawValue)"
            )
        }
    }

    // MARK: After a turn of a loop

    mutating func checkLoop(_ loop: ReplicaLoop, of node: SimNode, world: World) {
        // What a set lacks it goes on lacking: a look now and then finds it.
        loopChecks += 1
        if loopChecks.isMultiple(of: 64), let group = loop.floor.groups.unfound {
            world.fail("whoever needs a group finds it", "node \(node.position + 1), group \(group.rawValue)")
        }
        for id in node.takeChanged() {
            guard let replica = loop.floor.replica(id) else { continue }
            let group = Int(id.rawValue)
            checks += 1
            checkIdentity(of: replica, on: node, group: group, in: world)
            let commitIndex = replica.commitIndex
            if commitIndex < shown[node.position][group].commitIndex {
                world.fail("the commit index never goes back", "node \(node.position + 1), group \(group)")
            }
            if replica.isLeader {
                checkLeader(replica, on: node, group: group, in: world)
                if commitIndex > shown[node.position][group].commitIndex {
                    if replica.raft.durableIndex < commitIndex { world.injector.crashAheadOfDisk(node) }
                    if shown[node.position][group].committedTerm != replica.term {
                        shown[node.position][group].committedTerm = replica.term
                        world.injector.cutOffAfterCommit(node)
                    }
                }
            }
            shown[node.position][group].commitIndex = commitIndex
        }
    }

    /// A replica that is seen for the first time in a run of its node is what it was, or is another one.
    private mutating func checkIdentity(of replica: Replica, on node: SimNode, group: Int, in world: World) {
        let known = shown[node.position][group]
        if known.replica == replica.id, known.incarnation == node.incarnation { return }
        var now = Shown(replica: replica.id, incarnation: node.incarnation)
        if known.replica == replica.id {
            now.term = known.term
            if replica.raft.term < known.term, !node.losses.isExcused {
                world.fail(
                    "the hard state never goes back",
                    "node \(node.position + 1), group \(group): term \(replica.raft.term.rawValue), "
                        + "had shown \(known.term.rawValue)"
                )
            }
        }
        shown[node.position][group] = now
    }

    private mutating func checkLeader(_ replica: Replica, on node: SimNode, group: Int, in world: World) {
        let term = replica.term
        if let leader = groups[group].leaders[term] {
            if leader != node.position {
                world.fail(
                    "one leader per term",
                    "group \(group), term \(term.rawValue): nodes \(leader + 1) and \(node.position + 1)"
                )
            }
            return
        }
        groups[group].leaders[term] = node.position
        world.counts.replicas.elections += 1
        world.injector.crashAfterElection(node)
        world.trace.add(at: world.now, .role, node: node.position, "leads group \(group) in term \(term.rawValue)")
        // It has just been elected: it must have all that was committed in earlier terms.
        let known = groups[group].committed
        let committed = known.prefix((known.lastIndex { $0.committedIn < term } ?? -1) + 1)
        let raft = replica.raft
        guard raft.lastIndex.rawValue >= UInt64(committed.count) else {
            return world.fail(
                "a leader has every committed entry",
                "group \(group), node \(node.position + 1): \(raft.lastIndex.rawValue) of \(committed.count)"
            )
        }
        var index = raft.snapshot.index.next
        while index.rawValue <= UInt64(committed.count) {
            if raft.term(at: index) != committed[Int(index.rawValue) - 1].term {
                return world.fail(
                    "a leader has every committed entry",
                    "group \(group), node \(node.position + 1): entry \(index.rawValue) is of another term"
                )
            }
            index = index.next
        }
    }

    // MARK: What is committed

    /// Looks at what a node hands to its state machine, and puts it back. Says which groups it is about.
    mutating func observeJobs(
        _ jobs: [ApplierLoop.Job],
        of node: SimNode,
        putBack inbox: Inbox<ApplierLoop.Job>,
        world: World
    ) -> [GroupID] {
        var touched: [GroupID] = []
        for job in jobs {
            switch job {
            case .apply(let group, let entries):
                if !touched.contains(group) { touched.append(group) }
                for entry in entries { observeEntry(entry, group: group, on: node, in: world) }
            case .installed(let handover, _, let point):
                let group = handover.group
                if !touched.contains(group) { touched.append(group) }
                world.counts.replicas.snapshots += 1
                world.trace.add(
                    at: world.now,
                    .note,
                    node: node.position,
                    "has group \(group.rawValue) installed at \(point.index.rawValue)"
                )
            case .beginInstall, .addPiece, .finishInstall, .reset, .cleared, .open, .mark, .putBack: break
            }
        }
        inbox.put(contentsOf: jobs)
        return touched
    }

    /// Looks at the groups whose rows a node is to replace or remove, and puts that back.
    func observeInstalls(
        _ jobs: [InstallerLoop.Job],
        of node: SimNode,
        putBack inbox: Inbox<InstallerLoop.Job>,
        world: World
    ) {
        for job in jobs {
            switch job {
            case .begin(let group):
                world.silentHarm.endHarm(of: group, on: node, found: false)
                world.trace.add(at: world.now, .note, node: node.position, "begins to install group \(group.rawValue)")
            case .clear(let handover):
                // Until then a crash has the node come back with what it had found to be wrong.
                world.silentHarm.endHarm(of: handover.group, on: node, found: true)
            case .addPiece, .finish: break
            }
        }
        inbox.put(contentsOf: jobs)
    }

    private mutating func observeEntry(_ entry: CommittedEntry, group: GroupID, on node: SimNode, in world: World) {
        checks += 1
        let position = Int(group.rawValue)
        let index = entry.index.rawValue
        let known = groups[position].committed.count
        if index <= UInt64(known) {
            let committed = groups[position].committed[Int(index) - 1]
            if let term = node.core?.replica(group)?.term, term < committed.committedIn {
                groups[position].committed[Int(index) - 1].committedIn = term
            }
            if committed.term != entry.term || committed.command != entry.command {
                world.fail(
                    "a committed entry never changes",
                    "group \(position), entry \(index), node \(node.position + 1): "
                        + "term \(entry.term.rawValue), was \(committed.term.rawValue)"
                )
            }
            return
        }
        guard index == UInt64(known) + 1 else {
            return world.fail("entries are applied in order", "group \(position): \(index) after \(known)")
        }
        let term = node.core?.replica(group)?.term ?? .maximum
        groups[position].committed.append(Committed(term: entry.term, command: entry.command, committedIn: term))
        var envelope: CommandEnvelope?
        do {
            envelope = try entry.command.map { try CommandEnvelope(decoding: $0, upTo: Programs.nextVersion) }
        } catch {
            world.fail("a committed command can be read", "group \(position), entry \(index): \(error)")
        }
        if let byte = entry.command?.readableBytesView.first, byte > version.rawValue {
            world.fail(
                "nothing is written in a version before the cluster is there",
                "group \(position), entry \(index): \(Self.name(envelope))"
            )
        }
        if let envelope, group == .directory { checkDirectoryCommand(envelope, at: index, in: world) }
        if let envelope, envelope.request.session != 0, group != .directory {
            let registered = groups[position].registered[envelope.request]
            if registered?.command != envelope.command || registered?.account != envelope.account {
                world.fail("what is committed was asked for", "group \(position), entry \(index): \(envelope.request)")
            }
        }
        let recognised = groups[position].model.recognised
        switch groups[position].model.apply(envelope, at: index) {
        case .carriedOut:
            if let envelope, groups[position].model.recognised == recognised {
                observeArrival(of: envelope, group: position, in: world)
            }
        case .repeated: break
        case .dropped:
            if let request = envelope?.request, group != .directory, !groups[position].givenUp.contains(request) {
                world.fail("what somebody waits for is carried out", "group \(position), entry \(index): \(request)")
            }
        }
        world.trace.mix(at: world.now, kind: .commit, node: position, index, entry.term.rawValue)
        world.trace.add(
            at: world.now,
            .commit,
            node: node.position,
            "group \(position) entry \(index): \(Self.name(envelope))"
        )
    }

    /// The directory hears from nodes only, and only what is so.
    private func checkDirectoryCommand(_ envelope: CommandEnvelope, at index: UInt64, in world: World) {
        let isInOrder: Bool
        switch envelope.command {
        case .directory(.found(let cluster, _, let version, _)): isInOrder = cluster == 1 && version == .first
        case .directory(.registerNode(let description, _)):
            isInOrder = world.nodes.contains { node in
                (node.identity.formerIDs + [node.id]).contains { $0.rawValue == description.id }
            }
        case .directory(.reportMembers(let group, _, _)), .directory(.placeGroup(let group, _, _)):
            isInOrder = Int(group.rawValue) < groups.count
            if case .directory(.placeGroup(_, let placing, _)) = envelope.command {
                world.placement.admin.checkPlacing(placing, of: group, in: groups[0].model.directory)
            }
        case .directory(.raiseVersion): isInOrder = envelope.request.session == 0
        case .directory: isInOrder = world.placement.admin.isActive
        default: isInOrder = envelope.request.session == 0
        }
        if !isInOrder { world.fail("what is committed was asked for", "group 0, entry \(index): \(envelope.command)") }
    }

    private static func name(_ envelope: CommandEnvelope?) -> String {
        guard let envelope else { return "no command" }
        // Of what the directory is told, all matters; of mail, what kind of command it is.
        let isDirectory = if case .directory = envelope.command { true } else { false }
        let text = "\(envelope.command)".prefix { isDirectory || $0 != "(" }
        return
            "\(text) \(String(envelope.request.session, radix: 16)).\(envelope.request.sequence) "
            + "account \(String(envelope.account.rawValue, radix: 16)) settled \(envelope.settledBelow)"
    }

    // MARK: What replicas hold

    /// Replicas at one index hold the same.
    mutating func checkState(_ node: SimNode, _ touched: [GroupID], world: World) {
        for id in touched {
            checks += 1
            let group = Int(id.rawValue)
            guard let (index, digest) = try? node.reader.digest(id), index > .zero else { continue }
            if world.silentHarm.mayDiffer(node, in: id) {
                // Commands may have taken the harmed rows away; for good once that is durable.
                if groups[group].digests[index.rawValue] == digest.value,
                    (try? recomputedDigest(id, in: node.state.memory)) == digest,
                    (try? node.state.memory.flush()) != nil
                {
                    world.silentHarm.endHarm(of: id, on: node, found: false)
                }
                continue
            }
            if index.rawValue % 32 == 0, (try? recomputedDigest(id, in: node.state.memory)) != digest {
                world.fail("a group's digest is that of its rows", "node \(node.position + 1), group \(group)")
            }
            if let other = groups[group].digests[index.rawValue] {
                if other != digest.value {
                    world.fail(
                        "replicas at one index hold the same",
                        "group \(group), entry \(index.rawValue), node \(node.position + 1)"
                    )
                }
            } else {
                groups[group].digests[index.rawValue] = digest.value
            }
        }
    }

    // MARK: What clients were told

    mutating func register(_ request: RequestID, group: GroupID, account: AccountID, command: MailCommand) {
        groups[Int(group.rawValue)].registered[request] = Registered(command: command, account: account)
    }

    /// A call ended without an answer: it may have been carried out, or not.
    mutating func gaveUp(_ request: RequestID, _ group: GroupID) {
        groups[Int(group.rawValue)].givenUp.insert(request)
    }

    /// A client was told how its call ended.
    mutating func acknowledged(_ request: RequestID, group: GroupID, outcome: MailOutcome, world: World) {
        checks += 1
        let position = Int(group.rawValue)
        guard let answer = groups[position].model.answers[request] else {
            return world.fail("what is acknowledged is committed", "group \(position): \(request) got \(outcome)")
        }
        if answer.outcome != outcome, !Self.arePurges(answer.outcome, outcome) {
            world.fail(
                "a call is answered as it was carried out",
                "group \(position), entry \(answer.index): \(outcome), should be \(answer.outcome)"
            )
        }
        raiseFloor(group, to: answer.index)
    }

    /// How many rows housekeeping removes is not modelled.
    private static func arePurges(_ a: MailOutcome, _ b: MailOutcome) -> Bool {
        if case .purged = a, case .purged = b { true } else { false }
    }

    func floor(_ group: GroupID) -> UInt64 { groups[Int(group.rawValue)].floor }

    mutating func raiseFloor(_ group: GroupID, to index: UInt64) {
        groups[Int(group.rawValue)].floor = max(groups[Int(group.rawValue)].floor, index)
    }

    mutating func countCheck() { checks += 1 }
}
