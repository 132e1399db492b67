import Consensus
import Logging
import MailModel
import NIOConcurrencyHelpers
import NIOCore
import NIOPosix
import Testing

@testable import PeerTransport

/// Requests to join a cluster, and what is answered.
@Suite struct JoinTests {
    private static let node = NodeDescription(
        id: 0,
        peerAddress: "[::1]:14000",
        labels: [.init(key: "vendor", value: "alfa")]
    )
    private static let request = JoinRequest(
        token: JoinTokenID(rawValue: 7),
        secret: Array(1...32),
        directory: .max,
        node: node
    )
    private static let replies: [JoinReply] = [
        .granted(
            JoinGrant(
                node: NodeID(.max),
                cluster: "posta",
                mailGroups: 8,
                founders: [Founder(node: NodeID(1), directory: 2)],
                contacts: [JoinContact(node: NodeID(1), address: "a:1"), JoinContact(node: NodeID(2), address: "b:2")]
            )
        ),
        .tokenRefused, .unsupportedVersion(ClusterVersion(rawValue: 9)), .gone, .unavailable,
    ]

    private static func encoded(_ encode: (inout ByteBuffer) -> Void) -> ByteBuffer {
        var buffer = ByteBuffer()
        encode(&buffer)
        return buffer
    }

    @Test func theRequestComesBack() throws {
        let bytes = Self.encoded { Self.request.encode(into: &$0) }
        #expect(JoinRequest.begins(bytes))
        #expect(try JoinRequest(decoding: bytes) == Self.request)
        for length in 0..<bytes.readableBytes {
            let part = try #require(bytes.getSlice(at: 0, length: length))
            #expect(throws: DecodingError.self) { try JoinRequest(decoding: part) }
        }
        var other = bytes
        other.setInteger(2, at: 8, as: UInt8.self)
        #expect(throws: DecodingError.self) { try JoinRequest(decoding: other) }
    }

    @Test(arguments: replies) func theReplyComesBack(_ reply: JoinReply) throws {
        let bytes = Self.encoded { reply.encode(into: &$0) }
        #expect(try JoinReply(decoding: bytes) == reply)
        for length in 0..<bytes.readableBytes {
            let part = try #require(bytes.getSlice(at: 0, length: length))
            #expect(throws: DecodingError.self) { try JoinReply(decoding: part) }
        }
    }

    /// Asked over a real connection, beside nodes that say hello.
    @Test(arguments: replies) func aServerAnswers(_ reply: JoinReply) async throws {
        let doorkeeper = OneAnswer(reply)
        try await withServer(doorkeeper) { port in
            let answer = try await JoinCall.send(
                Self.request,
                host: "127.0.0.1",
                port: port,
                tls: nil,
                group: MultiThreadedEventLoopGroup.singleton
            )
            #expect(answer == reply)
            #expect(doorkeeper.asked.withLockedValue { $0 } == [Self.request])
        }
    }

    /// A node that is gone for good is told so, and no other.
    @Test func aNodeThatIsGoneIsRefused() async throws {
        let doorkeeper = OneAnswer(.unavailable, gone: NodeID(3))
        try await withServer(doorkeeper) { port in
            let answers = [try await Self.hello(from: 3, port), try await Self.hello(from: 4, port)]
            #expect(answers == [HelloAnswer.gone.rawValue, HelloAnswer.welcome.rawValue])
        }
    }

    @Test(arguments: [
        ("a:1", "a", 1), ("[::1]:14000", "::1", 14_000), ("a.example:65535", "a.example", 65_535),
    ])
    func addressesAreUnderstood(_ text: String, _ host: String, _ port: Int) {
        let parts = PeerLinks.parts(of: text)
        #expect(parts?.host == host && parts?.port == port)
    }

    @Test(arguments: ["", "a", "a:", ":1", "a:0", "a:65536", "a:b"])
    func otherAddressesAreNot(_ text: String) { #expect(PeerLinks.parts(of: text) == nil) }

    private func withServer(_ doorkeeper: OneAnswer, _ body: (Int) async throws -> Void) async throws {
        let server = try await PeerServer.start(
            host: "127.0.0.1",
            port: 0,
            identity: PeerIdentity(cluster: 1, node: NodeID(1)),
            tls: nil,
            receiver: Deaf(),
            doorkeeper: doorkeeper,
            // However slow this machine is, nobody is late with the first frame.
            accepted: AcceptedConnections(AcceptedConnections.Limits(handshakeSeconds: 3_600)),
            group: MultiThreadedEventLoopGroup.singleton,
            logger: Logger(label: "quiet") { _ in SwiftLogNoOpLogHandler() }
        )
        do {
            try await body(try #require(server.port))
        } catch {
            await server.stop()
            throw error
        }
        await server.stop()
    }

    private static func hello(from node: UInt64, _ port: Int) async throws -> UInt8? {
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .connect(host: "127.0.0.1", port: port) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
                }
            }
        return try await channel.executeThenClose { inbound, outbound in
            var frame = ByteBuffer()
            Frame.encodeHello(Hello(cluster: 1, from: node, to: 1), into: &frame)
            try await outbound.write(frame)
            for try await answer in inbound { return answer.getInteger(at: answer.readerIndex) }
            return nil
        }
    }
}

private final class OneAnswer: PeerDoorkeeper {
    let asked = NIOLockedValueBox<[JoinRequest]>([])
    private let reply: JoinReply
    private let gone: NodeID?

    init(_ reply: JoinReply, gone: NodeID? = nil) {
        self.reply = reply
        self.gone = gone
    }

    func receiveJoin(_ request: JoinRequest, _ reply: @escaping @Sendable (JoinReply) -> Void) {
        asked.withLockedValue { $0.append(request) }
        reply(self.reply)
    }

    func isGone(_ node: NodeID) -> Bool { node == gone }
}

private final class Deaf: PeerReceiver {
    func received(_ messages: [PeerMessage], from node: NodeID, _ receipt: PeerReceipt) {}
    func lost(_ node: NodeID) {}
    func calledGone(by node: NodeID) {}
}
