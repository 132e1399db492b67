public import Consensus
public import MailModel

/// One way in which a group does not obey its rule.
public enum Violation: Hashable, Sendable, CustomStringConvertible {
    case tooFewVoters(has: Int, wants: Int)
    case tooManyVoters(has: Int, wants: Int)
    case replicasShareNode(NodeID, replicas: [ReplicaID])
    /// One value of a spread key holds a majority of the voters, whether or not the nodes at hand allow better.
    case majorityOnValue(MajorityFinding)
    /// The nodes at hand allow that the largest value of the key holds fewer voters.
    case spreadWorseThanPossible(key: String, largest: Int, possible: Int)
    case constraintBroken(NodeID, Constraint)
    case canaryHoldsReplicas(Label, nodes: [NodeID])
    case canaryLeads(Label, NodeID)
    case replicaMustLeave(NodeID, Departure)
    case quarantinedReplica(ReplicaID, NodeID)
    case poorDiskLeads(NodeID, DiskCondition)
    /// The leader's node gives its replicas away.
    case leaderMustLeave(NodeID, Departure)
    /// A voter that may lead has a label that comes earlier among the preferences.
    case leaderAgainstPreference(leader: NodeID, preferred: NodeID, Label)

    /// Whether another leader cures it, without a replica being moved.
    public var isAboutLeader: Bool {
        switch self {
        case .canaryLeads, .poorDiskLeads, .leaderMustLeave, .leaderAgainstPreference: true
        case .tooFewVoters, .tooManyVoters, .replicasShareNode, .majorityOnValue, .spreadWorseThanPossible,
            .constraintBroken, .canaryHoldsReplicas, .replicaMustLeave, .quarantinedReplica:
            false
        }
    }

    public var description: String {
        switch self {
        case .tooFewVoters(let has, let wants): "The group has \(has) of \(wants) voters."
        case .tooManyVoters(let has, let wants): "The group has \(has) voters, more than \(wants)."
        case .replicasShareNode(let node, let replicas):
            "Node \(node.rawValue) holds \(replicas.count) replicas of the group."
        case .majorityOnValue(let finding): "The group would stop with one value of a label: \(finding)."
        case .spreadWorseThanPossible(let key, let largest, let possible):
            "One value of \(key) holds \(largest) voters, where \(possible) would do."
        case .constraintBroken(let node, let constraint):
            "Node \(node.rawValue) holds a replica against the constraint \(constraint)."
        case .canaryHoldsReplicas(let label, let nodes):
            "\(label) is on probation and holds \(nodes.count) replicas of the group."
        case .canaryLeads(let label, let node): "Node \(node.rawValue) leads, but \(label) is on probation."
        case .replicaMustLeave(let node, let departure):
            "Node \(node.rawValue) holds a replica, but \(departure)."
        case .quarantinedReplica(let replica, let node):
            "Replica \(replica.rawValue) on node \(node.rawValue) is in quarantine."
        case .poorDiskLeads(let node, let disk): "Node \(node.rawValue) leads, but its disk is \(disk)."
        case .leaderMustLeave(let node, let departure): "Node \(node.rawValue) leads, but \(departure)."
        case .leaderAgainstPreference(let leader, let preferred, let label):
            "Node \(leader.rawValue) leads, where node \(preferred.rawValue) with \(label) is preferred."
        }
    }
}
