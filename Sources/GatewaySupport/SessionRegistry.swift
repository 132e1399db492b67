internal import NIOConcurrencyHelpers
public import NIOCore

/// The open connections of a server: counted against its limit, and told when it stops.
public final class SessionRegistry: Sendable {
    /// Whether a connection gets a session.
    public enum Admission: Hashable, Sendable {
        case admitted
        /// The server has as many sessions as it may have.
        case full
        /// The server takes no new sessions.
        case stopping
        /// So many connections are being told that they get no session that this one is not noted: it is to be closed
        /// without a word.
        case overrun
    }

    /// Connections that get no session and are not closed yet: a client that takes no answer keeps its own for
    /// seconds.
    public static let maximumRefused = 100

    /// The user event by which the pipeline of each connection hears that the server stops.
    public struct ServerStops: Sendable {
        init() {}
    }

    private struct State {
        var admitted: [ObjectIdentifier: any Channel] = [:]
        /// Connections that get no session, and are not closed yet.
        var refused: [ObjectIdentifier: any Channel] = [:]
        var isStopping = false
        /// Kept from ``SessionRegistry/stop(on:)`` until the last connection is closed.
        var emptied: EventLoopPromise<Void>?

        var channels: [any Channel] { Array(admitted.values) + Array(refused.values) }
        var isEmpty: Bool { admitted.isEmpty && refused.isEmpty }

        mutating func takeEmptied() -> EventLoopPromise<Void>? {
            defer { emptied = nil }
            return emptied
        }
    }

    private let state = NIOLockedValueBox(State())
    private let maximum: Int

    /// A registry without connections.
    ///
    /// - Parameter maximum: sessions at once.
    public init(maximum: Int) { self.maximum = maximum }

    /// Connections that are open now, those that are about to be closed without a session included.
    public var count: Int { state.withLockedValue { $0.admitted.count + $0.refused.count } }

    /// Notes a connection, until ``remove(_:)``. One that gets no session is noted as well, up to ``maximumRefused``:
    /// ``stop(on:)`` waits until the client has been told.
    ///
    /// - Returns: whether the connection gets a session.
    public func add(_ channel: any Channel) -> Admission {
        state.withLockedValue { state in
            let isFull = state.admitted.count >= maximum
            let id = ObjectIdentifier(channel)
            guard !state.isStopping, !isFull else {
                guard state.refused.count < Self.maximumRefused else { return .overrun }
                state.refused[id] = channel
                return state.isStopping ? .stopping : .full
            }
            state.admitted[id] = channel
            return .admitted
        }
    }

    /// Forgets a connection that is closed. One that was never noted changes nothing.
    public func remove(_ channel: any Channel) {
        let emptied = state.withLockedValue { state -> EventLoopPromise<Void>? in
            state.admitted[ObjectIdentifier(channel)] = nil
            state.refused[ObjectIdentifier(channel)] = nil
            return state.isEmpty ? state.takeEmptied() : nil
        }
        emptied?.succeed()
    }

    /// Tells all connections that the server stops (``ServerStops``), and admits no others.
    ///
    /// - Returns: succeeds when the last connection is closed, or by ``stopWaiting()``.
    public func stop(on loop: any EventLoop) -> EventLoopFuture<Void> {
        let (promise, channels) = state.withLockedValue { state in
            state.isStopping = true
            let promise = state.emptied ?? loop.makePromise(of: Void.self)
            if !state.isEmpty { state.emptied = promise }
            return (promise, state.channels)
        }
        if channels.isEmpty { promise.succeed() }
        for channel in channels { channel.pipeline.fireUserInboundEventTriggered(ServerStops()) }
        return promise.futureResult
    }

    /// Ends the wait of ``stop(on:)``, whichever connections are still open.
    public func stopWaiting() { state.withLockedValue { $0.takeEmptied() }?.succeed() }

    /// Closes all connections at once.
    public func closeAll() {
        for channel in state.withLockedValue({ $0.channels }) { channel.close(promise: nil) }
    }
}
