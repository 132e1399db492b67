import IMAPGateway
import IMAPSession
import Logging
import MailModel
import MailTestSupport
import NIOConcurrencyHelpers
import NIOCore
import NIOPosix
import Testing

struct TestFailure: Error, CustomStringConvertible {
    let description: String
}

/// Gathers what a server sends, and wakes who waits for it.
final class Inbox: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    var received = ByteBuffer()
    var isClosed = false
    private var waiters: [(check: (ByteBuffer) -> Int?, promise: EventLoopPromise<ByteBuffer>)] = []

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        received.writeImmutableBuffer(unwrapInboundIn(data))
        serve()
    }

    func channelInactive(context: ChannelHandlerContext) {
        isClosed = true
        serve()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

    /// Takes the first bytes as soon as `check` says how many.
    func take(_ promise: EventLoopPromise<ByteBuffer>, _ check: @escaping (ByteBuffer) -> Int?) {
        waiters.append((check, promise))
        serve()
    }

    private func serve() {
        while let waiter = waiters.first {
            if let count = waiter.check(received) {
                waiters.removeFirst()
                // A copy: the thread sanitizer does not see who still holds on to storage that is shared.
                let bytes = received.readSlice(length: count) ?? ByteBuffer()
                waiter.promise.succeed(ByteBuffer(bytes: bytes.readableBytesView))
            } else if isClosed {
                waiters.removeFirst()
                let rest = String(
                    buffer: received.getSlice(at: received.readerIndex, length: min(2_000, received.readableBytes))
                        ?? ByteBuffer()
                )
                waiter.promise.fail(TestFailure(description: "closed; unread: \(rest)"))
            } else {
                return
            }
        }
    }
}

/// A client that speaks raw bytes.
struct TestClient: Sendable {
    let channel: any Channel
    let inbox: NIOLoopBound<Inbox>

    static func connect(_ port: Int, autoRead: Bool = true, receiveBuffer: Int? = nil) async throws -> TestClient {
        var bootstrap = ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelOption(.autoRead, value: autoRead)
        if let receiveBuffer { bootstrap = bootstrap.channelOption(.socketOption(.so_rcvbuf), value: receiveBuffer) }
        let made = NIOLockedValueBox<NIOLoopBound<Inbox>?>(nil)
        let channel = try await bootstrap.channelInitializer { channel in
            channel.eventLoop.makeCompletedFuture {
                let inbox = Inbox()
                made.withLockedValue { $0 = NIOLoopBound(inbox, eventLoop: channel.eventLoop) }
                try channel.pipeline.syncOperations.addHandler(inbox)
            }
        }.connect(host: "127.0.0.1", port: port).get()
        guard let inbox = made.withLockedValue({ $0 }) else { throw TestFailure(description: "no inbox") }
        return TestClient(channel: channel, inbox: inbox)
    }

    func send(_ text: String) async throws { try await send(ByteBuffer(string: text)) }

    func send(_ bytes: ByteBuffer) async throws { try await channel.writeAndFlush(bytes) }

    private func take(_ what: String, _ check: @escaping @Sendable (ByteBuffer) -> Int?) async throws -> ByteBuffer {
        let promise = channel.eventLoop.makePromise(of: ByteBuffer.self)
        let inbox = inbox
        channel.eventLoop.execute { inbox.value.take(promise, check) }
        let deadline = channel.eventLoop.scheduleTask(in: .minutes(10)) {
            let rest = inbox.value.received
            let shown = rest.getString(at: rest.readerIndex, length: min(2_000, rest.readableBytes)) ?? ""
            promise.fail(TestFailure(description: "no \(what); unread: \(shown)"))
        }
        defer { deadline.cancel() }
        return try await promise.futureResult.get()
    }

    /// Everything up to and with the line that starts so.
    @discardableResult
    func read(through start: String) async throws -> String {
        String(buffer: try await readBytes(through: start))
    }

    func readBytes(through start: String) async throws -> ByteBuffer {
        let first = Array(start.utf8)
        let inner = Array("\r\n\(start)".utf8)
        return try await take("line \(start)") { buffer in
            let view = buffer.readableBytesView
            var from: Int
            if view.starts(with: first) {
                from = view.startIndex
            } else {
                guard let found = view.firstRange(of: inner) else { return nil }
                from = found.lowerBound + 2
            }
            guard let feed = view[from...].firstIndex(of: 10) else { return nil }
            from = feed + 1
            return from - view.startIndex
        }
    }

    func readLine() async throws -> String {
        let line = try await take("line") { buffer in
            buffer.readableBytesView.firstIndex(of: 10).map { $0 + 1 - buffer.readerIndex }
        }
        return String(buffer: line)
    }

    func read(count: Int) async throws -> ByteBuffer {
        try await take("\(count) bytes") { $0.readableBytes >= count ? count : nil }
    }

    /// All there is until the server closes.
    func readToEnd() async throws -> String {
        try await channel.closeFuture.get()
        let inbox = inbox
        return try await channel.eventLoop.submit { String(buffer: inbox.value.received) }.get()
    }

    /// Sends a command and gives everything up to its tagged answer.
    @discardableResult
    func command(_ tag: String, _ text: String) async throws -> String {
        try await send("\(tag) \(text)\r\n")
        return try await read(through: "\(tag) ")
    }

    func append(_ tag: String, _ mailbox: String, _ message: String, _ arguments: String = "") async throws -> String {
        try await send("\(tag) APPEND \(mailbox) \(arguments){\(message.utf8.count)+}\r\n\(message)\r\n")
        return try await read(through: "\(tag) ")
    }

    func close() { channel.close(promise: nil) }
}

/// A server with one account, `user@example.org` with the password `pass`.
struct TestServer {
    let server: IMAPServer
    let service: MemoryMailService
    let account: AccountReference

    static func with(
        _ change: (inout IMAPServerSettings) -> Void = { _ in },
        quotaBytes: UInt64 = 0,
        _ body: (TestServer) async throws -> Void
    ) async throws {
        var settings = IMAPServerSettings()
        settings.session.allowsPlaintextLogin = true
        settings.stopSeconds = 1
        // On a machine that has too much to do, minutes may pass before a test goes on.
        settings.loginSeconds = 3_600
        change(&settings)
        let service = try MemoryMailService()
        let account = try service.addAccount("user@example.org", password: "pass", quotaBytes: quotaBytes)
        let server = try await IMAPServer.start(
            host: "127.0.0.1",
            port: 0,
            settings: settings,
            service: service,
            group: MultiThreadedEventLoopGroup.singleton,
            tls: nil,
            mode: .plain,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        )
        do {
            try await body(TestServer(server: server, service: service, account: account))
        } catch {
            await server.stop()
            throw error
        }
        await server.stop()
    }

    var port: Int { server.port ?? 0 }

    func connect() async throws -> TestClient {
        let client = try await TestClient.connect(port)
        #expect(try await client.readLine().hasPrefix("* OK [CAPABILITY IMAP4rev1"))
        return client
    }

    func logIn() async throws -> TestClient {
        let client = try await connect()
        let answer = try await client.command("L", "LOGIN user@example.org pass")
        #expect(answer.contains("L OK [CAPABILITY"))
        return client
    }

    func select(_ mailbox: String = "INBOX") async throws -> TestClient {
        let client = try await logIn()
        #expect(try await client.command("S", "SELECT \(mailbox)").contains("S OK"))
        return client
    }
}
