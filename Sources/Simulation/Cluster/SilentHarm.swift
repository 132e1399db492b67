internal import Consensus
internal import MailModel
internal import MailStore
internal import NIOCore
internal import NodeRuntime
internal import PeerTransport
internal import ReplicaCore
internal import StateStorage

/// A row of one replica that is not what was written, and nothing on that machine says so.
struct Harm {
    enum Kind {
        case row
        /// The digest was changed with the row, as if the replica had gone another way: only the others can tell.
        case countedRow
        /// Bytes of a message, which are in no digest: whoever reads them finds that they are not those of the body,
        /// and gets them from another node.
        case chunk(key: [UInt8], spoiled: [UInt8])
    }

    let node: Int
    let group: GroupID
    let kind: Kind

    var isCounted: Bool {
        if case .countedRow = kind { true } else { false }
    }

    var isOfRows: Bool {
        switch kind {
        case .row, .countedRow: true
        case .chunk: false
        }
    }

    /// The body that the spoiled bytes belong to, where it is one of the account's.
    func spoiledBody(of account: AccountID) -> BodyID? {
        guard case .chunk(let key, _) = kind else { return nil }
        let name = ByteBuffer(bytes: key)
        guard name.getInteger(at: Layout.account, as: UInt64.self) == account.rawValue,
            let high = name.getInteger(at: Layout.body, as: UInt64.self),
            let low = name.getInteger(at: Layout.body + 8, as: UInt64.self)
        else { return nil }
        return BodyID(high: high, low: low)
    }
}

/// Replicas that silently differ. What is changed is the time at which a message was saved: no client sees it, so that
/// nothing but a verification finds it; but it goes wherever the message goes. Or it is a message's bytes: who reads
/// them must get those that were put there all the same.
final class SilentHarm {
    private unowned let world: World
    /// What silently differs on the harmed machine.
    private(set) var current: Harm?
    /// What differed last, and until when a node may still report it.
    private var last: (node: Int, group: GroupID, until: Int64)?

    init(in world: World) { self.world = world }

    /// - Returns: whether there was a row to harm.
    func spoilRow(on node: SimNode, isCounted: Bool) -> Bool {
        guard world.harmedMachine.position == nil, world.harmedMachine.isWhole(without: node),
            node.state.failure == nil
        else { return false }
        // What fits its digest is found by a majority only; what does not, by itself.
        guard isCounted ? areAllCaughtUp : world.harmedMachine.areCopiesLeft(without: node) else { return false }
        let mail = world.groups.filter { $0 != .directory }
        let rare = mail.filter { !world.roles(of: node, in: $0).isDisjoint(with: [.learner, .sender, .receiver]) }
        guard let group = world.faults.pick(rare.isEmpty ? mail : rare) else { return false }
        // What only the others can tell must not be told apart from what they have not got yet.
        if isCounted { world.machines.crash(node) }
        guard node.isUp != isCounted,
            let kind = RowSpoiler(store: node.state.memory, group: group).spoil(isCounted: isCounted, &world.faults)
        else { return false }
        world.counts.verification.harms += 1
        world.trace.add(at: world.now, .fault, node: node.position, "a row of group \(group.rawValue) is harmed")
        current = Harm(node: node.position, group: group, kind: kind)
        world.harmedMachine.markHarmed(node)
        if isCounted { world.harmedMachine.beCalm() }
        return true
    }

    /// Whether nobody needs a snapshot: of three, where one has no state yet, two that differ are no majority for
    /// anything.
    private var areAllCaughtUp: Bool {
        world.groups.allSatisfy { group in
            let replicas = world.nodes.compactMap { $0.core?.replica(group)?.raft }
            guard !replicas.contains(where: \.isInstalling) else { return false }
            let begin = replicas.map(\.snapshot.index).max() ?? .zero
            return replicas.allSatisfy { $0.lastIndex >= begin }
        }
    }

    /// A body of the account of which a node has spoiled bytes.
    func spoiledBody(in group: GroupID, of account: AccountID) -> (body: BodyID, node: Int)? {
        guard let current, current.group == group, world.nodes[current.node].isUp else { return nil }
        return current.spoiledBody(of: account).map { ($0, current.node) }
    }

    /// A spoiled chunk that somebody has put right, or that is gone with its message.
    func checkChunk(of node: SimNode) {
        guard let current, case .chunk(let key, let spoiled) = current.kind else { return }
        let store = node.state.memory
        guard (try? store.get(key)) != ByteBuffer(bytes: spoiled), (try? store.flush()) != nil else { return }
        world.counts.verification.chunksMended += 1
        endHarm(of: current.group, on: node, found: false)
    }

    /// Whether a node's replica may be another one than the others', for now.
    func mayDiffer(_ node: SimNode, in group: GroupID) -> Bool {
        current?.isOfRows == true && current?.node == node.position && current?.group == group
    }

    /// Takes note that the harmed rows are gone.
    func endHarm(of group: GroupID, on node: SimNode, found: Bool) {
        guard current?.node == node.position, current?.group == group else { return }
        if found { world.counts.verification.harmsFound += 1 }
        world.trace.add(
            at: world.now,
            .note,
            node: node.position,
            "the harmed rows of group \(group.rawValue) are gone, found: \(found)"
        )
        current = nil
        last = (node.position, group, world.now + Self.verdictMicroseconds)
    }

    /// What was compared while the rows were there may be judged now that they are gone.
    func mayBeGivenUp(_ node: NodeID, in group: GroupID) -> Bool {
        guard let last else { return false }
        return world.nodes[last.node].id == node && last.group == group && world.now < last.until
    }

    /// As long as a verification may take.
    private static let verdictMicroseconds: Int64 = 60_000_000

    /// A fault plan never destroys the last good copy: what looks right by itself is not copied before it is found.
    func removeHarm(of messages: [PeerMessage], from node: Int) -> [PeerMessage] {
        guard let current, current.isCounted, current.node == node else { return messages }
        return messages.filter { message in
            if case .snapshotPiece(let piece) = message { piece.group != current.group } else { true }
        }
    }
}

/// Changes a row of a group behind the applier's back.
private struct RowSpoiler {
    let store: MemoryStateStore
    let group: GroupID

    /// - Returns: nil where there is nothing to change.
    func spoil(isCounted: Bool, _ faults: inout SimRandom) -> Harm.Kind? {
        let prefix = (0..<4).map { UInt8(truncatingIfNeeded: group.rawValue >> UInt32(24 - 8 * $0)) }
        let isChunk = !isCounted && faults.below(2) == 0
        let table = isChunk ? Layout.chunks : Layout.messages
        var rows: [(key: [UInt8], value: [UInt8])] = []
        do {
            try store.scan(from: prefix + [table], to: prefix + [table + 1], order: .ascending) { key, value in
                rows.append((copy(key), copy(value)))
                return rows.count < 64
            }
            // The chunks of a larger body are checked by the checksums of a real store, which this one has not.
            if isChunk {
                let bodies = Dictionary(grouping: rows) { $0.key.dropLast(Layout.chunkIndexBytes) }
                rows.removeAll { bodies[$0.key.dropLast(Layout.chunkIndexBytes)]?.count != 1 }
            }
            let place = isChunk ? Layout.chunkBytes : Layout.saved
            guard var row = faults.pick(rows), row.value.count > place else { return nil }
            row.value[place] ^= UInt8(1 + faults.below(255))
            let batch = store.makeBatch()
            batch.put(row.key, row.value)
            try store.write(batch)
            guard isCounted || isChunk else { return .row }
            if isCounted {
                guard var meta = try store.get(prefix + [Layout.meta]) else { return nil }
                meta.setInteger(try recomputedDigest(group, in: store).value, at: meta.readerIndex + Layout.digest)
                batch.clear()
                batch.put(prefix + [Layout.meta], meta)
                try store.write(batch)
            }
            try store.flush()
            return isChunk ? .chunk(key: row.key, spoiled: row.value) : .countedRow
        } catch {
            return nil
        }
    }

    private func copy(_ bytes: Span<UInt8>) -> [UInt8] {
        var copy: [UInt8] = []
        for index in bytes.indices { copy.append(bytes[index]) }
        return copy
    }
}

/// Where things stand in the keys and rows (`Docs/formats/state.md`).
private enum Layout {
    static let meta: UInt8 = 1
    static let messages: UInt8 = 7
    static let chunks: UInt8 = 12
    /// The first byte behind version, codec and key.
    static let chunkBytes = 4
    /// At the end of the key of a chunk.
    static let chunkIndexBytes = 4
    /// In the key of a chunk.
    static let account = 5
    static let body = 13
    /// The last byte of the time at which a message was saved.
    static let saved = 42
    static let digest = 17
}
