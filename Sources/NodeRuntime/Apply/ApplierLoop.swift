package import Consensus
package import MailModel
package import MailStore
package import NIOCore
package import ReplicaCore
internal import StateStorage

/// Applies committed entries of all groups, many groups to a batch. Hands groups over to the installer whose rows are
/// to be replaced.
package final class ApplierLoop {
    /// What an applier has to do. All jobs of one group go to the same applier, which does them in the order in which
    /// they came.
    package enum Job: Sendable {
        /// Applies committed entries, in the order of their indexes.
        case apply(GroupID, [CommittedEntry])
        /// Hands the group over: the rows of a snapshot take the place of its own.
        case beginInstall(GroupID)
        /// Passes one piece of a snapshot on.
        case addPiece(GroupID, transfer: UInt64, SnapshotChunk)
        /// Has a snapshot that has come as a whole made the group's rows. Recovery brings the log in line by the note,
        /// after a crash.
        case finishInstall(GroupID, transfer: UInt64, SnapshotPoint, note: [UInt8])
        /// The installer has made a snapshot the group's rows, durably: the group is live with them.
        case installed(InstallerLoop.Handover, transfer: UInt64, SnapshotPoint)
        /// A group that begins here.
        case open(GroupID)
        /// Has all of a group forgotten.
        case reset(GroupID)
        /// The installer has removed all of the group, durably: the group is empty.
        case cleared(InstallerLoop.Handover)
        /// Puts bytes back that the disk has spoiled.
        case putBack(GroupID, BodyChunk, ByteBuffer, from: NodeID)
        /// Keeps the state as it is at an index.
        case mark(GroupID, DigestMark)

        var group: GroupID {
            switch self {
            case .apply(let group, _), .beginInstall(let group), .addPiece(let group, _, _),
                .finishInstall(let group, _, _, _), .open(let group), .reset(let group),
                .putBack(let group, _, _, _), .mark(let group, _):
                group
            case .installed(let handover, _, _), .cleared(let handover): handover.group
            }
        }
    }

    /// Which one of a node's appliers a group belongs to.
    static func position(of group: GroupID, among count: Int) -> Int { Int(group.rawValue) % count }

    /// What the replica loops and the installer have this applier do.
    package let inbox = Inbox<Job>()
    private let installer: Inbox<InstallerLoop.Job>
    private let store: any StateStore
    private let applier: MailApplier
    private let gate: ReadGate
    private let inboxes: LoopInboxes
    private let watchers: AccountWatchers
    private let known: KnownVersions
    private let failed: @Sendable (any Error) -> Void
    /// Groups whose rows are the installer's, by the number of the latest handover: nothing is applied to them.
    private var handedOver: [GroupID: UInt64] = [:]
    private var handovers: UInt64 = 0
    private var marks: [GroupID: DigestMark] = [:]
    private let keptStates: KeptStates
    private var hasFailed = false
    /// Called with true before each job, and with false when no job is left: the agent sees so when a call hangs.
    var willWork: (@Sendable (Bool) -> Void)?
    /// Groups with an entry that cannot be applied here: nothing behind it is.
    private var stopped: Set<GroupID> = []
    /// What was applied and not reported yet, which is kept for the case that it has to be applied again.
    private var unreported: [Applying] = []
    private var unreportedBytes = 0
    /// With so many bytes it is written and reported, whatever else waits.
    private static let unreportedBytesLimit = 2 << 20

    /// Entries of a group on their way into the state.
    private struct Applying {
        let group: GroupID
        var entries: ArraySlice<CommittedEntry>
        /// Results by index; an entry without a command has none.
        var results: [LogIndex: (request: RequestID, outcome: MailOutcome)] = [:]
    }

    init(
        store: any StateStore,
        applier: MailApplier,
        installer: Inbox<InstallerLoop.Job>,
        keptStates: KeptStates,
        gate: ReadGate,
        inboxes: LoopInboxes,
        watchers: AccountWatchers,
        known: KnownVersions,
        failed: @escaping @Sendable (any Error) -> Void
    ) {
        self.store = store
        self.applier = applier
        self.installer = installer
        self.keptStates = keptStates
        self.gate = gate
        self.inboxes = inboxes
        self.watchers = watchers
        self.known = known
        self.failed = failed
    }

    /// Opens a group before the first turn.
    func openGroup(_ group: GroupID) throws { try applier.open(group) }

    /// Does all jobs that wait. The first failure of the state is final: `failed` is told of it, and no later turn does
    /// anything.
    ///
    /// - Returns: whether there was anything to do.
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
        willWork?(false)
        return true
    }

    private func perform(_ jobs: [Job]) throws {
        for job in jobs {
            willWork?(true)
            switch job {
            case .apply(let group, let entries):
                // Left over from before a snapshot took the group's place.
                guard handedOver[group] == nil, !stopped.contains(group), applier.isOpen(group),
                    let last = entries.last, last.index > applier.appliedIndex(group)
                else { continue }
                try apply(entries, to: group)
                unreportedBytes += entries.reduce(0) { $0 + ($1.command?.readableBytes ?? 0) }
                if unreportedBytes >= Self.unreportedBytesLimit { try report() }
            case .beginInstall(let group):
                try handOver(group)
                installer.put(.begin(group))
            case .addPiece(let group, let transfer, let chunk):
                if handedOver[group] != nil { installer.put(.addPiece(group, transfer: transfer, chunk)) }
            case .finishInstall(let group, let transfer, let point, let note):
                guard let number = handedOver[group] else { continue }
                let handover = InstallerLoop.Handover(group: group, number: number)
                installer.put(.finish(handover, transfer: transfer, point, note: note))
            case .installed(let handover, let transfer, let point):
                guard try takeBack(handover) else { continue }
                inboxes.put(.installing(.live(handover.group, transfer: transfer, point)), for: handover.group)
                watchers.replaced(handover.group)
                if handover.group == .directory { try reportDirectory() }
            case .open(let group): try applier.open(group)
            case .reset(let group):
                installer.put(.clear(try handOver(group)))
            case .cleared(let handover):
                guard try takeBack(handover) else { continue }
                inboxes.put(.rebuild(.stateCleared(handover.group)), for: handover.group)
            case .putBack(let group, let chunk, let bytes, let source):
                try report()
                guard handedOver[group] == nil, try applier.putBack(bytes, as: chunk, in: group) else { continue }
                inboxes.put(.bodies(.event(.repaired(group, chunk.account, from: source))), for: group)
            case .mark(let group, let mark):
                try report()
                try note(mark, of: group)
            }
        }
        try report()
    }

    /// Writes what was applied, and says so.
    private func report() throws {
        guard !unreported.isEmpty else { return }
        try applier.commit()
        let applied = unreported.compactMap { applying -> AppliedEntries? in
            guard let last = applying.entries.last else { return nil }
            return AppliedEntries(
                group: applying.group,
                upTo: last.index,
                results: applying.entries.compactMap { applying.results[$0.index] }
            )
        }
        unreported.removeAll(keepingCapacity: true)
        unreportedBytes = 0
        inboxes.tellApplied(applied)
        if applied.contains(where: { $0.group == .directory }) { try reportDirectory() }
        watchers.changed(applier.takeTouchedAccounts())
    }

    /// What the directory says has changed here.
    private func reportDirectory() throws {
        inboxes.agent.put(.directory(.changed))
        guard let version = try MailReader(store: store).clusterVersion() else { return }
        inboxes.putToAll(.version(version))
        inboxes.agent.put(.version(version))
    }

    // MARK: Groups that the installer has

    /// Leaves a group's rows to the installer. All that was applied to the group is written before.
    @discardableResult
    private func handOver(_ group: GroupID) throws -> InstallerLoop.Handover {
        try report()
        miss(group)
        stopped.remove(group)
        applier.close(group)
        gate.close(group)
        handovers += 1
        handedOver[group] = handovers
        return InstallerLoop.Handover(group: group, number: handovers)
    }

    /// Goes on with a group as the installer has left it.
    ///
    /// - Returns: false when the group was handed over once more since. The rows are the installer's still then.
    private func takeBack(_ handover: InstallerLoop.Handover) throws -> Bool {
        guard handedOver[handover.group] == handover.number else { return false }
        handedOver[handover.group] = nil
        try applier.open(handover.group)
        gate.open(handover.group)
        return true
    }

    // MARK: Entries

    /// Applies entries up to the first that cannot be: that one stops its group, and nothing else.
    private func apply(_ entries: [CommittedEntry], to group: GroupID) throws {
        unreported.append(Applying(group: group, entries: entries[...]))
        var position = unreported.count - 1
        while position < unreported.count {
            do {
                try applyEntries(at: position)
                position += 1
            } catch let poison as PoisonEntry {
                try stop(poison)
                // What others did since the last write was lost with it, and is done again: it gives the same.
                position = 0
            }
        }
    }

    /// An entry that cannot be read, or whose command met a row that cannot be.
    private struct PoisonEntry: Error {
        let position: Int
        let index: LogIndex
        let reason: DecodingError
    }

    private func applyEntries(at position: Int) throws {
        let group = unreported[position].group
        for entry in unreported[position].entries where entry.index > applier.appliedIndex(group) {
            do {
                if let command = entry.command {
                    unreported[position].results[entry.index] = try applyCommand(command, of: entry, in: group)
                } else {
                    applier.applyEmpty(group: group, index: entry.index, term: entry.term)
                }
            } catch let reason as DecodingError {
                throw PoisonEntry(position: position, index: entry.index, reason: reason)
            }
            if let mark = marks[group], mark.index == entry.index { try keep(mark, of: group) }
        }
    }

    private func stop(_ poison: PoisonEntry) throws {
        let group = unreported[poison.position].group
        stopped.insert(group)
        for position in unreported.indices where unreported[position].group == group {
            unreported[position].entries = unreported[position].entries.prefix { $0.index < poison.index }
        }
        try applier.rollBack(after: group)
        inboxes.put(.stopped(group, at: poison.index, reason: "\(poison.reason)"), for: group)
    }

    private func applyCommand(_ command: ByteBuffer, of entry: CommittedEntry, in group: GroupID) throws -> (
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
        if handedOver[group] != nil || applied > mark.index || !applier.isOpen(group) {
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
            return inboxes.put(.markedStates(.missed(group, mark)), for: group)
        }
        inboxes.put(.markedStates(.marked(group, mark, state)), for: group)
    }

    private func miss(_ group: GroupID) {
        guard let mark = marks.removeValue(forKey: group) else { return }
        inboxes.put(.markedStates(.missed(group, mark)), for: group)
    }
}
