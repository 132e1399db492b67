internal import NIOCore
internal import ReplicaCore

extension PeerMessage {
    /// About how many bytes a message counts for in queues.
    package var approximateBytes: Int {
        switch self {
        case .replica(let message): message.payloads.reduce(96) { $0 + $1.readableBytes + 16 }
        case .forward(_, _, let payload): 48 + payload.readableBytes
        case .forwardReply, .readIndex, .readIndexReply, .introduction, .recall, .testimony, .join, .stranded,
            .leftBehind:
            64
        case .contacts(let contacts): contacts.reduce(64) { $0 + 16 + $1.address.utf8.count }
        case .founded(let founders, _): 32 + founders.count * 16
        case .snapshotPull(let pull): 64 + pull.after.count
        case .snapshotPiece(let piece):
            switch piece.content {
            case .rows(let rows, _, let lastKey, _): 128 + rows.readableBytes + lastKey.count
            case .refused: 64
            }
        case .beat: 96
        case .resting(let list): 64 + 28 * list.groups.count
        case .stirred(let groups): 64 + 4 * groups.count
        case .verification, .body(_, .ask), .body(_, .answer(_, nil)): 256
        case .body(_, .answer(_, let bytes?)): 64 + bytes.readableBytes
        case .read(_, let message): message.approximateBytes
        case .watch(_, let message): message.approximateBytes
        case .survey(let message): message.approximateBytes
        }
    }
}
