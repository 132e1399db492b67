internal import Consensus
internal import MailModel

/// What the directory is told of a cluster and its nodes.
struct DirectoryCosts {
    let rig: ApplyRig

    func run() throws {
        let none = AccountID(0)
        let version = ClusterVersion.first
        let founders = (1...1_000).map { Founder(node: NodeID(UInt64($0)), directory: 1) }
        try rig.measure("directory: the cluster is founded", 50) { _ in
            (none, .directory(.found(clusterID: 1, mailGroups: 16_384, version: version, founders: founders)))
        }
        let labels = (0..<100).map { Label(key: "label \($0)", value: "value") }
        try rig.measure("directory: a node with 100 labels registers", 1_000) { number in
            let node = NodeDescription(
                id: UInt64(number + 1),
                peerAddress: "10.0.0.1:1",
                labels: labels,
                versions: KnownVersions(version, ClusterVersion(rawValue: .max))
            )
            return (none, .directory(.registerNode(node, run: 1)))
        }
        try rig.settle()
        try rig.measure("directory: the version is raised, 1,000 nodes", 50) { number in
            (none, .directory(.raiseVersion(ClusterVersion(rawValue: version.rawValue + 1 + UInt8(number)))))
        }
    }
}
