internal import Consensus
internal import MailModel
internal import MailStore
internal import NIOConcurrencyHelpers
internal import NIOCore
internal import PeerTransport
internal import ReplicaCore

/// A snapshot on its way into this node's state.
package struct SnapshotInstall {
    let transfer: UInt64
    let from: NodeID
    /// At least this much the snapshot must cover.
    let atLeast: LogIndex
    /// What the sender said it covers, from its first piece on.
    var point: SnapshotPoint?
    /// The last key written; where the next piece starts.
    var after: [UInt8] = []
    var progressMilliseconds: Int64
    /// When to begin anew, after it failed.
    var retryMilliseconds: Int64?
    /// The state has it; the log is still to follow.
    var isLive = false
}

/// Receiving: the receiver pulls piece by piece, so it sets the pace, and any piece can be asked for again.
extension NodeLoop {
    func beginInstall(_ group: GroupID, _ point: SnapshotPoint, from: NodeID) {
        if let running = installs[group], running.from == from, running.atLeast >= point.index { return }
        startInstall(group, atLeast: point.index, from: from)
    }

    private func startInstall(_ group: GroupID, atLeast: LogIndex, from: NodeID) {
        let transfer = session &+ nextTransfer
        nextTransfer += 1
        installs[group] = SnapshotInstall(
            transfer: transfer,
            from: from,
            atLeast: atLeast,
            progressMilliseconds: nowMilliseconds
        )
        applier.put(.beginInstall(group))
        pull(group)
    }

    private func pull(_ group: GroupID) {
        guard let install = installs[group] else { return }
        let pull = SnapshotPull(
            group: group,
            transfer: install.transfer,
            atLeast: install.atLeast,
            after: install.after
        )
        send(.snapshotPull(pull), to: install.from)
    }

    func take(_ piece: SnapshotPiece) {
        guard var install = installs[piece.group], install.transfer == piece.transfer,
            install.retryMilliseconds == nil, !install.isLive
        else { return }
        switch piece.content {
        case .refused:
            failInstall(piece.group, piece.transfer)
        case .rows(let rows, let checksum, let lastKey, let isLast):
            // A piece that was asked for twice comes twice; only the one behind the last key counts.
            guard lastKey.lexicographicallyPrecedes(install.after) == false, lastKey != install.after || isLast else {
                return
            }
            if let point = piece.point { install.point = point }
            guard let point = install.point, point.index >= install.atLeast else {
                return failInstall(piece.group, piece.transfer)
            }
            install.progressMilliseconds = nowMilliseconds
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
        guard var install = installs[group], install.transfer == transfer, !install.isLive else { return }
        install.after = after
        install.progressMilliseconds = nowMilliseconds
        installs[group] = install
        pull(group)
    }

    /// Not at once: what refused us has to get on first.
    func failInstall(_ group: GroupID, _ transfer: UInt64) {
        guard let install = installs[group], install.transfer == transfer, !install.isLive else { return }
        installs[group]?.retryMilliseconds = nowMilliseconds + settings.resendMilliseconds
    }

    /// Without state there is no way back to what was: begins again, with whoever leads now.
    ///
    /// What the first offer named may be gone with who made it: all that is needed is what this log does not hold.
    private func restartInstall(_ group: GroupID, _ install: SnapshotInstall) {
        guard let replica = replica(group) else { return }
        let from = replica.leaderNode.flatMap { $0 == node ? nil : $0 } ?? install.from
        startInstall(group, atLeast: replica.raft.commitIndex, from: from)
    }

    /// The state is live; the log follows, and then Raft is told.
    func finishInstall(_ group: GroupID, _ transfer: UInt64, _ point: SnapshotPoint) {
        guard let install = installs[group], install.transfer == transfer else { return }
        installs[group]?.isLive = true
        let inbox = inbox
        writer.put(
            .setSnapshot(group, point) {
                inbox.put(.control { loop in loop.logFollowed(group, point, from: install.from) })
            }
        )
    }

    private func logFollowed(_ group: GroupID, _ point: SnapshotPoint, from sender: NodeID) {
        installs[group] = nil
        rebuilding.remove(group)
        // Its rows are those of another replica now.
        verification.suspects.remove(group)
        unflushed.insert(group)
        installObserver?(group, point, sender)
        withReplica(group) { $0.installed(point, source, into: &$1) }
    }

    /// On every tick: transfers that stand still start over, rebuilding replicas look for a leader to ask.
    func tendInstalls() {
        for group in installs.keys.sorted() {
            guard let install = installs[group], !install.isLive else { continue }
            if let retryMilliseconds = install.retryMilliseconds {
                if nowMilliseconds >= retryMilliseconds { restartInstall(group, install) }
                continue
            }
            guard nowMilliseconds - install.progressMilliseconds >= settings.snapshotStallMilliseconds else { continue }
            if install.point == nil || replica(group)?.leaderNode != install.from {
                restartInstall(group, install)
            } else {
                installs[group]?.progressMilliseconds = nowMilliseconds
                pull(group)
            }
        }
        for group in rebuilding.sorted() where installs[group] == nil {
            guard let replica = replica(group), let leader = replica.leaderNode, leader != node else { continue }
            startInstall(group, atLeast: replica.raft.commitIndex, from: leader)
        }
    }

    // MARK: Sending

    func serve(_ pull: SnapshotPull, to node: NodeID) {
        let refusal = PeerMessage.snapshotPiece(
            SnapshotPiece(group: pull.group, transfer: pull.transfer, point: nil, content: .refused)
        )
        guard replica(pull.group) != nil, !rebuilding.contains(pull.group), installs[pull.group] == nil,
            !verification.isInDoubt(pull.group)
        else {
            return send(refusal, to: node)
        }
        let maximumBytes = settings.snapshotPieceBytes
        let network = network
        let inbox = inbox
        let maintenance = maintenance
        let sources = sources
        let now = nowMilliseconds
        blocking.run {
            do {
                let source = try sources.source(for: pull, from: node, store: maintenance.store, nowMilliseconds: now)
                guard let source, source.appliedIndex >= pull.atLeast else {
                    return network.send([refusal], to: node)
                }
                let chunk = try source.chunk(after: pull.after, maximumBytes: maximumBytes)
                inbox.put(
                    .control { loop in loop.sendPiece(chunk, of: source, for: pull, to: node) }
                )
            } catch {
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
        if chunk.isLast { sources.drop(pull, from: node) }
    }
}

/// Open snapshots that other nodes are pulling; a bounded number, closed when nobody asks any more.
final class SnapshotSources: Sendable {
    static let maximumOpen = 8
    static let idleMilliseconds: Int64 = 30_000

    private struct Key: Hashable {
        let node: NodeID
        let transfer: UInt64
    }

    private struct Entry {
        let source: GroupSnapshotSource
        var usedMilliseconds: Int64
    }

    private let open = NIOLockedValueBox<[Key: Entry]>([:])

    /// The snapshot of a transfer; a new one at its start. Nil when there is none (any more), or too many are open.
    func source(
        for pull: SnapshotPull,
        from node: NodeID,
        store: any StateStoreForSnapshots,
        nowMilliseconds: Int64
    ) throws -> GroupSnapshotSource? {
        let key = Key(node: node, transfer: pull.transfer)
        let existing = open.withLockedValue { open in
            open = open.filter { nowMilliseconds - $0.value.usedMilliseconds < Self.idleMilliseconds }
            open[key]?.usedMilliseconds = nowMilliseconds
            return open[key]?.source
        }
        if let existing { return existing }
        guard pull.after.isEmpty, let source = try store.makeGroupSnapshot(pull.group) else { return nil }
        let isAdmitted = open.withLockedValue { open in
            guard open.count < Self.maximumOpen else { return false }
            open[key] = Entry(source: source, usedMilliseconds: nowMilliseconds)
            return true
        }
        return isAdmitted ? source : nil
    }

    func drop(_ pull: SnapshotPull, from node: NodeID) {
        open.withLockedValue { $0[Key(node: node, transfer: pull.transfer)] = nil }
    }

    /// Nothing more is read from what this node had of a group.
    func dropAll(of group: GroupID) {
        open.withLockedValue { open in open = open.filter { $0.value.source.group != group } }
    }
}
