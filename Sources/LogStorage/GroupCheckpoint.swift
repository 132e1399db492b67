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

    static func decode(_ bytes: ByteBuffer) throws(FormatError) -> GroupCheckpoint {
        var decoder = try FormatDecoder(bytes, .checkpoint)
        let replica: UInt64 = try decoder.integer()
        let term: UInt64 = try decoder.number(upTo: Term.maximum.rawValue)
        let hasVote: UInt8 = try decoder.integer()
        let vote: UInt64 = try decoder.integer()
        let commitIndex: UInt64 = try decoder.number(upTo: LogIndex.maximum.rawValue)
        let index: UInt64 = try decoder.number(upTo: LogIndex.maximum.rawValue)
        let snapshotTerm: UInt64 = try decoder.number(upTo: Term.maximum.rawValue)
        let lastIndex: UInt64 = try decoder.number(upTo: LogIndex.maximum.rawValue)
        guard lastIndex >= index, lastIndex - index <= Layout.maxEntriesOfGroup else {
            throw decoder.failure(.outOfRange)
        }
        let isDamaged: UInt8 = try decoder.integer()
        let reason = try decoder.text(length: Int(try decoder.integer(UInt32.self)))
        let configuration = try decoder.configuration()
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
