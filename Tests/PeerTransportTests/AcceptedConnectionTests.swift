import Consensus
import Logging
import MailModel
import NIOCore
import NIOEmbedded
import NIOPosix
import Testing

@testable import PeerTransport

private let group = MultiThreadedEventLoopGroup.singleton
private let cluster: UInt64 = 77
private let node = PeerIdentity(cluster: cluster, node: NodeID(2))

private func number(_ number: UInt64) -> PeerMessage { .readIndex(group: GroupID(1), id: number) }

private func hello(from node: UInt64) -> ByteBuffer {
    var buffer = ByteBuffer()
    Frame.encodeHello(Hello(cluster: cluster, from: node, to: 2), into: &buffer)
    return buffer
}

@Suite(.serialized) struct AcceptedConnectionTests {
    private let received = Receiver()
    private let log = LogLines()

    /// However slow this machine is, nobody is late with a hello, unless the test says so.
    private func withServer(
        tls: PeerTLS? = nil,
        _ limits: AcceptedConnections.Limits = AcceptedConnections.Limits(handshakeSeconds: 3_600),
        _ body: (_ port: Int) async throws -> Void
    ) async throws {
        let server = try await PeerServer.start(
            host: "127.0.0.1",
            port: 0,
            identity: node,
            tls: tls,
            receiver: received,
            doorkeeper: NoDoorkeeper(),
            accepted: AcceptedConnections(limits),
            group: group,
            logger: log.logger
        )
        do {
            try await body(try #require(server.port))
        } catch {
            await server.stop()
            throw error
        }
        await server.stop()
    }

    /// A client that has said hello, and is known to have been heard: it has said something else as well.
    private func greet(_ port: Int, from node: UInt64, saying id: UInt64) async throws -> RawClient {
        var bytes = hello(from: node)
        Frame.encode([number(id)], into: &bytes)
        let before = received.texts.count
        let client = try await RawClient.connect(port, saying: bytes)
        try await received.wait(messages: before + 1)
        return client
    }

    @Test func aNodeThatConnectsAgainGivesUpItsEarlierConnection() async throws {
        try await withServer { port async throws in
            let first = try await greet(port, from: 1, saying: 1)
            let other = try await greet(port, from: 3, saying: 2)
            // A part of a frame is no reason to keep the connection.
            try await first.channel.writeAndFlush(ByteBuffer(integer: UInt32(1_000)))
            let second = try await greet(port, from: 1, saying: 3)
            #expect(try await first.readToEnd() == [0])
            var frame = ByteBuffer()
            Frame.encode([number(4)], into: &frame)
            for client in [second, other] { try await client.channel.writeAndFlush(frame) }
            try await received.wait(messages: 5)
            #expect(log.lines.count == 1)
            #expect(log.lines[0].hasPrefix("node 1 at 127.0.0.1: connected again"))
            // The earlier one has ended, and the later one has the node's place still.
            let third = try await greet(port, from: 1, saying: 5)
            #expect(try await second.readToEnd() == [0])
            for client in [other, third] { try await client.channel.close() }
        }
    }

    @Test func overTLSAsWell() async throws {
        let tls = try await Certificates.make().mutual
        try await withServer(tls: tls) { port async throws in
            let watcher = Receiver()
            let earlier = PeerLinks(
                identity: PeerIdentity(cluster: cluster, node: NodeID(1)),
                tls: tls,
                receiver: watcher,
                group: group,
                logger: log.logger
            )
            earlier.connect(to: NodeID(2), host: "127.0.0.1", port: port)
            try await sendUntilHeard(earlier, received)
            let lost = watcher.lostCount
            let later = PeerLinks(
                identity: PeerIdentity(cluster: cluster, node: NodeID(1)),
                tls: tls,
                receiver: Receiver(),
                group: group,
                logger: log.logger
            )
            later.connect(to: NodeID(2), host: "127.0.0.1", port: port)
            try await watcher.wait(lost: lost + 1)
            earlier.stop()
            later.stop()
        }
    }

    /// Whoever fills the places of those that have not said hello keeps no node away.
    @Test func whoSaysNothingMakesRoom() async throws {
        let limits = AcceptedConnections.Limits(awaitingHello: 3, handshakeSeconds: 3_600)
        try await withServer(limits) { port async throws in
            var silent: [RawClient] = []
            for _ in 0..<3 { silent.append(try await RawClient.connect(port, saying: ByteBuffer(string: "\0"))) }
            let client = try await greet(port, from: 1, saying: 1)
            // Which of them came first is the server's to say.
            let ends = silent.map(\.channel.closeFuture)
            let loop = group.any()
            let ended = loop.makePromise(of: Void.self)
            for end in ends { end.whenComplete { _ in ended.succeed() } }
            try await ended.futureResult.get()
            var frame = ByteBuffer()
            Frame.encode([number(2)], into: &frame)
            try await client.channel.writeAndFlush(frame)
            try await received.wait(messages: 2)
            // A node that has said hello is none of them.
            let others = try await [greet(port, from: 3, saying: 3), greet(port, from: 4, saying: 4)]
            for client in silent + others + [client] { client.channel.close(promise: nil) }
        }
    }

    @Test func whoSaysNothingIsClosedInTheEnd() async throws {
        try await withServer(AcceptedConnections.Limits(handshakeSeconds: 1)) { port async throws in
            #expect(try await RawClient.connect(port, saying: ByteBuffer()).readToEnd() == [])
        }
    }

    @Test func soManyNodesAreConnected() async throws {
        try await withServer(AcceptedConnections.Limits(nodes: 2, handshakeSeconds: 3_600)) { port async throws in
            let first = try await greet(port, from: 1, saying: 1)
            let second = try await greet(port, from: 3, saying: 2)
            let third = try await RawClient.connect(port, saying: hello(from: 4))
            #expect(try await third.readToEnd() == [])
            #expect(log.lines == ["node 4 at 127.0.0.1: was refused: 2 nodes are connected"])
            // A node that is one of them has its place.
            let again = try await greet(port, from: 1, saying: 3)
            #expect(try await first.readToEnd() == [0])
            for client in [second, again] { try await client.channel.close() }
        }
    }

    /// The connections themselves, without sockets: the oldest goes, and what has ended takes no place.
    @Test func theOldestMakesRoom() {
        let loop = EmbeddedEventLoop()
        let accepted = AcceptedConnections(AcceptedConnections.Limits(awaitingHello: 2, nodes: 1))
        final class Told: ChannelInboundHandler {
            typealias InboundIn = ByteBuffer
            var isTold = false
            func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
                if event is AcceptedConnections.MakesRoom { isTold = true }
            }
        }
        let handlers = (0..<5).map { _ in Told() }
        let channels = handlers.map { EmbeddedChannel(handler: $0, loop: loop) }
        accepted.add(channels[0])
        accepted.add(channels[1])
        #expect(accepted.admit(channels[0], of: NodeID(1)) == .admitted)
        accepted.add(channels[2])
        #expect(handlers.map(\.isTold) == [false, false, false, false, false])
        accepted.add(channels[3])
        #expect(handlers.map(\.isTold) == [false, true, false, false, false])
        #expect(accepted.admit(channels[2], of: NodeID(2)) == .full)
        #expect(accepted.admit(channels[2], of: NodeID(1)) == .insteadOfEarlier)
        #expect(handlers.map(\.isTold) == [true, true, false, false, false])
        // The end of the earlier one says nothing of the later one.
        channels[0].close(promise: nil)
        loop.run()
        #expect(accepted.admit(channels[3], of: NodeID(2)) == .full)
        channels[2].close(promise: nil)
        loop.run()
        #expect(accepted.admit(channels[3], of: NodeID(2)) == .admitted)
    }
}
