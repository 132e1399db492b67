import Consensus
import PeerTransport

/// Lets nobody join, and knows nobody who is gone.
final class NoDoorkeeper: PeerDoorkeeper {
    func receiveJoin(_ request: JoinRequest, _ reply: @escaping @Sendable (JoinReply) -> Void) { reply(.unavailable) }
    func isGone(_ node: NodeID) -> Bool { false }
}
