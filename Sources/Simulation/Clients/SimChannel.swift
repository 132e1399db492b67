internal import NIOCore
internal import NIOEmbedded

/// A connection to a gateway of a simulated node: the production handler in a channel without a socket, whose clock is
/// the simulated one.
final class SimChannel {
    private let channel = EmbeddedChannel()
    private(set) var isOpen = true

    /// - Throws: what the handler says to its channel.
    init(_ handler: any ChannelHandler, port: Int, at now: Int64) throws {
        advance(to: now)
        try channel.pipeline.syncOperations.addHandler(handler)
        channel.connect(to: try SocketAddress(ipAddress: "127.0.0.1", port: port), promise: nil)
        channel.embeddedEventLoop.run()
    }

    /// Lets timers fire that are due.
    func advance(to now: Int64) { channel.embeddedEventLoop.advanceTime(to: .uptimeNanoseconds(UInt64(now) * 1_000)) }

    func send(_ bytes: ByteBuffer) {
        guard isOpen else { return }
        _ = try? channel.writeInbound(bytes)
        channel.embeddedEventLoop.run()
    }

    /// What the gateway has written since.
    func received() -> ByteBuffer {
        channel.embeddedEventLoop.run()
        var all = ByteBuffer()
        while var bytes = try? channel.readOutbound(as: ByteBuffer.self) { all.writeBuffer(&bytes) }
        return all
    }

    /// Whether the gateway has not hung up.
    var isActive: Bool { isOpen && channel.isActive }

    /// Hangs up.
    func end() {
        guard isOpen else { return }
        isOpen = false
        _ = try? channel.finish(acceptAlreadyClosed: true)
    }
}
