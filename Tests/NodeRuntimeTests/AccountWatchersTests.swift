import Consensus
import MailModel
import NIOConcurrencyHelpers
import NIOCore
import NIOPosix
import Testing

@testable import NodeRuntime

/// Who hears of changes to an account.
@Suite struct AccountWatchersTests {
    private let loop = MultiThreadedEventLoopGroup.singleton.next()
    private let watchers = AccountWatchers()

    private final class Calls: Sendable {
        private let box = NIOLockedValueBox(0)
        var count: Int { box.withLockedValue { $0 } }
        func note() { box.withLockedValue { $0 += 1 } }
    }

    /// Runs on the loop, then waits until all that was put there meanwhile is done.
    private func onLoop(_ body: @escaping @Sendable () -> Void) async throws {
        try await loop.submit(body).get()
        try await loop.submit {}.get()
    }

    private func changed(_ accounts: AccountID...) async throws {
        try await onLoop { [watchers] in watchers.changed(Set(accounts)) }
    }

    @Test func `a watcher hears of its account only`() async throws {
        let (calls, others) = (Calls(), Calls())
        _ = watchers.add(AccountID(1), in: GroupID(1), on: loop) { calls.note() }
        _ = watchers.add(AccountID(2), in: GroupID(1), on: loop) { others.note() }
        try await changed(AccountID(1))
        #expect(calls.count == 1 && others.count == 0)
        try await changed(AccountID(2), AccountID(3))
        #expect(calls.count == 1 && others.count == 1)
        try await changed()
        #expect(calls.count == 1 && others.count == 1)
    }

    /// A snapshot was installed: what it has brought nobody applied here.
    @Test func `a group that was replaced is news to all its watchers`() async throws {
        let (calls, others) = (Calls(), Calls())
        for account in 1...2 { _ = watchers.add(AccountID(UInt64(account)), in: GroupID(1), on: loop) { calls.note() } }
        _ = watchers.add(AccountID(3), in: GroupID(2), on: loop) { others.note() }
        try await onLoop { [watchers] in watchers.replaced(GroupID(1)) }
        #expect(calls.count == 2 && others.count == 0)
    }

    @Test func `all watchers of an account hear`() async throws {
        let calls = (0..<3).map { _ in Calls() }
        for call in calls { _ = watchers.add(AccountID(1), in: GroupID(1), on: loop) { call.note() } }
        try await changed(AccountID(1), AccountID(2))
        #expect(calls.map(\.count) == [1, 1, 1])
    }

    /// Until the watcher was called, further changes are part of the same news.
    @Test func `a burst is one call, and what comes behind it another one`() async throws {
        let calls = Calls()
        _ = watchers.add(AccountID(1), in: GroupID(1), on: loop) { calls.note() }
        try await onLoop { [watchers] in
            for _ in 0..<100 { watchers.changed([AccountID(1)]) }
            #expect(calls.count == 0)
        }
        #expect(calls.count == 1)
        try await changed(AccountID(1))
        #expect(calls.count == 2)
    }

    /// What a watcher reads may be older than a change that comes while it reads.
    @Test func `a change during the call is told by a call of its own`() async throws {
        let calls = Calls()
        _ = watchers.add(AccountID(1), in: GroupID(1), on: loop) { [watchers] in
            calls.note()
            if calls.count == 1 { watchers.changed([AccountID(1)]) }
        }
        try await changed(AccountID(1))
        try await loop.submit {}.get()
        #expect(calls.count == 2)
    }

    @Test func `who has cancelled hears nothing, and others go on`() async throws {
        let (calls, others) = (Calls(), Calls())
        let watch = watchers.add(AccountID(1), in: GroupID(1), on: loop) { calls.note() }
        let other = watchers.add(AccountID(1), in: GroupID(1), on: loop) { others.note() }
        watch.cancel()
        watch.cancel()
        try await changed(AccountID(1))
        #expect(calls.count == 0 && others.count == 1)
        other.cancel()
        try await changed(AccountID(1))
        #expect(others.count == 1)
        _ = watchers.add(AccountID(1), in: GroupID(1), on: loop) { calls.note() }
        try await changed(AccountID(1))
        #expect(calls.count == 1)
    }

    /// The call is on its way already.
    @Test func `who cancels before the call hears nothing`() async throws {
        let calls = Calls()
        let watch = watchers.add(AccountID(1), in: GroupID(1), on: loop) { calls.note() }
        try await onLoop { [watchers] in
            watchers.changed([AccountID(1)])
            watch.cancel()
        }
        #expect(calls.count == 0)
    }

    @Test func `each is called on its own loop`() async throws {
        let other = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let loops = [loop, other.next()]
        let right = NIOLockedValueBox<[Bool]>([])
        for loop in loops {
            _ = watchers.add(AccountID(1), in: GroupID(1), on: loop) {
                let isThere = loop.inEventLoop
                right.withLockedValue { $0.append(isThere) }
            }
        }
        watchers.changed([AccountID(1)])
        for loop in loops { try await loop.submit {}.get() }
        #expect(right.withLockedValue { $0 } == [true, true])
        try await other.shutdownGracefully()
    }
}
