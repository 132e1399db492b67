public import Consensus
public import NIOCore

/// An entry with its payload.
public struct LogEntry: Hashable, Sendable {
    /// What the Raft core knows of the entry.
    public let header: EntryHeader
    /// The command's bytes; empty for entries without a command.
    public let payload: ByteBuffer

    public init(header: EntryHeader, payload: ByteBuffer) {
        self.header = header
        self.payload = payload
    }

    /// What the entry counts against limits in bytes, whether it comes from a cache or from the disk.
    public var byteCount: Int { Int(header.payloadBytes) }
}

/// One change to one group's log.
public enum LogOperation: Sendable {
    /// Begins the log of a replica right after `point`; for a new group that is index 0 with the first configuration.
    case createGroup(GroupID, replica: ReplicaID, SnapshotPoint)
    /// Forgets the group, whatever its state.
    case removeGroup(GroupID)
    case saveHardState(GroupID, HardState)
    /// Puts entries from `firstIndex` on, in place of everything that was there from `firstIndex` on. No entries: no
    /// change.
    case append(GroupID, firstIndex: LogIndex, [LogEntry])
    /// From now on the log starts after the point. Entries behind the point stay when the log agrees with the point,
    /// and are dropped when it does not reach, or contradicts, it. A point behind the present one changes nothing.
    case setSnapshot(GroupID, SnapshotPoint)

    /// The group whose log is changed.
    public var group: GroupID {
        switch self {
        case .createGroup(let group, replica: _, _), .removeGroup(let group), .saveHardState(let group, _),
            .append(let group, firstIndex: _, _), .setSnapshot(let group, _):
            group
        }
    }
}

/// What reaches the disk with one sync: in order, together or not at all.
public struct LogRound: Sendable {
    /// The changes, in the order in which they take effect.
    public private(set) var operations: [LogOperation] = []
    /// The payload bytes in it.
    public private(set) var byteCount = 0

    /// A round of the given changes.
    public init(_ operations: [LogOperation] = []) {
        for operation in operations { append(operation) }
    }

    /// Whether the round changes nothing.
    public var isEmpty: Bool { operations.isEmpty }

    /// Adds a change behind the others.
    public mutating func append(_ operation: LogOperation) {
        operations.append(operation)
        if case .append(_, _, let entries) = operation {
            for entry in entries { byteCount += entry.payload.readableBytes }
        }
    }

    /// Forgets the changes and keeps their storage for the next round.
    public mutating func removeAll() {
        operations.removeAll(keepingCapacity: true)
        byteCount = 0
    }
}
