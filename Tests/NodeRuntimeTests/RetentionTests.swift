import Consensus
import MailModel
import MailStore
import NIOCore
import ReplicaCore
import StateStorage
import Testing

@testable import NodeRuntime

/// How long a delivery is recognised: from the clock, through the leader's housekeeping and the log, to the state.
@Suite struct RetentionTests {
    private static let week: Int64 = 7 * 86_400_000
    private let group = GroupID(1)

    @Test func aDeliveryIsRecognisedForSevenDays() throws {
        let cluster = try TestCluster(groups: 2) { $0.tickMilliseconds = 500 }
        cluster.run(ticks: 60)
        cluster.timeOfDay = Timestamp(milliseconds: 1_700_000_000_000)
        let address = try #require(AccountAddress("anna@example.org"))
        let create = MailCommand.createAccount(address: address, credential: nil, quotaBytes: 0, mailboxes: [])
        guard case .accountCreated(let account) = try submit(create, AccountID(1), cluster) else {
            throw Refusal.noSuchAccount
        }
        let start = cluster.timeOfDay.rawValue
        let first = try deliver(body: 1, account, cluster)

        // In the last two minutes of the week everything else that is that old is forgotten.
        cluster.timeOfDay = Timestamp(milliseconds: start + Self.week - 120_000)
        try runToHousekeeping(cluster)
        try #require(cluster.timeOfDay.rawValue < start + Self.week)
        #expect(try deliver(body: 2, account, cluster) == first)

        // It is the command that forgets it, not the time.
        cluster.timeOfDay = Timestamp(milliseconds: start + Self.week + 10_000)
        #expect(try deliver(body: 3, account, cluster) == first)
        #expect(try inboxes(account, cluster) == [1, 1, 1])
        try runToHousekeeping(cluster)
        let again = try deliver(body: 4, account, cluster)
        #expect(again != first)
        #expect(try inboxes(account, cluster) == [2, 2, 2])
        #expect(try deliver(body: 5, account, cluster) == again)
    }

    /// Through the leader, to its answer.
    private func submit(_ command: MailCommand, _ account: AccountID, _ cluster: TestCluster) throws -> MailOutcome {
        let leader = try #require(cluster.leader(of: group))
        let answer = Answer()
        let call = ClientCall(
            group: group,
            account: account,
            command: command,
            deadlineMilliseconds: .max,
            completion: Completion(on: nil) { answer.outcome = try? $0.get() }
        )
        leader.core?.inbox.put(.submit(call))
        cluster.run(ticks: 4)
        return try #require(answer.outcome)
    }

    private func deliver(body: UInt64, _ account: AccountID, _ cluster: TestCluster) throws -> MailOutcome {
        let bytes = ByteBuffer(repeating: 0x61, count: 100)
        let message = NewMessage(
            bodyID: BodyID(milliseconds: cluster.timeOfDay.rawValue, random: 0, body),
            internalDate: InternalDate(seconds: 0, zoneMinutes: 0),
            sizeBytes: UInt64(bytes.readableBytes),
            summary: ByteBuffer(),
            body: .inline(bytes)
        )
        return try submit(.deliver(message, id: DeliveryID(high: 1, low: 2)), account, cluster)
    }

    /// A leader looks for it once a minute, and proposes something only where something is due: nobody else writes.
    private func runToHousekeeping(_ cluster: TestCluster) throws {
        func lastIndex() -> LogIndex? { cluster.leader(of: group)?.core?.loop.replica(group)?.raft.lastIndex }
        let before = try #require(lastIndex())
        for _ in 0..<150 {
            cluster.run(ticks: 1)
            if lastIndex() == before.next { return cluster.run(ticks: 2) }
        }
        Issue.record("nothing was due")
    }

    /// Messages in INBOX, on each node.
    private func inboxes(_ account: AccountID, _ cluster: TestCluster) throws -> [UInt32] {
        try cluster.nodes.map { node in
            let answer = try MailReader(store: node.state).answer(.mailbox(.inbox), of: account, in: group)
            guard case .mailbox(let record) = answer else { return 0 }
            return record.messages
        }
    }
}

/// `@unchecked Sendable`: a test cluster has one thread.
private final class Answer: @unchecked Sendable {
    var outcome: MailOutcome?
}
