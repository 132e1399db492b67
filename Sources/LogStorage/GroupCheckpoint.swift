internal import Consensus
internal import NIOCore

/// All that a group's log is, but for the entries themselves. Written for every group at the start of a segment, so
/// that only entries keep older segments alive.
struct GroupCheckpoint: Hashable {
    var replica: ReplicaID
    var hardState: HardState
    var snapshot: SnapshotPoint
    var lastIndex: LogIndex
    /// Why the group is in quarantine, if it is: the verdict must outlive the evidence.
    var damage: String?

    func encoded() -> ByteBuffer {
        var buffer = ByteBuffer()
        buffer.writeInteger(replica.rawValue, endianness: .little)
        buffer.writeInteger(hardState.term.rawValue, endianness: .little)
        buffer.writeInteger(UInt8(hardState.vote == nil ? 0 : 1))
        buffer.writeInteger(hardState.vote?.rawValue ?? 0, endianness: .little)
        buffer.writeInteger(hardState.commitIndex.rawValue, endianness: .little)
        buffer.writeInteger(snapshot.index.rawValue, endianness: .little)
        buffer.writeInteger(snapshot.term.rawValue, endianness: .little)
        buffer.writeInteger(lastIndex.rawValue, endianness: .little)
        buffer.writeInteger(UInt8(damage == nil ? 0 : 1))
        let reason = (damage ?? "").utf8.prefix(1000)
        buffer.writeInteger(UInt32(reason.count), endianness: .little)
        buffer.writeBytes(reason)
        buffer.write(snapshot.configuration)
        return buffer
    }

    static func decode(_ bytes: ByteBuffer) -> GroupCheckpoint? {
        var buffer = bytes
        guard let replica = buffer.readInteger(endianness: .little, as: UInt64.self),
            let term = buffer.readInteger(endianness: .little, as: UInt64.self),
            let hasVote = buffer.readInteger(as: UInt8.self),
            let vote = buffer.readInteger(endianness: .little, as: UInt64.self),
            let commitIndex = buffer.readInteger(endianness: .little, as: UInt64.self),
            let index = buffer.readInteger(endianness: .little, as: UInt64.self),
            let snapshotTerm = buffer.readInteger(endianness: .little, as: UInt64.self),
            let lastIndex = buffer.readInteger(endianness: .little, as: UInt64.self),
            let isDamaged = buffer.readInteger(as: UInt8.self),
            let reasonBytes = buffer.readInteger(endianness: .little, as: UInt32.self),
            let reason = buffer.readString(length: Int(reasonBytes)),
            let configuration = buffer.readConfiguration(),
            term <= Term.maximum.rawValue, snapshotTerm <= Term.maximum.rawValue,
            commitIndex <= LogIndex.maximum.rawValue, lastIndex <= LogIndex.maximum.rawValue,
            lastIndex >= index, lastIndex - index <= Layout.maxEntriesOfGroup
        else { return nil }
        return GroupCheckpoint(
            replica: ReplicaID(replica),
            hardState: HardState(
                term: Term(term),
                vote: hasVote == 1 ? ReplicaID(vote) : nil,
                commitIndex: LogIndex(commitIndex)
            ),
            snapshot: SnapshotPoint(index: LogIndex(index), term: Term(snapshotTerm), configuration: configuration),
            lastIndex: LogIndex(lastIndex),
            damage: isDamaged == 1 ? reason : nil
        )
    }
}
