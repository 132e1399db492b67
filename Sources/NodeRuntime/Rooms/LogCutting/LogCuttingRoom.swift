internal import Consensus
internal import MailStore
internal import ReplicaCore

/// Cuts the logs behind what the state keeps durably, leaving some for followers that lag.
struct LogCuttingRoom {
    private var nextMilliseconds: Int64 = 0
    private var isLooking = false

    /// On every tick: now and then, the state is asked what it would keep in a crash.
    mutating func tick(_ floor: Floor) {
        guard floor.nowMilliseconds >= nextMilliseconds, !isLooking, !floor.groups.unflushed.isEmpty else { return }
        nextMilliseconds = floor.nowMilliseconds + floor.settings.maintenanceMilliseconds
        isLooking = true
        let groups = Array(floor.groups.unflushed)
        let replaced = floor.groups.replacedStates
        let reader = floor.reader
        let ways = floor.ways
        ways.background.run {
            do {
                let indexes = try groups.map { (group: $0, index: try reader.durableAppliedIndex($0).index) }
                ways.inbox.put(.durable(DurableIndexes(indexes: indexes, replacedStates: replaced)))
            } catch {
                ways.failed(error)
            }
        }
    }

    /// What the state would keep in a crash was looked up.
    mutating func finished(_ durable: DurableIndexes, _ floor: Floor) {
        isLooking = false
        guard durable.replacedStates == floor.groups.replacedStates else { return }
        for (group, index) in durable.indexes {
            guard let raft = floor.replica(group)?.raft, floor.standing(of: group).hasState else { continue }
            // Until something is applied, the answer stays the same.
            if index >= raft.appliedIndex { floor.groups.unflushed.remove(group) }
            let safe = min(index, raft.appliedIndex, raft.commitIndex)
            let target = cuttingPoint(of: group, raft, behind: safe, floor)
            guard target > raft.snapshot.index, target - raft.snapshot.index >= leastStep(raft, floor),
                let term = raft.term(at: target)
            else { continue }
            let point = SnapshotPoint(index: target, term: term, configuration: raft.configuration(at: target))
            floor.step(group) { $0.compacted(to: point, floor.source, into: &$1) }
            floor.write(.setSnapshot(group, point))
        }
    }

    /// Where to cut, so that followers that lag find what they may expect, and those that get a snapshot can go on from
    /// there: under load, more is written while a large one is on its way than is kept otherwise.
    private func cuttingPoint(
        of group: GroupID,
        _ raft: RaftNode,
        behind safe: LogIndex,
        _ floor: Floor
    ) -> LogIndex {
        let isSpaceLow = floor.health.isSpaceLow
        let target = raft.retentionPoint(
            behind: safe,
            entries: isSpaceLow ? 0 : floor.settings.retainedEntries,
            bytes: floor.settings.retainedBytes
        )
        guard !isSpaceLow,
            let held = floor.ways.snapshots.oldestIndex(of: group, nowMilliseconds: floor.nowMilliseconds),
            held < target
        else { return target }
        let bytes = floor.settings.retainedBytes.multipliedReportingOverflow(by: Self.heldForSnapshots)
        let least = raft.retentionPoint(behind: safe, entries: .max, bytes: bytes.overflow ? .max : bytes.partialValue)
        return max(held, min(least, target))
    }

    /// While a node pulls a snapshot of the group, so many times the usual payload bytes are kept.
    private static let heldForSnapshots = 16

    /// Small steps where a few entries already make up what may be kept.
    private func leastStep(_ raft: RaftNode, _ floor: Floor) -> Int {
        min(floor.settings.compactionStep, max(1, (raft.lastIndex - raft.snapshot.index) / 4))
    }
}

/// How far the state of groups would be after a crash at some moment.
package struct DurableIndexes: Sendable {
    let indexes: [(group: GroupID, index: LogIndex)]
    /// ``HostedGroups/replacedStates`` when the state was asked. A snapshot since then may have put an older state in
    /// the place of the one that was asked.
    let replacedStates: UInt64
}
