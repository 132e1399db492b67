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
        let floor = loop.floor
        guard let due = due(floor.nowMilliseconds, floor.settings) else { return }
        floor.write(.tidy)
        let groups = Array(floor.groups.unflushed)
        let inbox = floor.ways.inbox
        let replaced = floor.groups.replacedStates
        let leadsDirectory = due.balance && floor.replica(.directory)?.isLeader == true
        // Only what is flushed may leave the log: that is what makes room.
        let flushes = due.flush || floor.health.isSpaceLow
        floor.ways.background.run { [self] in
            defer { state.withLockedValue { $0.isBusy = false } }
            do {
                let free = gauge.freeBytes()
                inbox.put(.control { $0.noteFreeBytes(free) })
                if flushes { try stateStore.flush() }
                let reader = MailReader(store: stateStore)
                let durable = try groups.map { (group: $0, index: try reader.durableAppliedIndex($0).index) }
                if !durable.isEmpty { inbox.put(.durable(DurableIndexes(indexes: durable, replacedStates: replaced))) }
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
