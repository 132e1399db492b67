internal import Consensus
internal import MailModel
internal import NodeRuntime

/// Machines that the cluster begins without, or that have lost everything, and that join it by tokens while everything
/// goes wrong.
///
/// They join one after the other, so that those that the cluster begins without get the numbers of their places.
///
/// `@unchecked Sendable`: a simulation has one thread.
final class Newcomers: @unchecked Sendable {
    private unowned let world: World
    private var random: SimRandom
    /// The places of those that are not let in yet, in order.
    private(set) var waiting: [Int] = []
    /// Of these, those that were something else before.
    var wiped: [SimNode] { waiting.map { world.nodes[$0] }.filter { $0.losses.isExcused } }
    /// Whether the next one tries the token of the one before first.
    private var triesUsedToken = true
    /// How often a machine was wiped to join, by its place: each time it gets another token.
    private var wipes: [Int: Int] = [:]
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

    /// A machine has lost everything, and is to come as a new one.
    func add(_ node: SimNode) {
        node.identity.isMember = false
        waiting.append(node.position)
        wipes[node.position, default: 0] += 1
        world.counts.replicas.wipedToJoin += 1
    }

    /// Has the next one ask to be let in, through some node. It may be heard, or not, and what it is answered may be
    /// lost: it asks again then.
    func letNextIn(through node: SimNode) {
        guard let position = waiting.first else { return }
        let newcomer = world.nodes[position]
        if triesUsedToken, position > 0, !world.nodes[position - 1].identity.isFounder {
            // A token lets in as many as it says: the model of the directory tells whether it did.
            triesUsedToken = false
            return ask(for: newcomer, with: token(of: position - 1), through: node)
        }
        let token = token(of: position)
        let end = Timestamp(milliseconds: .max / 2)
        world.tellDirectory(.addToken(JoinToken(id: token, secretHash: secret, expires: end, uses: 1)), through: node)
        ask(for: newcomer, with: token, through: node)
    }

    /// Whether a machine that waits was let in as this node, and has not heard so.
    func isExpected(_ node: NodeRecord) -> Bool { waiting.contains { world.nodes[$0].logID == node.directory } }

    private func token(of position: Int) -> JoinTokenID {
        JoinTokenID(rawValue: UInt64(100 + position + 16 * wipes[position, default: 0]))
    }

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
        guard let founding = world.checker.model(.directory).directory.founding,
            isFree(id, for: newcomer)
        else {
            return world.fail("numbers of nodes rise", "node \(newcomer.position + 1) was let in as \(id.rawValue)")
        }
        newcomer.becomeNode(id)
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

    /// Whether no other machine is or was the node, and the machine itself was it only before it was ever started.
    private func isFree(_ id: NodeID, for newcomer: SimNode) -> Bool {
        guard id != newcomer.id else { return newcomer.incarnation == 0 }
        return world.nodes.allSatisfy { $0.id != id && !$0.identity.formerIDs.contains(id) }
    }
}
