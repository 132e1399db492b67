internal import Consensus
internal import NIOCore
internal import PeerTransport

/// A batch of messages on its way from one node to another.
struct Parcel {
    private enum Content {
        case messages([PeerMessage])
        case frame(ByteBuffer)
    }

    /// Whom it is from and for: by the time it arrives, their machines may be other nodes.
    let sender: NodeID
    let receiver: NodeID
    /// About how many bytes the batch has.
    let bytes: Int
    private let content: Content

    /// - Parameter isFrame: whether the messages are encoded, as between real nodes.
    init(_ messages: [PeerMessage], from sender: NodeID, to receiver: NodeID, bytes: Int, isFrame: Bool) {
        self.sender = sender
        self.receiver = receiver
        self.bytes = bytes
        guard isFrame else {
            content = .messages(messages)
            return
        }
        var frame = ByteBufferAllocator().buffer(capacity: bytes + 64)
        Frame.encode(messages, into: &frame)
        content = .frame(frame)
    }

    /// What arrives.
    ///
    /// - Throws: what is wrong with a frame.
    func batches() throws -> [[PeerMessage]] {
        switch content {
        case .messages(let messages): return [messages]
        case .frame(var bytes):
            var batches: [[PeerMessage]] = []
            while let body = try Frame.next(from: &bytes) { batches.append(try Frame.messages(in: body)) }
            return batches
        }
    }
}
