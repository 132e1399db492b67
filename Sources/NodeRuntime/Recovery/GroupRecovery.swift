package import Consensus
package import LogStorage
internal import MailModel
internal import MailStore
internal import NIOCore
internal import PeerTransport
package import StateStorage

/// A replica that may have forgotten something it acknowledged: it must not vote.
package struct QuarantinedGroup: Sendable {
    /// The group whose replica is not fit to run.
    package let group: GroupID
    /// Why the replica may have forgotten something; a sentence.
    package let reason: String
}

/// Brings log and state of each group together after a start.
package struct GroupRecovery {
    let log: any LogStore
    let state: any StateStore

    package init(log: any LogStore, state: any StateStore) {
        self.log = log
        self.state = state
    }

    /// The groups that are fit to run, and those that are not, each in the order of their IDs.
    ///
    /// - Throws: `StateError` or `LogError`; `DecodingError` for what a newer program has written.
    package func open(_ recovered: [RecoveredGroup]) throws -> RecoveredGroups {
        var opened: [OpenedGroup] = []
        var quarantined: [QuarantinedGroup] = []
        for group in recovered.sorted(by: { $0.group < $1.group }) {
            let ready: RecoveredGroup
            let isInterrupted: Bool
            let applied: LogIndex
            do {
                ready = try followInstalledSnapshot(group)
                isInterrupted = try GroupSnapshotSink.isInterrupted(group.group, in: state)
                applied = try MailReader(store: state).appliedIndex(group.group)
            } catch let error as DecodingError {
                // Nobody can tell what this replica has applied. What a newer program wrote is another matter.
                if case .unknownVersion = error.reason { throw error }
                let reason = "The group's own row cannot be read: \(error)."
                quarantined.append(QuarantinedGroup(group: group.group, reason: reason))
                continue
            }
            // An interrupted install left no state; the log is whole, and says where to start asking.
            var verdict = isInterrupted ? ready.verdict : ready.verdict(appliedIndex: applied)
            if Mutant.isOn(.damageIgnored), ready.snapshot.index <= applied, applied <= ready.lastIndex {
                verdict = .intact
            }
            guard case .intact = verdict else {
                if case .damaged(let reason) = verdict {
                    quarantined.append(QuarantinedGroup(group: group.group, reason: reason))
                }
                continue
            }
            guard ready.hardState.commitIndex <= ready.lastIndex else {
                let reason = "The log ends at \(ready.lastIndex.rawValue), before the commit index."
                quarantined.append(QuarantinedGroup(group: group.group, reason: reason))
                continue
            }
            opened.append(
                OpenedGroup(
                    group: group.group,
                    replica: ready.replica,
                    hardState: ready.hardState,
                    snapshot: ready.snapshot,
                    headers: ready.entries,
                    appliedIndex: isInterrupted ? ready.snapshot.index : applied,
                    isRebuilding: isInterrupted
                )
            )
        }
        return RecoveredGroups(opened: opened, quarantined: quarantined)
    }

    /// A crash between a snapshot going live in the state and in the log leaves the log behind: bring it along.
    private func followInstalledSnapshot(_ group: RecoveredGroup) throws -> RecoveredGroup {
        guard case .intact = group.verdict, let note = try GroupSnapshotSink.note(of: group.group, in: state) else {
            return group
        }
        var decoder = WireDecoder(note, subject: "note of an installed snapshot")
        let point = try decoder.snapshotPoint()
        guard point.index > group.snapshot.index else { return group }
        let offset = point.index - group.snapshot.index
        let isInLog = offset <= group.entries.count && group.entries[offset - 1].term == point.term
        if isInLog, group.lastIndex >= point.index { return group }
        var hardState = group.hardState
        hardState.commitIndex = max(hardState.commitIndex, point.index)
        hardState.term = max(hardState.term, point.term)
        if hardState.term > group.hardState.term { hardState.vote = nil }
        try log.append(
            LogRound([.setSnapshot(group.group, point), .saveHardState(group.group, hardState)])
        )
        return RecoveredGroup(
            group: group.group,
            replica: group.replica,
            hardState: hardState,
            snapshot: point,
            entries: [],
            verdict: .intact
        )
    }
}
