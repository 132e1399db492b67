internal import Consensus
internal import MailModel
internal import MailStore
internal import NIOCore
internal import PeerTransport
internal import ReplicaCore
internal import StateStorage

/// Sending: piece by piece, as the receiver asks, and no faster than the rate allows.
extension NodeLoop {
    func serve(_ pull: SnapshotPull, to node: NodeID) {
        if pull.after.isEmpty { learnCommitted(pull) }
        guard snapshotPace.admit(nowMilliseconds) else { return snapshotPace.postpone(pull, to: node) }
        read(pull, for: node)
    }

    /// Whoever asks has the entries behind that one, and can have no leader before it has a state: there may be nobody
    /// else to say that what this node has is committed, so that the next time it has what is asked for.
    private func learnCommitted(_ pull: SnapshotPull) {
        guard let raft = replica(pull.group)?.raft, raft.commitIndex < pull.atLeast, standing(of: pull.group).takesPart
        else {
            return
        }
        withReplica(pull.group) { _ = $0.control(.committed(pull.atLeast, pull.term), source, into: &$1) }
    }

    /// On every tick: what had to wait for the rate.
    func tendSnapshotPace() {
        sources.closeIdle(nowMilliseconds)
        while let (pull, node) = snapshotPace.next(nowMilliseconds) { read(pull, for: node) }
    }

    private func read(_ pull: SnapshotPull, for node: NodeID) {
        let refusal = PeerMessage.snapshotPiece(
            SnapshotPiece(group: pull.group, transfer: pull.transfer, point: nil, content: .refused)
        )
        guard standing(of: pull.group).hasState, !verification.isInDoubt(pull.group) else {
            return send(refusal, to: node)
        }
        let maximumBytes = settings.snapshotPieceBytes
        let network = network
        let inbox = inbox
        let store = maintenance.stateStore
        let sources = sources
        let now = nowMilliseconds
        let failed = failed
        background.run {
            do {
                let source = try sources.source(for: pull, from: node, store: store, nowMilliseconds: now)
                guard let source, source.appliedIndex >= pull.atLeast else {
                    return network.send([refusal], to: node)
                }
                let chunk = try source.chunk(after: pull.after, maximumBytes: maximumBytes)
                inbox.put(
                    .control { loop in loop.sendPiece(chunk, of: source, for: pull, to: node) }
                )
            } catch {
                if let error = error as? StateError, error.kind == .corruption { failed(error) }
                network.send([refusal], to: node)
            }
        }
    }

    private func sendPiece(
        _ chunk: SnapshotChunk,
        of source: GroupSnapshotSource,
        for pull: SnapshotPull,
        to node: NodeID
    ) {
        guard let raft = replica(pull.group)?.raft, !verification.isInDoubt(pull.group),
            source.appliedIndex >= raft.snapshot.index, source.appliedIndex <= raft.lastIndex
        else {
            // The log has moved past the snapshot: the receiver could not follow from there.
            sources.drop(pull, from: node)
            return send(
                .snapshotPiece(
                    SnapshotPiece(group: pull.group, transfer: pull.transfer, point: nil, content: .refused)
                ),
                to: node
            )
        }
        let point = SnapshotPoint(
            index: source.appliedIndex,
            term: source.appliedTerm,
            configuration: raft.configuration(at: source.appliedIndex)
        )
        snapshotPace.sent(chunk.rows.readableBytes)
        let content = SnapshotPiece.Content.rows(
            chunk.rows,
            checksum: chunk.checksum,
            lastKey: chunk.lastKey,
            isLast: chunk.isLast
        )
        send(
            .snapshotPiece(
                SnapshotPiece(group: pull.group, transfer: pull.transfer, point: point, content: content)
            ),
            to: node
        )
        if chunk.isLast { sources.noteAllSent(pull, to: node) }
    }
}
