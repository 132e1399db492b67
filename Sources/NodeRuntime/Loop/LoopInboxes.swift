package import Consensus
package import PeerTransport
internal import ReplicaCore

/// The ways to the replica loops of a node and to its agent: which loop a group belongs to, and the inbox of each.
///
/// A group belongs to one loop for as long as the process lives. Groups are dealt out in turn, so that those that a
/// node leads are spread over its loops.
package final class LoopInboxes: Sendable {
    /// The inboxes of the replica loops, in the order of their lanes.
    package let loops: [Inbox<LoopInput>]
    /// The inbox of the node's agent.
    package let agent = Inbox<AgentInput>()

    /// - Parameter count: at least 1, at most ``PeerLimits/maximumLanes``.
    init(loops count: Int) {
        precondition(count >= 1 && count <= PeerLimits.maximumLanes, "a node has 1 to 255 replica loops")
        loops = (0..<count).map { _ in Inbox<LoopInput>() }
    }

    /// The lane of the loop that a group belongs to.
    package func loop(of group: GroupID) -> Int { Int(group.rawValue) % loops.count }

    /// Hands an input to the loop of a group.
    package func put(_ input: LoopInput, for group: GroupID) { loops[loop(of: group)].put(input) }

    /// Hands an input to every loop.
    package func putToAll(_ input: LoopInput) { for loop in loops { loop.put(input) } }

    /// Hands out what came from another node, a batch for each loop.
    ///
    /// - Parameter receipt: kept until the loops have dealt with their batches; nil in a simulation.
    package func receive(_ messages: [PeerMessage], from node: NodeID, _ receipt: PeerReceipt? = nil) {
        if let lane = commonLane(of: messages) { return loops[lane].put(.received(messages, from: node, receipt)) }
        var batches: [[PeerMessage]] = Array(repeating: [], count: loops.count)
        for message in messages { dealMessage(message, from: node, into: &batches) }
        for (loop, batch) in zip(loops, batches) where !batch.isEmpty {
            loop.put(.received(batch, from: node, receipt))
        }
    }

    /// The lane of the loop that all messages are for; nil where there is no such loop.
    private func commonLane(of messages: [PeerMessage]) -> Int? {
        var common: Int?
        for message in messages {
            let lane: Int
            switch message.address {
            case .group(let group): lane = loop(of: group)
            case .lane(let number): lane = Int(number)
            case .everyLane where loops.count == 1: lane = 0
            case .everyLane, .groups, .node: return nil
            }
            guard lane < loops.count, common == nil || common == lane else { return nil }
            common = lane
        }
        return common
    }

    private func dealMessage(_ message: PeerMessage, from node: NodeID, into batches: inout [[PeerMessage]]) {
        switch message.address {
        case .group(let group): batches[loop(of: group)].append(message)
        case .lane(let lane):
            // A node that has just started may still be taken for what it was before.
            if Int(lane) < loops.count { batches[Int(lane)].append(message) }
        case .everyLane: for loop in batches.indices { batches[loop].append(message) }
        case .groups(let groups):
            for group in groups { batches[loop(of: group)].append(.stirred([group])) }
        case .node: agent.put(.received(message, from: node))
        }
    }

    /// What was under way to a node may be lost.
    package func lost(_ node: NodeID) { putToAll(.lost(node)) }

    /// Hands out what the log has durably, a batch for each loop.
    func tellPersisted(_ writes: [PersistedWrite]) {
        dealItems(writes, group: \.group) { .persisted($0) }
    }

    /// Hands out what an applier has done, a batch for each loop.
    func tellApplied(_ applied: [AppliedEntries]) {
        dealItems(applied, group: \.group) { .applied($0) }
    }

    private func dealItems<Item>(_ items: [Item], group: (Item) -> GroupID, _ input: ([Item]) -> LoopInput) {
        guard loops.count > 1 else { return loops[0].put(input(items)) }
        var batches: [[Item]] = Array(repeating: [], count: loops.count)
        for item in items { batches[loop(of: group(item))].append(item) }
        for (loop, batch) in zip(loops, batches) where !batch.isEmpty { loop.put(input(batch)) }
    }
}

extension PeerMessage {
    /// Whom on a node a message is for.
    fileprivate enum Address {
        case group(GroupID)
        /// One replica loop.
        case lane(UInt8)
        case everyLane
        /// The loops of these groups, each with its own.
        case groups([GroupID])
        /// The node itself.
        case node
    }

    fileprivate var address: Address {
        switch self {
        case .replica(let message): .group(message.group)
        case .forward(let group, _, _), .forwardReply(let group, _, _), .readIndex(let group, _),
            .readIndexReply(let group, _, _), .recall(let group, _, _), .testimony(let group, _, _, _, _),
            .join(let group, _), .verification(let group, _), .body(let group, _), .read(let group, _),
            .watch(let group, _), .stranded(let group, _), .leftBehind(let group, _, _):
            .group(group)
        case .contacts: .group(.directory)
        case .snapshotPull(let pull): .group(pull.group)
        case .snapshotPiece(let piece): .group(piece.group)
        case .introduction, .founded, .survey: .node
        case .beat: .everyLane
        case .resting(let list): .lane(list.lanes.to)
        case .stirred(let groups): .groups(groups)
        }
    }
}
