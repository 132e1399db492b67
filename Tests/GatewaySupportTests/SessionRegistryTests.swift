import GatewaySupport
import NIOCore
import NIOEmbedded
import Testing

/// Counts how often its channel is told that the server stops.
private final class StopCounter: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private(set) var stops = 0

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if event is SessionRegistry.ServerStops { stops += 1 }
    }
}

@Suite struct SessionRegistryTests {
    private let loop = EmbeddedEventLoop()

    private func channel() -> (channel: EmbeddedChannel, counter: StopCounter) {
        let counter = StopCounter()
        return (EmbeddedChannel(handler: counter, loop: loop), counter)
    }

    private func isDone(_ future: EventLoopFuture<Void>) -> Bool {
        var isDone = false
        future.assumeIsolated().whenSuccess { isDone = true }
        loop.run()
        return isDone
    }

    @Test func soManySessionsAreAdmitted() {
        let registry = SessionRegistry(maximum: 1)
        let (first, second, third) = (channel().channel, channel().channel, channel().channel)
        #expect(registry.add(first) == .admitted)
        #expect(registry.add(second) == .full)
        #expect(registry.count == 2)
        registry.remove(first)
        // Connections without a session count against no limit.
        #expect(registry.add(third) == .admitted)
        registry.remove(second)
        registry.remove(second)
        #expect(registry.count == 1)
    }

    @Test func stoppingWaitsForAllConnections() {
        let registry = SessionRegistry(maximum: 1)
        let (first, second, third) = (channel(), channel(), channel())
        _ = registry.add(first.channel)
        _ = registry.add(second.channel)
        let stopped = registry.stop(on: loop)
        #expect([first, second].map(\.counter.stops) == [1, 1])
        #expect(registry.add(third.channel) == .stopping)
        registry.remove(first.channel)
        registry.remove(third.channel)
        #expect(!isDone(stopped))
        registry.remove(second.channel)
        #expect(isDone(stopped))
    }

    /// Clients that take no answer are not all kept.
    @Test func soManyRefusedConnectionsAreKept() {
        let registry = SessionRegistry(maximum: 1)
        let admitted = channel().channel
        #expect(registry.add(admitted) == .admitted)
        let refused = (0..<SessionRegistry.maximumRefused).map { _ in channel().channel }
        for channel in refused { #expect(registry.add(channel) == .full) }
        let beyond = channel()
        #expect(registry.add(beyond.channel) == .overrun)
        #expect(registry.count == 1 + SessionRegistry.maximumRefused)
        // It was never noted: whether it is closed means nothing to the others.
        registry.remove(beyond.channel)
        #expect(registry.add(channel().channel) == .overrun)
        registry.remove(refused[0])
        #expect(registry.add(channel().channel) == .full)
        let stopped = registry.stop(on: loop)
        #expect(registry.add(channel().channel) == .overrun)
        #expect(beyond.counter.stops == 0)
        #expect(!isDone(stopped))
    }

    @Test func stoppingWithoutConnectionsIsOverAtOnce() {
        #expect(isDone(SessionRegistry(maximum: 1).stop(on: loop)))
    }

    @Test func stoppingTwiceWaitsForTheSame() {
        let registry = SessionRegistry(maximum: 1)
        let only = channel().channel
        _ = registry.add(only)
        let futures = [registry.stop(on: loop), registry.stop(on: loop)]
        #expect(futures.map(isDone) == [false, false])
        registry.remove(only)
        #expect(futures.map(isDone) == [true, true])
    }

    @Test func waitingCanEndBeforeTheConnectionsDo() {
        let registry = SessionRegistry(maximum: 1)
        let only = channel().channel
        _ = registry.add(only)
        let stopped = registry.stop(on: loop)
        registry.stopWaiting()
        #expect(isDone(stopped))
        registry.remove(only)
        #expect(registry.count == 0)
    }

    @Test func connectionsCanBeCutOff() throws {
        let registry = SessionRegistry(maximum: 1)
        let channels = [channel().channel, channel().channel]
        for channel in channels {
            channel.connect(to: try SocketAddress(unixDomainSocketPath: "/client"), promise: nil)
            _ = registry.add(channel)
        }
        #expect(channels.map(\.isActive) == [true, true])
        registry.closeAll()
        #expect(channels.map(\.isActive) == [false, false])
    }
}
