internal import Consensus
internal import MailModel
internal import MailStore
internal import NIOConcurrencyHelpers
internal import PeerTransport
internal import StateStorage

/// Open snapshots that other nodes are pulling from any loop of this node; a bounded number, closed when nobody asks
/// any more. All of them share one rate.
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
        /// Whether all pieces are on their way: the snapshot stays only for the case that the last piece is lost, and
        /// gives way to others.
        var isAllSent = false
    }

    private let open = NIOLockedValueBox<[Key: Entry]>([:])
    private let pace: NIOLockedValueBox<SnapshotPace>
    /// The rate of the node's own settings.
    private let ownBytesPerSecond: Int

    init(_ settings: CoreSettings, _ nowMilliseconds: Int64) {
        ownBytesPerSecond = settings.snapshots.bytesPerSecond
        pace = NIOLockedValueBox(
            SnapshotPace(
                bytesPerSecond: settings.snapshots.bytesPerSecond,
                pieceBytes: settings.snapshots.pieceBytes,
                nowMilliseconds
            )
        )
    }

    /// What admins have said for all nodes counts instead of the node's own settings; 0: they have said nothing.
    func setRate(mebibytesPerSecond: UInt32) {
        let rate = mebibytesPerSecond == 0 ? ownBytesPerSecond : Int(mebibytesPerSecond) << 20
        pace.withLockedValue { $0.setRate(bytesPerSecond: rate) }
    }

    /// The rate in force; 0: without a limit.
    var bytesPerSecond: Int { pace.withLockedValue { $0.bytesPerSecond } }

    /// Whether a piece may be read now. If so, it is paid for.
    func admitPiece(_ nowMilliseconds: Int64) -> Bool { pace.withLockedValue { $0.admit(nowMilliseconds) } }

    /// A piece that was paid for weighed so much; nothing where it was refused after all.
    func notePiece(bytes: Int) { pace.withLockedValue { $0.notePiece(bytes: bytes) } }

    /// The snapshot of a transfer; a new one at its start. Nil when there is none (any more), or too many are open.
    func source(
        for pull: SnapshotPull,
        from node: NodeID,
        store: any StateStore,
        nowMilliseconds: Int64
    ) throws -> GroupSnapshotSource? {
        let key = Key(node: node, transfer: pull.transfer)
        closeIdle(nowMilliseconds)
        let existing = open.withLockedValue { open in
            open[key]?.usedMilliseconds = nowMilliseconds
            return open[key]?.source
        }
        if let existing { return existing }
        guard pull.after.isEmpty, let source = try GroupSnapshotSource(group: pull.group, store: store) else {
            return nil
        }
        let isAdmitted = open.withLockedValue { open in
            if open.count >= Self.maximumOpen {
                // By name where the times are equal: dictionaries have no order.
                let sent = open.filter(\.value.isAllSent).map { ($1.usedMilliseconds, $0.node, $0.transfer) }.min(by: <)
                guard let (_, node, transfer) = sent else { return false }
                open[Key(node: node, transfer: transfer)] = nil
            }
            open[key] = Entry(source: source, usedMilliseconds: nowMilliseconds)
            return true
        }
        return isAdmitted ? source : nil
    }

    /// Closes the snapshots that no node has pulled from for ``idleMilliseconds``: an open snapshot keeps its rows from
    /// being overwritten on disk.
    func closeIdle(_ nowMilliseconds: Int64) {
        open.withLockedValue { open in
            guard !open.isEmpty else { return }
            open = open.filter { nowMilliseconds - $0.value.usedMilliseconds < Self.idleMilliseconds }
        }
    }

    /// The last entry in the oldest snapshot of a group that a node pulls: the receiver goes on with the entries behind
    /// it. Nil where no node pulls one.
    func oldestIndex(of group: GroupID, nowMilliseconds: Int64) -> LogIndex? {
        open.withLockedValue { open in
            open.values.lazy
                .filter { $0.source.group == group }
                .filter { nowMilliseconds - $0.usedMilliseconds < Self.idleMilliseconds }
                .map(\.source.appliedIndex).min()
        }
    }

    func drop(_ pull: SnapshotPull, from node: NodeID) {
        open.withLockedValue { $0[Key(node: node, transfer: pull.transfer)] = nil }
    }

    func noteAllSent(_ pull: SnapshotPull, to node: NodeID) {
        open.withLockedValue { $0[Key(node: node, transfer: pull.transfer)]?.isAllSent = true }
    }

    /// Closes all snapshots of a group: nothing more is read from its rows.
    func dropAll(of group: GroupID) {
        open.withLockedValue { open in open = open.filter { $0.value.source.group != group } }
    }
}
