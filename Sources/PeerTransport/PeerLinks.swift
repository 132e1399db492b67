public import Consensus
public import Logging
internal import MailModel
internal import NIOConcurrencyHelpers
public import NIOCore
internal import NIOPosix
internal import NIOSSL
internal import ReplicaCore

/// The connections of a node to all others: one each, opened here, for what this node has to say.
public final class PeerLinks: PeerNetwork {
    private let links: NIOLockedValueBox<[NodeID: PeerLink]>
    /// The nodes whose addresses the settings name.
    private let named = NIOLockedValueBox<Set<NodeID>>([])
    /// Closes what nodes have opened that belong to the cluster no more; nil before there is somebody who can.
    private let parting = NIOLockedValueBox<(@Sendable ([NodeID]) -> Void)?>(nil)
    private let identity: PeerIdentity
    private let tls: PeerTLS?
    private let group: any EventLoopGroup
    private let receiver: any PeerReceiver
    private let logger: Logger

    /// No links yet: ``connect(to:host:port:)`` opens them.
    ///
    /// - Parameters:
    ///   - tls: nil connects without encryption.
    ///   - receiver: hears of links that broke and of batches that were dropped.
    public init(
        identity: PeerIdentity,
        tls: PeerTLS?,
        receiver: any PeerReceiver,
        group: any EventLoopGroup,
        logger: Logger
    ) {
        self.identity = identity
        self.tls = tls
        self.receiver = receiver
        self.group = group
        self.logger = logger
        links = NIOLockedValueBox([:])
    }

    /// Opens a link to a node whose address the settings name.
    public func connect(to node: NodeID, host: String, port: Int) {
        named.withLockedValue { _ = $0.insert(node) }
        open(node, host: host, port: port)
    }

    /// Says who closes the connections that nodes have opened which belong to the cluster no more.
    public func onParting(_ close: @escaping @Sendable ([NodeID]) -> Void) { parting.withLockedValue { $0 = close } }

    public func reach(_ addresses: [NodeID: String], partingFrom gone: [NodeID]) {
        // Where a node is that comes back, the directory says.
        let named = named.withLockedValue { named in
            named.subtract(gone)
            return named
        }
        parting.withLockedValue { $0 }?(gone)
        for (node, address) in addresses where !named.contains(node) {
            guard let (host, port) = Self.parts(of: address) else { continue }
            open(node, host: host, port: port)
        }
        let gone = links.withLockedValue { links in
            let gone = links.filter { !named.contains($0.key) && addresses[$0.key] == nil }
            for node in gone.keys { links[node] = nil }
            return gone
        }
        for link in gone.values { link.stop() }
    }

    /// Nil for what is not `host:port`, where an IPv6 address stands in brackets.
    static func parts(of address: String) -> (host: String, port: Int)? {
        guard let colon = address.lastIndex(of: ":"), let port = Int(address[address.index(after: colon)...]),
            (1...65_535).contains(port)
        else { return nil }
        var host = address[..<colon]
        if host.hasPrefix("["), host.hasSuffix("]") { host = host.dropFirst().dropLast() }
        return host.isEmpty ? nil : (String(host), port)
    }

    private func open(_ node: NodeID, host: String, port: Int) {
        guard node != identity.node else { return }
        let link = links.withLockedValue { links in
            if let link = links[node] { return link }
            let link = PeerLink(
                identity: identity,
                node: node,
                tls: tls,
                loop: group.next(),
                receiver: receiver,
                complaints: PeerComplaints(logger)
            )
            links[node] = link
            return link
        }
        link.open(host: host, port: port)
    }

    public func send(_ messages: [PeerMessage], to node: NodeID) {
        guard let link = links.withLockedValue({ $0[node] }) else {
            // Whoever still counts on a node that is gone asks another one at once.
            return receiver.lost(node)
        }
        link.send(messages)
    }

    /// Closes all links. What waits in their queues is lost.
    public func stop() {
        for link in links.withLockedValue({ Array($0.values) }) { link.stop() }
    }
}

/// One outgoing connection. Everything but `send` happens on its event loop.
final class PeerLink: Sendable {
    private struct Queue {
        var messages: [PeerMessage] = []
        var bytes = 0
        var isScheduled = false
    }

    private struct Wire {
        var host = ""
        var port = 0
        var channel: (any Channel)?
        var isConnecting = false
        var isStopped = false
        var backoffMilliseconds: Int64 = 20
    }

    private let identity: PeerIdentity
    private let node: NodeID
    private let tls: PeerTLS?
    private let loop: any EventLoop
    private let receiver: any PeerReceiver
    private let complaints: PeerComplaints
    private let queue = NIOLockedValueBox(Queue())
    private let wire: NIOLoopBoundBox<Wire>

    init(
        identity: PeerIdentity,
        node: NodeID,
        tls: PeerTLS?,
        loop: any EventLoop,
        receiver: any PeerReceiver,
        complaints: PeerComplaints
    ) {
        self.identity = identity
        self.node = node
        self.tls = tls
        self.loop = loop
        self.receiver = receiver
        self.complaints = complaints
        wire = NIOLoopBoundBox.makeBoxSendingValue(Wire(), eventLoop: loop)
    }

    func open(host: String, port: Int) {
        loop.execute {
            let moved = self.wire.value.host != host || self.wire.value.port != port
            self.wire.value.host = host
            self.wire.value.port = port
            if moved { self.wire.value.channel?.close(promise: nil) }
            self.connect()
        }
    }

    func stop() {
        loop.execute {
            self.wire.value.isStopped = true
            self.wire.value.channel?.close(promise: nil)
        }
    }

    func send(_ messages: [PeerMessage]) {
        let added = messages.reduce(0) { $0 + $1.approximateBytes }
        let (schedule, dropped) = queue.withLockedValue { queue in
            guard queue.bytes + added <= PeerLimits.queuedBytes else { return (false, true) }
            queue.messages += messages
            queue.bytes += added
            defer { queue.isScheduled = true }
            return (!queue.isScheduled, false)
        }
        if schedule { loop.execute { self.flush() } }
        if dropped { receiver.lost(node) }
    }

    private func flush() {
        let messages = queue.withLockedValue { queue in
            defer { queue.messages = [] }
            queue.isScheduled = false
            return queue.messages
        }
        let bytes = messages.reduce(0) { $0 + $1.approximateBytes }
        guard !messages.isEmpty else { return }
        guard let channel = wire.value.channel else {
            release(bytes)
            receiver.lost(node)
            connect()
            return
        }
        var start = messages.startIndex
        while start < messages.endIndex {
            var end = start
            var size = 0
            while end < messages.endIndex,
                end == start || size + messages[end].approximateBytes <= PeerLimits.frameBytes
            {
                size += messages[end].approximateBytes
                end += 1
            }
            var parts = Frame.parts(of: messages[start..<end], allocator: channel.allocator)
            let last = parts.removeLast()
            for part in parts { channel.write(part, promise: nil) }
            let written = size
            channel.write(last).whenComplete { _ in self.release(written) }
            start = end
        }
        channel.flush()
    }

    private func release(_ bytes: Int) { queue.withLockedValue { $0.bytes -= bytes } }

    private func connect() {
        guard !wire.value.isStopped, wire.value.channel == nil, !wire.value.isConnecting else { return }
        wire.value.isConnecting = true
        let host = wire.value.host
        let port = wire.value.port
        ClientBootstrap(group: loop)
            .connectTimeout(.seconds(PeerLimits.connectSeconds))
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .channelOption(.tcpOption(PeerLimits.userTimeout), value: PeerLimits.silenceMilliseconds)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    if let tls = self.tls {
                        try channel.pipeline.syncOperations.addHandler(
                            NIOSSLClientHandler(context: tls.client, serverHostname: nil)
                        )
                    }
                    try channel.pipeline.syncOperations.addHandler(PeerDialHandler(link: self))
                }
            }
            .connect(host: host, port: port)
            .whenComplete { result in
                switch result {
                case .success(let channel): self.greet(channel)
                case .failure(let error):
                    self.complain(.unreachable, "cannot be reached: \(error)")
                    self.retry()
                }
            }
    }

    private func greet(_ channel: any Channel) {
        var buffer = channel.allocator.buffer(capacity: 64)
        Frame.encodeHello(
            Hello(cluster: identity.cluster, from: identity.node.rawValue, to: node.rawValue),
            into: &buffer
        )
        channel.writeAndFlush(buffer, promise: nil)
        _ = loop.scheduleTask(in: .seconds(PeerLimits.handshakeSeconds)) {
            if self.wire.value.channel !== channel { channel.close(promise: nil) }
        }
    }

    /// The other side said who it is to us.
    func answered(_ answer: HelloAnswer, on channel: any Channel) {
        loop.assertInEventLoop()
        wire.value.isConnecting = false
        if let reason = answer.complaint { complain(reason, "refused this node: \(answer.sentence)") }
        if answer == .gone { receiver.calledGone(by: node) }
        guard answer == .welcome, !wire.value.isStopped else {
            channel.close(promise: nil)
            return
        }
        wire.value.channel = channel
        wire.value.backoffMilliseconds = 20
        flush()
    }

    func complain(_ reason: PeerComplaints.Reason, _ text: String) {
        loop.assertInEventLoop()
        guard !wire.value.isStopped else { return }
        complaints.warn(reason, of: "node \(node.rawValue) at \(wire.value.host):\(wire.value.port)", text)
    }

    func closed(_ channel: any Channel) {
        loop.assertInEventLoop()
        let wasOpen = wire.value.channel === channel
        if wasOpen { wire.value.channel = nil }
        if wasOpen { receiver.lost(node) }
        retry()
    }

    private func retry() {
        wire.value.isConnecting = false
        guard !wire.value.isStopped, wire.value.channel == nil else { return }
        let delay = wire.value.backoffMilliseconds
        wire.value.backoffMilliseconds = min(delay * 2, PeerLimits.maximumBackoffMilliseconds)
        wire.value.isConnecting = true
        _ = loop.scheduleTask(in: .milliseconds(delay)) {
            self.wire.value.isConnecting = false
            self.connect()
        }
    }
}

/// Waits for the answer to the hello. Afterwards this connection reads nothing but its end.
private final class PeerDialHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let link: PeerLink
    private var isAnswered = false
    private var hasFailed = false

    init(link: PeerLink) { self.link = link }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var buffer = unwrapInboundIn(data)
        guard !isAnswered, let raw = buffer.readInteger(as: UInt8.self), let answer = HelloAnswer(rawValue: raw) else {
            return
        }
        isAnswered = true
        link.answered(answer, on: context.channel)
    }

    func channelInactive(context: ChannelHandlerContext) {
        if !isAnswered, !hasFailed {
            link.complain(.broken, "closed the connection without an answer: check that both use TLS, or neither")
        }
        link.closed(context.channel)
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        hasFailed = true
        link.complain(PeerComplaints.Reason(error), "the connection failed: \(error)")
        context.close(promise: nil)
    }
}
