internal import Consensus
internal import MailModel
internal import PeerTransport
internal import Placement
internal import ReplicaCore

/// Brings the members of each group in line with what the directory says: the leader's part in taking replicas in and
/// out, and each node's part in having a replica where one is wanted, and none where the group goes on without it.
struct MembershipRoom {
    /// Entries that a learner may lack and still be let vote: it gets them within a round trip.
    private static let maximumLearnerLag = 16
    private static let lookMilliseconds: Int64 = 250
    /// A replica to which no leader speaks for so long asks whether its group goes on without it, and again after so
    /// long.
    private static let strandedMilliseconds: Int64 = 5_000
    /// Groups that rest meanwhile are looked at again this often.
    private static let patienceMilliseconds: Int64 = 2_000

    private var nextMilliseconds: Int64 = 0
    /// Groups that are led from here whose members are not yet those that are wanted: where nothing else happens they
    /// rest, as a step may wait for a node that is away.
    private var unfinished = GroupSet()
    private var nextUnfinishedMilliseconds: Int64 = 0
    /// Whether the node has what it began with: a group that is wanted here then begins with an empty replica.
    private var isComplete = false
    /// Groups up to this one may begin here with an empty replica. Of the others, the node's agent has not said yet
    /// whether they begin as new groups.
    private var begunUpTo = GroupID.directory
    /// The index of the configuration that the directory was last told of, for groups that are led from here.
    private var told: [GroupID: LogIndex] = [:]
    /// Groups of which a replica asked to be taken in that the group goes on without: its node must hear so.
    private var strays: Set<GroupID> = []
    /// What was looked at last where nothing was to be done, for groups that are led from here: the next look is due
    /// when either has changed.
    private var settled: [GroupID: (configuration: LogIndex, directory: LogIndex)] = [:]
    /// Since when no leader has spoken to a replica here, by group.
    private var strandedMilliseconds: [GroupID: Int64] = [:]
    /// Why the members of a group that is led from here do not become those that are wanted, a sentence each.
    private(set) var refusals: [GroupID: String] = [:]

    // MARK: This node's replicas

    /// The node has what it began with. What is missing now has been lost, or was never there.
    mutating func noteComplete(_ floor: Floor) {
        isComplete = true
        beginMissing(floor)
    }

    /// Nothing begins here any more as a replica of a new group, up to that one: what is missing begins empty.
    mutating func noteBegun(upTo group: GroupID, _ floor: Floor) {
        begunUpTo = max(begunUpTo, group)
        if isComplete { beginMissing(floor) }
    }

    /// The node knows its cluster anew. Groups of which nothing else is said than before are passed over, unless the
    /// nodes have changed: what may be done with a group depends on their states and labels.
    mutating func directoryChanged(from former: Directory, _ floor: Floor) {
        let areNodesTheSame = former.nodes == floor.directory.nodes
        for record in floor.directory.groups where floor.isOfThisLane(record.id) {
            if areNodesTheSame, former.index > .zero, former.group(record.id) == record { continue }
            let hosted = floor.groups.insert(record.id)
            switch hosted.standing {
            case .absent where !floor.isWanted(record.id): floor.groups.stand(record.id, as: .remote)
            case .remote where floor.isWanted(record.id) && record.id > begunUpTo:
                floor.groups.stand(record.id, as: .absent)
            case .remote where floor.isWanted(record.id): floor.beginEmpty(record.id)
            case .absent, .remote, .recalling, .rebuilding, .installing, .replacing, .leaving, .stopped: break
            case .live:
                // Who is there, a leader that rests knows when it is awake.
                guard let replica = hosted.replica, replica.isLeader else { break }
                let isSettled = replica.raft.configuration.hasVoters(of: record.placing) && !isNew(record, floor)
                if !isSettled || step(record.id, floor) != nil {
                    unfinished.insert(record.id)
                    nextUnfinishedMilliseconds = floor.nowMilliseconds
                }
            }
        }
        leaveRemoved(since: former, floor)
        if isComplete { beginMissing(floor) }
    }

    /// Leaves the groups that were removed since the node knew its cluster last, also those that rest.
    private func leaveRemoved(since former: Directory, _ floor: Floor) {
        let directory = floor.directory
        guard former.lastGroup != directory.lastGroup || former.groups.count != directory.groups.count else { return }
        for hosted in floor.groups.all where directory.hasRemoved(hosted.id) {
            switch hosted.standing {
            case .absent: floor.groups.stand(hosted.id, as: .remote)
            case .recalling, .rebuilding, .installing, .live, .stopped: floor.leave(hosted.id)
            // A replica that begins now leaves when it is looked at.
            case .remote, .replacing, .leaving: break
            }
        }
    }

    /// Groups of which there is no replica here: one begins where one is wanted.
    private func beginMissing(_ floor: Floor) {
        for group in floor.groups.absent {
            if !floor.isWanted(group) {
                floor.groups.stand(group, as: .remote)
            } else if group > begunUpTo {
                continue
            } else if floor.directory.group(group)?.holders.contains(floor.node) == true {
                // The group's members name one, so it was here and is lost.
                floor.giveUp(group, reason: "The log of this node has nothing of it.")
            } else {
                floor.beginEmpty(group)
            }
        }
    }

    /// A replica that its group goes on without: it is not one of the members that the directory was told of, which
    /// are as new as what the replica itself knows. No later configuration has it, as no replica's ID is used twice.
    private func isLeftBehind(_ replica: Replica, _ floor: Floor) -> Bool {
        let raft = replica.raft
        guard floor.directory.index > .zero else { return false }
        // A directory that is older than the group does not say that the group is gone.
        guard let record = floor.directory.group(replica.group) else {
            return floor.directory.hasRemoved(replica.group)
        }
        // One that has just begun has promised nothing yet.
        guard !raft.configuration.members.isEmpty else { return !floor.isWanted(replica.group) }
        // A replica that is just being taken in may get a snapshot from before that, which does not name it yet.
        guard raft.leader == nil || raft.configuration.member(raft.id) != nil else { return false }
        // As long as no leader has said who the members are, nobody has left.
        return record.membersIndex > .zero && record.members.member(raft.id) == nil
            && (record.membersIndex >= raft.configurationIndex || Mutant.isOn(.staleMembersBelieved))
    }

    // MARK: The leader's part

    /// This node leads the group from now on. What the directory has said before concerned another leader, and what
    /// that one had to tell it may be lost, so the group is looked at once, also where it rests before the next look.
    mutating func noteLed(_ group: GroupID, _ floor: Floor) {
        guard let raft = floor.replica(group)?.raft, let record = floor.directory.group(group),
            !isSettled(raft, record) || isNew(record, floor)
        else { return }
        unfinished.insert(group)
        if isNew(record, floor) { nextUnfinishedMilliseconds = floor.nowMilliseconds }
    }

    /// An empty replica on another node wants to be taken in.
    mutating func receiveJoin(of newcomer: ReplicaID, to group: GroupID, from peer: NodeID, _ floor: Floor) {
        guard let replica = floor.replica(group), replica.isLeader else {
            return nameContacts(in: group, to: peer, floor)
        }
        let current = replica.raft.configuration
        guard !current.isJoint, current.member(newcomer) == nil, let record = floor.directory.group(group) else {
            return
        }
        guard record.placing.voters.contains(peer) || mayLearn(group, floor)(peer) else {
            strays.insert(group)
            return
        }
        let former = current.members.filter { $0.node == peer }
        // A learner that this node had before began with nothing too, and is given up with it.
        let dismissed = former.map(\.replica).filter { current.learners.contains($0) }
        let members = current.members.filter { !dismissed.contains($0.replica) }
        let priority = MembershipStep.priority(of: peer, in: record.placing)
        floor.proposeConfiguration(
            Configuration(
                members: members + [Member(replica: newcomer, node: peer, priority: priority)],
                voters: current.voters,
                learners: current.learners.filter { !dismissed.contains($0) } + [newcomer]
            ),
            in: group
        )
    }

    /// Whoever leads the directory may be none of those that another node knows of.
    private func nameContacts(in group: GroupID, to peer: NodeID, _ floor: Floor) {
        guard group == .directory, floor.directory.index > .zero else { return }
        floor.send(.contacts(floor.directory.contacts), to: peer)
    }

    /// Another node says who else may be asked for the directory. A node whose replica of it has a leader needs nobody.
    func receiveContacts(_ contacts: [JoinContact], _ floor: Floor) {
        guard let raft = floor.replica(.directory)?.raft, raft.leader == nil else { return }
        let nodes = contacts.map(\.node).filter { $0 != floor.node }
        guard nodes != floor.contacts else { return }
        floor.contacts = nodes
        floor.ways.agent.put(.contacts(contacts))
    }

    /// On every tick.
    mutating func tick(_ floor: Floor) {
        guard floor.nowMilliseconds >= nextMilliseconds else { return }
        nextMilliseconds = floor.nowMilliseconds + Self.lookMilliseconds
        wakeUnfinished(floor)
        for group in floor.rest.awake {
            guard let replica = floor.replica(group) else { continue }
            if floor.directory.hasRemoved(group) {
                floor.leave(group)
            } else if replica.isLeader {
                tellDirectory(of: replica, floor)
                takeStep(group, floor)
            } else {
                told[group] = nil
                refusals[group] = nil
                settled[group] = nil
                // Where a replica is wanted here again, another one begins when this one is gone.
                if isComplete, isLeftBehind(replica, floor) {
                    floor.leave(group)
                } else {
                    askIfStranded(replica, floor)
                }
            }
        }
    }

    // MARK: Replicas that nobody speaks to

    /// A node that was away may have missed that its replica was removed, and the directory that says so.
    private mutating func askIfStranded(_ replica: Replica, _ floor: Floor) {
        let (group, raft) = (replica.group, replica.raft)
        guard raft.leader == nil, !raft.configuration.members.isEmpty else {
            if !strandedMilliseconds.isEmpty { strandedMilliseconds[group] = nil }
            return
        }
        guard let since = strandedMilliseconds[group] else {
            strandedMilliseconds[group] = floor.nowMilliseconds
            return
        }
        guard floor.nowMilliseconds - since >= Self.strandedMilliseconds else { return }
        strandedMilliseconds[group] = floor.nowMilliseconds
        var nodes = raft.configuration.members.map(\.node)
        if let record = floor.directory.group(group) { nodes += record.holders + record.placing.voters }
        if group == .directory { nodes += floor.contacts }
        for node in Set(nodes).sorted() where node != floor.node {
            floor.send(.stranded(group: group, replica: raft.id), to: node)
        }
    }

    /// Who leads has refused the replica here a round of reads: it is asked at once whether the group goes on without
    /// the replica, as others may wait for what the replica cannot answer.
    func noteRefusal(by leader: NodeID, in group: GroupID, _ floor: Floor) {
        guard let replica = floor.replica(group), !replica.isLeader, replica.leaderNode == leader else { return }
        floor.send(.stranded(group: group, replica: replica.raft.id), to: leader)
    }

    /// A replica on another node asks whether the group goes on without it. Only a leader whose configuration is
    /// committed knows.
    func receiveQuestion(of stranded: ReplicaID, about group: GroupID, from peer: NodeID, _ floor: Floor) {
        guard let raft = floor.replica(group)?.raft, raft.role == .leader else {
            return nameContacts(in: group, to: peer, floor)
        }
        guard !raft.configuration.isJoint, raft.configurationIndex <= raft.commitIndex,
            raft.configuration.member(stranded) == nil
        else { return }
        floor.send(.leftBehind(group: group, replica: stranded, term: raft.term), to: peer)
    }

    /// A leader says that its group goes on without the replica here. One of an earlier term than the replica knows may
    /// not have heard that the replica was taken in.
    func receiveWord(thatLeft replica: ReplicaID, in group: GroupID, byLeaderOf term: Term, _ floor: Floor) {
        guard isComplete, let raft = floor.replica(group)?.raft, raft.id == replica, term >= raft.term,
            raft.role != .leader
        else { return }
        floor.leave(group)
    }

    private mutating func wakeUnfinished(_ floor: Floor) {
        guard !unfinished.isEmpty, floor.nowMilliseconds >= nextUnfinishedMilliseconds else { return }
        nextUnfinishedMilliseconds = floor.nowMilliseconds + Self.patienceMilliseconds
        for group in unfinished {
            if floor.replica(group)?.isLeader == true { floor.wake(group) } else { unfinished.remove(group) }
        }
    }

    private mutating func takeStep(_ group: GroupID, _ floor: Floor) {
        guard let raft = floor.replica(group)?.raft else { return }
        let now = (configuration: raft.configurationIndex, directory: floor.directory.index)
        if let last = settled[group], last == now { return }
        refusals[group] = nil
        unfinished.insert(group)
        switch step(group, floor) {
        case nil:
            // Where the members are not yet those that are wanted, a step waits for a replica that lags or is away;
            // where the directory does not know them yet, the word is on its way.
            if let record = floor.directory.group(group), isSettled(raft, record) {
                settled[group] = now
                if !isNew(record, floor) { unfinished.remove(group) }
            }
        case .propose(let configuration): floor.proposeConfiguration(configuration, in: group)
        case .transferLeadership(let node):
            guard floor.replica(group)?.raft.transferTarget == nil else { break }
            _ = floor.transferLeadership(of: group, to: node)
        case .refused(let findings):
            let reasons = findings.map(\.description).joined(separator: "; ")
            refusals[group] = "its voters cannot become those that are wanted: \(reasons)"
        }
    }

    /// Whether a group that is led from here has the members that it is to have, and the directory knows them, or is
    /// being told.
    private func isSettled(_ raft: RaftNode, _ record: GroupRecord) -> Bool {
        guard raft.configuration.hasVoters(of: record.placing) else { return false }
        return raft.configuration == record.members || raft.configurationIndex <= record.membersIndex
            || told[record.id] == raft.configurationIndex
    }

    private func step(_ group: GroupID, _ floor: Floor) -> MembershipStep? {
        guard let replica = floor.replica(group), let record = floor.directory.group(group) else { return nil }
        let status = replica.raft.status
        guard !status.configuration.isJoint else { return nil }
        let caughtUp = status.peers.filter { peer in
            guard case .replicate = peer.state else { return false }
            return peer.isActive && peer.lag <= Self.maximumLearnerLag
        }
        return MembershipStep(
            from: MembershipStep.Situation(
                configuration: status.configuration,
                leader: status.id,
                caughtUp: Set(caughtUp.map(\.replica)),
                placing: record.placing,
                mayLearn: mayLearn(group, floor),
                labels: { floor.directory.labels(of: $0) },
                spread: record.placing.mayFormMajority
                    ? [] : floor.directory.policy.rule(ofPool: record.pool).spread
            )
        )
    }

    /// Every node of the cluster learns the directory; of other groups, voters only.
    private func mayLearn(_ group: GroupID, _ floor: Floor) -> (NodeID) -> Bool {
        guard group == .directory else { return { _ in false } }
        let directory = floor.directory
        return { node in
            // A founder that has not registered yet can do so only with the directory.
            directory.node(node).map(\.state.isMember) ?? directory.founding.founders.contains { $0.node == node }
        }
    }

    /// Whether the directory gave an added group its members, and has not heard from a leader of it: as soon as it has,
    /// nobody begins a replica of the group as that of a new one.
    private func isNew(_ record: GroupRecord, _ floor: Floor) -> Bool {
        record.membersIndex == .zero && floor.directory.isAdded(record.id)
    }

    /// Has the directory told who the members are, as soon as that is committed.
    private mutating func tellDirectory(of replica: Replica, _ floor: Floor) {
        let raft = replica.raft
        guard let record = floor.directory.group(replica.group) else { return }
        let isNew = isNew(record, floor)
        let index = isNew ? max(raft.configurationIndex, LogIndex(1)) : raft.configurationIndex
        guard index <= raft.commitIndex, index > record.membersIndex,
            told[replica.group] != index && (isNew || raft.configuration != record.members)
                || strays.contains(replica.group)
        else { return }
        told[replica.group] = index
        strays.remove(replica.group)
        floor.ways.agent.put(.members(of: replica.group, at: index, raft.configuration))
    }
}

extension Configuration {
    /// Whether just the wanted nodes vote, and no replica that is to vote still learns.
    fileprivate func hasVoters(of placing: Placing) -> Bool {
        func nodes(_ replicas: [ReplicaID]) -> [NodeID] { replicas.compactMap { member($0)?.node } }
        return !isJoint && nodes(voters).sorted() == placing.voters
            && nodes(learners).allSatisfy { !placing.voters.contains($0) }
    }
}
