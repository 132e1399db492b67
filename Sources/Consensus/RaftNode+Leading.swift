extension RaftNode {
    mutating func tickLeader(into effects: inout Effects) {
        let isCheckDue = election.tickLeader()
        if let target = transfer.target, transfer.tick(settings, isVoter: configuration.isVoter(target)) {
            finishTransferIfCaughtUp(into: &effects)
        }
        let areHeartbeatsDue = replication.tickHeartbeats(settings)
        if isCheckDue, settings.checkQuorum, !replication.hearsQuorum(id, quorum: configuration.quorum) {
            becomeFollower(term: term, into: &effects)
            return
        }
        guard areHeartbeatsDue else { return }
        replication.restartHeartbeatTimer()
        if reads.isGathering || settings.leaseTicks != nil { reads.beginRound(at: now) }
        replication.sendHeartbeats(of: &persistent, readRound: reads.round, into: &effects)
    }

    // MARK: - Replication

    mutating func propose(_ payloadBytes: [UInt32], into effects: inout Effects) {
        precondition(!payloadBytes.isEmpty, "an empty proposal")
        guard role == .leader else {
            effects.append(.rejected(.notLeader(leader: leader)))
            return
        }
        guard transfer.target == nil else {
            effects.append(.rejected(.transferring))
            return
        }
        let count = replication.propose(payloadBytes, &persistent, settings: settings, into: &effects)
        if count < payloadBytes.count { effects.append(.rejected(.tooManyUncommittedBytes)) }
    }

    mutating func replicate(into effects: inout Effects) {
        replication.sendEntries(of: &persistent, readRound: reads.round, settings: settings, into: &effects)
    }

    mutating func receiveAccepted(upTo matchIndex: LogIndex, from sender: ReplicaID, into effects: inout Effects) {
        guard role == .leader,
            replication.receiveAccepted(upTo: matchIndex, from: sender, lastIndex: lastIndex)
        else { return }
        advanceCommit(into: &effects)
        finishTransferIfCaughtUp(into: &effects)
    }

    mutating func receiveHeartbeatResponse(readRound: UInt64, from sender: ReplicaID, into effects: inout Effects) {
        guard role == .leader else { return }
        replication.receiveHeartbeatResponse(
            readRound: readRound,
            from: sender,
            &persistent,
            settings: settings,
            into: &effects
        )
        confirmReads(into: &effects)
    }

    mutating func unreachable(_ replica: ReplicaID) {
        guard role == .leader else { return }
        if transfer.target == replica { transfer.hasten(settings) }
        replication.noteUnreachable(replica)
    }

    mutating func advanceCommit(into effects: inout Effects) {
        if replication.advanceCommit(of: &persistent) { configurationCommitted(into: &effects) }
    }

    // MARK: - Configurations

    /// Appends a configuration (Raft dissertation, chapter 4). Every change of voters goes through the joint
    /// configuration of the current and the new voters, and the leader leaves it once it is committed. This one rule
    /// holds for all changes: changes of one voter (section 4.1) need no joint configuration, but more conditions.
    mutating func proposeConfiguration(_ proposed: Configuration, into effects: inout Effects) {
        if let rejection = rejection(of: proposed) {
            effects.append(.rejected(rejection))
            return
        }
        effects.append(.accepted(first: lastIndex.next, term: term, count: 1))
        appendConfiguration(
            configuration.hasSameVoters(as: proposed) ? proposed : configuration.joint(with: proposed),
            into: &effects
        )
    }

    private func rejection(of proposed: Configuration) -> Rejection? {
        guard role == .leader else { return .notLeader(leader: leader) }
        guard transfer.target == nil else { return .transferring }
        return persistent.rejection(of: proposed)
    }

    /// The leader takes up the configuration as soon as its log has it.
    private mutating func appendConfiguration(_ next: Configuration, into effects: inout Effects) {
        persistent.append([EntryHeader(term: term, payloadBytes: 0, kind: .configuration(next))], into: &effects)
        replication.reconfigure(next, lastIndex: lastIndex, own: id)
        if let target = transfer.target, !next.isVoter(target) { transfer.end() }
    }

    /// Once the configuration in force is committed, the leader leaves a joint configuration, and steps down if it has
    /// no vote (section 4.2.2).
    private mutating func configurationCommitted(into effects: inout Effects) {
        guard persistent.log.configurationIndex <= commitIndex else { return }
        if configuration.isJoint {
            appendConfiguration(configuration.leavingJoint, into: &effects)
            // Without the outgoing voters, the entries in the logs may be committed.
            advanceCommit(into: &effects)
        } else if !configuration.isVoter(id) {
            replicate(into: &effects)
            if let successor = replication.bestSuccessor(in: configuration, lastIndex: lastIndex) {
                persistent.send(.timeoutNow, to: successor, into: &effects)
            }
            becomeFollower(term: term, into: &effects)
        }
    }

    // MARK: - Reads

    mutating func read(id read: UInt64, into effects: inout Effects) {
        guard role == .leader, persistent.hasCommittedInTerm else {
            let rejection = role == .leader ? Rejection.leaderNotReady : .notLeader(leader: leader)
            effects.append(.readRejected(id: read, rejection))
            return
        }
        let isAlone = persistent.isQuorumAlone
        if reads.addRead(read, at: commitIndex, isQuorumAlone: isAlone, now: now, into: &effects) {
            startRound(into: &effects)
        }
    }

    private mutating func startRound(into effects: inout Effects) {
        reads.beginRound(at: now)
        replication.sendHeartbeats(of: &persistent, readRound: reads.round, into: &effects)
    }

    private mutating func confirmReads(into effects: inout Effects) {
        guard reads.awaitsAnswers else { return }
        let confirmed = replication.confirmedRound(reads.round, of: id, quorum: configuration.quorum)
        reads.confirm(upTo: confirmed, into: &effects)
        if reads.isRoundDue { startRound(into: &effects) }
    }

    // MARK: - Handing over

    mutating func transferLeadership(to target: ReplicaID, into effects: inout Effects) {
        guard role == .leader else {
            effects.append(.rejected(.notLeader(leader: leader)))
            return
        }
        guard target != id, configuration.isVoter(target) else {
            effects.append(.rejected(.notAVoter))
            return
        }
        guard transfer.target != target else { return }
        transfer.begin(to: target)
        // Voters vote for the target although they hear this leader, even if the target campaigns late.
        reads.forfeitLease()
        finishTransferIfCaughtUp(into: &effects)
    }

    private mutating func finishTransferIfCaughtUp(into effects: inout Effects) {
        guard let target = transfer.target, replication.hasCaughtUp(target, to: lastIndex) else { return }
        persistent.send(.timeoutNow, to: target, into: &effects)
    }
}
