internal import Consensus
internal import MailModel
internal import NIOCore
internal import StateStorage

/// What group 0 knows of the cluster and its nodes.
struct DirectoryCommands {
    let scope: CommandScope

    func carryOut(_ command: DirectoryCommand) throws -> MailOutcome {
        guard scope.group == .directory else { throw Refusal.notHere }
        switch command {
        case .found(let clusterID, let mailGroups, let version):
            let key = DirectoryRows.clusterKey
            guard try scope.lookUp(key) == nil else { return .done }
            scope.putLookedUp(key, row: DirectoryRows.clusterRow(clusterID, mailGroups), replacing: nil)
            let versionKey = DirectoryRows.versionKey
            let old = try scope.lookUp(versionKey)
            scope.putLookedUp(versionKey, row: DirectoryRows.versionRow(version), replacing: old)
        case .registerNode(let node, let run):
            guard let version = try clusterVersion() else { throw Refusal.notHere }
            guard node.versions.contains(version) else { throw Refusal.unsupportedVersion }
            let key = DirectoryRows.nodeKey(node.id)
            let old = try scope.lookUp(key)
            // A registration of an earlier run that was held up must not replace that of the present run.
            guard try old.map({ try DirectoryRows.node(in: $0).run < run }) ?? true else {
                throw Refusal.staleRegistration
            }
            var row = newRow()
            row.write(node)
            row.writeInteger(run)
            scope.putLookedUp(key, row: row, replacing: old)
        case .raiseVersion(let next): try raiseVersion(to: next)
        }
        return .done
    }

    private func clusterVersion() throws -> ClusterVersion? {
        try scope.lookUp(DirectoryRows.versionKey).map { try DirectoryRows.version(in: $0) }
    }

    private func raiseVersion(to next: ClusterVersion) throws {
        // The scan sees what is written only.
        try scope.commit()
        guard let version = try clusterVersion() else { throw Refusal.notHere }
        guard next > version else { return }
        guard next == version.next, try DirectoryRows.allNodes(in: scope.store, know: next) else {
            throw Refusal.unsupportedVersion
        }
        let key = DirectoryRows.versionKey
        scope.putLookedUp(key, row: DirectoryRows.versionRow(next), replacing: try scope.lookUp(key))
    }
}
