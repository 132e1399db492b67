package import Consensus
internal import MailModel
package import ReplicaCore

/// What one loop has of a group: the replica, how far it can be used, and who waits for it.
package final class HostedGroup {
    /// The ID of the group.
    package let id: GroupID
    /// Nil while there is none: see ``Standing``.
    package internal(set) var replica: Replica?
    /// How far the group can be used on this node; changed by ``HostedGroups/stand(_:as:)``.
    package fileprivate(set) var standing = Standing.absent
    /// Whether the group's rows on this node are known to be those that were written.
    package fileprivate(set) var doubt = Doubt.none
    /// The last replica that was here, and what it has heard of others: they may ask for it when it is gone.
    private(set) var former: (replica: ReplicaID, witnesses: Witnesses)?
    /// How the group's last verification ended, as far as this node was told.
    package internal(set) var verificationNote: VerificationNote?
    let calls = CallTable()
    let reads = ReadTable()
    /// The tick of the loop at which something other than the clock and heartbeats last reached the group.
    var touchedTick: UInt64 = 0
    /// Since when the replica here has known nobody that leads, as those who wanted a leader have seen it.
    private var leaderlessMilliseconds: Int64?
    /// What the group counts for in ``HostedGroups/tally``; nil without a replica.
    fileprivate var counted: GroupTally.Entry?

    init(_ id: GroupID) { self.id = id }

    /// The calls that wait for the group, what they hold in memory, in bytes, and how many were taken in since the
    /// oldest of them.
    package var waitingCalls: (count: Int, bytes: Int, span: Int) { (calls.count, calls.bytes, calls.span) }

    /// What of the group's calls is on its way to another node, in bytes, and how much that may be: the limit and one
    /// call, of whatever size.
    package var forwardedCallBytes: (used: Int, maximum: Int) {
        (calls.forwardedBytes, CallsRoom.maximumForwardedBytes + MailLimits.commandBytes)
    }

    /// Whether the group is served by others, or a replica with all its state is here, follows a leader or leads, is in
    /// no doubt, and votes, unless it is of the directory, which every node has.
    var isWell: Bool {
        if standing == .remote { return true }
        guard let replica, replica.leaderNode != nil, standing == .live, doubt == .none else { return false }
        let configuration = replica.raft.configuration
        return configuration.isVoter(replica.id) || id == .directory && configuration.learners.contains(replica.id)
    }

    /// Whether this replica leads, and there is a voter that is rather to lead.
    var isMisplaced: Bool {
        guard let replica, replica.isLeader else { return false }
        let configuration = replica.raft.configuration
        guard let own = configuration.member(replica.id) else { return false }
        return configuration.members.contains { $0.priority > own.priority && configuration.isVoter($0.replica) }
    }

    /// What the group counts for now.
    fileprivate var tallyEntry: GroupTally.Entry? {
        replica.map { replica in
            GroupTally.Entry(leader: replica.leaderNode, nodes: replica.raft.configuration.members.map(\.node))
        }
    }

    /// Whether clients' reads are answered by the replica here: one that does not vote may be far behind. Of the
    /// directory, others know no better.
    var servesReads: Bool {
        guard standing.servesReads, let raft = replica?.raft else { return false }
        return id == .directory || raft.configuration.isVoter(raft.id)
    }

    /// Whether a replica here belongs to the group, as far as it knows, and hears who leads: it knows a leader, or has
    /// been without one for less than `patienceMilliseconds` since this was first asked. A replica that was taken out
    /// of its group, by a leader that ended before it said so, hears of no leader any more.
    func hearsWhoLeads(_ nowMilliseconds: Int64, patienceMilliseconds: Int64) -> Bool {
        guard let replica, replica.raft.configuration.member(replica.id) != nil else { return false }
        guard replica.leaderNode == nil else {
            leaderlessMilliseconds = nil
            return true
        }
        let since = leaderlessMilliseconds ?? nowMilliseconds
        leaderlessMilliseconds = since
        return nowMilliseconds - since < patienceMilliseconds
    }

    /// What this node has heard a replica say, and who of the group has heard it. A replica that has just begun, or
    /// none, leaves it to the one before.
    func testimony(of asking: ReplicaID) -> (testimony: Testimony, witness: ReplicaID?) {
        let present = replica?.testimony(of: asking) ?? Testimony()
        guard present == Testimony(), let former else { return (present, replica?.id) }
        return (former.witnesses.testimony(of: asking), former.replica)
    }

    /// Lets go of the replica, but for what it has heard.
    fileprivate func removeReplica() {
        if let replica { former = (replica.id, replica.witnesses) }
        replica = nil
    }

    /// Whether the group's rows may be copied to another node.
    var servesSnapshots: Bool { standing.hasState && doubt == .none }
}

/// Whether a group's rows on this node are those that were written.
package enum Doubt: Hashable, Sendable {
    case none
    /// The rows differ from those of others, and nobody can say which are right.
    case suspected
    /// The rows are not those of the majority: the replica is to be given up.
    case condemned
}

/// The groups of one loop, in the order of their IDs: what is iterated over must come in the same order everywhere.
package struct HostedGroups {
    private var groups: [HostedGroup] = []
    /// The IDs of ``groups``. A search among numbers that lie side by side takes less than a look into a hash table.
    private var ids = GroupSet()
    /// The groups that need a snapshot and have asked nobody yet: nobody has to look at all groups to find them.
    private(set) var rebuilding = GroupSet()
    /// The groups with entries that the state may not keep durably yet: nobody has to look at all groups to find them.
    var unflushed = GroupSet()
    /// The groups that this node leads: nobody has to look at all groups to find them.
    private(set) var led = GroupSet()
    /// All groups that are not well (``HostedGroup/isWell``), and some that have become so.
    private var unwell = GroupSet()
    /// All groups that are led from here and should not be (``HostedGroup/isMisplaced``), and some that have come
    /// right.
    private var misplaced = GroupSet()
    /// What the replicas here say of each node: nobody has to look at all groups to tell.
    private(set) var tally = GroupTally()
    /// How many snapshots have taken the place of a state.
    private(set) var replacedStates: UInt64 = 0

    /// The group with an ID; nil where the loop has not heard of it.
    package subscript(_ id: GroupID) -> HostedGroup? { ids.index(of: id).map { groups[$0] } }

    /// Replicas, in the order of their groups, for callers that look at all of them.
    package var replicas: some Sequence<Replica> { groups.lazy.compactMap(\.replica) }

    /// The first replicas behind a group, in order.
    ///
    /// - Parameter group: nil for the beginning.
    func replicas(after group: GroupID?, limit: Int) -> [Replica] {
        let first = group.map { ids.firstIndex(above: $0) } ?? 0
        return Array(groups[first...].lazy.compactMap(\.replica).prefix(limit))
    }

    /// All groups, in order, for callers that look at all of them.
    var all: [HostedGroup] { groups }

    /// The groups that are not well, in order.
    mutating func takeStockOfUnwell() -> [HostedGroup] {
        var found: [HostedGroup] = []
        for id in unwell {
            guard let group = self[id], !group.isWell else {
                unwell.remove(id)
                continue
            }
            found.append(group)
        }
        return found
    }

    /// The groups that are led from here and should not be, in order.
    mutating func takeStockOfMisplaced() -> [HostedGroup] {
        var found: [HostedGroup] = []
        for id in misplaced {
            guard let group = self[id], group.isMisplaced else {
                misplaced.remove(id)
                continue
            }
            found.append(group)
        }
        return found
    }

    /// Role, leader or members of a replica have changed.
    mutating func noteChange(of id: GroupID) {
        guard let group = self[id] else { return }
        if group.replica?.isLeader == true { led.insert(id) } else { led.remove(id) }
        if !group.isWell { unwell.insert(id) }
        if group.isMisplaced { misplaced.insert(id) }
        let entry = group.tallyEntry
        guard entry != group.counted else { return }
        tally.replace(group.counted, with: entry)
        group.counted = entry
    }

    /// What of the sets does not fit the groups, for those who check: a group that should be found by them, and is not.
    package var unfound: GroupID? {
        groups.first { group in
            let isLeading = group.replica?.isLeader == true
            return led.contains(group.id) != isLeading || !group.isWell && !unwell.contains(group.id)
                || group.isMisplaced && !misplaced.contains(group.id) || group.counted != group.tallyEntry
        }?.id
    }

    /// The groups that have not begun here.
    var absent: [GroupID] { unwell.filter { standing(of: $0) == .absent } }

    /// Whether a snapshot is on its way to any of them.
    package var isInstalling: Bool { unwell.contains { standing(of: $0) == .installing } }

    /// Whether a replica was given up whose successor has not begun.
    package var areBeingReplaced: Bool { unwell.contains { standing(of: $0) == .replacing } }

    /// Notes whether the rows of a group are known to be those that were written.
    mutating func doubt(_ id: GroupID, as doubt: Doubt) {
        self[id]?.doubt = doubt
        noteChange(of: id)
    }

    /// How far a group can be used on this node; ``Standing/absent`` for one that the loop has not heard of.
    func standing(of id: GroupID) -> Standing { self[id]?.standing ?? .absent }

    /// Takes a replica in, whose entries the state may not keep durably yet.
    mutating func admit(_ replica: Replica, as standing: Standing) {
        insert(replica.group).replica = replica
        stand(replica.group, as: standing)
        unflushed.insert(replica.group)
    }

    /// Lets go of a group's replica, and of the doubt about its rows. Reads of the group that wait go on waiting.
    mutating func removeReplica(of id: GroupID, leaving standing: Standing) {
        let group = insert(id)
        group.reads.restart()
        group.removeReplica()
        group.doubt = .none
        led.remove(id)
        stand(id, as: standing)
    }

    /// Changes how far a group can be used on this node. A snapshot that has been installed counts in
    /// ``replacedStates``.
    mutating func stand(_ id: GroupID, as standing: Standing) {
        let group = insert(id)
        if group.standing == .installing, standing == .live { replacedStates += 1 }
        group.standing = standing
        noteChange(of: id)
        if case .rebuilding = standing { rebuilding.insert(id) } else { rebuilding.remove(id) }
    }

    /// The group, which is made when it is not there.
    @discardableResult
    mutating func insert(_ id: GroupID) -> HostedGroup {
        if let known = self[id] { return known }
        let new = HostedGroup(id)
        unwell.insert(id)
        ids.insert(id)
        groups.insert(new, at: ids.index(of: id) ?? groups.endIndex)
        return new
    }
}
