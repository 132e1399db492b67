internal import Consensus
internal import MailStore
internal import NIOCore
internal import PeerTransport
internal import ReplicaCore
internal import StateStorage

/// A piece of a snapshot that was read for another node.
package struct SnapshotPieceRead: Sendable {
    let chunk: SnapshotChunk
    let source: GroupSnapshotSource
    let pull: SnapshotPull
    let node: NodeID
}

/// Sends snapshots: piece by piece, as the receiver asks, and no faster than the rate allows.
struct SnapshotSendingRoom {
    private var waiting = WaitingPulls()

    /// Another node asks for a piece.
    mutating func receivePull(_ pull: SnapshotPull, from node: NodeID, _ floor: Floor) {
        if pull.after.isEmpty { learnCommitted(pull, floor) }
        guard servesSnapshots(of: pull.group, floor) else { return floor.send(refusal(of: pull), to: node) }
        guard floor.ways.snapshots.admitPiece(floor.nowMilliseconds) else { return waiting.add(pull, from: node) }
        read(pull, for: node, floor)
    }

    /// The node that asks has the entries behind that one, and can have no leader before it has a state: there may be
    /// nobody else to say that what this node has is committed, so that the next time it has what is asked for.
    private func learnCommitted(_ pull: SnapshotPull, _ floor: Floor) {
        guard let raft = floor.replica(pull.group)?.raft, raft.commitIndex < pull.atLeast,
            floor.standing(of: pull.group).takesPart
        else { return }
        floor.step(pull.group) { _ = $0.control(.committed(pull.atLeast, pull.term), floor.source, into: &$1) }
    }

    /// On every tick: what had to wait for the rate.
    mutating func tick(_ floor: Floor) {
        floor.ways.snapshots.closeIdle(floor.nowMilliseconds)
        while !waiting.isEmpty, floor.ways.snapshots.admitPiece(floor.nowMilliseconds) {
            guard let (pull, node) = waiting.next() else { return }
            read(pull, for: node, floor)
        }
    }

    private func servesSnapshots(of group: GroupID, _ floor: Floor) -> Bool {
        floor.groups[group]?.servesSnapshots == true
    }

    private func refusal(of pull: SnapshotPull) -> PeerMessage {
        .snapshotPiece(SnapshotPiece(group: pull.group, transfer: pull.transfer, point: nil, content: .refused))
    }

    /// Has a piece read that was paid for.
    private func read(_ pull: SnapshotPull, for node: NodeID, _ floor: Floor) {
        let refusal = refusal(of: pull)
        guard servesSnapshots(of: pull.group, floor) else {
            floor.ways.snapshots.notePiece(bytes: 0)
            return floor.send(refusal, to: node)
        }
        let maximumBytes = floor.settings.snapshots.pieceBytes
        let ways = floor.ways
        let now = floor.nowMilliseconds
        ways.background.run {
            do {
                let source = try ways.snapshots.source(for: pull, from: node, store: ways.state, nowMilliseconds: now)
                guard let source, source.appliedIndex >= pull.atLeast else {
                    ways.snapshots.notePiece(bytes: 0)
                    return ways.network.send([refusal], to: node)
                }
                let chunk = try source.chunk(after: pull.after, maximumBytes: maximumBytes)
                ways.inbox.put(
                    .snapshotPieceRead(SnapshotPieceRead(chunk: chunk, source: source, pull: pull, node: node))
                )
            } catch {
                if let error = error as? StateError, error.kind == .corruption { ways.failed(error) }
                ways.snapshots.notePiece(bytes: 0)
                ways.network.send([refusal], to: node)
            }
        }
    }

    /// A piece was read: it leaves, if the log here still holds what follows the snapshot.
    func finished(_ read: SnapshotPieceRead, _ floor: Floor) {
        let (pull, index) = (read.pull, read.source.appliedIndex)
        guard let hosted = floor.groups[pull.group], hosted.doubt == .none, let raft = hosted.replica?.raft,
            index >= raft.snapshot.index, index <= raft.lastIndex
        else {
            // The log has moved past the snapshot: the receiver could not follow from there.
            floor.ways.snapshots.drop(pull, from: read.node)
            floor.ways.snapshots.notePiece(bytes: 0)
            return floor.send(refusal(of: pull), to: read.node)
        }
        let point = SnapshotPoint(
            index: index,
            term: read.source.appliedTerm,
            configuration: raft.configuration(at: index)
        )
        floor.ways.snapshots.notePiece(bytes: read.chunk.rows.readableBytes)
        let content = SnapshotPiece.Content.rows(
            read.chunk.rows,
            checksum: read.chunk.checksum,
            lastKey: read.chunk.lastKey,
            isLast: read.chunk.isLast
        )
        let piece = SnapshotPiece(group: pull.group, transfer: pull.transfer, point: point, content: content)
        floor.send(.snapshotPiece(piece), to: read.node)
        if read.chunk.isLast { floor.ways.snapshots.noteAllSent(pull, to: read.node) }
    }
}
