internal import Consensus
internal import LogStorage
internal import NodeRuntime
internal import StateStorage

/// One machine: what survives a crash (disk, state), and the node that runs on it now, if any.
///
/// `@unchecked Sendable`: a simulation has one thread.
final class SimNode: @unchecked Sendable {
    let position: Int
    let id: NodeID
    let disk = MemoryDisk()
    let state: SimStateStore
    let clock: SimClock
    let logID: UInt64

    /// Rises with every start.
    var incarnation: UInt64 = 0
    var core: NodeCore?
    var endpoint: SimEndpoint?
    /// Turns already on the queue.
    var isScheduled: [Bool] = [false, false, false]
    /// The process is stopped until then; its clock goes on.
    var pausedUntil: Int64 = 0
    var slowDiskUntil: Int64 = 0
    /// Set by the node when its log or state failed.
    var failure: String?
    /// Calls submitted by this run, by group: the sequence number that the next one gets is one higher.
    var submitted: [GroupID: UInt64] = [:]
    /// Groups that rest here although nobody leads them as they think, and since which of its ticks.
    var restsFalselySince: [GroupID: UInt64] = [:]
    /// Whether the next turn of the log writer ends in a crash, and how.
    var nextWrite = WriteFate.normal

    enum WriteFate {
        case normal
        /// Power is lost after the sync, before anything is sent.
        case crashAfterSync
        /// Power is lost between write and sync.
        case crashBeforeSync
    }

    init(_ position: Int, state: SimStateStore, clock: SimClock) {
        self.position = position
        id = NodeID(UInt64(position + 1))
        logID = 0x1000 + UInt64(position)
        self.state = state
        self.clock = clock
    }

    var isUp: Bool { core != nil }

    /// Names this run of the node for ever.
    var session: UInt64 { SimRandom.mix(UInt64(position + 1) << 32 | incarnation) | 1 }
}
