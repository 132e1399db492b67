internal import Consensus
internal import MailModel
internal import Placement

extension Directory {
    /// What a node has said of itself; nothing for one that is not known.
    func labels(of node: NodeID) -> Labels {
        Labels(self.node(node)?.description.labels.map { Label(key: $0.key, value: $0.value) } ?? [])
    }
}
