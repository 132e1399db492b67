internal import Authentication
internal import Consensus
internal import MailModel
internal import NIOConcurrencyHelpers
internal import PeerTransport

/// Lets nodes join: shows the directory what they have shown, and tells them what they have to know to begin.
final class NodeDoorkeeper: PeerDoorkeeper {
    private struct Desk {
        let mail: NodeService
        let cluster: String
    }

    /// Nil until the node has its service.
    private let desk = NIOLockedValueBox<Desk?>(nil)

    /// - Parameter cluster: the name of the cluster.
    func connect(_ mail: NodeService, cluster: String) {
        desk.withLockedValue { $0 = Desk(mail: mail, cluster: cluster) }
    }

    func isGone(_ node: NodeID) -> Bool {
        guard let desk = desk.withLockedValue({ $0 }) else { return false }
        return desk.mail.directory.now.node(node).map { !$0.state.isMember } ?? false
    }

    func receiveJoin(_ request: JoinRequest, _ reply: @escaping @Sendable (JoinReply) -> Void) {
        guard let desk = desk.withLockedValue({ $0 }), desk.mail.directory.now.index > .zero else {
            return reply(.unavailable)
        }
        let proof = JoinTokenProof(id: request.token, secretHash: SecretHash.sha256(request.secret))
        let command = MailCommand.directory(.admitNode(directory: request.directory, proof, request.node))
        let answer = Completion<MailOutcome>(on: nil) { result in reply(Self.reply(to: result, desk)) }
        desk.mail.submit(command, to: .directory, account: AccountID(0), answer)
    }

    private static func reply(to result: Result<MailOutcome, ServiceFailure>, _ desk: Desk) -> JoinReply {
        let directory = desk.mail.directory.now
        switch result {
        case .success(.nodeAdmitted(let node)):
            return .granted(
                JoinGrant(
                    node: node,
                    cluster: desk.cluster,
                    mailGroups: directory.founding.mailGroups,
                    founders: directory.founding.founders,
                    contacts: directory.contacts
                )
            )
        case .success(.refused(.tokenRefused)): return .tokenRefused
        case .success(.refused(.unsupportedVersion)): return .unsupportedVersion(directory.version)
        case .success(.refused(.noSuchNode)): return .gone
        case .success, .failure: return .unavailable
        }
    }
}

extension Directory {
    /// Nodes that can be asked for the directory. Those that vote on it come first: they know it best.
    var contacts: [JoinContact] {
        let voters = groups.first.map { Set($0.placing.voters) } ?? []
        let members = nodes.filter { $0.state.isMember && !$0.description.peerAddress.isEmpty }
        let sorted = members.filter { voters.contains($0.id) } + members.filter { !voters.contains($0.id) }
        return sorted.prefix(JoinContact.maximumCount).map {
            JoinContact(node: $0.id, address: $0.description.peerAddress)
        }
    }
}
