package import Consensus
internal import PeerTransport
package import ReplicaCore

extension NodeLoop {
    var node: NodeID { floor.node }
    var session: UInt64 { floor.place.session }
    var peers: [NodeID] { floor.place.peers }
    var settings: CoreSettings { floor.settings }
    var inbox: Inbox<LoopInput> { floor.ways.inbox }
    var background: any BlockingWork { floor.ways.background }
    var failed: @Sendable (any Error) -> Void { floor.ways.failed }
    var nowMilliseconds: Int64 { floor.nowMilliseconds }
    package var isStopping: Bool { floor.isStopping }
    package func replica(_ group: GroupID) -> Replica? { floor.replica(group) }
    package func standing(of group: GroupID) -> Standing { floor.standing(of: group) }
    package var replicas: some Sequence<Replica> { floor.groups.replicas }
    package var groups: HostedGroups { floor.groups }
    func send(_ message: PeerMessage, to node: NodeID) { floor.send(message, to: node) }
    package var isSettled: Bool { hasBegun && rooms.recall.isOver }
    package func install(of group: GroupID) -> SnapshotInstall? { rooms.installing.install(of: group, floor) }
}

/// For simulations.
extension NodeLoop {
    package func handOverLeaderships(to target: NodeID) { rooms.leadership.handOver(to: target, floor) }
    package func balanceLeaderships(onlyToReturned: Bool) {
        rooms.leadership.balance(onlyToReturned: onlyToReturned, floor)
    }
    package func resign() -> Int { rooms.leadership.resign(floor) }
    package func propose(_ configuration: Configuration, in group: GroupID) {
        floor.propose(configuration, in: group)
    }
}
extension NodeLoop {
    package var isInstalling: Bool { floor.groups.isInstalling }
}
