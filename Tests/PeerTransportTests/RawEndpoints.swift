import Foundation
import NIOConcurrencyHelpers
import NIOCore
import NIOPosix
import PeerTransport

/// A peer that answers the hello with a byte, and then does what no good peer would.
struct RawServer {
    private let channel: any Channel
    let connected: EventLoopPromise<Void>

    var port: Int { channel.localAddress?.port ?? 0 }

    static func start(answer: UInt8, reads: Bool = true, closesAfter frames: Int? = nil) async throws -> RawServer {
        let loop = MultiThreadedEventLoopGroup.singleton.any()
        let connected = loop.makePromise(of: Void.self)
        let channel = try await ServerBootstrap(group: loop)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(
                        Handler(answer: answer, reads: reads, closes: frames != nil, connected: connected)
                    )
                }
            }
            .bind(host: "127.0.0.1", port: 0)
            .get()
        return RawServer(channel: channel, connected: connected)
    }

    func stop() async {
        connected.succeed()
        try? await channel.close()
    }

    private final class Handler: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        typealias OutboundOut = ByteBuffer
        private let answer: UInt8
        private let reads: Bool
        private let closes: Bool
        private let connected: EventLoopPromise<Void>

        init(answer: UInt8, reads: Bool, closes: Bool, connected: EventLoopPromise<Void>) {
            self.answer = answer
            self.reads = reads
            self.closes = closes
            self.connected = connected
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            context.writeAndFlush(wrapOutboundOut(ByteBuffer(integer: answer)), promise: nil)
            if !reads { context.channel.setOption(.autoRead, value: false).whenComplete { _ in } }
            connected.succeed()
            guard closes else { return }
            let channel = context.channel
            context.eventLoop.scheduleTask(in: .milliseconds(50)) { channel.close(promise: nil) }
        }
    }
}

/// A client that sends bytes and gathers what comes back.
struct RawClient {
    let channel: any Channel
    private let received: NIOLockedValueBox<[UInt8]>

    /// Says the first thing at once: a server waits for a hello only so long, however busy this machine is.
    static func connect(_ port: Int, saying first: ByteBuffer) async throws -> RawClient {
        let received = NIOLockedValueBox<[UInt8]>([])
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Gatherer(received: received, first: first))
                }
            }
            .connect(host: "127.0.0.1", port: port).get()
        return RawClient(channel: channel, received: received)
    }

    func readToEnd() async throws -> [UInt8] {
        let ended = channel.eventLoop.makePromise(of: Void.self)
        channel.closeFuture.cascade(to: ended)
        let deadline = channel.eventLoop.scheduleTask(in: .minutes(10)) {
            ended.fail(TestFailure(what: "the server does not close"))
        }
        defer { deadline.cancel() }
        try await ended.futureResult.get()
        return received.withLockedValue { $0 }
    }

    private final class Gatherer: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        typealias OutboundOut = ByteBuffer
        private let received: NIOLockedValueBox<[UInt8]>
        private let first: ByteBuffer

        init(received: NIOLockedValueBox<[UInt8]>, first: ByteBuffer) {
            self.received = received
            self.first = first
        }

        func channelActive(context: ChannelHandlerContext) {
            context.writeAndFlush(wrapOutboundOut(first), promise: nil)
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            let bytes = Array(unwrapInboundIn(data).readableBytesView)
            received.withLockedValue { $0 += bytes }
        }

        func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
    }
}

/// A certificate for this run only, which vouches for itself.
struct Certificates {
    let mutual: PeerTLS

    static func make() async throws -> Certificates {
        let directory = FileManager.default.temporaryDirectory.appendingPathComponent("peer-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: directory) }
        let key = directory.appendingPathComponent("key.pem").path
        let certificate = directory.appendingPathComponent("certificate.pem").path
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = [
            "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=node",
            "-keyout", key, "-out", certificate,
        ]
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        try await withCheckedThrowingContinuation { (done: CheckedContinuation<Void, any Error>) in
            process.terminationHandler = { _ in done.resume() }
            do { try process.run() } catch { done.resume(throwing: error) }
        }
        return Certificates(
            mutual: try PeerTLS(certificateFile: certificate, keyFile: key, trustRootsFile: certificate)
        )
    }
}
