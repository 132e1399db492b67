internal import Consensus
internal import PeerTransport
internal import ReplicaCore

/// What a replica waits for after a start, before it takes part: the others' word on what it has told them.
struct Recall {
    /// The nodes that have not answered.
    var missing: [NodeID]
    let deadlineMilliseconds: Int64
    var nextMilliseconds: Int64
}

/// A disk may come back as it was some time ago, by a restored image or a controller that lied. Its log is in order and
/// says nothing of it; but those whom the replica has promised more remember. So before it hears or says anything in
/// its group again, a replica asks every member that it can reach what it has told them.
extension NodeLoop {
    private static let askMilliseconds: Int64 = 100

    /// Whether every replica that this node came up with takes part, or was given up.
    package var isSettled: Bool { hasBegun && recalls.isEmpty }

    /// Every replica that comes from the disk begins with this.
    func beginRecall(_ group: GroupID) {
        guard let raft = replica(group)?.raft else { return }
        let members = raft.configuration.members.map(\.node)
        let others = (members.isEmpty ? peers : members).filter { $0 != node }
        guard !others.isEmpty, !Mutant.isOn(.recallSkipped) else { return endRecall(group) }
        recalls[group] = Recall(
            missing: others,
            deadlineMilliseconds: nowMilliseconds + settings.recallMilliseconds,
            nextMilliseconds: nowMilliseconds
        )
    }

    /// On every tick: asks who has not answered, and stops waiting for whom it cannot reach.
    func tendRecalls() {
        for group in recalls.keys.sorted() {
            guard let recall = recalls[group], let replica = replica(group) else { continue }
            if nowMilliseconds >= recall.deadlineMilliseconds {
                endRecall(group)
            } else if nowMilliseconds >= recall.nextMilliseconds {
                recalls[group]?.nextMilliseconds = nowMilliseconds + Self.askMilliseconds
                let question = PeerMessage.recall(group: group, replica: replica.raft.id, run: session)
                for peer in recall.missing { send(question, to: peer) }
            }
        }
    }

    func takeRecall(_ group: GroupID, _ asking: ReplicaID, _ run: UInt64, from peer: NodeID) {
        let replica = replica(group)
        let testimony = replica?.testimony(of: asking) ?? Testimony()
        send(.testimony(group: group, replica: asking, run: run, testimony, witness: replica?.raft.id), to: peer)
    }

    func takeTestimony(
        _ group: GroupID,
        _ asking: ReplicaID,
        _ testimony: Testimony,
        _ witness: ReplicaID?,
        from peer: NodeID
    ) {
        guard let raft = replica(group)?.raft, raft.id == asking, recalls[group] != nil else { return }
        let isForgotten = testimony.isForgotten(
            term: raft.term,
            vote: raft.vote,
            lastIndex: raft.lastIndex,
            termAt: { raft.term(at: $0) },
            voter: witness
        )
        if isForgotten {
            return quarantine(
                group,
                reason:
                    "Node \(peer.rawValue) remembers this replica in term \(testimony.term.rawValue) with entries up "
                    + "to \(testimony.index.rawValue); the disk has term \(raft.term.rawValue) and entries up to "
                    + "\(raft.lastIndex.rawValue): it is that of an earlier time."
            )
        }
        recalls[group]?.missing.removeAll { $0 == peer }
        if recalls[group]?.missing.isEmpty == true { endRecall(group) }
    }

    private func endRecall(_ group: GroupID) {
        recalls[group] = nil
        guard case .recalling(let hasState) = standing(of: group) else { return }
        groups.stand(group, as: hasState ? .live : .rebuilding)
    }
}
