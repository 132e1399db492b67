package import Consensus
internal import MailModel
package import MailStore
package import NIOCore
package import ReplicaCore
internal import StateStorage

/// Applies committed entries of all groups, many groups to a batch, and installs snapshots.
package final class ApplierLoop {
    package enum Job: Sendable {
        case apply(GroupID, [CommittedEntry])
        case beginInstall(GroupID)
        case addPiece(GroupID, transfer: UInt64, SnapshotChunk)
        case finishInstall(GroupID, transfer: UInt64, SnapshotPoint, note: [UInt8])
        /// A group that begins here.
        case open(GroupID)
        /// Forgets all of a group.
        case reset(GroupID)
        /// Puts bytes back that the disk has spoiled.
        case putBack(GroupID, HarmedChunk, ByteBuffer, from: NodeID)
        /// Keeps the state as it is at an index.
        case mark(GroupID, DigestMark)
    }

    package let inbox = Inbox<Job>()
    private let store: any StateStore
    private let applier: MailApplier
    private let gate: ReadGate
    private let loop: Inbox<LoopInput>
    private let watchers: AccountWatchers
    private let known: KnownVersions
    private let failed: @Sendable (any Error) -> Void
    private var sinks: [GroupID: GroupSnapshotSink] = [:]
    private var marks: [GroupID: DigestMark] = [:]
    private let keptStates: KeptStates
    private var hasFailed = false

    init(
        store: any StateStore,
        applier: MailApplier,
        keptStates: KeptStates,
        gate: ReadGate,
        loop: Inbox<LoopInput>,
        watchers: AccountWatchers,
        known: KnownVersions,
        failed: @escaping @Sendable (any Error) -> Void
    ) {
        self.store = store
        self.applier = applier
        self.keptStates = keptStates
        self.gate = gate
        self.loop = loop
        self.watchers = watchers
        self.known = known
        self.failed = failed
    }

    @discardableResult
    package func turn() -> Bool {
        let jobs = inbox.drain()
        guard !jobs.isEmpty, !hasFailed else { return false }
        do {
            try perform(jobs)
        } catch {
            hasFailed = true
            failed(error)
        }
        return true
    }

    private func perform(_ jobs: [Job]) throws {
        var applied: [AppliedEntries] = []
        func report() throws {
            guard !applied.isEmpty else { return }
            try applier.commit()
            loop.put(.applied(applied))
            if applied.contains(where: { $0.group == .directory }) { try reportVersion() }
            watchers.changed(applier.takeTouchedAccounts())
            applied.removeAll(keepingCapacity: true)
        }
        for job in jobs {
            switch job {
            case .apply(let group, let entries):
                // Left over from before a snapshot took the group's place.
                guard sinks[group] == nil, let last = entries.last, last.index > applier.appliedIndex(group) else {
                    continue
                }
                applied.append(AppliedEntries(group: group, upTo: last.index, results: try apply(group, entries)))
            case .beginInstall(let group):
                try report()
                miss(group)
                applier.close(group)
                gate.close(group)
                let sink = GroupSnapshotSink(group: group, store: store)
                try sink.begin()
                sinks[group] = sink
            case .addPiece(let group, let transfer, let chunk):
                try report()
                guard let sink = sinks[group] else { continue }
                do {
                    try sink.add(chunk)
                    loop.put(.installContinues(group, transfer: transfer, after: chunk.lastKey))
                } catch is DecodingError {
                    // What the peer sent cannot be used; nothing of ours is damaged.
                    loop.put(.installFailed(group, transfer: transfer))
                }
            case .finishInstall(let group, let transfer, let point, let note):
                try report()
                guard let sink = sinks[group] else { continue }
                do {
                    let index = try sink.finish(note: note)
                    guard index == point.index else {
                        throw DecodingError(.outOfRange, offset: 0, subject: "snapshot at another index than promised")
                    }
                    sinks[group] = nil
                    try applier.open(group)
                    gate.open(group)
                    loop.put(.installed(group, transfer: transfer, point))
                } catch let error as DecodingError {
                    loop.put(.control { $0.snapshotRefused(group, error) })
                    loop.put(.installFailed(group, transfer: transfer))
                }
                if group == .directory, sinks[group] == nil { try reportVersion() }
            case .open(let group): try applier.open(group)
            case .reset(let group):
                try report()
                miss(group)
                try reset(group)
            case .putBack(let group, let chunk, let bytes, let source):
                try report()
                guard sinks[group] == nil, try applier.putBack(bytes, as: chunk, in: group) else { continue }
                loop.put(.control { $0.bodyObserver?(.repaired(group, chunk.account, from: source)) })
            case .mark(let group, let mark):
                try report()
                try note(mark, of: group)
            }
        }
        try report()
    }

    private func reportVersion() throws {
        guard let version = try MailReader(store: store).clusterVersion() else { return }
        loop.put(.control { $0.take(version) })
    }

    private func reset(_ group: GroupID) throws {
        sinks[group] = nil
        applier.close(group)
        gate.close(group)
        try GroupSnapshotSink.clear(group, in: store)
        try applier.open(group)
        gate.open(group)
        loop.put(.control { $0.stateCleared(group) })
    }

    private func apply(
        _ group: GroupID,
        _ entries: [CommittedEntry]
    ) throws -> [(request: RequestID, outcome: MailOutcome)] {
        var results: [(request: RequestID, outcome: MailOutcome)] = []
        results.reserveCapacity(entries.count)
        for entry in entries where entry.index > applier.appliedIndex(group) {
            if let command = entry.command {
                results.append(try apply(command, group, entry))
            } else {
                applier.applyEmpty(group: group, index: entry.index, term: entry.term)
            }
            if let mark = marks[group], mark.index == entry.index { try keep(mark, of: group) }
        }
        return results
    }

    private func apply(_ command: ByteBuffer, _ group: GroupID, _ entry: CommittedEntry) throws -> (
        RequestID, MailOutcome
    ) {
        do {
            return try applier.apply(group: group, index: entry.index, term: entry.term, payload: command)
        } catch let error as DecodingError {
            // Nobody writes what the cluster has not come to.
            guard case .unknownVersion(let version) = error.reason, error.subject == CommandEnvelope.subject else {
                throw error
            }
            throw VersionError(cluster: ClusterVersion(rawValue: UInt8(clamping: version)), known: known)
        }
    }

    // MARK: Marks

    private func note(_ mark: DigestMark, of group: GroupID) throws {
        let applied = applier.appliedIndex(group)
        marks[group] = mark
        if sinks[group] != nil || applied > mark.index || !applier.isOpen(group) {
            miss(group)
        } else if applied == mark.index {
            try keep(mark, of: group)
        }
    }

    /// The state has the entries up to the mark, and none behind.
    private func keep(_ mark: DigestMark, of group: GroupID) throws {
        marks[group] = nil
        try applier.commit()
        let state = try MarkedState(group: group, store: store)
        guard let state, state.index == mark.index, keptStates.add(state) else {
            return loop.put(.control { $0.missed(group, mark) })
        }
        loop.put(.control { $0.marked(group, mark, state) })
    }

    private func miss(_ group: GroupID) {
        guard let mark = marks.removeValue(forKey: group) else { return }
        loop.put(.control { $0.missed(group, mark) })
    }
}
