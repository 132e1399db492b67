internal import Consensus
internal import MailModel
internal import PeerTransport
package import Placement

/// What reaches ``SchedulerRoom``.
package enum SchedulerInput: Sendable {
    /// Whether this node leads the directory.
    case leads(Bool)
    case surveyed(ClusterSurvey)
    case decided([SchedulerDecision])
    /// The directory has answered a decision, or nobody has.
    case told
}

/// On the node that leads the directory: looks at the cluster again and again, and has done what the scheduler decides.
///
/// Nothing is kept but since when nodes have not been heard of: another node that comes to lead the directory goes on.
struct SchedulerRoom {
    private static let lookMilliseconds: Int64 = 1_000
    /// A node that has not answered for so long counts as gone.
    static let goneMilliseconds: Int64 = 3_000
    /// Where nothing has changed, all groups are looked at again after so long.
    private static let restMilliseconds: Int64 = 15_000
    /// Decisions that are on their way to the directory at once; the others are decided again.
    private static let maximumUnderWay = 64

    private var leads = false
    private var nextMilliseconds: Int64 = 0
    private var isAsking = false
    private var isDeciding = false
    private var underWay = 0
    private var reports: [NodeID: NodeReport] = [:]
    /// When each node was heard of last; for those that were not, since when this node leads.
    private var heardMilliseconds: [NodeID: Int64] = [:]
    /// What was looked at last: nothing is decided twice of the same.
    private var looked: (situation: Situation, milliseconds: Int64)?

    /// What has something decided at once when it changes. How many bytes there are changes all the time, and is looked
    /// at when nothing else has changed for a while.
    private struct Situation: Equatable {
        let directory: LogIndex
        let gone: [NodeID]
        let dead: [NodeID]
        let disks: [NodeID: DiskCondition]
        /// The groups that each node leads.
        let led: [NodeID: [GroupID]]

        init(_ directory: Directory, _ survey: ClusterSurvey) {
            let limit = directory.policy.scheduler.placement.deadAfterSeconds
            self.directory = directory.index
            gone = survey.goneSeconds.keys.sorted()
            dead = survey.goneSeconds.filter { $0.value >= limit }.keys.sorted()
            disks = survey.reports.mapValues(\.disk)
            led = survey.reports.mapValues { report in report.groups.filter(\.isLeader).map(\.group) }
        }
    }

    mutating func receive(_ input: SchedulerInput, _ desk: AgentDesk) {
        switch input {
        case .leads(let leads):
            guard leads != self.leads else { return }
            self.leads = leads
            reports = [:]
            heardMilliseconds = [:]
            looked = nil
            nextMilliseconds = desk.nowMilliseconds
        case .surveyed(let survey):
            isAsking = false
            note(survey, desk)
        case .decided(let decisions):
            isDeciding = false
            for decision in decisions { carryOut(decision, desk) }
            // Nothing answers a message to a leader: whether it was followed, the next look shows.
            if !decisions.isEmpty { looked = nil }
        case .told:
            underWay -= 1
            looked = nil
        }
    }

    /// On every tick.
    mutating func tick(_ desk: AgentDesk) {
        guard leads, desk.settings.isScheduling, !isAsking, desk.nowMilliseconds >= nextMilliseconds else { return }
        nextMilliseconds = desk.nowMilliseconds + Self.lookMilliseconds
        isAsking = true
        let inbox = desk.ways.inboxes.agent
        inbox.put(.survey(.wanted { inbox.put(.scheduler(.surveyed($0))) }))
    }

    private mutating func note(_ survey: ClusterSurvey, _ desk: AgentDesk) {
        guard leads else { return }
        let now = desk.nowMilliseconds
        for (node, report) in survey.reports {
            reports[node] = report
            heardMilliseconds[node] = now
        }
        let directory = desk.directory.now
        for node in directory.members where heardMilliseconds[node] == nil { heardMilliseconds[node] = now }
        var known = ClusterSurvey(reports: reports)
        for node in directory.members {
            let silent = now - (heardMilliseconds[node] ?? now)
            if silent >= Self.goneMilliseconds { known.goneSeconds[node] = Int(silent / 1_000) }
        }
        decide(by: directory, known, desk)
    }

    private mutating func decide(by directory: Directory, _ survey: ClusterSurvey, _ desk: AgentDesk) {
        let situation = Situation(directory, survey)
        let now = desk.nowMilliseconds
        let isSame = looked.map { $0.situation == situation && now - $0.milliseconds < Self.restMilliseconds }
        guard isSame != true, !isDeciding, underWay == 0 else { return }
        looked = (situation, now)
        isDeciding = true
        let inbox = desk.ways.inboxes.agent
        let time = desk.clock.now()
        desk.ways.background.run {
            inbox.put(.scheduler(.decided(Scheduler(directory, survey, now: time).decisions)))
        }
    }

    private mutating func carryOut(_ decision: SchedulerDecision, _ desk: AgentDesk) {
        guard leads else { return }
        switch decision {
        case .handOver(let group, let leader, let target):
            desk.ways.inboxes.agent.put(.survey(.handOver(group, from: leader, to: target)))
        case .command(let command):
            guard underWay < Self.maximumUnderWay else { return }
            underWay += 1
            let inbox = desk.ways.inboxes.agent
            let call = ClientCall(
                group: .directory,
                account: AccountID(0),
                command: .directory(command),
                deadlineMilliseconds: desk.nowMilliseconds + desk.settings.callMilliseconds,
                completion: Completion(on: nil) { _ in inbox.put(.scheduler(.told)) }
            )
            desk.ways.inboxes.put(.submit(call), for: .directory)
        }
    }
}
