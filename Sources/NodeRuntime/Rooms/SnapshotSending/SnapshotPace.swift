internal import Consensus
internal import PeerTransport

/// How fast this node sends snapshots, to all others together: what serves clients shares disk and network with it.
///
/// A bucket that fills at the rate, up to a quarter of a second's worth. A piece may be read when there is anything in
/// it, and takes what pieces weigh at most; what it weighed less is given back.
struct SnapshotPace {
    /// More pulls than this do not wait: who asked asks again.
    static let maximumWaiting = 64

    /// 0: as fast as the receivers ask.
    private let bytesPerSecond: Int
    private let pieceBytes: Int
    private var bytes: Int
    private var filledMilliseconds: Int64
    /// In the order of their first asking; one for each group of each node.
    private var waiting: [(pull: SnapshotPull, node: NodeID)] = []

    init(bytesPerSecond: Int, pieceBytes: Int, _ nowMilliseconds: Int64) {
        self.bytesPerSecond = bytesPerSecond
        self.pieceBytes = pieceBytes
        bytes = bytesPerSecond / 4
        filledMilliseconds = nowMilliseconds
    }

    /// Whether a piece may be read now. If so, it is paid for.
    mutating func admit(_ nowMilliseconds: Int64) -> Bool {
        guard bytesPerSecond > 0 else { return true }
        fill(nowMilliseconds)
        guard bytes > 0 else { return false }
        bytes -= pieceBytes
        return true
    }

    private mutating func fill(_ nowMilliseconds: Int64) {
        // More than a second's worth never fits.
        let elapsed = Int(min(max(0, nowMilliseconds - filledMilliseconds), 1_000))
        let gained = bytesPerSecond * elapsed / 1_000
        guard gained > 0 else { return }
        bytes = min(bytes + gained, max(1, bytesPerSecond / 4))
        filledMilliseconds = nowMilliseconds
    }

    /// A piece that was paid for weighed so much.
    mutating func sent(_ count: Int) { if bytesPerSecond > 0 { bytes += pieceBytes - count } }

    mutating func postpone(_ pull: SnapshotPull, to node: NodeID) {
        if let known = waiting.firstIndex(where: { $0.node == node && $0.pull.group == pull.group }) {
            waiting[known].pull = pull
        } else if waiting.count < Self.maximumWaiting {
            waiting.append((pull, node))
        }
    }

    /// The pull that has waited longest, if a piece may be read for it now.
    mutating func next(_ nowMilliseconds: Int64) -> (pull: SnapshotPull, node: NodeID)? {
        guard !waiting.isEmpty, admit(nowMilliseconds) else { return nil }
        return waiting.removeFirst()
    }
}
