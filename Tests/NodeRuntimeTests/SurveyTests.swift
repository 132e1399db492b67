import Consensus
import MailModel
import NIOCore
import PeerTransport
import Placement
import Testing

@testable import NodeRuntime

/// What nodes tell one another of what they hold.
@Suite struct SurveyTests {
    /// More than the patience of an inquiry.
    private static let patienceTicks = 20

    /// How surveys have ended; `@unchecked Sendable`: a test cluster has one thread.
    private final class Surveys: @unchecked Sendable {
        var ended: [ClusterSurvey] = []
    }

    private func ask(_ node: TestNode, _ surveys: Surveys) {
        node.core?.agent.inbox.put(.survey(.wanted { surveys.ended.append($0) }))
    }

    private func cluster(_ change: (inout CoreSettings) -> Void = { _ in }) throws -> TestCluster {
        let cluster = try TestCluster(groups: 3, change)
        for node in cluster.nodes { node.diskSpace = DiskSpace(freeBytes: 600, capacityBytes: 1_000 * Int(node.run)) }
        cluster.run(ticks: 160)
        try #require(cluster.allAreLed)
        return cluster
    }

    @Test func allNodesAreNamedWithWhatTheyHold() throws {
        let cluster = try cluster()
        let surveys = Surveys()
        ask(cluster[2], surveys)
        cluster.run(ticks: 1)
        let survey = try #require(surveys.ended.first)
        #expect(survey.reports.keys.sorted() == cluster.nodes.map(\.id) && survey.goneSeconds == [:])
        for node in cluster.nodes {
            let report = try #require(survey.reports[node.id])
            #expect(report.groups.map(\.group) == cluster.groups)
            let led = report.groups.filter(\.isLeader).map(\.group)
            #expect(led == cluster.groups.filter { cluster.leader(of: $0) === node })
            #expect(report.capacityBytes == 1_000 && report.freeBytes == 600 && report.disk == .full)
            #expect(report.directoryIndex == node.core?.directory.now.index)
        }
        #expect(survey.covers(try #require(cluster[1].core?.directory.now)))
    }

    /// All loops of a node are asked, before the node answers.
    @Test func groupsOfAllLoopsAreNamed() throws {
        let cluster = try TestCluster(groups: 6, loops: [3, 2, 1])
        cluster.run(ticks: 160)
        try #require(cluster.allAreLed)
        let surveys = Surveys()
        ask(cluster[1], surveys)
        cluster.run(ticks: 1)
        let reports = try #require(surveys.ended.first?.reports)
        #expect(reports.count == 3)
        #expect(reports.values.allSatisfy { $0.groups.map(\.group) == cluster.groups })
    }

    @Test func aNodeThatIsSilentIsGone() throws {
        let cluster = try cluster()
        cluster[3].isStopped = true
        let surveys = Surveys()
        ask(cluster[1], surveys)
        cluster.run(ticks: 10)
        #expect(surveys.ended.isEmpty, "it may still answer")
        cluster.run(ticks: Self.patienceTicks)
        let survey = try #require(surveys.ended.first)
        #expect(survey.reports.keys.sorted() == [cluster[1].id, cluster[2].id])
        #expect(survey.goneSeconds.keys.sorted() == [cluster[3].id])
        // An answer that comes too late is none.
        cluster[3].isStopped = false
        cluster.run(ticks: Self.patienceTicks)
        #expect(surveys.ended.count == 1)
        ask(cluster[1], surveys)
        cluster.run(ticks: 2)
        #expect(surveys.ended.last?.reports.count == 3)
    }

    /// A node that has just started may have no connection to some that are there.
    @Test func whoHasJustStartedWaitsForLonger() throws {
        let cluster = try cluster()
        cluster[1].kill()
        try cluster.start(cluster[1])
        cluster[3].isStopped = true
        cluster.run(ticks: 2)
        let surveys = Surveys()
        ask(cluster[1], surveys)
        cluster.run(ticks: Self.patienceTicks + 10)
        #expect(surveys.ended.isEmpty)
        cluster[3].isStopped = false
        cluster.run(ticks: 4)
        #expect(surveys.ended.map(\.reports.count) == [3])
    }

    /// Where there is no connection, a question is lost.
    @Test func whoDidNotHearTheQuestionIsAskedAgain() throws {
        let cluster = try cluster()
        let surveys = Surveys()
        ask(cluster[1], surveys)
        cluster.run(ticks: 2) { message, _, to in message.isSurvey && to == cluster[3].id }
        #expect(surveys.ended.isEmpty)
        cluster.run(ticks: 8)
        #expect(surveys.ended.map(\.reports.count) == [3])
    }

    @Test func soManyInquiriesAndNoMore() throws {
        let cluster = try cluster()
        cluster[3].isStopped = true
        let surveys = Surveys()
        for _ in 0..<70 { ask(cluster[1], surveys) }
        cluster.run(ticks: 1)
        #expect(surveys.ended.count == 6)
        #expect(surveys.ended.allSatisfy { $0.reports.isEmpty && $0.goneSeconds.isEmpty })
        cluster.run(ticks: Self.patienceTicks)
        #expect(surveys.ended.count == 70)
        #expect(surveys.ended.dropFirst(6).allSatisfy { $0.reports.count == 2 })
    }

    /// What a node has counted of its groups, it says with the next report.
    @Test func accountsAreCountedNowAndThen() throws {
        let cluster = try cluster()
        let made = Counter()
        try cluster[1].createAccounts(0..<5, in: GroupID(1)) { made.value += 1 }
        cluster.run(ticks: 10)
        try #require(made.value == 5)
        let surveys = Surveys()
        // Groups are counted every ten seconds.
        cluster.run(ticks: 220)
        ask(cluster[3], surveys)
        cluster.run(ticks: 1)
        let reports = try #require(surveys.ended.first?.reports)
        for report in reports.values {
            #expect(report.groups.map(\.accounts) == [0, 5, 0])
        }
    }

    /// The leader is asked by another node to hand its leadership on.
    @Test func aLeadershipIsHandedOverOnRequest() throws {
        let cluster = try cluster()
        let leader = try #require(cluster.leader(of: GroupID(1)))
        let others = cluster.nodes.filter { $0 !== leader }
        let message = PeerMessage.survey(.handOver(GroupID(1), to: others[0].id))
        leader.core?.inboxes.receive([message], from: others[1].id)
        cluster.run(ticks: 4)
        #expect(cluster.leader(of: GroupID(1)) === others[0])
        // Who does not lead hands nothing over.
        leader.core?.inboxes.receive([.survey(.handOver(GroupID(1), to: leader.id))], from: others[1].id)
        cluster.run(ticks: 4)
        #expect(cluster.leader(of: GroupID(1)) === others[0])
    }
}

extension PeerMessage {
    fileprivate var isSurvey: Bool { if case .survey = self { true } else { false } }
}
