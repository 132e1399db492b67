import LMTPGateway
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

/// A client that speaks raw bytes, and reads lines.
final class TestClient: Sendable {
    private struct State {
        var received = ByteBuffer()
        var isClosed = false
        var waiter: EventLoopPromise<Void>?
    }

    let channel: any Channel
    private let state: NIOLockedValueBox<State>

    private init(channel: any Channel, state: NIOLockedValueBox<State>) {
        self.channel = channel
        self.state = state
    }

    static func connect(_ port: Int) async throws -> TestClient {
        let state = NIOLockedValueBox(State())
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Gatherer(state: state))
                }
            }
            .connect(host: "127.0.0.1", port: port).get()
        return TestClient(channel: channel, state: state)
    }

    func send(_ text: String) async throws { try await channel.writeAndFlush(ByteBuffer(string: text)) }
    func send(_ bytes: ByteBuffer) async throws { try await channel.writeAndFlush(bytes) }

    /// The next line, without its end.
    func line() async throws -> String {
        while true {
            let promise = channel.eventLoop.makePromise(of: Void.self)
            let (line, isClosed): (String?, Bool) = state.withLockedValue { state in
                let view = state.received.readableBytesView
                if let end = view.firstIndex(of: 10) {
                    let line = state.received.readString(length: end + 1 - view.startIndex) ?? ""
                    return (line, false)
                }
                if !state.isClosed { state.waiter = promise }
                return (nil, state.isClosed)
            }
            if let line {
                promise.succeed()
                #expect(line.hasSuffix("\r\n"))
                return String(line.dropLast())
            }
            if isClosed {
                promise.succeed()
                throw TestFailure(description: "the server closed the connection")
            }
            // Only against waiting for ever: with all tests at once, the other side's tasks wait for a thread for long.
            let deadline = channel.eventLoop.scheduleTask(in: .minutes(10)) {
                promise.fail(TestFailure(description: "no line came"))
            }
            defer { deadline.cancel() }
            try await promise.futureResult.get()
        }
    }

    func lines(_ count: Int) async throws -> [String] {
        var lines: [String] = []
        for _ in 0..<count { lines.append(try await line()) }
        return lines
    }

    /// The codes of the next replies, enhanced ones with them.
    func codes(_ count: Int) async throws -> [String] {
        try await lines(count).map { line in
            let words = line.split(separator: " ")
            let isEnhanced =
                words.count > 1 && words[1].contains(".") && words[1].allSatisfy { $0.isNumber || $0 == "." }
            return isEnhanced ? words[..<2].joined(separator: " ") : String(words.first ?? "")
        }
    }

    func command(_ text: String) async throws -> String {
        try await send(text + "\r\n")
        return try await line()
    }

    /// Everything that comes until the server closes.
    func toEnd() async throws -> String {
        let deadline = channel.eventLoop.scheduleTask(in: .minutes(10)) { [channel] in channel.close(promise: nil) }
        defer { deadline.cancel() }
        try await channel.closeFuture.get()
        return state.withLockedValue { String(buffer: $0.received) }
    }

    private final class Gatherer: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        private let state: NIOLockedValueBox<State>
        init(state: NIOLockedValueBox<State>) { self.state = state }

        private func change(_ body: (inout State) -> Void) {
            let waiter = state.withLockedValue { state in
                body(&state)
                defer { state.waiter = nil }
                return state.waiter
            }
            waiter?.succeed()
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            let bytes = unwrapInboundIn(data)
            change { $0.received.writeImmutableBuffer(bytes) }
        }

        func channelInactive(context: ChannelHandlerContext) { change { $0.isClosed = true } }
        func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
    }
}

/// A server with the accounts `anna@example.org` and `bert@example.org`, and `full@example.org`, who has no room.
struct TestServer {
    let server: LMTPServer
    let service: MemoryMailService

    static func with(
        _ change: (inout LMTPSettings) throws -> Void = { _ in },
        _ body: (TestServer) async throws -> Void
    ) async throws {
        var settings = LMTPSettings()
        // Tests wait for each other, longer than a client may say nothing.
        settings.commandTimeoutSeconds = 86_400
        settings.hostName = "mx.example.org"
        try change(&settings)
        let service = try MemoryMailService()
        for name in ["anna", "bert"] { try service.addAccount("\(name)@example.org", password: "pass") }
        try service.addAccount("full@example.org", password: "pass", quotaBytes: 10)
        let server = try await LMTPServer.start(
            host: "127.0.0.1",
            port: 0,
            settings: settings,
            service: service,
            group: MultiThreadedEventLoopGroup.singleton,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        )
        do {
            try await body(TestServer(server: server, service: service))
        } catch {
            await server.stop()
            throw error
        }
        await server.stop()
    }

    /// Connected, and past the greeting.
    func connect() async throws -> TestClient {
        let client = try await TestClient.connect(server.port ?? 0)
        #expect(try await client.line() == "220 mx.example.org LMTP Staffetta")
        return client
    }

    /// Greeted: past the capabilities.
    func greet() async throws -> TestClient {
        let client = try await connect()
        try await client.send("LHLO test\r\n")
        while try await client.line().hasPrefix("250-") {}
        return client
    }

    /// The messages in an account's INBOX, without the trace of this server, which every one of them has.
    func inbox(of address: String) async throws -> [String] {
        try await rawInbox(of: address).map { stored in
            let lines = stored.split(separator: "\r\n", maxSplits: 3, omittingEmptySubsequences: false)
            try #require(lines.count == 4 && lines[2].hasPrefix("Received: from "))
            var rest = lines[3]
            while rest.hasPrefix("\t") { rest = rest.drop { $0 != "\r\n" }.dropFirst() }
            return lines[0] + "\r\n" + lines[1] + "\r\n" + rest
        }
    }

    /// The messages in an account's INBOX, whole.
    func rawInbox(of address: String) async throws -> [String] {
        let loop = MultiThreadedEventLoopGroup.singleton.any()
        let address = try #require(AccountAddress(address))
        let record = try #require(try await service.find(address, on: loop).get())
        let account = AccountReference(id: record.id, slot: address.slot)
        guard case .mailbox(let mailbox) = try service.ask(.mailbox(.inbox), of: account) else { return [] }
        let all = UIDSet(ranges: [1...(.max)])
        guard case .details(let details) = try service.ask(.details(mailbox.id, all), of: account) else { return [] }
        return try details.map { message in
            var body = ByteBuffer()
            while body.readableBytes < Int(message.sizeBytes) {
                let query = MailQuery.body(
                    message.bodyID,
                    offset: UInt64(body.readableBytes),
                    maximumBytes: 1 << 20
                )
                guard case .body(let piece) = try service.ask(query, of: account), piece.readableBytes > 0 else {
                    break
                }
                body.writeImmutableBuffer(piece)
            }
            #expect(body.readableBytes == Int(message.sizeBytes))
            return String(buffer: body)
        }
    }

    static func stored(_ message: String, for address: String, from sender: String) -> String {
        "Return-Path: <\(sender)>\r\nDelivered-To: \(address)\r\n\(message)"
    }
}
