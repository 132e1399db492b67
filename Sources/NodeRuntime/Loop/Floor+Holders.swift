internal import Consensus
internal import MailModel
internal import ReplicaCore

/// Which other nodes may serve a group.
extension Floor {
    /// Whether there are other nodes that may serve a group. Every node has the directory.
    func isServedElsewhere(_ group: GroupID) -> Bool { group != .directory && !nodesToAsk(about: group).isEmpty }

    /// Whether a replica of the group is here that hears who leads: for about as long as an election takes, it may be
    /// without a leader. Behind that, others are asked.
    func hearsWhoLeads(_ group: HostedGroup) -> Bool {
        let patience = Int64(settings.replica.raft.electionTimeoutTicks) * settings.tickMilliseconds
        return group.hearsWhoLeads(nowMilliseconds, patienceMilliseconds: patience)
    }

    /// Whether clients' reads are answered by the replica here, now or when it has heard who leads.
    func mayServeReads(_ group: HostedGroup) -> Bool { group.servesReads && hearsWhoLeads(group) }

    /// The other nodes whose replicas vote, as far as the directory has heard: those of this node's data center first.
    /// Among equals, each node begins with another one. Where nobody is known to vote, whoever may know of the group.
    func holders(of group: GroupID) -> [NodeID] {
        let members = directory.group(group)?.members
        let voters = members.map { members in members.members.filter { members.isVoter($0.replica) }.map(\.node) } ?? []
        let others = voters.filter { $0 != node }
        let known = others.isEmpty ? nodesToAsk(about: group) : others
        let own = datacenter(of: node)
        return known.map { holder in
            let seed = node.rawValue << 40 ^ holder.rawValue << 20 ^ UInt64(group.rawValue)
            return (isFar: own == nil || datacenter(of: holder) != own, mix: SplitMix64.mix(seed), holder)
        }
        .sorted { ($0.isFar ? 1 : 0, $0.mix) < ($1.isFar ? 1 : 0, $1.mix) }
        .map(\.2)
    }

    private func datacenter(of node: NodeID) -> String? {
        directory.node(node)?.description.labels.first { $0.key == NodeDescription.datacenterKey }?.value
    }
}
