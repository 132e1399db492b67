internal import Consensus
package import MailModel
internal import MailStore
internal import NIOCore
internal import ReplicaCore

/// What a node writes in: every program in the cluster can read it.
package struct WrittenVersion {
    let known: KnownVersions
    /// As far as this node knows: the cluster may be further, since its state is older than its log after a start.
    package internal(set) var cluster: ClusterVersion

    /// Nil as long as the node knows of no version that it can write. What the directory is told never changes, so that
    /// everybody can say who they are.
    func toWrite(to group: GroupID) -> ClusterVersion? {
        if group == .directory { return .first }
        if Mutant.isOn(.versionUngated) { return known.newest }
        return cluster >= known.oldest ? cluster : nil
    }
}

extension Floor {
    /// Has a command proposed at the end of this turn, in one batch with all others of its group.
    func proposePayload(_ payload: ByteBuffer, to group: GroupID, for origin: ProposalBatch.Origin) {
        proposals[group, default: ProposalBatch()].add(payload, from: origin)
    }

    /// Proposes commands that nobody waits for.
    ///
    /// - Returns: whether the cluster's version is known, without which nothing is written.
    @discardableResult
    func proposeCommands(_ commands: [HousekeepingDue.Command], to group: GroupID) -> Bool {
        guard let version = version.toWrite(to: group) else { return false }
        for (account, command) in commands {
            let envelope = CommandEnvelope(
                request: RequestID(session: 0, sequence: 0),
                settledBelow: 0,
                timestamp: clock.now(),
                account: account,
                command: command
            )
            proposePayload(envelope.encoded(in: version), to: group, for: .housekeeping)
        }
        return true
    }

    /// The batches of this turn, in the order of their groups.
    func takeProposals() -> [(group: GroupID, batch: ProposalBatch)] {
        guard !proposals.isEmpty else { return [] }
        let batches = proposals.sorted { $0.key < $1.key }
        proposals.removeAll(keepingCapacity: true)
        return batches.map { ($0.key, $0.value) }
    }
}
