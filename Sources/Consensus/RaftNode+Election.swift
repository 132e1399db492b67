extension RaftNode {
    // MARK: - The clock

    mutating func tick(into effects: inout Effects) {
        clock.now += 1
        switch role {
        case .leader:
            tickLeader(into: &effects)
        case .follower, .preCandidate, .candidate:
            clock.electionElapsed += 1
            clock.ticksSinceLeader += 1
            guard clock.electionElapsed >= clock.electionTimeout else { return }
            resetElectionTimer()
            if mayCampaign, configuration.member(id)?.priority != 0 {
                campaign(preVote: settings.preVote, into: &effects)
            } else if role == .follower {
                leader = nil
            }
        }
    }

    private mutating func tickLeader(into effects: inout Effects) {
        clock.electionElapsed += 1
        clock.heartbeatElapsed += 1
        tickTransfer(into: &effects)
        tickOffers()
        if clock.electionElapsed >= settings.electionTimeoutTicks {
            clock.electionElapsed = 0
            if settings.checkQuorum, !hearsQuorum() {
                becomeFollower(term: term, leader: nil, into: &effects)
                return
            }
        }
        if clock.heartbeatElapsed >= settings.heartbeatTicks { broadcastHeartbeat(into: &effects) }
    }

    /// Draws the next timeout from one to two election timeouts. Replicas of lower priority wait up to half a timeout
    /// longer, so that the favourites usually come first but anyone can replace them. The last leader is no
    /// favourite: when this timer fires, the last leader is gone, and waiting for it would take longer.
    mutating func resetElectionTimer() {
        clock.electionElapsed = 0
        let base = settings.electionTimeoutTicks
        let priority = takeOver.isDeclined ? 0 : configuration.member(id)?.priority ?? 0
        let handicap = configuration.handicapTicks(of: priority, without: lastLeader, timeout: base)
        clock.electionTimeout = base + handicap + clock.random.below(base)
    }

    // MARK: - Campaigning

    /// Only a voter may stand whose state machine has applied every committed configuration change, and which does not
    /// wait for a snapshot.
    var mayCampaign: Bool {
        persistent.isNeeded && pendingSnapshot == nil
            && !persistent.log.hasConfiguration(after: appliedIndex, upTo: commitIndex)
    }

    /// Whether vote requests are ignored because a leader is, or may still be, at work (Raft dissertation, section
    /// 4.2.3). With leases a restart does not end the promise, although the leader's name is forgotten.
    private var sticksToLeader: Bool {
        guard settings.checkQuorum else { return false }
        if role == .leader { return true }
        return clock.ticksSinceLeader < settings.electionTimeoutTicks && (leader != nil || settings.leaseTicks != nil)
    }

    mutating func campaignNow(into effects: inout Effects) {
        // A campaign is a vote for oneself, and a vote must not cut a lease short.
        if settings.leaseTicks != nil, sticksToLeader, !persistent.isQuorumAlone { return }
        guard role != .leader, mayCampaign else { return }
        campaign(preVote: settings.preVote, into: &effects)
    }

    mutating func campaign(preVote: Bool, into effects: inout Effects) {
        resetElectionTimer()
        leader = nil
        votes.removeAll()
        if preVote {
            role = .preCandidate
            takeOver.isUnderWay = false
            recordVote(of: id, granted: true, into: &effects)
            guard role == .preCandidate else { return }
            for voter in configuration.voters(besides: id) {
                let body = Message.Body.preVote(lastIndex: persistent.log.lastIndex, lastTerm: persistent.log.lastTerm)
                effects.append(.send(Message(from: id, to: voter, term: term.next, body: body)))
            }
        } else {
            role = .candidate
            persistent.enterTerm(term.next)
            persistent.giveVote(to: id)
            // The requests leave when the vote for oneself is durable: after a crash this replica must not campaign in
            // the same term again, with a log that has lost entries. The own vote counts from then on, too.
            for voter in configuration.voters(besides: id) {
                persistent.send(
                    .requestVote(
                        lastIndex: persistent.log.lastIndex,
                        lastTerm: persistent.log.lastTerm,
                        byTransfer: takeOver.isUnderWay
                    ),
                    to: voter,
                    into: &effects
                )
            }
            takeOver.isUnderWay = false
        }
    }

    mutating func countOwnVote(into effects: inout Effects) {
        guard persistent.isOwnVoteDurable else { return }
        recordVote(of: id, granted: true, into: &effects)
    }

    private mutating func recordVote(of replica: ReplicaID, granted: Bool, into effects: inout Effects) {
        guard !votes.contains(where: { $0.replica == replica }) else { return }
        votes.append((replica, granted))
        let result = configuration.quorum.voteResult { voter in votes.first { $0.replica == voter }?.granted }
        switch (result, role) {
        case (.won, .preCandidate): campaign(preVote: false, into: &effects)
        case (.won, .candidate): becomeLeader(into: &effects)
        case (.lost, .preCandidate), (.lost, .candidate): becomeFollower(term: term, leader: nil, into: &effects)
        case (.pending, _), (_, .follower), (_, .leader): break
        }
    }

    // MARK: - Votes

    mutating func handlePreVote(_ message: Message, lastIndex: LogIndex, lastTerm: Term, into effects: inout Effects) {
        if sticksToLeader { return }
        if message.term > term, persistent.log.isNoNewer(thanOneUpTo: lastIndex, lastTerm) {
            if Mutant.isOn(.preVoteKept) { persistent.giveVote(to: message.from) }
            // A pre-vote promises nothing: neither term nor vote change. The answer carries the term asked about.
            let body = Message.Body.preVoteResponse(granted: true)
            effects.append(.send(Message(from: id, to: message.from, term: message.term, body: body)))
            if role == .preCandidate, gives(wayTo: message.from) {
                becomeFollower(term: term, leader: nil, into: &effects)
            }
        } else {
            persistent.send(.preVoteResponse(granted: false), to: message.from, into: &effects)
        }
    }

    /// Whether this pre-candidate gives way to another one. Both would be granted pre-votes, and then split the votes:
    /// the group would be without a leader for another election timeout.
    private func gives(wayTo other: ReplicaID) -> Bool {
        let own = configuration.member(id)?.priority ?? 0
        let others = configuration.member(other)?.priority ?? 0
        return others == own ? other > id : others > own
    }

    mutating func handlePreVoteResponse(_ message: Message, granted: Bool, into effects: inout Effects) {
        if granted {
            guard role == .preCandidate, message.term == term.next else { return }
        } else if message.term > term {
            becomeFollower(term: message.term, leader: nil, into: &effects)
            return
        } else {
            guard role == .preCandidate, message.term == term else { return }
        }
        recordVote(of: message.from, granted: granted, into: &effects)
    }

    func ignores(_ message: Message, byTransfer: Bool) -> Bool {
        message.term > term && sticksToLeader && !byTransfer
    }

    /// RequestVote receiver (figure 2). Runs in the message's term.
    mutating func handleRequestVote(
        _ message: Message,
        lastIndex: LogIndex,
        lastTerm: Term,
        into effects: inout Effects
    ) {
        let isFree = vote == message.from || (vote == nil && leader == nil)
        let granted = isFree && persistent.log.isNoNewer(thanOneUpTo: lastIndex, lastTerm)
        if granted {
            persistent.giveVote(to: message.from)
            clock.electionElapsed = 0
        }
        persistent.send(.voteResponse(granted: granted), to: message.from, into: &effects)
    }

    mutating func handleVoteResponse(_ message: Message, granted: Bool, into effects: inout Effects) {
        if role == .leader, !granted { transferDeclined(by: message.from) }
        guard role == .candidate else { return }
        recordVote(of: message.from, granted: granted, into: &effects)
    }

    // MARK: - Roles

    mutating func becomeFollower(term newTerm: Term, leader newLeader: ReplicaID?, into effects: inout Effects) {
        precondition(newTerm >= term, "the term went back")
        if newTerm > term { persistent.enterTerm(newTerm) }
        if role == .leader { abandonLeadership(into: &effects) }
        leader = newLeader
        // A follower's election timer goes on: only a leader's message, or a vote that was given, starts it anew.
        if role != .follower { resetElectionTimer() }
        role = .follower
        votes.removeAll()
    }

    private mutating func becomeLeader(into effects: inout Effects) {
        role = .leader
        leader = id
        votes.removeAll()
        clock.electionElapsed = 0
        clock.heartbeatElapsed = 0
        uncommittedBytes = persistent.log.totalPayloadBytes(
            after: persistent.releasedIndex,
            upTo: persistent.log.lastIndex
        )
        peers = configuration.members.map(\.replica).filter { $0 != id }
            .map { Progress(replica: $0, nextIndex: persistent.log.lastIndex.next, isActive: false) }
        // Only this entry commits entries of earlier terms (section 5.4.2).
        appendToLog([EntryHeader(term: term, payloadBytes: 0, kind: .noop)], into: &effects)
    }

    private mutating func abandonLeadership(into effects: inout Effects) {
        reads.rejectAll(into: &effects)
        peers.removeAll()
        transfer = nil
        uncommittedBytes = 0
        // This replica may vote for another one at once: the lease that it gives up is its own.
        clock.ticksSinceLeader = settings.electionTimeoutTicks
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

    fileprivate func voters(besides own: ReplicaID) -> [ReplicaID] {
        members.map(\.replica).filter { $0 != own && isVoter($0) }
    }
}
