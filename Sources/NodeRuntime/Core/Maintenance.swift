internal import Consensus
internal import MailModel
internal import MailStore
internal import NIOConcurrencyHelpers
internal import ReplicaCore
internal import StateStorage

/// What has to be done now and then: flushing the state, cutting the log, giving leaderships back.
final class Maintenance: Sendable {
    private struct State {
        var nextMilliseconds: Int64 = 0
        var flushedMilliseconds: Int64 = 0
        var isBusy = false
        var balanceMilliseconds: Int64 = 0
    }

    /// What has come due.
    private struct Due {
        var flush = false
        var balance = false
    }

    /// Leaderships are given back this often to nodes that have returned.
    static let balanceMilliseconds: Int64 = 5_000

    let stateStore: any StateStore
    private let gauge: any SpaceGauge
    private let failed: @Sendable (any Error) -> Void
    private let state = NIOLockedValueBox(State())

    init(store: any StateStore, gauge: any SpaceGauge, failed: @escaping @Sendable (any Error) -> Void) {
        stateStore = store
        self.gauge = gauge
        self.failed = failed
    }

    /// Called by the loop on every tick.
    func tick(_ loop: NodeLoop) {
        guard let due = due(loop.nowMilliseconds, loop.settings) else { return }
        if due.balance { loop.balanceLeaderships(onlyToReturned: true) }
        loop.writer.put(.tidy)
        let groups = Array(loop.unflushed)
        let inbox = loop.inbox
        let installs = loop.finishedInstalls
        let leadsDirectory = due.balance && loop.replica(.directory)?.isLeader == true
        // Only what is flushed may leave the log: that is what makes room.
        let flushes = due.flush || loop.isSpaceLow
        loop.background.run { [self] in
            defer { state.withLockedValue { $0.isBusy = false } }
            do {
                let free = gauge.freeBytes()
                inbox.put(.control { $0.noteFreeBytes(free) })
                if flushes { try stateStore.flush() }
                let reader = MailReader(store: stateStore)
                let durable = try groups.map { (group: $0, index: try reader.durableAppliedIndex($0).index) }
                if !durable.isEmpty { inbox.put(.durable(durable, finishedInstalls: installs)) }
                if leadsDirectory, let cluster = try reader.cluster() {
                    inbox.put(.control { $0.raiseVersion(cluster) })
                }
            } catch {
                failed(error)
            }
        }
    }

    /// Nil when it is too early, or the last round is not over.
    private func due(_ now: Int64, _ settings: CoreSettings) -> Due? {
        state.withLockedValue { state in
            guard now >= state.nextMilliseconds, !state.isBusy else { return nil }
            state.nextMilliseconds = now + settings.maintenanceMilliseconds
            state.isBusy = true
            func comes(_ last: inout Int64, every milliseconds: Int64) -> Bool {
                guard now - last >= milliseconds else { return false }
                last = now
                return true
            }
            return Due(
                flush: comes(&state.flushedMilliseconds, every: settings.flushMilliseconds),
                balance: comes(&state.balanceMilliseconds, every: Self.balanceMilliseconds)
            )
        }
    }
}

extension NodeLoop {
    /// Cuts the logs behind what the state keeps durably, leaving some for followers that lag.
    ///
    /// - Parameter finished: the installs finished when the state was asked. One since then may have put an older state
    ///   in the place of the one that was asked.
    func compact(_ durable: [(group: GroupID, index: LogIndex)], finishedInstalls finished: UInt64) {
        guard finished == finishedInstalls else { return }
        for (group, index) in durable {
            guard let raft = replica(group)?.raft, standing(of: group).hasState else { continue }
            // Until something is applied, the answer stays the same.
            if index >= raft.appliedIndex { unflushed.remove(group) }
            let safe = min(index, raft.appliedIndex, raft.commitIndex)
            let target = cut(group, raft, behind: safe)
            guard target > raft.snapshot.index, target - raft.snapshot.index >= compactionStep(raft),
                let term = raft.term(at: target)
            else { continue }
            let point = SnapshotPoint(index: target, term: term, configuration: raft.configuration(at: target))
            withReplica(group) { $0.compacted(to: point, source, into: &$1) }
            writer.put(.setSnapshot(group, point))
        }
    }

    /// Where to cut, so that followers that lag find what they may expect, and those that get a snapshot can go on from
    /// there: under load, more is written while a large one is on its way than is kept otherwise.
    private func cut(_ group: GroupID, _ raft: RaftNode, behind safe: LogIndex) -> LogIndex {
        let target = raft.retentionPoint(
            behind: safe,
            entries: isSpaceLow ? 0 : settings.retainedEntries,
            bytes: settings.retainedBytes
        )
        guard !isSpaceLow, let held = sources.oldestIndex(of: group, nowMilliseconds: nowMilliseconds), held < target
        else { return target }
        let bytes = settings.retainedBytes.multipliedReportingOverflow(by: Self.heldForSnapshots)
        let least = raft.retentionPoint(behind: safe, entries: .max, bytes: bytes.overflow ? .max : bytes.partialValue)
        return max(held, min(least, target))
    }

    /// For who gets a snapshot, so many times the payload bytes are kept that are kept otherwise.
    private static let heldForSnapshots = 16

    /// Small steps where a few entries already make up what may be kept.
    private func compactionStep(_ raft: RaftNode) -> Int {
        min(settings.compactionStep, max(1, (raft.lastIndex - raft.snapshot.index) / 4))
    }
}
