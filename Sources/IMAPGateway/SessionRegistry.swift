internal import IMAPSession
internal import NIOConcurrencyHelpers
internal import NIOCore

/// The open connections of a server: counted against its limit, and told when it stops.
final class SessionRegistry: Sendable {
    private struct State {
        var channels: [ObjectIdentifier: any Channel] = [:]
        var isStopping = false
        var emptied: EventLoopPromise<Void>?
    }

    private let state = NIOLockedValueBox(State())
    private let maximum: Int

    init(maximum: Int) { self.maximum = maximum }

    var count: Int { state.withLockedValue { $0.channels.count } }

    /// Counts a connection in.
    ///
    /// - Returns: why it must be turned away, if it must.
    func add(_ channel: any Channel) -> SessionEnd? {
        state.withLockedValue { state in
            let isFull = state.channels.count >= maximum
            state.channels[ObjectIdentifier(channel)] = channel
            if state.isStopping { return .stopping }
            return isFull ? .tooManySessions : nil
        }
    }

    func remove(_ channel: any Channel) {
        let emptied = state.withLockedValue { state -> EventLoopPromise<Void>? in
            state.channels[ObjectIdentifier(channel)] = nil
            guard state.channels.isEmpty else { return nil }
            defer { state.emptied = nil }
            return state.emptied
        }
        emptied?.succeed()
    }

    /// Asks all sessions to end; the future succeeds when the last is gone.
    func stop(on loop: any EventLoop) -> EventLoopFuture<Void> {
        let promise = loop.makePromise(of: Void.self)
        let channels = state.withLockedValue { state -> [any Channel] in
            state.isStopping = true
            if !state.channels.isEmpty { state.emptied = promise }
            return Array(state.channels.values)
        }
        if channels.isEmpty { promise.succeed() }
        for channel in channels { channel.pipeline.fireUserInboundEventTriggered(SessionEnd.stopping) }
        return promise.futureResult
    }

    func closeAll() {
        for channel in state.withLockedValue({ Array($0.channels.values) }) { channel.close(promise: nil) }
    }
}
