internal import Consensus
internal import NIOCore

/// Turns operations into records, and checks that each fits what is there and what the round has done before it.
struct RoundPlanner {
    private let table: GroupTable
    private var plans: [GroupID: Plan] = [:]
    private(set) var records: [Record] = []

    /// What a group will be after the operations so far.
    private struct Plan {
        var snapshotIndex: LogIndex
        var lastIndex: LogIndex
        var term: Term
        /// Entries appended in this round, by index of the first.
        var appended: [(first: LogIndex, entries: [LogEntry])] = []
        var isNew: Bool
    }

    init(_ table: GroupTable) { self.table = table }

    mutating func add(_ operation: LogOperation) throws(LogError) {
        switch operation {
        case .createGroup(let group, let replica, let point):
            precondition(plan(group) == nil || table.groups[group]?.damage != nil, "The group is there already.")
            plans[group] = Plan(snapshotIndex: point.index, lastIndex: point.index, term: .zero, isNew: true)
            records.append(Record(group: group, body: .create(replica, point)))
        case .removeGroup(let group):
            guard table.groups[group] != nil || plan(group) != nil else { return }
            removed.insert(group)
            plans[group] = nil
            records.append(Record(group: group, body: .remove))
        case .saveHardState(let group, let state):
            let plan = try known(group)
            precondition(state.term >= plan.term, "The term would go back.")
            plans[group]?.term = state.term
            records.append(Record(group: group, body: .hardState(state)))
        case .append(let group, let firstIndex, let entries):
            try addEntries(entries, from: firstIndex, to: group)
        case .setSnapshot(let group, let point):
            let plan = try known(group)
            guard point.index > plan.snapshotIndex else { return }
            let keeps = point.index <= plan.lastIndex && term(group, plan, at: point.index) == point.term
            plans[group]?.snapshotIndex = point.index
            if !keeps {
                plans[group]?.lastIndex = point.index
                plans[group]?.appended.removeAll()
            }
            records.append(Record(group: group, body: .snapshot(point, keepsEntries: keeps)))
        }
    }

    private var removed: Set<GroupID> = []

    private mutating func addEntries(_ entries: [LogEntry], from first: LogIndex, to group: GroupID) throws(LogError) {
        guard !entries.isEmpty else { return }
        let plan = try known(group)
        precondition(first > plan.snapshotIndex && first <= plan.lastIndex.next, "The entries do not join the log.")
        for (offset, entry) in entries.enumerated() {
            precondition(entry.byteCount == entry.payload.readableBytes, "The header tells another payload size.")
            guard entry.byteCount <= Layout.maxRecordBytes else {
                throw LogError(.tooLarge, "An entry of \(entry.byteCount) bytes.", group: group)
            }
            records.append(
                Record(group: group, body: .entry(first + offset, entry.header), payload: entry.payload)
            )
        }
        plans[group]?.lastIndex = first + (entries.count - 1)
        plans[group]?.appended.append((first, entries))
    }

    private mutating func known(_ group: GroupID) throws(LogError) -> Plan {
        guard let plan = plan(group) else { throw LogError(.unknownGroup, "There is no such group.", group: group) }
        plans[group] = plan
        return plan
    }

    private func plan(_ group: GroupID) -> Plan? {
        if let plan = plans[group] { return plan }
        guard !removed.contains(group), let log = table.groups[group] else { return nil }
        return Plan(
            snapshotIndex: log.snapshot.index,
            lastIndex: log.lastIndex,
            term: log.hardState.term,
            isNew: false
        )
    }

    private func term(_ group: GroupID, _ plan: Plan, at index: LogIndex) -> Term? {
        for (first, entries) in plan.appended.reversed() {
            if index >= first && index < first + entries.count { return entries[index - first].header.term }
        }
        return plan.isNew ? nil : table.groups[group]?.slot(at: index)?.header.term
    }
}
