/// Who leads the present term, as far as this replica knows, and what it does to lead itself: its role, its election
/// timer and the votes that it gathers (Raft paper, section 5.2; pre-votes: dissertation, section 9.6).
@usableFromInline
struct Election: Sendable {
    // Of the settings, only what elections depend on: a replica is small, as a node has many of them.
    private let baseTimeoutTicks: Int
    private let checksQuorum: Bool
    private let grantsLeases: Bool

    /// What this replica is in the present term.
    @usableFromInline private(set) var role: RoleKind = .follower
    /// The leader of the present term, if known.
    @usableFromInline private(set) var leader: ReplicaID? {
        didSet { if let leader { lastLeader = leader } }
    }
    /// The last leader that was known, of any term.
    private var lastLeader: ReplicaID?
    /// The answers to this candidate; empty in other roles.
    private var votes: [(replica: ReplicaID, granted: Bool)] = []
    /// Whether this replica takes no leadership over: its node stops.
    private(set) var declinesLeadership = false

    // All in ticks.
    /// Since a follower's or candidate's timer was set, or since a leader last looked whether a quorum hears it.
    private(set) var elapsedTicks = 0
    /// When ``elapsedTicks`` has come this far, a follower campaigns: drawn anew with every timer.
    private var timeoutTicks = 0
    /// Since a leader was heard of, at most as long as that matters.
    private var ticksSinceLeader = 0
    /// Where election timeouts are drawn from.
    private var random: SplitMix64

    /// As in a follower that knows no leader. Its timer is to be set before the first tick.
    ///
    /// - Parameter seed: of the election timeouts.
    init(_ settings: RaftSettings, seed: UInt64) {
        baseTimeoutTicks = settings.electionTimeoutTicks
        checksQuorum = settings.checkQuorum
        grantsLeases = settings.leaseTicks != nil
        random = SplitMix64(seed: seed)
    }

    // MARK: - The timer

    /// Draws the next timeout from one to two election timeouts. Replicas of lower priority wait up to half a timeout
    /// longer, so that the favourites usually come first but anyone can replace them. The last leader is no
    /// favourite: when this timer fires, the last leader is gone, and waiting for it would take longer.
    mutating func resetTimer(of replica: ReplicaID, in configuration: Configuration) {
        elapsedTicks = 0
        let priority = declinesLeadership ? 0 : configuration.member(replica)?.priority ?? 0
        let handicap = configuration.handicapTicks(of: priority, without: lastLeader, timeout: baseTimeoutTicks)
        timeoutTicks = baseTimeoutTicks + handicap + random.below(baseTimeoutTicks)
    }

    /// One tick of a replica that does not lead passed.
    ///
    /// - Returns: whether the timer has run out.
    mutating func tickTimer() -> Bool {
        elapsedTicks += 1
        ticksSinceLeader += 1
        return elapsedTicks >= timeoutTicks
    }

    /// One tick of a leader passed.
    ///
    /// - Returns: whether it is time to look whether a quorum hears the leader.
    mutating func tickLeader() -> Bool {
        elapsedTicks += 1
        guard elapsedTicks >= baseTimeoutTicks else { return false }
        elapsedTicks = 0
        return true
    }

    /// From now on this replica takes no leadership over. It still campaigns where nobody else does, and later than the
    /// others.
    mutating func declineLeadership(of replica: ReplicaID, in configuration: Configuration) {
        declinesLeadership = true
        let elapsed = elapsedTicks
        resetTimer(of: replica, in: configuration)
        elapsedTicks = elapsed
    }

    // MARK: - Leaders

    /// The leader that this replica follows has sent something.
    mutating func hearLeader() {
        elapsedTicks = 0
        ticksSinceLeader = 0
    }

    /// Follows a replica that leads the present term, as none was known to do. The election timeout depends on who
    /// leads.
    mutating func follow(
        _ newLeader: ReplicaID,
        as replica: ReplicaID,
        in configuration: Configuration
    ) {
        precondition(role != .leader && leader == nil, "two leaders in one term, which was looked at before")
        leader = newLeader
        resetTimer(of: replica, in: configuration)
        role = .follower
        votes.removeAll()
        ticksSinceLeader = 0
    }

    /// Becomes a follower that knows no leader: in a newer term, or after a campaign or a leadership that came to
    /// nothing.
    mutating func becomeFollower(as replica: ReplicaID, in configuration: Configuration) {
        // This replica may vote for another one at once: the lease that it gives up is its own.
        if role == .leader { ticksSinceLeader = baseTimeoutTicks }
        leader = nil
        // A follower's election timer goes on: only a leader's message, or a vote that was given, starts it anew.
        if role != .follower { resetTimer(of: replica, in: configuration) }
        role = .follower
        votes.removeAll()
    }

    /// Takes the leader for gone, as nothing was heard of it for an election timeout.
    mutating func forgetLeader() { leader = nil }

    /// Whether `sender`, which says that it leads the present term, is not the replica that does.
    func isSecondLeader(_ sender: ReplicaID) -> Bool {
        switch role {
        case .leader: true
        case .preCandidate, .candidate: false
        case .follower: leader != nil && leader != sender
        }
    }

    /// Whether vote requests are ignored because a leader is, or may still be, at work (Raft dissertation, section
    /// 4.2.3). With leases a restart does not end the promise, although the leader's name is forgotten.
    var sticksToLeader: Bool {
        guard checksQuorum else { return false }
        if role == .leader { return true }
        return ticksSinceLeader < baseTimeoutTicks && (leader != nil || grantsLeases)
    }

    // MARK: - Campaigning

    /// Asks the voters for their votes, or first whether they would give them.
    ///
    /// - Parameter byTransfer: the leader wants to be replaced by this replica.
    mutating func campaign(
        preVote: Bool,
        byTransfer: Bool = false,
        _ persistent: inout PersistentState,
        into effects: inout Effects
    ) {
        let id = persistent.id
        resetTimer(of: id, in: persistent.log.configuration)
        leader = nil
        votes.removeAll()
        let (lastIndex, lastTerm) = (persistent.log.lastIndex, persistent.log.lastTerm)
        if preVote {
            role = .preCandidate
            _ = countVote(of: id, isGranted: true, &persistent, into: &effects)
            guard role == .preCandidate else { return }
            for voter in persistent.log.configuration.voters(besides: id) {
                let body = Message.Body.preVote(lastIndex: lastIndex, lastTerm: lastTerm)
                effects.append(.send(Message(from: id, to: voter, term: persistent.term.next, body: body)))
            }
        } else {
            role = .candidate
            persistent.enterTerm(persistent.term.next)
            persistent.giveVote(to: id)
            // The requests leave when the vote for oneself is durable: after a crash this replica must not campaign in
            // the same term again, with a log that has lost entries. The own vote counts from then on, too.
            let body = Message.Body.requestVote(lastIndex: lastIndex, lastTerm: lastTerm, byTransfer: byTransfer)
            for voter in persistent.log.configuration.voters(besides: id) {
                persistent.send(body, to: voter, into: &effects)
            }
        }
    }

    /// Counts a voter's first answer to this campaign. A pre-candidate that wins asks for the votes themselves.
    ///
    /// - Returns: whether this candidate has won, and leads from now on.
    mutating func countVote(
        of voter: ReplicaID,
        isGranted: Bool,
        _ persistent: inout PersistentState,
        into effects: inout Effects
    ) -> Bool {
        guard !votes.contains(where: { $0.replica == voter }) else { return false }
        votes.append((voter, isGranted))
        let quorum = persistent.log.configuration.quorum
        let result = quorum.voteResult { voter in votes.first { $0.replica == voter }?.granted }
        switch (result, role) {
        case (.won, .preCandidate):
            campaign(preVote: false, &persistent, into: &effects)
            return false
        case (.won, .candidate):
            role = .leader
            leader = persistent.id
            votes.removeAll()
            elapsedTicks = 0
            return true
        case (.lost, .preCandidate), (.lost, .candidate):
            becomeFollower(as: persistent.id, in: persistent.log.configuration)
            return false
        case (.pending, _), (_, .follower), (_, .leader): return false
        }
    }

    // MARK: - Votes

    /// Answers whether this replica would vote for the sender.
    mutating func receivePreVote(
        _ message: Message,
        lastIndex: LogIndex,
        lastTerm: Term,
        _ persistent: inout PersistentState,
        into effects: inout Effects
    ) {
        if sticksToLeader { return }
        guard message.term > persistent.term, persistent.log.isNoNewer(thanOneUpTo: lastIndex, lastTerm) else {
            persistent.send(.preVoteResponse(granted: false), to: message.from, into: &effects)
            return
        }
        if Mutant.isOn(.preVoteKept) { persistent.giveVote(to: message.from) }
        // A pre-vote promises nothing: neither term nor vote change. The answer carries the term asked about.
        let body = Message.Body.preVoteResponse(granted: true)
        effects.append(.send(Message(from: persistent.id, to: message.from, term: message.term, body: body)))
        let configuration = persistent.log.configuration
        if role == .preCandidate, configuration.prefers(message.from, to: persistent.id) {
            becomeFollower(as: persistent.id, in: configuration)
        }
    }

    /// Counts an answer to this pre-candidate; one of another campaign is dropped.
    mutating func receivePreVoteResponse(
        _ message: Message,
        isGranted: Bool,
        _ persistent: inout PersistentState,
        into effects: inout Effects
    ) {
        let expectedTerm = isGranted ? persistent.term.next : persistent.term
        guard role == .preCandidate, message.term == expectedTerm else { return }
        _ = countVote(of: message.from, isGranted: isGranted, &persistent, into: &effects)
    }

    /// RequestVote receiver (figure 2). Runs in the message's term.
    mutating func receiveRequestVote(
        from candidate: ReplicaID,
        lastIndex: LogIndex,
        lastTerm: Term,
        _ persistent: inout PersistentState,
        into effects: inout Effects
    ) {
        let isFree = persistent.vote == candidate || (persistent.vote == nil && leader == nil)
        let granted = isFree && persistent.log.isNoNewer(thanOneUpTo: lastIndex, lastTerm)
        if granted {
            persistent.giveVote(to: candidate)
            elapsedTicks = 0
        }
        persistent.send(.voteResponse(granted: granted), to: candidate, into: &effects)
    }

    // MARK: - Rest

    /// Whether this follower, woken now, would campaign at its next tick.
    ///
    /// - Parameters: as of the event `rested`.
    func isDue(ticks: Int, heard: [Heard]) -> Bool {
        restedTicks(elapsedTicks, ticks: ticks, heard: heard) + 1 >= timeoutTicks
    }

    /// Makes up for the ticks of a rest of a replica that does not lead.
    mutating func makeUpForRest(ticks: Int, heard: [Heard]) {
        elapsedTicks = restedTicks(elapsedTicks, ticks: ticks, heard: heard)
        ticksSinceLeader = restedTicks(ticksSinceLeader, ticks: ticks, heard: heard)
    }

    /// What a count of ticks comes to that starts anew when the leader is heard of.
    private func restedTicks(_ count: Int, ticks: Int, heard: [Heard]) -> Int {
        min(count + ticks, heard.first { $0.replica == leader }?.ticksAgo ?? .max)
    }

    /// Makes up for the ticks of a leader's rest, in which the check of the quorum would have come. Without a quorum
    /// the count goes on, so that no row of short rests puts the check off.
    mutating func makeUpForLeadersRest(ticks: Int, isHeardByQuorum: Bool) {
        elapsedTicks = isHeardByQuorum ? 0 : elapsedTicks + ticks
    }
}

extension HeaderLog {
    /// Whether a log that ends with that entry is at least as up-to-date as this one (Raft paper, section 5.4.1).
    fileprivate func isNoNewer(thanOneUpTo index: LogIndex, _ term: Term) -> Bool {
        term > lastTerm || (term == lastTerm && index >= lastIndex)
    }
}

extension Configuration {
    /// How many ticks longer a replica of that priority waits than the favourite, of all but the last leader: half an
    /// election timeout at most.
    fileprivate func handicapTicks(of priority: UInt8, without lastLeader: ReplicaID?, timeout: Int) -> Int {
        let highest = members.reduce(0) { $1.replica == lastLeader ? $0 : max($0, Int($1.priority)) }
        return highest > Int(priority) ? timeout * (highest - Int(priority)) / (2 * highest) : 0
    }

    /// Whether the pre-candidate `own` gives way to another one. Both would be granted pre-votes, and then split the
    /// votes: the group would be without a leader for another election timeout.
    fileprivate func prefers(_ other: ReplicaID, to own: ReplicaID) -> Bool {
        let priority = member(own)?.priority ?? 0
        let othersPriority = member(other)?.priority ?? 0
        return othersPriority == priority ? other > own : othersPriority > priority
    }

    fileprivate func voters(besides own: ReplicaID) -> [ReplicaID] {
        members.map(\.replica).filter { $0 != own && isVoter($0) }
    }
}
