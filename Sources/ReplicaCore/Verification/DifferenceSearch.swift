internal import Consensus

/// Finds the first row in which two replicas differ: walks over the rows in bounded runs whose digests both compute,
/// and where they differ, again in shorter runs, down to a single row.
struct DifferenceSearch: Hashable, Sendable {
    enum Outcome: Hashable {
        case found(key: [UInt8])
        /// All rows are the same.
        case nothing
        /// One of the two does not keep its state any more.
        case lost
    }

    struct Question: Hashable {
        let replica: ReplicaID
        let sequence: UInt32
        let query: RangeQuery
    }

    private enum Step: Hashable {
        case reference
        case suspect(RangeDigest)
        /// Row by row: each is asked for its next one.
        case referenceRow
        case suspectRow(RangeDigest)
    }

    let reference: ReplicaID
    let suspect: ReplicaID
    private let maximumRows: UInt32
    private let maximumBytes: UInt32
    private var after: [UInt8] = []
    private var rows: UInt32
    private var sequence: UInt32 = 0
    private var step = Step.reference

    /// Where a run of rows differs, it is cut into about so many.
    private static let fanOut: UInt32 = 16
    /// A row that equals the reference's may just not fit: nothing that a peer holds is larger.
    private static let largestRowBytes: UInt32 = 1 << 20

    init(reference: ReplicaID, suspect: ReplicaID, maximumRows: UInt32, maximumBytes: UInt32) {
        self.reference = reference
        self.suspect = suspect
        self.maximumRows = max(1, maximumRows)
        self.maximumBytes = min(max(1, maximumBytes), 1 << 28)
        rows = self.maximumRows
    }

    /// What is to be asked now.
    var question: Question {
        switch step {
        case .reference: question(to: reference, through: nil, rows: rows, bytes: maximumBytes)
        case .suspect(let digest):
            question(
                to: suspect,
                through: digest.isComplete ? nil : digest.last,
                rows: digest.count + 1,
                bytes: 2 * maximumBytes + Self.largestRowBytes
            )
        case .referenceRow: question(to: reference, through: nil, rows: 1, bytes: maximumBytes)
        case .suspectRow: question(to: suspect, through: nil, rows: 1, bytes: maximumBytes)
        }
    }

    /// Whether the question asks for as many rows as may be: such questions are asked at a measured pace.
    var isLarge: Bool { rows == maximumRows }

    private func question(to replica: ReplicaID, through: [UInt8]?, rows: UInt32, bytes: UInt32) -> Question {
        Question(
            replica: replica,
            sequence: sequence,
            query: RangeQuery(after: after, through: through, maximumRows: rows, maximumBytes: bytes)
        )
    }

    /// - Returns: nil when there is another question.
    mutating func receiveRange(_ digest: RangeDigest?, sequence: UInt32, from replica: ReplicaID) -> Outcome? {
        let question = question
        guard sequence == question.sequence, replica == question.replica else { return nil }
        guard let digest else { return .lost }
        self.sequence += 1
        switch step {
        case .reference: step = .suspect(digest)
        case .suspect(let right): return compare(digest, with: right)
        case .referenceRow: step = .suspectRow(digest)
        case .suspectRow(let right): return compareRow(digest, with: right)
        }
        return nil
    }

    private mutating func compare(_ digest: RangeDigest, with right: RangeDigest) -> Outcome? {
        step = .reference
        if digest.isComplete, digest.count == right.count, digest.sum == right.sum {
            if right.isComplete { return .nothing }
            after = right.last
        } else if right.count > 1 {
            rows = max(1, right.count / Self.fanOut)
        } else {
            rows = 1
            step = .referenceRow
        }
        return nil
    }

    private mutating func compareRow(_ digest: RangeDigest, with right: RangeDigest) -> Outcome? {
        step = .referenceRow
        if digest.count == 0, right.count == 0 { return .nothing }
        if digest.count == right.count, digest.last == right.last, digest.sum == right.sum {
            after = right.last
            return nil
        }
        if digest.count == 0 { return .found(key: right.last) }
        if right.count == 0 { return .found(key: digest.last) }
        return .found(key: right.last.lexicographicallyPrecedes(digest.last) ? right.last : digest.last)
    }
}
