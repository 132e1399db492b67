internal import Consensus
internal import Logging
internal import MailModel
internal import PeerTransport

extension Logger {
    /// What disks have done to bodies, for operators.
    func logBodies(_ event: BodyEvent) {
        switch event {
        case .repaired(let group, let account, let source):
            error(
                """
                group \(group.rawValue): the bytes of a message were spoiled on this disk (account \
                \(account.rawValue)); they came from node \(source.rawValue), and are put back. Look at the disk.
                """
            )
        case .notRepaired(let group, let account):
            error(
                """
                group \(group.rawValue): the bytes of a message are spoiled on this disk (account \
                \(account.rawValue)), and no other node gives them now
                """
            )
        }
    }

    /// What happens to the replicas of this node, for operators.
    func logMembership(_ event: MembershipEvent) {
        switch event {
        case .waiting(let nodes):
            let names = nodes.map { "\($0.rawValue)" }.joined(separator: ", ")
            notice("the cluster begins once all its nodes are there; waiting for: \(names)")
        case .founded(let founders):
            notice(
                "the cluster was begun by the nodes \(founders.map { "\($0.node.rawValue)" }.joined(separator: ", "))"
            )
        case .quarantined(let group, let reason):
            error(
                """
                group \(group.rawValue): the replica on this node is given up, does not vote any more, and is built \
                anew from the others: \(reason)
                """
            )
        case .begun(let group, let replica):
            notice("group \(group.rawValue): the new replica \(replica.rawValue) asks the leader to be taken in")
        case .admitted(let group, let replica):
            notice("group \(group.rawValue): the new replica \(replica.rawValue) has caught up and votes")
        case .learning(let group, let replica):
            notice("group \(group.rawValue): the new replica \(replica.rawValue) has been taken in, and learns")
        case .wanted(let group): notice("group \(group.rawValue): a replica is wanted on this node, and begins")
        case .leaving(let group):
            notice("group \(group.rawValue) goes on without the replica on this node, which is removed")
        case .removed(let group): notice("group \(group.rawValue): nothing of it is on this node any more")
        case .stopped(let group, let index, let reason):
            critical(
                """
                group \(group.rawValue) stands still on this node before entry \(index.rawValue), which this program \
                cannot apply: \(reason). Its log and state are kept. Its accounts are served by the other nodes, if \
                they can apply the entry; all other groups go on.
                """
            )
        case .contradicted(let group, let contradiction, let sender):
            critical(
                """
                group \(group.rawValue): a message from \(sender.map { "node \($0.rawValue)" } ?? "an unknown node") \
                cannot be: \(contradiction.rawValue). It was not listened to. Compare the replicas: staffettactl group \
                verify \(group.rawValue) --scrub
                """
            )
        case .unreadable(let group, let count, let reason):
            error(
                """
                group \(group.rawValue): \(count) reads have failed on this node since it started, the last one: \
                \(reason). The replicas are compared where the group is led; by hand: staffettactl group verify \
                \(group.rawValue) --scrub
                """
            )
        case .version(let version):
            notice("all nodes know version \(version.rawValue), and write it from now on")
        }
    }
}
