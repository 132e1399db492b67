internal import Consensus
internal import MailModel
internal import NodeRuntime

/// Machines that the cluster begins without, and that join it by tokens while everything goes wrong.
///
/// They join one after the other, so that each gets the number of its place.
///
/// `@unchecked Sendable`: a simulation has one thread.
final class Newcomers: @unchecked Sendable {
    private unowned let world: World
    private var random: SimRandom
    /// The places of those that are not let in yet, in order.
    private(set) var waiting: [Int] = []
    /// Whether the next one tries the token of the one before first.
    private var triesUsedToken = true
    private let secret = [UInt8](repeating: 9, count: JoinToken.hashBytes)

    /// The first three begin the cluster in any case.
    private static let founders = 3

    init(in world: World, isActive: Bool) {
        self.world = world
        random = SimRandom(seed: world.options.seed ^ 0x6e65_7763_6f6d)
        guard isActive, world.nodes.count > Self.founders, random.chance(perMillion: 500_000) else { return }
        let founders = Self.founders + random.below(world.nodes.count - Self.founders)
        waiting = Array(founders..<world.nodes.count)
        for position in waiting { world.nodes[position].identity.isMember = false }
    }

    /// Has the next one ask to be let in, through some node. It may be heard, or not, and what it is answered may be
    /// lost: it asks again then.
    func letNextIn(through node: SimNode) {
        guard let position = waiting.first else { return }
        let newcomer = world.nodes[position]
        if triesUsedToken, !world.nodes[position - 1].identity.isFounder {
            // A token lets in as many as it says: the model of the directory tells whether it did.
            triesUsedToken = false
            return ask(for: newcomer, with: token(of: position - 1), through: node)
        }
        let token = token(of: position)
        let end = Timestamp(milliseconds: .max / 2)
        world.tellDirectory(.addToken(JoinToken(id: token, secretHash: secret, expires: end, uses: 1)), through: node)
        ask(for: newcomer, with: token, through: node)
    }

    private func token(of position: Int) -> JoinTokenID { JoinTokenID(rawValue: UInt64(100 + position)) }

    private func ask(for newcomer: SimNode, with token: JoinTokenID, through node: SimNode) {
        let versions = KnownVersions(.first, newcomer.versions.newest)
        let labels = world.placement.admin.labels(of: newcomer.position)
        let description = NodeDescription(id: 0, peerAddress: "", labels: labels, versions: versions)
        world.tellDirectory(
            .admitNode(directory: newcomer.logID, JoinTokenProof(id: token, secretHash: secret), description),
            through: node
        ) { [unowned self] result in
            guard case .success(.nodeAdmitted(let id)) = result else { return }
            join(newcomer, as: id)
        }
    }

    private func join(_ newcomer: SimNode, as id: NodeID) {
        guard waiting.first == newcomer.position else { return }
        guard id == newcomer.id, let founding = world.checker.model(.directory).directory.founding else {
            return world.fail("numbers of nodes rise", "node \(newcomer.position + 1) was let in as \(id.rawValue)")
        }
        waiting.removeFirst()
        triesUsedToken = true
        world.counts.replicas.joins += 1
        newcomer.identity.save(
            NodeIdentity(
                directory: newcomer.logID,
                mailGroups: newcomer.identity.saved.mailGroups,
                founders: founding.founders,
                isComplete: true
            )
        )
        newcomer.identity.contacts = world.nodes.filter(\.identity.isMember).map(\.id)
        newcomer.identity.isMember = true
        world.schedule(.restart(node: newcomer.position), after: random.time(1_000...500_000))
    }
}
