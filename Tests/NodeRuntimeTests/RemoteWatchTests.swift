import Consensus
import MailModel
import MailStore
import NIOCore
import PeerTransport
import ReplicaCore
import Testing

@testable import NodeRuntime

/// How a node hears of changes in a group of which it has no replica.
@Suite struct RemoteWatchTests {
    /// `@unchecked Sendable`: a test cluster has one thread.
    private final class Watcher: @unchecked Sendable {
        let watch: any AccountWatch

        init(_ account: AccountReference, on node: TestNode, _ calls: Counter) throws {
            let service = try #require(node.service)
            watch = service.watch(account) { calls.value += 1 }
        }
    }

    private func deliver(_ number: UInt64, to account: AccountReference, in bench: RemoteBench) throws {
        let writer = try #require(bench.holders.first { $0.core != nil })
        let call = bench.submit(RemoteBench.message(number), account: account.id, through: writer)
        for _ in 0..<100 where call.value == nil { bench.run(ticks: 1) }
        guard case .success(.appended)? = call.value else { throw NotWritten() }
    }

    private struct NotWritten: Error {}

    private func asks(_ bench: RemoteBench) -> [(accounts: [AccountID], to: NodeID)] {
        bench.heard.compactMap { message, from, to in
            if from == bench.guest.id, case .watch(_, .ask(_, let accounts)) = message { (accounts, to) } else { nil }
        }
    }

    @Test func aWatchHearsOfWhatOthersHaveApplied() throws {
        let bench = try RemoteBench()
        let (_, account) = try bench.makeAccount()
        let (_, other) = try bench.makeAccount("berta")
        let (calls, others) = (Counter(), Counter())
        let watcher = try Watcher(account, on: bench.guest, calls)
        let second = try Watcher(other, on: bench.guest, others)
        bench.run(ticks: 3)
        // What has happened between the client's look and the confirmation is told by nobody: it looks again.
        #expect(calls.value == 1 && others.value == 1)
        for number in 1...5 as ClosedRange<UInt64> {
            try deliver(number, to: account, in: bench)
            bench.run(ticks: 3)
            #expect(calls.value == 1 + Int(number) && others.value == 1)
        }
        // Renewals tell nothing.
        bench.run(ticks: 200)
        #expect(calls.value == 6 && others.value == 1)
        #expect(asks(bench).count >= 4 && asks(bench).allSatisfy { $0.accounts == [account.id, other.id].sorted() })
        // What nobody watches any more is forgotten.
        watcher.watch.cancel()
        second.watch.cancel()
        bench.run(ticks: 300)
        #expect(bench.holders.allSatisfy { $0.core?.loop.rooms.foreignWatches.count == 0 })
        #expect(bench.holders.allSatisfy { $0.core?.watchers.watchedGroups().isEmpty == true })
    }

    /// The node that told dies: watchers look for themselves, and another node tells from then on.
    @Test func anotherNodeTellsWhenOneDies() throws {
        let bench = try RemoteBench()
        let (_, account) = try bench.makeAccount()
        let calls = Counter()
        let watcher = try Watcher(account, on: bench.guest, calls)
        bench.run(ticks: 3)
        let holder = try #require(asks(bench).first?.to)
        bench.cluster.nodes.first { $0.id == holder }?.kill()
        bench.run(ticks: 150)
        #expect(calls.value >= 2, "they look for themselves")
        #expect(asks(bench).last.map { $0.to != holder } == true)
        let before = calls.value
        try deliver(1, to: account, in: bench)
        bench.run(ticks: 3)
        #expect(calls.value == before + 1)
        watcher.watch.cancel()
    }

    /// News are lost with the connection; the watchers do not rely on them.
    @Test func aLostConnectionIsNews() throws {
        let bench = try RemoteBench()
        let (_, account) = try bench.makeAccount()
        let calls = Counter()
        let watcher = try Watcher(account, on: bench.guest, calls)
        bench.run(ticks: 3)
        let holder = try #require(asks(bench).first?.to)
        bench.guest.core?.inboxes.lost(holder)
        bench.guest.turn()
        #expect(calls.value == 2)
        bench.run(ticks: 300)
        let before = calls.value
        try deliver(1, to: account, in: bench)
        bench.run(ticks: 3)
        #expect(calls.value == before + 1, "the first node has forgotten it")
        watcher.watch.cancel()
    }

    /// A node that watches too much for others says so; nobody is left without news for ever.
    @Test func aNodeThatWatchesTooMuchRefuses() throws {
        let bench = try RemoteBench()
        let (_, account) = try bench.makeAccount()
        for node in bench.holders.dropFirst() { node.core?.loop.rooms.foreignWatches.maximumCount = 0 }
        let calls = Counter()
        let watcher = try Watcher(account, on: bench.guest, calls)
        bench.run(ticks: 100)
        let before = calls.value
        #expect(before >= 1)
        try deliver(1, to: account, in: bench)
        bench.run(ticks: 3)
        #expect(calls.value == before + 1)
        #expect(bench.cluster[2].core?.loop.rooms.foreignWatches.count == 0)
        watcher.watch.cancel()
    }

    /// More changes than a message may name are told as a change of everything.
    @Test func veryManyChangesAreOneMessage() throws {
        let bench = try RemoteBench()
        let holder = bench.cluster[2]
        let accounts = (0..<6_000).map { AccountID(1 << 32 | UInt64($0)) }
        for part in [accounts.prefix(4_000), accounts.suffix(2_000)] {
            let ask = PeerMessage.watch(group: RemoteBench.group, .ask(id: UInt64(part.count), Array(part)))
            holder.core?.inboxes.receive([ask], from: bench.guest.id)
        }
        holder.turn()
        let answers = holder.takeSent().compactMap { message, _ in
            if case .watch(_, let answer) = message { answer } else { nil }
        }
        #expect(answers == [.watching(id: 4_000), .watching(id: 2_000), .allChanged])
    }
}
