public import Consensus
public import NIOCore

/// How the disk of a node is. The raw values are those of the wire.
public enum DiskCondition: UInt8, Hashable, Sendable {
    case well = 0
    /// It answers slowly, or not at all.
    case slow = 1
    /// The node has less room than it keeps in reserve: it takes no mail in.
    case full = 2
}

/// A group that a node has a replica of, as the node tells those that plan.
public struct HeldGroup: Hashable, Sendable {
    /// The group.
    public let group: GroupID
    /// Whether the node's replica leads.
    public let isLeader: Bool
    /// How many accounts the group has, when they were counted last.
    public let accounts: UInt32
    /// How many bytes of mail they have.
    public let bytes: UInt64

    public init(group: GroupID, isLeader: Bool, accounts: UInt32, bytes: UInt64) {
        self.group = group
        self.isLeader = isLeader
        self.accounts = accounts
        self.bytes = bytes
    }
}

/// What a node says of itself to those that plan where replicas are to be. It says so only when it is asked, so an
/// answer also shows that the node is alive.
public struct NodeReport: Hashable, Sendable {
    /// How far the node knows the directory.
    public let directoryIndex: LogIndex
    /// What the file system of its data directory has room for in all; 0 where that cannot be told.
    public let capacityBytes: UInt64
    /// How much of it is free.
    public let freeBytes: UInt64
    /// How its disk is.
    public let disk: DiskCondition
    /// The groups that it has a replica of, in order; at most ``maximumGroups``.
    public let groups: [HeldGroup]

    public init(
        directoryIndex: LogIndex,
        capacityBytes: UInt64,
        freeBytes: UInt64,
        disk: DiskCondition,
        groups: [HeldGroup]
    ) {
        self.directoryIndex = directoryIndex
        self.capacityBytes = capacityBytes
        self.freeBytes = freeBytes
        self.disk = disk
        self.groups = groups
    }

    /// How many groups one report names: 0.7 MB of them.
    public static let maximumGroups = 40_000
}

extension ByteBuffer {
    /// Appends directory index, capacity and free bytes (64 bits each), the condition of the disk (8 bits), and the
    /// groups behind their count: group 32, whether it is led 8, accounts 32, bytes 64.
    public mutating func write(_ report: NodeReport) {
        writeInteger(report.directoryIndex.rawValue)
        writeInteger(report.capacityBytes)
        writeInteger(report.freeBytes)
        writeInteger(report.disk.rawValue)
        writeCount(report.groups.count)
        for held in report.groups {
            writeInteger(held.group.rawValue)
            writeBool(held.isLeader)
            writeInteger(held.accounts)
            writeInteger(held.bytes)
        }
    }
}

extension WireDecoder {
    /// Reads what a node says of itself.
    ///
    /// - Throws: ``DecodingError``, also for more groups than ``NodeReport/maximumGroups``.
    public mutating func nodeReport() throws(DecodingError) -> NodeReport {
        let index = try logIndex()
        let capacity: UInt64 = try integer()
        let free: UInt64 = try integer()
        let condition: UInt8 = try integer()
        guard let disk = DiskCondition(rawValue: condition) else { throw failure(.outOfRange) }
        let count = try count(minimumBytes: 17)
        guard count <= NodeReport.maximumGroups else { throw failure(.outOfRange) }
        var groups: [HeldGroup] = []
        groups.reserveCapacity(count)
        for _ in 0..<count {
            groups.append(
                HeldGroup(group: try group(), isLeader: try bool(), accounts: try integer(), bytes: try integer())
            )
        }
        return NodeReport(
            directoryIndex: index,
            capacityBytes: capacity,
            freeBytes: free,
            disk: disk,
            groups: groups
        )
    }
}
