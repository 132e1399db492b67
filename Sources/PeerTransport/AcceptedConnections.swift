internal import Consensus
internal import NIOConcurrencyHelpers
internal import NIOCore

/// The open connections of a server: counted against its limits, and known so that they can be ended.
final class AcceptedConnections: Sendable {
    /// How many connections there are, and how long one may say nothing.
    struct Limits {
        /// Connections that have not said hello.
        var awaitingHello = PeerLimits.maximumAwaitingHello
        /// Nodes that have said hello: each has one connection.
        var nodes = PeerLimits.maximumConnectedNodes
        var handshakeSeconds = PeerLimits.handshakeSeconds
    }

    /// What becomes of a connection that has said hello.
    enum Admission: Hashable {
        case admitted
        /// The node's earlier connection is closed for this one.
        case insteadOfEarlier
        /// As many nodes as there may be are connected.
        case full
    }

    /// The user event by which a connection's pipeline hears that another one takes its place.
    struct MakesRoom: Sendable {
        fileprivate init() {}
    }

    private struct State {
        /// The oldest first.
        var awaitingHello: [any Channel] = []
        var nodes: [NodeID: any Channel] = [:]
        var isClosed = false
    }

    private let state = NIOLockedValueBox(State())
    let limits: Limits

    init(_ limits: Limits = Limits()) { self.limits = limits }

    /// Notes a connection that has just been accepted. When there are too many without a hello, the oldest of them is
    /// closed: a node says hello at once, and whoever fills these places and says nothing must not keep nodes away.
    func add(_ channel: any Channel) {
        let (isClosed, oldest) = state.withLockedValue { state -> (Bool, (any Channel)?) in
            guard !state.isClosed else { return (true, nil) }
            state.awaitingHello.append(channel)
            guard state.awaitingHello.count > limits.awaitingHello else { return (false, nil) }
            return (false, state.awaitingHello.removeFirst())
        }
        channel.closeFuture.whenComplete { _ in self.remove(channel) }
        if isClosed { channel.close(promise: nil) }
        oldest?.pipeline.fireUserInboundEventTriggered(MakesRoom())
    }

    /// The connection has said hello. The node's earlier connection is closed: a node opens one at a time, so that it
    /// has given the earlier one up, which this side may notice only much later.
    func admit(_ channel: any Channel, of node: NodeID) -> Admission {
        let (admission, earlier) = state.withLockedValue { state -> (Admission, (any Channel)?) in
            let earlier = state.nodes[node]
            guard earlier != nil || state.nodes.count < limits.nodes else { return (.full, nil) }
            state.awaitingHello.removeAll { $0 === channel }
            state.nodes[node] = channel
            return (earlier == nil ? .admitted : .insteadOfEarlier, earlier)
        }
        earlier?.pipeline.fireUserInboundEventTriggered(MakesRoom())
        return admission
    }

    /// Closes the connections of nodes that belong to the cluster no more.
    func close(_ nodes: [NodeID]) {
        let channels = state.withLockedValue { state in nodes.compactMap { state.nodes[$0] } }
        for channel in channels { channel.close(promise: nil) }
    }

    private func remove(_ channel: any Channel) {
        state.withLockedValue { state in
            state.awaitingHello.removeAll { $0 === channel }
            for (node, open) in state.nodes where open === channel { state.nodes[node] = nil }
        }
    }

    func close() async {
        let channels = state.withLockedValue { state in
            state.isClosed = true
            return state.awaitingHello + Array(state.nodes.values)
        }
        for channel in channels { try? await channel.close() }
    }
}
