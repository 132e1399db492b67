internal import Consensus
internal import PeerTransport
internal import ReplicaCore

/// Before a replica that comes from the disk hears or says anything in its group again, it asks every member that it
/// can reach what it has told them.
///
/// A disk may come back as it was some time ago, by a restored image or a controller that lied. Its log is in order and
/// says nothing of it; but the members whom the replica has promised more remember.
struct RecallRoom {
    /// What a replica waits for: the others' word on what it has told them.
    private struct Recall {
        /// The nodes that have not answered.
        var missing: [NodeID]
        let deadlineMilliseconds: Int64
        var nextMilliseconds: Int64
    }

    private static let askMilliseconds: Int64 = 100

    /// By group; each stands as ``Standing/recalling(hasState:)``.
    private var recalls: [GroupID: Recall] = [:]

    /// Whether every replica that this node came up with takes part, or was given up.
    var isOver: Bool { recalls.isEmpty }

    /// The nodes whose word a replica still waits for.
    func nodesAwaited(by group: GroupID) -> [NodeID] { recalls[group]?.missing ?? [] }

    /// Begins to ask the other members of a group what its replica here, which comes from the disk, has told them.
    mutating func begin(_ group: GroupID, _ floor: Floor) {
        guard let raft = floor.replica(group)?.raft else { return }
        let members = raft.configuration.members.map(\.node)
        let others = members.isEmpty ? floor.nodesToAsk(about: group) : members.filter { $0 != floor.node }
        guard !others.isEmpty, !Mutant.isOn(.recallSkipped) else { return end(group, floor) }
        recalls[group] = Recall(
            missing: others,
            deadlineMilliseconds: floor.nowMilliseconds + floor.settings.recallMilliseconds,
            nextMilliseconds: floor.nowMilliseconds
        )
    }

    /// On every tick: asks the nodes that have not answered, and stops waiting for those that cannot be reached.
    mutating func tick(_ floor: Floor) {
        let now = floor.nowMilliseconds
        for group in recalls.keys.sorted() {
            guard let recall = recalls[group] else { continue }
            guard case .recalling = floor.standing(of: group), let replica = floor.replica(group) else {
                // The replica was given up.
                recalls[group] = nil
                continue
            }
            if now >= recall.deadlineMilliseconds {
                end(group, floor)
            } else if now >= recall.nextMilliseconds {
                recalls[group]?.nextMilliseconds = now + Self.askMilliseconds
                let question = PeerMessage.recall(group: group, replica: replica.raft.id, run: floor.place.session)
                for peer in recall.missing { floor.send(question, to: peer) }
            }
        }
    }

    /// A replica on another node asks what it has told this one, whose own replica may be gone by now.
    func receiveQuestion(
        of asking: ReplicaID,
        inRun run: UInt64,
        about group: GroupID,
        from peer: NodeID,
        _ floor: Floor
    ) {
        let (testimony, witness) = floor.groups[group]?.testimony(of: asking) ?? (Testimony(), nil)
        floor.send(.testimony(group: group, replica: asking, run: run, testimony, witness: witness), to: peer)
    }

    /// - Parameters:
    ///   - asking: the replica that has asked.
    ///   - run: the run in which it did: what an earlier run of this node asked is answered by what was known then.
    ///   - witness: the replica that answers.
    mutating func receiveTestimony(
        _ testimony: Testimony,
        about asking: ReplicaID,
        inRun run: UInt64,
        of group: GroupID,
        by witness: ReplicaID?,
        from peer: NodeID,
        _ floor: Floor
    ) {
        guard run == floor.place.session, let raft = floor.replica(group)?.raft, raft.id == asking,
            recalls[group] != nil, case .recalling = floor.standing(of: group)
        else { return }
        let isForgotten = testimony.isForgotten(
            term: raft.term,
            vote: raft.vote,
            lastIndex: raft.lastIndex,
            termAt: { raft.term(at: $0) },
            voter: witness
        )
        if isForgotten {
            recalls[group] = nil
            return floor.giveUp(
                group,
                reason:
                    "Node \(peer.rawValue) remembers this replica in term \(testimony.term.rawValue) with entries up "
                    + "to \(testimony.index.rawValue); the disk has term \(raft.term.rawValue) and entries up to "
                    + "\(raft.lastIndex.rawValue): it is that of an earlier time."
            )
        }
        recalls[group]?.missing.removeAll { $0 == peer }
        if recalls[group]?.missing.isEmpty == true { end(group, floor) }
    }

    private mutating func end(_ group: GroupID, _ floor: Floor) {
        recalls[group] = nil
        guard case .recalling(let hasState) = floor.standing(of: group) else { return }
        floor.groups.stand(group, as: hasState ? .live : .rebuilding)
    }
}
