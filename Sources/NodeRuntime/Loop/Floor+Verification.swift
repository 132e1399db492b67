internal import Consensus
internal import MailModel
internal import PeerTransport
internal import ReplicaCore

/// What both parts in a verification do.
extension Floor {
    /// Also to this node itself, by the same way.
    func sendVerification(_ message: VerificationMessage, of group: GroupID, to other: NodeID) {
        let message = PeerMessage.verification(group: group, message)
        if other == node { ways.inbox.put(.received([message], from: node, nil)) } else { send(message, to: other) }
    }

    /// - Parameter origin: nil where another node coordinated it.
    func noteVerification(
        of group: GroupID,
        at index: LogIndex,
        origin: VerificationID?,
        _ report: VerificationReport?
    ) {
        groups[group]?.verificationNote = VerificationNote(
            time: clock.now(),
            index: index,
            origin: origin,
            report: report
        )
    }
}
