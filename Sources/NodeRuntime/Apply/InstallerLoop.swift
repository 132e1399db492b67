package import Consensus
internal import MailModel
package import MailStore
internal import ReplicaCore
internal import StateStorage

/// Puts the rows of snapshots in place of groups' rows, and clears groups, for all appliers of a node.
///
/// Both may flush the whole state, which takes as long as the disk needs for all that memory holds. The appliers go on
/// with all other groups meanwhile. An applier hands a group over, and takes it back when the installer says that its
/// rows are durable: in between the applier touches none of them.
package final class InstallerLoop {
    /// What the installer has to do. All jobs of one group come from the same applier, in order.
    package enum Job: Sendable {
        /// Marks the group as being installed, and removes its rows.
        case begin(GroupID)
        /// Writes one piece of a snapshot.
        case addPiece(GroupID, transfer: UInt64, SnapshotChunk)
        /// Checks the rows of a snapshot that has come as a whole, and makes them the group's. Recovery brings the log
        /// in line by the note, after a crash.
        case finish(Handover, transfer: UInt64, SnapshotPoint, note: [UInt8])
        /// Forgets all of a group.
        case clear(Handover)
    }

    /// A group that an applier has handed over. The applier does not take it back when it has begun another one since.
    package struct Handover: Sendable, Equatable {
        /// The group whose rows are the installer's.
        package let group: GroupID
        let number: UInt64
    }

    /// What the appliers have this installer do.
    package let inbox: Inbox<Job>
    private let store: any StateStore
    private let inboxes: LoopInboxes
    private let appliers: [Inbox<ApplierLoop.Job>]
    private let failed: @Sendable (any Error) -> Void
    private var sinks: [GroupID: GroupSnapshotSink] = [:]
    private var hasFailed = false
    /// Called with true before each job, and with false when no job is left: the agent sees so when a call hangs.
    var willWork: (@Sendable (Bool) -> Void)?

    /// - Parameter appliers: in the order in which groups are shared out over them.
    init(
        inbox: Inbox<Job>,
        store: any StateStore,
        inboxes: LoopInboxes,
        appliers: [Inbox<ApplierLoop.Job>],
        failed: @escaping @Sendable (any Error) -> Void
    ) {
        self.inbox = inbox
        self.store = store
        self.inboxes = inboxes
        self.appliers = appliers
        self.failed = failed
    }

    /// Does all jobs that wait. The first failure of the state is final: `failed` is told of it, and no later turn does
    /// anything.
    ///
    /// - Returns: whether there was anything to do.
    @discardableResult
    package func turn() -> Bool {
        let jobs = inbox.drain()
        guard !jobs.isEmpty, !hasFailed else { return false }
        do {
            for job in jobs {
                willWork?(true)
                try perform(job)
            }
        } catch {
            hasFailed = true
            failed(error)
        }
        willWork?(false)
        return true
    }

    private func perform(_ job: Job) throws {
        switch job {
        case .begin(let group):
            let sink = GroupSnapshotSink(group: group, store: store)
            try sink.begin()
            sinks[group] = sink
        case .addPiece(let group, let transfer, let chunk): try addPiece(chunk, to: group, transfer)
        case .finish(let handover, let transfer, let point, let note):
            try finish(handover, transfer, at: point, note: note)
        case .clear(let handover):
            sinks[handover.group] = nil
            try GroupSnapshotSink.clear(handover.group, in: store)
            giveBack(handover, .cleared(handover))
        }
    }

    private func addPiece(_ chunk: SnapshotChunk, to group: GroupID, _ transfer: UInt64) throws {
        guard let sink = sinks[group] else { return }
        do {
            try sink.add(chunk)
            inboxes.put(.installing(.pieceWritten(group, transfer: transfer, lastKey: chunk.lastKey)), for: group)
        } catch is DecodingError {
            // What the peer sent cannot be used; nothing of ours is damaged.
            inboxes.put(.installing(.failed(group, transfer: transfer)), for: group)
        }
    }

    private func finish(_ handover: Handover, _ transfer: UInt64, at point: SnapshotPoint, note: [UInt8]) throws {
        let group = handover.group
        guard let sink = sinks[group] else { return }
        do {
            let index = try sink.finish(note: note)
            guard index == point.index else {
                throw DecodingError(.outOfRange, offset: 0, subject: "snapshot at another index than promised")
            }
            sinks[group] = nil
            giveBack(handover, .installed(handover, transfer: transfer, point))
        } catch let error as DecodingError {
            inboxes.put(.installing(.refused(group, transfer: transfer, reason: "\(error)")), for: group)
        }
    }

    private func giveBack(_ handover: Handover, _ job: ApplierLoop.Job) {
        appliers[ApplierLoop.position(of: handover.group, among: appliers.count)].put(job)
    }
}
