internal import Consensus
package import LogStorage
internal import MailStore
package import StateStorage

/// A state that fails its checks is given up as a whole: a damaged block may have been any group's, and would stand in
/// the way of every compaction. What the replicas promised is in the log, so they keep their identity and their votes;
/// what they had applied comes from the others, as after an interrupted snapshot.
package enum StateRecovery {
    /// Prepares an empty state for groups whose old one was given up.
    ///
    /// - Throws: ``StartupError`` when nobody else has what is lost.
    package static func beginAnew(_ recovered: [RecoveredGroup], in state: any StateStore) throws {
        for group in recovered where group.snapshot.index > .zero {
            // A log that reaches back to the beginning makes all of the state again.
            try GroupSnapshotSink(group: group.group, store: state).begin()
        }
        try state.flush()
    }

    /// Whether every group that would lose something has a replica elsewhere.
    static func checkCopies(
        of recovered: [RecoveredGroup],
        statePath: String,
        damage: String
    ) throws(StartupError) {
        for group in recovered where group.snapshot.index > .zero {
            var voters = group.snapshot.configuration.voters
            for entry in group.entries {
                if case .configuration(let later) = entry.kind { voters = later.voters }
            }
            guard voters == [group.replica] else { continue }
            throw StartupError(
                "The state in \(statePath) is damaged (\(damage)), and no other node has a copy of it. Restore the "
                    + "data directory from a backup."
            )
        }
    }
}
