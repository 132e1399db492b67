package import Consensus
internal import MailModel
package import MailStore
internal import PeerTransport
package import Placement
internal import StateStorage

/// A replica on this node.
package struct HeldReplica: Sendable {
    let group: GroupID
    let isLeader: Bool
}

/// What reaches ``SurveyRoom``.
package enum SurveyInput: Sendable {
    /// All replicas of one loop, in order.
    case held([HeldReplica], gathering: UInt64)
    /// Groups were counted, up to one of them; nil where the last was among them.
    case counted([GroupID: GroupCensus], upTo: GroupID?)
    /// Somebody wants to hear of all nodes.
    case wanted(@Sendable (ClusterSurvey) -> Void)
    /// The node that leads a group is to hand its leadership to another one.
    case handOver(GroupID, from: NodeID, to: NodeID)
}

/// Tells other nodes what this one holds and how much room it has, and asks the others for the same.
///
/// An inquiry ends when all nodes of the cluster have answered, or after ``patienceMilliseconds``. A node that has just
/// started waits for longer: it may not have a connection to each of the others yet. Whoever has not answered is asked
/// again meanwhile, since a question is lost where there is no connection.
struct SurveyRoom {
    static let patienceMilliseconds: Int64 = 900
    /// When a node that has not answered is asked again.
    private static let repetitionMilliseconds: Int64 = 300
    /// The least that a node has run for when an inquiry of its own ends without some answers.
    static let acquaintanceMilliseconds: Int64 = 5_000
    /// Inquiries at once; one more ends at once, with nothing.
    private static let maximumInquiries = 64
    /// Questions of others that wait for an answer; others are not answered.
    private static let maximumAskers = 4_096
    /// The groups of this node are counted again after so long, or after a hundred times as long as counting took.
    private static let censusMilliseconds: Int64 = 10_000
    /// Groups that are counted by one piece of work.
    private static let groupsPerCount = 16

    private struct Inquiry {
        let id: UInt64
        let endMilliseconds: Int64
        var nextMilliseconds: Int64
        var missing: Set<NodeID>
        var survey = ClusterSurvey()
        let finish: @Sendable (ClusterSurvey) -> Void
    }

    /// When this node had run for long enough to know the others; nil before its first tick.
    private var acquaintedMilliseconds: Int64?
    private var inquiries: [Inquiry] = []
    private var lastInquiry: UInt64 = 0
    /// Who is to be told what this node holds, as soon as its loops have said so: other nodes, and inquiries of its
    /// own.
    private var askers: [(node: NodeID, id: UInt64)] = []
    /// How many of them asked before the loops were asked: an answer is as new as its question.
    private var askersOfGathering = 0
    /// Which gathering is under way, how many loops have not answered, and what the others have said.
    private var gathering: UInt64 = 0
    private var silentLoops = 0
    private var gathered: [HeldReplica] = []
    /// What each group on this node amounts to, as it was counted last.
    private var census: [GroupID: GroupCensus] = [:]
    private var isCounting = false
    private var nextCensusMilliseconds: Int64 = 0
    private var censusBeganMilliseconds: Int64 = 0

    // MARK: Asking

    mutating func receive(_ input: SurveyInput, _ desk: AgentDesk) {
        switch input {
        case .held(let replicas, let gathering): noteHeld(replicas, in: gathering, desk)
        case .counted(let counts, let last): noteCensus(counts, upTo: last, desk)
        case .wanted(let finish): ask(desk, finish)
        case .handOver(let group, let leader, let target):
            if leader == desk.node {
                receiveMessage(.handOver(group, to: target), from: desk.node, desk)
            } else {
                desk.send(.survey(.handOver(group, to: target)), to: leader)
            }
        }
    }

    /// Asks all nodes of the cluster.
    mutating func ask(_ desk: AgentDesk, _ finish: @escaping @Sendable (ClusterSurvey) -> Void) {
        guard inquiries.count < Self.maximumInquiries else { return finish(ClusterSurvey()) }
        lastInquiry += 1
        let nodes = desk.directory.now.members
        inquiries.append(
            Inquiry(
                id: lastInquiry,
                endMilliseconds: max(desk.nowMilliseconds + Self.patienceMilliseconds, acquaintedMilliseconds ?? 0),
                nextMilliseconds: desk.nowMilliseconds + Self.repetitionMilliseconds,
                missing: Set(nodes),
                finish: finish
            )
        )
        for node in nodes where node != desk.node { desk.send(.survey(.ask(id: lastInquiry)), to: node) }
        answer(desk.node, in: lastInquiry, desk)
    }

    mutating func receiveMessage(_ message: SurveyMessage, from node: NodeID, _ desk: AgentDesk) {
        switch message {
        case .ask(let id): answer(node, in: id, desk)
        case .report(let id, let report): note(report, of: node, in: id)
        case .handOver(let group, let target):
            // Whether it could be done, the next report shows.
            desk.ways.inboxes.put(.question(.transferLeadership(of: group, to: target, { _ in })), for: group)
        }
    }

    private mutating func note(_ report: NodeReport, of node: NodeID, in id: UInt64) {
        guard let place = inquiries.firstIndex(where: { $0.id == id }),
            inquiries[place].missing.remove(node) != nil
        else { return }
        inquiries[place].survey.reports[node] = report
        if inquiries[place].missing.isEmpty { finish(at: place) }
    }

    private mutating func finish(at place: Int) {
        var inquiry = inquiries.remove(at: place)
        for node in inquiry.missing { inquiry.survey.goneSeconds[node] = 0 }
        inquiry.finish(inquiry.survey)
    }

    // MARK: Answering

    private mutating func answer(_ node: NodeID, in id: UInt64, _ desk: AgentDesk) {
        guard askers.count < Self.maximumAskers, !askers.contains(where: { $0 == (node, id) }) else { return }
        askers.append((node, id))
        if silentLoops == 0 { gather(desk) }
    }

    private mutating func gather(_ desk: AgentDesk) {
        askersOfGathering = askers.count
        gathering += 1
        gathered = []
        silentLoops = desk.ways.inboxes.loops.count
        let (number, inbox) = (gathering, desk.ways.inboxes.agent)
        for loop in desk.ways.inboxes.loops {
            loop.put(.question(.holdings { inbox.put(.survey(.held($0, gathering: number))) }))
        }
    }

    private mutating func noteHeld(_ replicas: [HeldReplica], in gathering: UInt64, _ desk: AgentDesk) {
        guard gathering == self.gathering else { return }
        gathered += replicas
        silentLoops -= 1
        guard silentLoops == 0 else { return }
        let groups = gathered.sorted { $0.group < $1.group }.prefix(NodeReport.maximumGroups)
        let report = NodeReport(
            directoryIndex: desk.directory.now.index,
            capacityBytes: UInt64(clamping: desk.space?.capacityBytes ?? 0),
            freeBytes: UInt64(clamping: desk.space?.freeBytes ?? 0),
            disk: desk.health.diskCondition,
            groups: groups.map { held in
                HeldGroup(
                    group: held.group,
                    isLeader: held.isLeader,
                    accounts: census[held.group]?.accounts ?? 0,
                    bytes: census[held.group]?.bytes ?? 0
                )
            }
        )
        gathered = []
        let answered = askers.prefix(askersOfGathering)
        askers.removeFirst(askersOfGathering)
        if !askers.isEmpty { gather(desk) }
        for (node, id) in answered {
            if node == desk.node {
                note(report, of: node, in: id)
            } else {
                desk.send(.survey(.report(id: id, report)), to: node)
            }
        }
    }

    // MARK: Counting

    /// On every tick.
    mutating func tick(_ desk: AgentDesk) {
        if acquaintedMilliseconds == nil {
            acquaintedMilliseconds = desk.nowMilliseconds + Self.acquaintanceMilliseconds
        }
        while let place = inquiries.firstIndex(where: { $0.endMilliseconds <= desk.nowMilliseconds }) {
            finish(at: place)
        }
        for place in inquiries.indices where inquiries[place].nextMilliseconds <= desk.nowMilliseconds {
            inquiries[place].nextMilliseconds = desk.nowMilliseconds + Self.repetitionMilliseconds
            let inquiry = inquiries[place]
            for node in inquiry.missing where node != desk.node { desk.send(.survey(.ask(id: inquiry.id)), to: node) }
        }
        guard !isCounting, desk.nowMilliseconds >= nextCensusMilliseconds, desk.directory.now.index > .zero else {
            return
        }
        isCounting = true
        censusBeganMilliseconds = desk.nowMilliseconds
        count(behind: nil, desk)
    }

    /// Has the next few groups counted of which this node is said to have a replica.
    private func count(behind last: GroupID?, _ desk: AgentDesk) {
        let directory = desk.directory.now
        let node = desk.node
        let first = last.map { GroupID($0.rawValue + 1) } ?? GroupID(1)
        let held = directory.groups.lazy.filter { $0.id >= first && $0.holders.contains(node) }
            .prefix(Self.groupsPerCount).map(\.id)
        let groups = Array(held)
        let known = census
        let reader = MailReader(store: desk.ways.state)
        let (inbox, failed) = (desk.ways.inboxes.agent, desk.ways.failed)
        desk.ways.background.run {
            var counts: [GroupID: GroupCensus] = [:]
            for group in groups {
                do {
                    counts[group] = try reader.census(of: group, since: known[group])
                } catch let error as StateError {
                    failed(error)
                } catch {
                    // Rows that cannot be read are found, and said, by those that need them.
                }
            }
            inbox.put(.survey(.counted(counts, upTo: groups.last)))
        }
    }

    private mutating func noteCensus(_ counts: [GroupID: GroupCensus], upTo last: GroupID?, _ desk: AgentDesk) {
        census.merge(counts) { $1 }
        if let last { return count(behind: last, desk) }
        isCounting = false
        let took = desk.nowMilliseconds - censusBeganMilliseconds
        nextCensusMilliseconds = desk.nowMilliseconds + max(Self.censusMilliseconds, 100 * took)
        // What is gone from here counts no more.
        let directory = desk.directory.now
        let node = desk.node
        census = census.filter { directory.group($0.key)?.holders.contains(node) == true }
    }
}
