internal import Consensus
internal import MailModel
internal import NIOCore
internal import StateStorage

/// The rows of group 0.
enum DirectoryRows {
    static var clusterKey: Key { Key(.directory, .directory).appending(UInt8(0)) }
    static var nodesPrefix: Key { Key(.directory, .directory).appending(UInt8(1)) }
    static func nodeKey(_ id: UInt64) -> Key { nodesPrefix.appending(id) }
    static var versionKey: Key { Key(.directory, .directory).appending(UInt8(2)) }

    static func clusterRow(_ clusterID: UInt64, _ mailGroups: UInt32) -> ByteBuffer {
        var row = newRow(capacity: 13)
        row.writeInteger(clusterID)
        row.writeInteger(mailGroups)
        return row
    }

    static func versionRow(_ version: ClusterVersion) -> ByteBuffer {
        var row = newRow(capacity: 2)
        row.writeInteger(version.rawValue)
        return row
    }

    static func version(in row: ByteBuffer) throws(DecodingError) -> ClusterVersion {
        var decoder = try WireDecoder(row: row, subject: "cluster version row")
        return ClusterVersion(rawValue: try decoder.integer())
    }

    static func nodes(in store: some StateReader) throws -> [NodeDescription] {
        var nodes: [NodeDescription] = []
        try store.scan(from: nodesPrefix.bytes, to: nodesPrefix.end) { _, value in
            nodes.append(try node(in: ByteBuffer(copying: value)).node)
            return true
        }
        return nodes
    }

    /// Whether there are nodes, and the programs of all know a version. Looks at nothing else in their rows.
    static func allNodes(in store: some StateReader, know version: ClusterVersion) throws -> Bool {
        var (isAny, isKnown) = (false, true)
        try store.scan(from: nodesPrefix.bytes, to: nodesPrefix.end) { _, row in
            // The versions stand before the run, which is the last.
            let end = row.count - 8
            guard row.count > 10, row[0] == rowVersion else {
                throw DecodingError(.truncated, offset: row.count, subject: "node row")
            }
            isAny = true
            isKnown = row[end - 2] <= version.rawValue && version.rawValue <= row[end - 1]
            return isKnown
        }
        return isAny && isKnown
    }

    /// A node, and the run in which it said so.
    static func node(in row: ByteBuffer) throws(DecodingError) -> (node: NodeDescription, run: UInt64) {
        var decoder = try WireDecoder(row: row, subject: "node row")
        let node = try decoder.nodeDescription()
        let run: UInt64 = try decoder.integer()
        try decoder.finish()
        return (node, run)
    }
}
