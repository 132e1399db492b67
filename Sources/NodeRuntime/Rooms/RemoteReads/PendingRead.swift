internal import Consensus
internal import NIOCore
internal import PeerTransport

/// A read that another node is to answer.
struct PendingRead {
    /// Where the read is.
    enum Stage {
        /// All that could be asked have refused: they are asked again when the pause is over.
        case pausing
        /// The node has as many questions as it may have: see ``RemoteReadsRoom/maximumQuestions``.
        case queued(for: NodeID)
        case asked(Question)
        /// The node that was asked has a newer directory, as of this index.
        case awaitingDirectory(LogIndex)
    }

    /// A question, and what has come of its answer.
    struct Question {
        let id: UInt64
        let node: NodeID
        /// How long the node may say nothing.
        let patienceMilliseconds: Int64
        /// When it was asked, or last sent a piece.
        var heardMilliseconds: Int64
        /// The pieces that have come, from the beginning on without a gap.
        var pieces: [ByteBuffer] = []
        var receivedBytes = 0
        /// What an answer of several pieces has of the loop's room for such, in bytes.
        var reservedBytes = 0
    }

    let call: ReadCall
    let remote: RemoteRead
    var stage = Stage.pausing
    /// The nodes that were asked since the last pause.
    var tried: [NodeID] = []
    var pauses: UInt32 = 0
    /// How often a node was asked.
    var askings: UInt32 = 0
    /// Counts what is due, so that what was due before is known to be out of date.
    var stamp: UInt32 = 0

    var question: Question? {
        if case .asked(let question) = stage { question } else { nil }
    }
}

/// When ``RemoteReadsRoom`` is to look at a read again, in the order of the times.
struct DueRead: Comparable {
    let milliseconds: Int64
    /// Rises with each that is added.
    let serial: UInt64
    let read: UInt64
    let stamp: UInt32

    static func < (left: DueRead, right: DueRead) -> Bool {
        (left.milliseconds, left.serial) < (right.milliseconds, right.serial)
    }

    static func == (left: DueRead, right: DueRead) -> Bool { left.serial == right.serial }
}

/// Bytes of an answer, as they come from another node.
struct RemoteReadPiece {
    let offset: Int
    /// What the answer has in all, in bytes.
    let total: Int
    let bytes: ByteBuffer
}
