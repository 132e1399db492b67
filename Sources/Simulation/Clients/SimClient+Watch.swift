internal import Consensus
internal import MailModel
internal import MailStore
internal import NodeRuntime

/// A client that idles is told of new mail by the node that it is connected to, wherever the mail came in.
extension SimClient {
    /// A watch of this client's account at one run of a node.
    struct Watching {
        let node: Int
        let incarnation: UInt64
        let account: AccountID
        let watch: any AccountWatch
        /// How far the node's state was when the client was told last.
        var toldIndex: UInt64 = 0
        /// The newest entry that the client must have been told of.
        var dueIndex: UInt64 = 0
    }

    /// Watches the account at the client's node, unless it does.
    func watch(_ account: AccountID) {
        let node = world.nodes[node]
        if let watching, watching.node == node.position, watching.incarnation == node.incarnation,
            watching.account == account
        {
            return
        }
        endWatch()
        guard let service = node.service else { return }
        let watch = service.watch(AccountReference(id: account, slot: address.slot)) { [unowned self, unowned node] in
            watching?.toldIndex = (try? node.reader.digest(group).index.rawValue) ?? 0
        }
        watching = Watching(node: node.position, incarnation: node.incarnation, account: account, watch: watch)
    }

    func endWatch() {
        watching?.watch.cancel()
        watching = nil
    }

    /// A message was put into the account by this entry.
    func noteMail(in account: AccountID, at index: UInt64) {
        guard let watching, watching.account == account else { return }
        self.watching?.dueIndex = max(watching.dueIndex, index)
    }

    /// What the client was not told of, when its node has applied everything.
    var untold: String? {
        guard let watching, world.nodes[watching.node].incarnation == watching.incarnation,
            watching.toldIndex < watching.dueIndex
        else { return nil }
        return "client \(number) at node \(watching.node + 1) was told at entry \(watching.toldIndex), "
            + "not of the message of entry \(watching.dueIndex)"
    }
}
