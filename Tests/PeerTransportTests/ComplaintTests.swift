import Consensus
import Logging
import NIOConcurrencyHelpers
import NIOCore
import NIOPosix
import NIOSSL
import Testing

@testable import PeerTransport

/// Gathers log lines, and wakes who waits for one.
final class LogLines: Sendable {
    private struct State {
        var lines: [String] = []
        var waiter: (part: String, promise: EventLoopPromise<Void>)?
    }

    private let state = NIOLockedValueBox(State())

    var lines: [String] { state.withLockedValue { $0.lines } }
    var logger: Logger { Logger(label: "test") { _ in Handler(lines: self) } }

    private func add(_ line: String) {
        let waiter = state.withLockedValue { state in
            state.lines.append(line)
            return state.waiter.flatMap { line.contains($0.part) ? $0.promise : nil }
        }
        waiter?.succeed()
    }

    /// Until there is a line with that in it.
    func wait(for part: String) async throws {
        let loop = MultiThreadedEventLoopGroup.singleton.any()
        let promise = loop.makePromise(of: Void.self)
        let isThere = state.withLockedValue { state in
            state.waiter = (part, promise)
            return state.lines.contains { $0.contains(part) }
        }
        if isThere { promise.succeed() }
        let deadline = loop.scheduleTask(in: .minutes(10)) {
            promise.fail(TestFailure(what: "no line with \(part): \(self.lines)"))
        }
        defer { deadline.cancel() }
        try await promise.futureResult.get()
    }

    private struct Handler: LogHandler {
        let lines: LogLines
        var metadata: Logger.Metadata = [:]
        var logLevel = Logger.Level.trace
        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }
        func log(event: LogEvent) { lines.add("\(event.message)") }
    }
}

@Suite struct ComplaintTests {
    private let seconds = NIOLockedValueBox<Int64>(0)
    private let lines = LogLines()

    private func complaints() -> PeerComplaints {
        PeerComplaints(lines.logger) { [seconds] in
            NIODeadline.uptimeNanoseconds(1) + .seconds(seconds.withLockedValue { $0 })
        }
    }

    @Test func `each peer and reason is named once a minute`() {
        let complaints = complaints()
        for second in 0..<60 as Range<Int64> {
            seconds.withLockedValue { $0 = second }
            complaints.warn(.wrongCluster, of: "a", "x")
            complaints.warn(.wrongCluster, of: "b", "x")
            complaints.warn(.certificate, of: "a", "y")
        }
        #expect(lines.lines == ["a: x", "b: x", "a: y"])
        seconds.withLockedValue { $0 = 60 }
        complaints.warn(.wrongCluster, of: "a", "z")
        #expect(lines.lines.last == "a: z (and 59 more like this since it was last said)")
        seconds.withLockedValue { $0 = 120 }
        complaints.warn(.wrongCluster, of: "a", "z")
        #expect(lines.lines.last == "a: z")
    }

    /// Whoever comes under ever new names fills neither the log nor the memory.
    @Test func `ever new names go under one`() {
        let complaints = complaints()
        for number in 0..<10_000 { complaints.warn(.unreadable, of: "\(number)", "x") }
        #expect(lines.lines.count == PeerLimits.maximumComplaints + 1)
        seconds.withLockedValue { $0 = 60 }
        complaints.warn(.unreadable, of: "new", "x")
        #expect(lines.lines.last == "new: x")
    }

    @Test func `errors are told apart`() {
        #expect(PeerComplaints.Reason(NIOSSLError.handshakeFailed(.sslError([]))) == .certificate)
        #expect(PeerComplaints.Reason(NIOSSLError.uncleanShutdown) == .broken)
        #expect(PeerComplaints.Reason(ChannelError.ioOnClosedChannel) == .broken)
    }
}

@Suite struct RefusalTests {
    private let lines = LogLines()
    private let group = MultiThreadedEventLoopGroup.singleton

    private func server(_ receiver: Receiver = Receiver(), tls: PeerTLS? = nil) async throws -> PeerServer {
        try await PeerServer.start(
            host: "127.0.0.1",
            port: 0,
            identity: PeerIdentity(cluster: 7, node: NodeID(2)),
            tls: tls,
            receiver: receiver,
            doorkeeper: NoDoorkeeper(),
            group: group,
            logger: lines.logger
        )
    }

    private func greet(_ server: PeerServer, _ hello: Hello) async throws {
        var buffer = ByteBuffer()
        Frame.encodeHello(hello, into: &buffer)
        let client = try await RawClient.connect(try #require(server.port), saying: buffer)
        _ = try await client.readToEnd()
    }

    @Test func `a refused peer is named once, however often it comes`() async throws {
        let server = try await server()
        var newer = Hello(cluster: 7, from: 5, to: 2)
        (newer.oldest, newer.version) = (8, 9)
        for _ in 0..<3 {
            try await greet(server, Hello(cluster: 8, from: 3, to: 2))
            try await greet(server, Hello(cluster: 7, from: 4, to: 6))
            try await greet(server, newer)
        }
        await server.stop()
        // Where this machine is so busy that a minute goes by, it is said again.
        #expect(lines.lines.count < 9)
        #expect(
            lines.lines.prefix(3) == [
                "node 3 at 127.0.0.1: was refused: it belongs to cluster 8, and this is cluster 7",
                "node 4 at 127.0.0.1: was refused: it looks for node 6, and this is node 2",
                "node 5 at 127.0.0.1: was refused: it knows the cluster versions 8 to 9, and this node 1 to 1",
            ]
        )
    }

    /// A certificate that nobody vouches for is named on both sides.
    @Test func `a stranger's certificate is named`() async throws {
        let server = try await server(tls: Certificates.make().mutual)
        let port = try #require(server.port)
        let own = LogLines()
        let stranger = PeerLinks(
            identity: PeerIdentity(cluster: 7, node: NodeID(1)),
            tls: try await Certificates.make().mutual,
            receiver: Receiver(),
            group: group,
            logger: own.logger
        )
        stranger.connect(to: NodeID(2), host: "127.0.0.1", port: port)
        try await lines.wait(for: "peer at 127.0.0.1: the connection failed")
        try await own.wait(for: "node 2 at 127.0.0.1:\(port): the connection failed")
        stranger.stop()
        await server.stop()
    }

    /// Nobody listens there: the batch is reported lost, and the log says so.
    @Test func `what is sent before a link is up is lost`() async throws {
        let watcher = Receiver()
        let links = PeerLinks(
            identity: PeerIdentity(cluster: 7, node: NodeID(1)),
            tls: nil,
            receiver: watcher,
            group: group,
            logger: lines.logger
        )
        links.connect(to: NodeID(2), host: "127.0.0.1", port: 1)
        for number in 1...5 {
            links.send([.readIndex(group: GroupID(1), id: 1)], to: NodeID(2))
            try await watcher.wait(lost: number)
        }
        try await lines.wait(for: "node 2 at 127.0.0.1:1: cannot be reached")
        links.stop()
    }

    @Test func `a server that stops ends its connections`() async throws {
        let receiver = Receiver()
        let server = try await server(receiver)
        var buffer = ByteBuffer()
        Frame.encodeHello(Hello(cluster: 7, from: 1, to: 2), into: &buffer)
        Frame.encode([.readIndex(group: GroupID(1), id: 1)], into: &buffer)
        let client = try await RawClient.connect(try #require(server.port), saying: buffer)
        try await receiver.wait(messages: 1)
        await server.stop()
        // Ends because the server closed: the client never does.
        #expect(try await client.readToEnd() == [HelloAnswer.welcome.rawValue])
    }
}
