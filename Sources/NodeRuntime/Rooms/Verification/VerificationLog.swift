internal import Consensus
internal import Logging
internal import MailStore
internal import ReplicaCore

extension Logger {
    /// What verifications find, for operators. Rows are named without what their owners have written.
    func logVerification(_ event: VerificationEvent) {
        switch event {
        case .verified(let group, let report):
            let silent = report.replicas.filter { $0.finding == .silent }.map { "\($0.node.rawValue)" }
            let rest = silent.isEmpty ? "" : "; no answer from the nodes \(silent.joined(separator: ", "))"
            debug("group \(group.rawValue): replicas hold the same at entry \(report.index.rawValue)\(rest)")
        case .different(let group, let report):
            switch report.result {
            case .disputed:
                critical(
                    """
                    group \(group.rawValue): replicas DIFFER at entry \(report.index.rawValue), and no majority says \
                    who is right: nothing is given up, and none of them is copied. \(report.summary)
                    """
                )
            case .different, .equal, .incomplete:
                error(
                    """
                    group \(group.rawValue): replicas DIFFER at entry \(report.index.rawValue); those that differ from \
                    the majority are given up. \(report.summary)
                    """
                )
            }
        case .searched(let group, let report):
            for replica in report.replicas {
                guard let key = replica.firstKey else { continue }
                error(
                    """
                    group \(group.rawValue): the replica \(replica.replica.rawValue) on node \(replica.node.rawValue) \
                    differs first in: \(RowName(key: key))
                    """
                )
            }
        case .snapshotRefused(let group, let reason):
            error("group \(group.rawValue): a snapshot was not taken: \(reason)")
        }
    }
}

extension VerificationReport {
    /// A clause for each replica.
    var summary: String {
        replicas.map { replica in
            let what =
                switch replica.finding {
                case .agrees: "holds what it should"
                case .silent: "did not answer"
                case .condemned, .disputed: replica.scrub.isHarmed ? "has rows that are harmed" : "differs"
                }
            let digest = replica.digest.map { " (digest \(StateDigest($0)))" } ?? ""
            return "Node \(replica.node.rawValue) \(what)\(digest)."
        }.joined(separator: " ")
    }
}
