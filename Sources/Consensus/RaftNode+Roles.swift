extension RaftNode {
    // MARK: - Campaigning

    /// Only a voter may stand whose state machine has applied every committed configuration change, and which does not
    /// wait for a snapshot.
    var mayCampaign: Bool {
        persistent.isNeeded && !isInstalling
            && !persistent.log.hasConfiguration(after: appliedIndex, upTo: commitIndex)
    }

    mutating func campaignNow(into effects: inout Effects) {
        // A campaign is a vote for oneself, and a vote must not cut a lease short.
        if settings.leaseTicks != nil, election.sticksToLeader, !persistent.isQuorumAlone { return }
        guard role != .leader, mayCampaign else { return }
        election.campaign(preVote: settings.preVote, &persistent, into: &effects)
    }

    mutating func countVote(of voter: ReplicaID, isGranted: Bool, into effects: inout Effects) {
        let hasWon = election.countVote(of: voter, isGranted: isGranted, &persistent, into: &effects)
        if hasWon { beginLeadership(into: &effects) }
    }

    mutating func receiveVoteResponse(from sender: ReplicaID, isGranted: Bool, into effects: inout Effects) {
        switch role {
        case .follower, .preCandidate: break
        case .candidate: countVote(of: sender, isGranted: isGranted, into: &effects)
        case .leader:
            // The target does not want the leadership. A vote that it refused before this leader was elected looks the
            // same when it comes late: then the target campaigns all the same, which is no harm.
            guard !isGranted, transfer.target == sender else { return }
            replication.noteDeclined(by: sender, at: now)
            transfer.end()
        }
    }

    // MARK: - Roles

    mutating func becomeFollower(term newTerm: Term, into effects: inout Effects) {
        precondition(newTerm >= term, "the term went back")
        if newTerm > term { persistent.enterTerm(newTerm) }
        if role == .leader {
            reads.rejectAll(into: &effects)
            replication.end()
            transfer.end()
        }
        election.becomeFollower(as: id, in: configuration)
    }

    private mutating func beginLeadership(into effects: inout Effects) {
        replication.begin(persistent.log, releasedIndex: persistent.releasedIndex, own: id)
        // Only this entry commits entries of earlier terms (section 5.4.2).
        persistent.append([EntryHeader(term: term, payloadBytes: 0, kind: .noop)], into: &effects)
    }

    // MARK: - Taking over

    /// The leader wants to be replaced by this replica. One that declines answers as if it had been asked for its vote,
    /// and the leader can ask another one at once.
    mutating func takeOver(into effects: inout Effects) {
        guard role == .follower else { return }
        if election.declinesLeadership {
            if let leader { persistent.send(.voteResponse(granted: false), to: leader, into: &effects) }
        } else if mayCampaign {
            transfer.endTakeOver()
            election.campaign(preVote: false, byTransfer: true, &persistent, into: &effects)
        } else {
            transfer.awaitTakeOver(in: term)
        }
    }

    mutating func declineLeadership() {
        guard !election.declinesLeadership else { return }
        transfer.endTakeOver()
        election.declineLeadership(of: id, in: configuration)
    }

    // MARK: - Snapshots

    mutating func snapshotInstalled(_ point: SnapshotPoint, into effects: inout Effects) {
        guard installation.finish(at: point, leader: leader, &persistent, into: &effects) else { return }
        appliedIndex = point.index
        announced.noteInstalled(at: point.index)
        // A snapshot of a newer term ends the present one: the leader of the present term must not count this log.
        if point.term > term { becomeFollower(term: point.term, into: &effects) }
        if let leader { persistent.send(.appendAccepted(matchIndex: point.index), to: leader, into: &effects) }
    }
}
