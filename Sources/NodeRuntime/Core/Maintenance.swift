internal import Consensus
internal import MailModel
internal import MailStore
internal import NIOConcurrencyHelpers
internal import ReplicaCore
internal import StateStorage

/// What a snapshot needs of the store.
protocol StateStoreForSnapshots: Sendable {
    func makeGroupSnapshot(_ group: GroupID) throws -> GroupSnapshotSource?
}

/// What has to be done now and then: flushing the state, cutting the log, proposing housekeeping.
final class Maintenance: Sendable, StateStoreForSnapshots {
    private struct State {
        var nextMilliseconds: Int64 = 0
        var flushedMilliseconds: Int64 = 0
        var isBusy = false
        var housekeepingMilliseconds: Int64 = 0
    }

    /// Housekeeping is proposed this often by each leader.
    static let housekeepingMilliseconds: Int64 = 60_000
    /// Rows that one housekeeping command may remove.
    static let housekeepingLimit: UInt32 = 1_000

    let stateStore: any StateStore
    private let failed: @Sendable (any Error) -> Void
    private let state = NIOLockedValueBox(State())

    init(store: any StateStore, failed: @escaping @Sendable (any Error) -> Void) {
        stateStore = store
        self.failed = failed
    }

    var store: any StateStoreForSnapshots { self }

    func makeGroupSnapshot(_ group: GroupID) throws -> GroupSnapshotSource? {
        try GroupSnapshotSource(group: group, store: stateStore)
    }

    /// Called by the loop on every tick.
    func tick(_ loop: NodeLoop) {
        let now = loop.nowMilliseconds
        let (isDue, flush, housekeeping) = state.withLockedValue { state -> (Bool, Bool, Bool) in
            guard now >= state.nextMilliseconds, !state.isBusy else { return (false, false, false) }
            state.nextMilliseconds = now + loop.settings.maintenanceMilliseconds
            state.isBusy = true
            let flush = now - state.flushedMilliseconds >= loop.settings.flushMilliseconds
            if flush { state.flushedMilliseconds = now }
            let housekeeping = now - state.housekeepingMilliseconds >= Self.housekeepingMilliseconds
            if housekeeping { state.housekeepingMilliseconds = now }
            return (true, flush, housekeeping)
        }
        guard isDue else { return }
        let groups = Array(loop.unflushed)
        let led = housekeeping ? loop.replicas.filter { $0.isLeader && $0.group != .directory }.map(\.group) : []
        let times = HousekeepingTimes(now: loop.clock.now())
        let inbox = loop.inbox
        loop.blocking.run { [self] in
            defer { state.withLockedValue { $0.isBusy = false } }
            do {
                if flush { try stateStore.flush() }
                let reader = MailReader(store: stateStore)
                let durable = try groups.map { (group: $0, index: try reader.durableAppliedIndex($0).index) }
                if !durable.isEmpty { inbox.put(.durable(durable)) }
                let due = try led.compactMap { group in
                    let commands = try reader.housekeepingDue(in: group, times, limit: Self.housekeepingLimit)
                    return commands.isEmpty ? nil : (group: group, commands: commands)
                }
                if !due.isEmpty { inbox.put(.control { $0.proposeHousekeeping(due) }) }
            } catch {
                failed(error)
            }
        }
    }
}

extension NodeLoop {
    /// Cuts the logs behind what the state keeps durably, leaving some for followers that lag.
    func compact(_ durable: [(group: GroupID, index: LogIndex)]) {
        for (group, index) in durable {
            guard let raft = replica(group)?.raft, installs[group] == nil, !rebuilding.contains(group) else { continue }
            // Until something is applied, the answer stays the same.
            if index >= raft.appliedIndex { unflushed.remove(group) }
            let safe = min(index, raft.appliedIndex, raft.commitIndex)
            guard safe.rawValue > UInt64(settings.retainedEntries) else { continue }
            let target = LogIndex(safe.rawValue - UInt64(settings.retainedEntries))
            guard target > raft.snapshot.index, target - raft.snapshot.index >= settings.compactionStep,
                let term = raft.term(at: target)
            else { continue }
            let point = SnapshotPoint(index: target, term: term, configuration: raft.configuration(at: target))
            withReplica(group) { $0.compacted(to: point, source, into: &$1) }
            writer.put(.setSnapshot(group, point, then: nil))
        }
    }

    /// Ends retentions where this node still leads.
    func proposeHousekeeping(_ due: [(group: GroupID, commands: [MailCommand])]) {
        let now = clock.now()
        for (group, commands) in due where replica(group)?.isLeader == true {
            for command in commands {
                let envelope = CommandEnvelope(
                    request: RequestID(session: 0, sequence: 0),
                    settledBelow: 0,
                    timestamp: now,
                    account: AccountID(0),
                    command: command
                )
                proposals[group, default: ProposalBatch()].payloads.append(envelope.encoded())
                proposals[group]?.origins.append(.housekeeping)
            }
        }
    }
}
