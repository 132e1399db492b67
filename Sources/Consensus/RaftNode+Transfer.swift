/// A leadership being handed over (Raft dissertation, section 3.10).
struct Transfer: Sendable {
    let target: ReplicaID
    var elapsedTicks = 0

    /// The target may be gone, and the leader does not wait for long: a target that was told before has campaigned when
    /// a heartbeat interval has passed. Until then nothing new is proposed, which the target would lack.
    mutating func hasten(_ settings: RaftSettings) {
        elapsedTicks = max(elapsedTicks, settings.electionTimeoutTicks - settings.heartbeatTicks)
    }
}

/// What a replica makes of a leadership that its leader hands to it.
struct TakeOver: Sendable {
    /// The replica campaigns because its leader told it to.
    var isUnderWay = false
    /// The term whose leader wants to be replaced by this replica, which still has a configuration to apply first.
    var term: Term?
    /// The replica takes no leadership over: its node stops.
    var isDeclined = false
}

extension RaftNode {
    mutating func transferLeadership(to target: ReplicaID, into effects: inout Effects) {
        guard role == .leader else {
            effects.append(.rejected(.notLeader(leader: leader)))
            return
        }
        guard target != id, configuration.isVoter(target) else {
            effects.append(.rejected(.notAVoter))
            return
        }
        guard transfer?.target != target else { return }
        transfer = Transfer(target: target)
        // Voters vote for the target although they hear this leader, even if the target campaigns late.
        reads.forfeitLease()
        finishTransferIfCaughtUp(into: &effects)
    }

    /// The target does not want the leadership. A vote that it refused before this leader was elected looks the same
    /// when it comes late: then the target campaigns all the same, which is no harm.
    mutating func transferDeclined(by replica: ReplicaID) {
        guard transfer?.target == replica, let position = position(of: replica) else { return }
        peers[position].declinedAt = clock.now
        transfer = nil
    }

    mutating func finishTransferIfCaughtUp(into effects: inout Effects) {
        guard let transfer, let position = position(of: transfer.target) else { return }
        if peers[position].matchIndex == persistent.log.lastIndex {
            persistent.send(.timeoutNow, to: transfer.target, into: &effects)
        }
    }

    /// Gives the transfer up after an election timeout. Until then `timeoutNow` is repeated: it may have been lost.
    mutating func tickTransfer(into effects: inout Effects) {
        guard var current = transfer else { return }
        current.elapsedTicks += 1
        guard current.elapsedTicks < settings.electionTimeoutTicks, configuration.isVoter(current.target) else {
            transfer = nil
            return
        }
        transfer = current
        if current.elapsedTicks % settings.heartbeatTicks == 0 { finishTransferIfCaughtUp(into: &effects) }
    }

    // MARK: - The target

    /// The leader wants to be replaced by this replica. One that declines answers as if it had been asked for its vote,
    /// and the leader can ask another one at once.
    mutating func timeoutNow(into effects: inout Effects) {
        guard role == .follower else { return }
        if takeOver.isDeclined {
            if let leader { persistent.send(.voteResponse(granted: false), to: leader, into: &effects) }
            return
        }
        takeOver.term = mayCampaign ? nil : term
        guard mayCampaign else { return }
        takeOver.isUnderWay = true
        campaign(preVote: false, into: &effects)
    }

    /// From now on this replica takes no leadership over. It still campaigns where nobody else does, and later than the
    /// others.
    mutating func declineLeadership() {
        guard !takeOver.isDeclined else { return }
        takeOver = TakeOver(isDeclined: true)
        let elapsed = clock.electionElapsed
        resetElectionTimer()
        clock.electionElapsed = elapsed
    }
}
