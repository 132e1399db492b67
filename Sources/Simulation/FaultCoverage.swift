internal import Consensus
internal import NodeRuntime
internal import ReplicaCore

/// Which faults hit nodes in which roles: what the fault matrix is about.
public struct FaultCoverage: Sendable {
    /// What a node is to any of its groups. One that has several counts in each.
    public enum Role: Int, CaseIterable, Sendable {
        case leader, follower, learner
        /// The node serves a snapshot to another one, or gets one.
        case sender, receiver
    }

    private var hits: [[Int]] = Array(
        repeating: Array(repeating: 0, count: Role.allCases.count),
        count: FaultPlan.Fault.allCases.count
    )

    /// By kind of fault, in the order of ``Role/allCases``.
    public var table: [(name: String, hits: [Int])] {
        zip(FaultPlan.Fault.allCases, hits).map { ("\($0)", $1) }
    }

    mutating func add(_ kind: FaultPlan.Fault, _ roles: Set<Role>) {
        guard let row = FaultPlan.Fault.allCases.firstIndex(of: kind) else { return }
        for role in roles { hits[row][role.rawValue] += 1 }
    }

    mutating func merge(_ other: FaultCoverage) {
        for (row, numbers) in other.hits.enumerated() {
            for (column, number) in numbers.enumerated() { hits[row][column] += number }
        }
    }
}

extension World {
    func roles(of node: SimNode) -> Set<FaultCoverage.Role> {
        groups.reduce(into: []) { $0.formUnion(roles(of: node, in: $1)) }
    }

    func roles(of node: SimNode, in group: GroupID) -> Set<FaultCoverage.Role> {
        Set(FaultCoverage.Role.allCases.filter { has($0, node, in: group) })
    }

    /// Whether a node is in a role in a group; only what concerns this role is looked at.
    func has(_ role: FaultCoverage.Role, _ node: SimNode, in group: GroupID) -> Bool {
        guard let core = node.core else { return false }
        switch role {
        case .leader: return core.replica(group)?.isLeader == true
        case .follower, .learner:
            guard let replica = core.replica(group), !replica.isLeader else { return false }
            return replica.raft.configuration.voters.contains(replica.id) == (role == .follower)
        case .receiver: return core.loop(of: group).install(of: group) != nil
        case .sender: return nodes.contains { $0.core?.loop(of: group).install(of: group)?.from == node.id }
        }
    }
}
