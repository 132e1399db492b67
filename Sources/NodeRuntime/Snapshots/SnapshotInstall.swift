package import Consensus
internal import MailModel
internal import MailStore
internal import NIOCore
internal import PeerTransport
internal import ReplicaCore

/// A snapshot on its way into this node's state.
package struct SnapshotInstall {
    let transfer: UInt64
    package let from: NodeID
    /// At least this much the snapshot must cover.
    let atLeast: LogIndex
    /// The term of that entry.
    let term: Term
    /// What the sender said it covers, from its first piece on.
    var point: SnapshotPoint?
    /// The last key written; where the next piece starts.
    var after: [UInt8] = []
    /// The last key that came; what is behind `after` is being written.
    var taken: [UInt8] = []
    /// It came with the last piece: nothing more is asked for.
    var isComplete = false
    var progressMilliseconds: Int64
    /// How often the same piece was asked for again.
    var repeats = 0
    /// When to begin anew, after it failed.
    var retryMilliseconds: Int64?

    /// A sender that answers other things and sends no piece is not waited for any longer.
    static let maximumRepeats = 4
}

/// Receiving: the receiver pulls piece by piece, so it sets the pace, and any piece can be asked for again.
extension NodeLoop {
    func beginInstall(_ group: GroupID, _ point: SnapshotPoint, from: NodeID) {
        if let running = installs[group], running.from == from, running.atLeast >= point.index { return }
        startInstall(group, atLeast: point, from: from)
    }

    private func startInstall(_ group: GroupID, atLeast point: SnapshotPoint, from: NodeID) {
        let transfer = session &+ nextTransfer
        nextTransfer += 1
        installs[group] = SnapshotInstall(
            transfer: transfer,
            from: from,
            atLeast: point.index,
            term: point.term,
            progressMilliseconds: nowMilliseconds
        )
        groups.stand(group, as: .installing)
        applier.put(.beginInstall(group))
        pull(group)
    }

    private func pull(_ group: GroupID) {
        guard let install = installs[group] else { return }
        let pull = SnapshotPull(
            group: group,
            transfer: install.transfer,
            atLeast: install.atLeast,
            term: install.term,
            after: install.after
        )
        send(.snapshotPull(pull), to: install.from)
    }

    func take(_ piece: SnapshotPiece) {
        guard var install = installs[piece.group], install.transfer == piece.transfer,
            install.retryMilliseconds == nil
        else { return }
        // However long it takes to write what came.
        guard !install.isComplete else { return }
        switch piece.content {
        case .refused:
            failInstall(piece.group, piece.transfer)
        case .rows(let rows, let checksum, let lastKey, let isLast):
            // A piece that was asked for twice comes twice; only one behind all that have come counts.
            guard install.taken.lexicographicallyPrecedes(lastKey) || isLast && lastKey == install.taken else { return }
            if let point = piece.point { install.point = point }
            guard let point = install.point, point.index >= install.atLeast else {
                return failInstall(piece.group, piece.transfer)
            }
            install.progressMilliseconds = nowMilliseconds
            install.taken = lastKey
            install.isComplete = isLast
            installs[piece.group] = install
            let chunk = SnapshotChunk(rows: rows, lastKey: lastKey, isLast: isLast, checksum: checksum)
            applier.put(.addPiece(piece.group, transfer: piece.transfer, chunk))
            if isLast {
                var note = ByteBuffer()
                note.write(point)
                applier.put(
                    .finishInstall(
                        piece.group,
                        transfer: piece.transfer,
                        point,
                        note: Array(note.readableBytesView)
                    )
                )
            }
        }
    }

    func continueInstall(_ group: GroupID, _ transfer: UInt64, _ after: [UInt8]) {
        guard var install = installs[group], install.transfer == transfer else { return }
        install.after = after
        install.repeats = 0
        install.progressMilliseconds = nowMilliseconds
        installs[group] = install
        if !install.isComplete { pull(group) }
    }

    /// Not at once: what refused us has to get on first.
    func failInstall(_ group: GroupID, _ transfer: UInt64) {
        guard let install = installs[group], install.transfer == transfer else { return }
        installs[group]?.retryMilliseconds = nowMilliseconds + settings.resendMilliseconds
    }

    /// Without state there is no way back to what was: begins with whoever leads now, and goes on with each other
    /// member in turn. There may be no leader as long as this replica has no state: when its log is the longest. And
    /// what a leader has may be of no use: as long as two of three replicas have no usable state, no comparison tells
    /// who is wrong.
    ///
    /// What the first offer named may be gone with who made it: all that is needed is what this log does not hold.
    ///
    /// - Parameter former: whose snapshot did not come, or was not what it said.
    private func restartInstall(_ group: GroupID, after former: NodeID?) {
        guard let raft = replica(group)?.raft else { return }
        let members = raft.configuration.members.map(\.node).filter { $0 != node }.sorted()
        // A replica that begins with nothing does not know its group's members yet.
        let others = members.isEmpty ? peers.filter { $0 != node } : members
        let leader = replica(group)?.leaderNode.flatMap { $0 == node ? nil : $0 }
        let next = others.first { $0 > former ?? node } ?? others.first
        guard let from = (former == nil ? leader : nil) ?? next ?? former else { return }
        startInstall(group, atLeast: raft.snapshot, from: from)
    }

    /// The state is live, durably. The log follows: what Raft writes from here on is written behind that.
    ///
    /// A crash before the log's own record of it finds the note in the state, which says the same.
    func finishInstall(_ group: GroupID, _ transfer: UInt64, _ point: SnapshotPoint) {
        guard let install = installs[group], install.transfer == transfer else { return }
        installs[group] = nil
        finishedInstalls += 1
        groups.stand(group, as: .live)
        // Its rows are those of another replica now.
        verification.suspects.remove(group)
        unflushed.insert(group)
        floor.observers.installs?(group, point, install.from)
        writer.put(.setSnapshot(group, point))
        withReplica(group) { $0.installed(point, source, into: &$1) }
    }

    /// On every tick: transfers that stand still start over, rebuilding replicas look for somebody to ask.
    func tendInstalls() {
        for group in installs.keys.sorted() {
            guard let install = installs[group] else { continue }
            if let retryMilliseconds = install.retryMilliseconds {
                if nowMilliseconds >= retryMilliseconds {
                    restartInstall(group, after: install.from)
                }
                continue
            }
            guard !install.isComplete,
                nowMilliseconds - install.progressMilliseconds >= settings.snapshotStallMilliseconds
            else { continue }
            let isInVain = install.point == nil || install.repeats >= SnapshotInstall.maximumRepeats
            if isInVain || replica(group)?.leaderNode != install.from {
                restartInstall(group, after: install.from)
            } else {
                installs[group]?.repeats += 1
                installs[group]?.progressMilliseconds = nowMilliseconds
                pull(group)
            }
        }
        for group in groups.rebuilding { restartInstall(group, after: nil) }
    }
}
