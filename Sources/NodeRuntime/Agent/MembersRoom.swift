internal import Consensus
internal import MailModel

/// Tells the directory who the members of the groups are that this node leads. What was told last of each group is told
/// until the directory has it, a few groups at a time.
struct MembersRoom {
    private static let retryMilliseconds: Int64 = 1_000
    /// Reports on their way at once.
    private static let maximumUnderWay = 16

    private struct Report {
        let index: LogIndex
        let configuration: Configuration
        var nextMilliseconds: Int64
        var isUnderWay = false
    }

    /// What the directory is still to be told, by group.
    private var reports: [GroupID: Report] = [:]

    /// A loop has noticed that the directory knows other members of a group.
    mutating func note(_ configuration: Configuration, of group: GroupID, at index: LogIndex, _ desk: AgentDesk) {
        if let known = reports[group], known.index >= index { return }
        reports[group] = Report(index: index, configuration: configuration, nextMilliseconds: desk.nowMilliseconds)
    }

    /// On every tick.
    mutating func tick(_ desk: AgentDesk) {
        guard !reports.isEmpty else { return }
        var underWay = reports.values.count { $0.isUnderWay }
        for (group, report) in reports.sorted(by: { $0.key < $1.key }) where underWay < Self.maximumUnderWay {
            guard !report.isUnderWay, desk.nowMilliseconds >= report.nextMilliseconds else { continue }
            reports[group]?.isUnderWay = true
            underWay += 1
            tell(report, of: group, desk)
        }
    }

    private func tell(_ report: Report, of group: GroupID, _ desk: AgentDesk) {
        let inbox = desk.ways.inboxes.agent
        let index = report.index
        let call = ClientCall(
            group: .directory,
            account: AccountID(0),
            command: .directory(.reportMembers(group, at: index, report.configuration)),
            deadlineMilliseconds: desk.nowMilliseconds + desk.settings.callMilliseconds,
            completion: Completion(on: nil) { inbox.put(.membersTold(of: group, at: index, $0)) }
        )
        desk.ways.inboxes.put(.submit(call), for: .directory)
    }

    mutating func finished(
        _ result: Result<MailOutcome, ServiceFailure>,
        of group: GroupID,
        at index: LogIndex,
        _ desk: AgentDesk
    ) {
        guard let report = reports[group], report.index == index else { return }
        if case .success = result {
            reports[group] = nil
        } else {
            reports[group]?.isUnderWay = false
            reports[group]?.nextMilliseconds = desk.nowMilliseconds + Self.retryMilliseconds
        }
    }
}
