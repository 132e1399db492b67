internal import NIOConcurrencyHelpers

/// What a node reads for others, in all its loops: how many reads are under way, and what the answers that have not
/// been fetched yet hold in memory. Beyond it, others are told that this node is busy.
package final class ForeignReadBudget: Sendable {
    private struct Used {
        var reads = 0
        var bytes = 0
    }

    private let maximumReads: Int
    private let maximumBytes: Int
    private let box = NIOLockedValueBox(Used())

    init(_ limits: ReadLimits) {
        maximumReads = limits.foreign
        maximumBytes = limits.foreignBytes
    }

    /// How many reads are under way, and how many bytes of answers are held.
    package var used: (reads: Int, bytes: Int) { box.withLockedValue { ($0.reads, $0.bytes) } }

    /// - Returns: whether one more read may begin; it is to be given back.
    func takeRead() -> Bool {
        box.withLockedValue { used in
            guard used.reads < maximumReads else { return false }
            used.reads += 1
            return true
        }
    }

    /// - Returns: whether an answer of so many bytes may be kept; a single one always may. It is to be given back.
    func takeBytes(_ bytes: Int) -> Bool {
        box.withLockedValue { used in
            guard used.bytes == 0 || used.bytes + bytes <= maximumBytes else { return false }
            used.bytes += bytes
            return true
        }
    }

    func giveBack(reads: Int, bytes: Int) {
        box.withLockedValue { used in
            used.reads -= reads
            used.bytes -= bytes
        }
    }
}
