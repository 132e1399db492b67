package import Consensus
internal import MailStore
internal import NIOCore
internal import PeerTransport
internal import ReplicaCore

/// Snapshots on their way to this node. The receiver pulls piece by piece: so the receiver sets the pace, and any piece
/// can be asked for again.
struct InstallingRoom {
    /// By group; each stands as ``Standing/installing``.
    private var installs: [GroupID: SnapshotInstall] = [:]
    private var nextTransfer: UInt64 = 1

    /// The install of a group that is under way.
    func install(of group: GroupID, _ floor: Floor) -> SnapshotInstall? {
        floor.standing(of: group) == .installing ? installs[group] : nil
    }

    mutating func finished(_ input: InstallingInput, _ floor: Floor) {
        switch input {
        case .live(let group, let transfer, let point): finishInstall(of: group, transfer: transfer, at: point, floor)
        case .failed(let group, let transfer): failInstall(of: group, transfer: transfer, floor)
        case .pieceWritten(let group, let transfer, let lastKey):
            pullNext(of: group, transfer: transfer, behind: lastKey, floor)
        case .refused(let group, let transfer, let reason):
            floor.observers.verification?(.snapshotRefused(group, reason))
            failInstall(of: group, transfer: transfer, floor)
        }
    }

    /// A leader has offered a snapshot at or past a point.
    mutating func begin(_ group: GroupID, atLeast point: SnapshotPoint, from sender: NodeID, _ floor: Floor) {
        guard floor.replica(group) != nil else { return }
        if let running = install(of: group, floor), running.from == sender, running.atLeast >= point.index { return }
        startInstall(of: group, atLeast: point, from: sender, floor)
    }

    private mutating func startInstall(
        of group: GroupID,
        atLeast point: SnapshotPoint,
        from sender: NodeID,
        _ floor: Floor
    ) {
        let transfer = floor.place.firstNumber &+ nextTransfer
        nextTransfer += 1
        installs[group] = SnapshotInstall(
            transfer: transfer,
            from: sender,
            atLeast: point.index,
            term: point.term,
            progressMilliseconds: floor.nowMilliseconds
        )
        floor.groups.stand(group, as: .installing)
        floor.apply(.beginInstall(group))
        pull(group, floor)
    }

    private func pull(_ group: GroupID, _ floor: Floor) {
        guard let install = installs[group] else { return }
        let pull = SnapshotPull(
            group: group,
            transfer: install.transfer,
            atLeast: install.atLeast,
            term: install.term,
            after: install.after
        )
        floor.send(.snapshotPull(pull), to: install.from)
    }

    mutating func receivePiece(_ piece: SnapshotPiece, _ floor: Floor) {
        guard var install = install(of: piece.group, floor), install.transfer == piece.transfer,
            install.retryMilliseconds == nil
        else { return }
        // However long it takes to write what came.
        guard !install.isComplete else { return }
        switch piece.content {
        case .refused:
            failInstall(of: piece.group, transfer: piece.transfer, floor)
        case .rows(let rows, let checksum, let lastKey, let isLast):
            // A piece that was asked for twice comes twice; only one behind all that have come counts.
            guard install.taken.lexicographicallyPrecedes(lastKey) || isLast && lastKey == install.taken else { return }
            if let point = piece.point { install.point = point }
            guard let point = install.point, point.index >= install.atLeast else {
                return failInstall(of: piece.group, transfer: piece.transfer, floor)
            }
            install.progressMilliseconds = floor.nowMilliseconds
            install.taken = lastKey
            install.isComplete = isLast
            installs[piece.group] = install
            let chunk = SnapshotChunk(rows: rows, lastKey: lastKey, isLast: isLast, checksum: checksum)
            floor.apply(.addPiece(piece.group, transfer: piece.transfer, chunk))
            if isLast {
                var note = ByteBuffer()
                note.write(point)
                floor.apply(
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

    private mutating func pullNext(
        of group: GroupID,
        transfer: UInt64,
        behind after: [UInt8],
        _ floor: Floor
    ) {
        guard var install = install(of: group, floor), install.transfer == transfer else { return }
        install.after = after
        install.repeats = 0
        install.progressMilliseconds = floor.nowMilliseconds
        installs[group] = install
        if !install.isComplete { pull(group, floor) }
    }

    /// Has an install begin again, but not at once: the node that refused the pull, or the installer that refused the
    /// rows, has to get on first.
    private mutating func failInstall(of group: GroupID, transfer: UInt64, _ floor: Floor) {
        guard let install = install(of: group, floor), install.transfer == transfer else { return }
        installs[group]?.retryMilliseconds = floor.nowMilliseconds + floor.settings.resendMilliseconds
    }

    /// Begins an install anew: from the node that leads now, and later from each other member in turn. The replica's
    /// own rows are gone, so the install has to go on. The group may have no leader as long as this replica has no
    /// state, when its log is the longest. And a leader's state may be of no use: as long as two of three replicas have
    /// no usable state, no comparison tells which one is wrong.
    ///
    /// The snapshot of the first offer may be gone with the node that offered it: what is asked for is all that this
    /// replica's log does not hold.
    ///
    /// - Parameter former: whose snapshot did not come, or was not what it said.
    private mutating func restartInstall(of group: GroupID, after former: NodeID?, _ floor: Floor) {
        guard let raft = floor.replica(group)?.raft else { return }
        let members = raft.configuration.members.map(\.node).filter { $0 != floor.node }.sorted()
        // A replica that begins with nothing does not know its group's members yet.
        let others = members.isEmpty ? floor.nodesToAsk(about: group) : members
        let leader = floor.replica(group)?.leaderNode.flatMap { $0 == floor.node ? nil : $0 }
        let next = others.first { $0 > former ?? floor.node } ?? others.first
        guard let from = (former == nil ? leader : nil) ?? next ?? former else { return }
        startInstall(of: group, atLeast: raft.snapshot, from: from, floor)
    }

    /// The snapshot is live in the state, durably. The log follows: what Raft writes from here on is written behind the
    /// record of the snapshot. Recovery after a crash before that record finds the note in the state, which says the
    /// same.
    private mutating func finishInstall(
        of group: GroupID,
        transfer: UInt64,
        at point: SnapshotPoint,
        _ floor: Floor
    ) {
        guard let install = install(of: group, floor), install.transfer == transfer else { return }
        installs[group] = nil
        floor.groups.stand(group, as: .live)
        // Its rows are those of another replica now.
        if floor.groups[group]?.doubt == .suspected { floor.groups.doubt(group, as: .none) }
        floor.groups.unflushed.insert(group)
        floor.observers.installs?(group, point, install.from)
        floor.write(.setSnapshot(group, point))
        floor.step(group) { $0.installed(point, floor.source, into: &$1) }
    }

    /// On every tick: transfers that stand still start over, and replicas without a state ask a node for a snapshot.
    mutating func tick(_ floor: Floor) {
        for group in installs.keys.sorted() { tendInstall(of: group, floor) }
        for group in floor.groups.rebuilding { restartInstall(of: group, after: nil, floor) }
    }

    private mutating func tendInstall(of group: GroupID, _ floor: Floor) {
        guard let install = install(of: group, floor) else {
            // The replica was given up.
            installs[group] = nil
            return
        }
        let now = floor.nowMilliseconds
        if let retryMilliseconds = install.retryMilliseconds {
            if now >= retryMilliseconds { restartInstall(of: group, after: install.from, floor) }
            return
        }
        guard !install.isComplete, now - install.progressMilliseconds >= floor.settings.snapshots.stallMilliseconds
        else {
            return
        }
        let isInVain = install.point == nil || install.repeats >= SnapshotInstall.maximumRepeats
        if isInVain || floor.replica(group)?.leaderNode != install.from {
            restartInstall(of: group, after: install.from, floor)
        } else {
            installs[group]?.repeats += 1
            installs[group]?.progressMilliseconds = now
            pull(group, floor)
        }
    }
}

/// What reaches ``InstallingRoom`` from the installer, and from the applier that takes the group back.
package enum InstallingInput: Sendable {
    /// The snapshot is live in the state of this node, durably.
    case live(GroupID, transfer: UInt64, SnapshotPoint)
    case failed(GroupID, transfer: UInt64)
    /// A piece was written; the next one starts behind the key.
    case pieceWritten(GroupID, transfer: UInt64, lastKey: [UInt8])
    /// The rows are not what the snapshot says of itself.
    case refused(GroupID, transfer: UInt64, reason: String)
}
