internal import Consensus
internal import IMAPGateway
internal import NodeRuntime
internal import PeerTransport

/// The network as one run of a node sees it.
///
/// `@unchecked Sendable`: a simulation has one thread.
final class SimEndpoint: PeerNetwork, @unchecked Sendable {
    private unowned let world: World
    private let node: Int
    /// What the IMAP sessions of this run share.
    let sharedRows = SharedRows()
    /// The machine is losing power: nothing leaves any more.
    var isMuted = false

    init(world: World, node: Int) {
        self.world = world
        self.node = node
    }

    /// Nodes that are not talked to any more.
    private var gone: Set<NodeID> = []

    /// In a simulation, everybody is reached by number.
    func reach(_ addresses: [NodeID: String], partingFrom gone: [NodeID]) {
        self.gone = world.options.mutant == .goneNodeLetIn ? [] : Set(gone)
    }

    func send(_ messages: [PeerMessage], to peer: NodeID) {
        guard !isMuted else { return }
        // Whom a token has let in may be nobody, and a machine that was wiped comes back as another node.
        guard !gone.contains(peer), let receiver = world.node(peer) else {
            let event = SimEvent.lost(at: node, incarnation: world.nodes[node].incarnation, peer: peer)
            return world.schedule(event, after: world.timing.between(5...200))
        }
        world.send(messages, from: node, to: receiver.position)
    }
}

/// Work that may block becomes an event of its own.
///
/// `@unchecked Sendable`: a simulation has one thread.
final class SimBlockingWork: BlockingWork, @unchecked Sendable {
    private unowned let world: World
    private let node: Int
    private let incarnation: UInt64

    init(world: World, node: Int, incarnation: UInt64) {
        self.world = world
        self.node = node
        self.incarnation = incarnation
    }

    func run(_ work: @escaping @Sendable () -> Void) {
        world.schedule(.work(node: node, incarnation: incarnation, work), after: world.timing.between(20...1_500))
    }
}
