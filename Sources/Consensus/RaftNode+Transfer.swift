/// A leadership being handed over (Raft dissertation, section 3.10).
struct Transfer: Sendable {
    let target: ReplicaID
    var elapsedTicks = 0
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
        reads.leaseForfeited = true
        finishTransferIfCaughtUp(into: &effects)
    }

    mutating func finishTransferIfCaughtUp(into effects: inout Effects) {
        guard let transfer, let position = position(of: transfer.target) else { return }
        if peers[position].matchIndex == log.lastIndex { send(.timeoutNow, to: transfer.target, into: &effects) }
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
}
