internal import Consensus
internal import MailModel
internal import NIOCore

/// What the applier keeps of a group in memory; its rows are the truth.
struct GroupState {
    /// Last entry whose effects are in the batch or the store.
    var appliedIndex: LogIndex
    var appliedTerm: Term
    var digest: StateDigest
    /// The next account's counter; the group is in the upper half of its ID.
    var nextAccount: UInt32
    /// Where the indexes by time begin from which rows were removed.
    var indexStarts: [Table: IndexStart] = [:]

    static let fresh = GroupState(
        appliedIndex: .zero,
        appliedTerm: .zero,
        digest: .empty,
        nextAccount: 1
    )

    var metaRow: ByteBuffer {
        var row = newRow(capacity: 40)
        row.writeInteger(appliedIndex.rawValue)
        row.writeInteger(appliedTerm.rawValue)
        row.writeInteger(digest.value)
        row.writeInteger(nextAccount)
        return row
    }

    static func decodeMeta(_ row: ByteBuffer) throws(DecodingError) -> GroupState {
        var decoder = try WireDecoder(row: row, subject: "group row")
        let appliedIndex = LogIndex(try decoder.integer())
        let appliedTerm = Term(try decoder.integer())
        guard appliedIndex <= .maximum, appliedTerm <= .maximum else { throw decoder.failure(.outOfRange) }
        let state = GroupState(
            appliedIndex: appliedIndex,
            appliedTerm: appliedTerm,
            digest: StateDigest(try decoder.integer()),
            nextAccount: try decoder.integer()
        )
        try decoder.finish()
        return state
    }
}

/// How many accounts' and mailboxes' rows the applier keeps decoded.
enum ApplierLimits {
    static let cachedRecords = 8_192
    /// A batch is written when it holds this much, whatever else is waiting.
    static let batchBytes = 2 << 20
    /// Runs of UIDs up to this are looked up one by one; longer ones are scanned.
    static let longestRunLookedUp = 8
}
