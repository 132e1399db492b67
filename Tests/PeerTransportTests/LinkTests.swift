import Consensus
import Foundation
import Logging
import MailModel
import NIOConcurrencyHelpers
import NIOCore
import NIOPosix
import Testing

@testable import PeerTransport

struct TestFailure: Error {
    let what: String
}

/// Gathers what comes in, and wakes who waits for it.
final class Receiver: PeerReceiver {
    private struct State {
        var received: [(node: NodeID, text: String)] = []
        var lost: [NodeID] = []
        var keepsReceipts = false
        var receipts: [PeerReceipt] = []
        var waiters: [(isDue: @Sendable (State) -> Bool, promise: EventLoopPromise<Void>)] = []
    }

    private let state = NIOLockedValueBox(State())

    func received(_ messages: [PeerMessage], from node: NodeID, _ receipt: PeerReceipt) {
        state.withLockedValue { if $0.keepsReceipts { $0.receipts.append(receipt) } }
        change { $0.received += messages.map { (node, describe($0)) } }
    }

    func lost(_ node: NodeID) { change { $0.lost.append(node) } }
    func calledGone(by node: NodeID) {}

    var texts: [String] { state.withLockedValue { $0.received.map(\.text) } }
    var senders: Set<NodeID> { state.withLockedValue { Set($0.received.map(\.node)) } }
    /// Deals with nothing that comes, until it is told to.
    func keepReceipts() { state.withLockedValue { $0.keepsReceipts = true } }
    func letGoOfReceipts() {
        let receipts = state.withLockedValue { state in
            state.keepsReceipts = false
            defer { state.receipts = [] }
            return state.receipts
        }
        withExtendedLifetime(receipts) {}
    }
    var lostCount: Int { state.withLockedValue { $0.lost.count } }

    private func change(_ body: (inout State) -> Void) {
        let due = state.withLockedValue { state in
            body(&state)
            let now = state
            state.waiters.removeAll { $0.isDue(now) }
            return now.waiters.filter { $0.isDue(now) }.map(\.promise)
        }
        for promise in due { promise.succeed() }
    }

    func wait(messages: Int = 0, lost: Int = 0) async throws {
        let loop = MultiThreadedEventLoopGroup.singleton.any()
        let promise = loop.makePromise(of: Void.self)
        change { state in
            state.waiters.append(({ $0.received.count >= messages && $0.lost.count >= lost }, promise))
        }
        let deadline = loop.scheduleTask(in: .minutes(10)) {
            promise.fail(TestFailure(what: "waited for \(messages) messages and \(lost) losses"))
        }
        defer { deadline.cancel() }
        try await promise.futureResult.get()
    }
}

private let group = MultiThreadedEventLoopGroup.singleton
private let quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
private let cluster: UInt64 = 77

private func identity(_ node: UInt64, cluster: UInt64 = cluster) -> PeerIdentity {
    PeerIdentity(cluster: cluster, node: NodeID(node))
}

private func startServer(
    _ receiver: Receiver,
    node: UInt64 = 2,
    port: Int = 0,
    tls: PeerTLS? = nil
) async throws -> PeerServer {
    try await PeerServer.start(
        host: "127.0.0.1",
        port: port,
        identity: identity(node),
        tls: tls,
        receiver: receiver,
        doorkeeper: NoDoorkeeper(),
        group: group,
        logger: quiet
    )
}

private func links(_ identity: PeerIdentity, _ receiver: Receiver, tls: PeerTLS? = nil) -> PeerLinks {
    PeerLinks(identity: identity, tls: tls, receiver: receiver, group: group, logger: quiet)
}

private func numbered(_ number: Int) -> PeerMessage { .readIndex(group: GroupID(1), id: UInt64(number)) }

/// Sends until something arrives: what is sent before a link is up is dropped.
func sendUntilHeard(_ links: PeerLinks, _ receiver: Receiver, past before: Int = 0) async throws {
    for _ in 0..<600 where receiver.texts.count <= before {
        links.send([numbered(0)], to: NodeID(2))
        try await Task.sleep(for: .milliseconds(50))
    }
    guard receiver.texts.count > before else { throw TestFailure(what: "no link came up") }
}

@Suite(.serialized) struct LinkTests {
    private func deliversInOrder(_ tls: PeerTLS?) async throws {
        let received = Receiver()
        let server = try await startServer(received, tls: tls)
        let sender = links(identity(1), Receiver(), tls: tls)
        sender.connect(to: NodeID(2), host: "127.0.0.1", port: try #require(server.port))
        try await sendUntilHeard(sender, received)
        for batch in 0..<100 { sender.send((0..<20).map { numbered(1 + batch * 20 + $0) }, to: NodeID(2)) }
        sender.send([Samples.messages[8], numbered(9_999)], to: NodeID(2))
        for _ in 0..<600 where received.texts.last != describe(numbered(9_999)) {
            try await Task.sleep(for: .milliseconds(50))
        }
        let expected =
            (1...2_000).map { describe(numbered($0)) } + [describe(Samples.messages[8]), describe(numbered(9_999))]
        #expect(received.texts.filter { $0 != describe(numbered(0)) } == expected)
        #expect(received.senders == [NodeID(1)])
        sender.stop()
        await server.stop()
    }

    @Test func deliversInOrder() async throws { try await deliversInOrder(nil) }

    @Test func deliversInOrderOverTLS() async throws {
        try await deliversInOrder(Certificates.make().mutual)
    }

    /// What nobody deals with is not read from the socket, and the sender's queue fills.
    @Test func whoeverIsNotHeardIsPushedBack() async throws {
        let received = Receiver()
        let server = try await startServer(received)
        let lost = Receiver()
        let sender = links(identity(1), lost)
        sender.connect(to: NodeID(2), host: "127.0.0.1", port: try #require(server.port))
        try await sendUntilHeard(sender, received)
        received.keepReceipts()
        let before = lost.lostCount
        let large = PeerMessage.forward(
            group: GroupID(1),
            request: RequestID(session: 1, sequence: 1),
            payload: ByteBuffer(repeating: 1, count: 1 << 20)
        )
        let begun = received.texts.count
        for _ in 0..<1_000 where lost.lostCount == before {
            sender.send([large], to: NodeID(2))
            try await Task.sleep(for: .milliseconds(2))
        }
        #expect(lost.lostCount > before, "the sender's queue is full")
        let count = received.texts.count - begun
        #expect(count << 20 <= PeerLimits.receivedBytes + 4 << 20)
        received.letGoOfReceipts()
        for _ in 0..<600 where received.texts.count - begun <= count + 16 {
            try await Task.sleep(for: .milliseconds(50))
        }
        #expect(received.texts.count - begun > count + 16)
        sender.stop()
        await server.stop()
    }

    /// A batch larger than a frame goes in several.
    @Test func largeBatches() async throws {
        let received = Receiver()
        let server = try await startServer(received)
        let sender = links(identity(1), Receiver())
        sender.connect(to: NodeID(2), host: "127.0.0.1", port: try #require(server.port))
        try await sendUntilHeard(sender, received)
        let payload = ByteBuffer(repeating: 7, count: 700_000)
        let large = PeerMessage.forward(group: GroupID(1), request: Samples.request, payload: payload)
        sender.send([large, large, large, numbered(1)], to: NodeID(2))
        for _ in 0..<600 where received.texts.last != describe(numbered(1)) {
            try await Task.sleep(for: .milliseconds(50))
        }
        #expect(received.texts.suffix(4).dropLast().allSatisfy { $0 == describe(large) })
        sender.stop()
        await server.stop()
    }

    @Test func reconnectsWhenTheServerIsBack() async throws {
        let received = Receiver()
        let first = try await startServer(received)
        let port = try #require(first.port)
        let sender = links(identity(1), Receiver())
        sender.connect(to: NodeID(2), host: "127.0.0.1", port: port)
        try await sendUntilHeard(sender, received)
        await first.stop()
        let again = Receiver()
        let second = try await startServer(again, port: port)
        try await sendUntilHeard(sender, again)
        sender.stop()
        await second.stop()
    }

    @Test func aLinkThatBreaksIsReported() async throws {
        let watcher = Receiver()
        let peer = try await RawServer.start(answer: 0, closesAfter: 2)
        let sender = links(identity(1), watcher)
        sender.connect(to: NodeID(2), host: "127.0.0.1", port: peer.port)
        // Each connection is cut after a moment, and made again.
        try await watcher.wait(lost: 2)
        sender.stop()
        await peer.stop()
    }

    /// A node that is not talked to any more, or not yet.
    @Test func whatGoesToNobodyIsReportedAsLost() {
        let watcher = Receiver()
        let sender = links(identity(1), watcher)
        sender.send([numbered(0)], to: NodeID(2))
        #expect(watcher.lostCount == 1)
        sender.stop()
    }

    /// A peer that takes nothing in costs a bounded queue, and the sender hears of it.
    @Test func aPeerThatDoesNotReadBoundsItsQueue() async throws {
        let watcher = Receiver()
        let peer = try await RawServer.start(answer: 0, reads: false)
        let sender = links(identity(1), watcher)
        sender.connect(to: NodeID(2), host: "127.0.0.1", port: peer.port)
        try await peer.connected.futureResult.get()
        // What is sent before the link is up is lost too.
        var before = -1
        while watcher.lostCount > before {
            before = watcher.lostCount
            sender.send([numbered(0)], to: NodeID(2))
            try await Task.sleep(for: .milliseconds(50))
        }
        let payload = ByteBuffer(repeating: 7, count: 1_000_000)
        let message = PeerMessage.forward(group: GroupID(1), request: Samples.request, payload: payload)
        var sent = 0
        for _ in 0..<2_000 where watcher.lostCount == before {
            sender.send([message], to: NodeID(2))
            sent += 1
            if sent % 8 == 0 { try await Task.sleep(for: .milliseconds(20)) }
        }
        #expect(watcher.lostCount > before)
        sender.stop()
        await peer.stop()
    }

    /// One call that does not fit is dropped whole, whoever the peer is.
    @Test func aBatchAboveTheLimitIsDropped() async throws {
        let watcher = Receiver()
        let sender = links(identity(1), watcher)
        sender.connect(to: NodeID(2), host: "127.0.0.1", port: 1)
        let payload = ByteBuffer(repeating: 7, count: 1_000_000)
        let message = PeerMessage.forward(group: GroupID(1), request: Samples.request, payload: payload)
        sender.send(Array(repeating: message, count: 70), to: NodeID(2))
        #expect(watcher.lostCount == 1)
        sender.stop()
    }
}

@Suite(.serialized) struct HandshakeTests {
    private func answer(to bytes: ByteBuffer) async throws -> [UInt8] {
        let received = Receiver()
        let server = try await startServer(received)
        let client = try await RawClient.connect(try #require(server.port), saying: bytes)
        var rest = bytes
        rest.clear()
        Frame.encode([numbered(1)], into: &rest)
        try? await client.channel.writeAndFlush(rest)
        let answer = try await client.readToEnd()
        #expect(received.texts.isEmpty)
        await server.stop()
        return answer
    }

    private func frame(_ hello: Hello) -> ByteBuffer {
        var buffer = ByteBuffer()
        Frame.encodeHello(hello, into: &buffer)
        return buffer
    }

    @Test func wrongCluster() async throws {
        #expect(try await answer(to: frame(Hello(cluster: 1, from: 1, to: 2))) == [1])
    }

    @Test func wrongNode() async throws {
        #expect(try await answer(to: frame(Hello(cluster: cluster, from: 1, to: 3))) == [2])
    }

    @Test func wrongVersion() async throws {
        var hello = Hello(cluster: cluster, from: 1, to: 2)
        (hello.oldest, hello.version) = (8, 9)
        #expect(try await answer(to: frame(hello)) == [3])
    }

    @Test func noHello() async throws {
        var buffer = ByteBuffer()
        Frame.encode([numbered(1)], into: &buffer)
        #expect(try await answer(to: buffer) == [])
        #expect(try await answer(to: ByteBuffer(string: "GET / HTTP/1.1\r\n\r\n")) == [])
    }

    /// Whoever has not said who it is may not make this node keep more than a hello.
    @Test func aLargeFirstFrameIsRefused() async throws {
        var buffer = ByteBuffer(integer: UInt32(PeerLimits.maximumFrameBytes))
        buffer.writeInteger(0, as: UInt32.self)
        #expect(try await answer(to: buffer) == [])
    }

    /// Plain bytes at a TLS port, a certificate that nobody vouches for: no message gets through.
    @Test func strangersAreRefusedOverTLS() async throws {
        let received = Receiver()
        let server = try await startServer(received, tls: Certificates.make().mutual)
        let port = try #require(server.port)
        let stranger = links(identity(1), Receiver(), tls: try await Certificates.make().mutual)
        let plain = links(identity(1), Receiver())
        for sender in [stranger, plain] {
            sender.connect(to: NodeID(2), host: "127.0.0.1", port: port)
            for _ in 0..<10 {
                sender.send([numbered(1)], to: NodeID(2))
                try await Task.sleep(for: .milliseconds(50))
            }
            sender.stop()
        }
        #expect(received.texts.isEmpty)
        await server.stop()
    }
}
