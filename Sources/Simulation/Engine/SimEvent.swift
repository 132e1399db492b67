internal import Consensus
internal import NIOCore

/// One thing that happens in a simulation. Those of a node carry its incarnation: what was scheduled for a run of the
/// node that has ended does not happen.
enum SimEvent {
    case turn(node: Int, incarnation: UInt64, NodePart)
    /// The loop's next tick is due.
    case tick(node: Int, incarnation: UInt64)
    /// Work that may block, on the pool of a node.
    case work(node: Int, incarnation: UInt64, @Sendable () -> Void)
    case deliver(from: Int, to: Int, Parcel)
    /// The sender learns that a link lost something.
    case lost(at: Int, incarnation: UInt64, peer: NodeID)
    /// A node hears from another one that the cluster goes on without it.
    case refused(at: Int, incarnation: UInt64, by: Int)
    case crash(node: Int, incarnation: UInt64, restartAfter: ClosedRange<Int64>)
    /// A node that was told to stop ends: it has handed over what it led.
    case stop(node: Int, incarnation: UInt64)
    case restart(node: Int)
    case use(Workload.User)
    case fault
}

/// A part of a node that takes turns.
enum NodePart: Equatable {
    case agent, writer, installer
    case loop(Int)
    case applier(Int)

    static let maximumLoops = 3
    static let maximumAppliers = 2
    static let count = 3 + maximumLoops + maximumAppliers

    /// Below ``count``.
    var number: Int {
        switch self {
        case .agent: 0
        case .writer: 1
        case .loop(let lane): 2 + lane
        case .applier(let position): 2 + Self.maximumLoops + position
        case .installer: 2 + Self.maximumLoops + Self.maximumAppliers
        }
    }
}
