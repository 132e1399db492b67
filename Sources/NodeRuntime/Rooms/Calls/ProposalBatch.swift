internal import Consensus
internal import MailModel
internal import NIOCore

/// Commands that this turn proposes to a group, as one batch.
struct ProposalBatch {
    enum Origin {
        case own(sequence: UInt64)
        case forwarded(RequestID, from: NodeID)
        /// Housekeeping, which nobody waits for.
        case housekeeping
    }

    private(set) var payloads: [ByteBuffer] = []
    private(set) var origins: [Origin] = []

    mutating func add(_ payload: ByteBuffer, from origin: Origin) {
        payloads.append(payload)
        origins.append(origin)
    }
}
