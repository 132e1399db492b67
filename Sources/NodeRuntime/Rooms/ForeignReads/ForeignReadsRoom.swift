internal import Consensus
internal import DequeModule
internal import MailModel
internal import MailStore
package import NIOCore
internal import PeerTransport
internal import StateStorage

/// Which read of another node is meant.
package struct ForeignReadKey: Hashable, Sendable {
    let node: NodeID
    /// The other node's.
    let id: UInt64
}

/// What reaches ``ForeignReadsRoom`` from the threads that read.
package enum ForeignReadsInput: Sendable {
    /// The encoded answer, whose bytes are taken from the ``ForeignReadBudget``.
    case read(ForeignReadKey, ByteBuffer)
    case failed(ForeignReadKey, ForeignReadFailure)
}

/// Why there is no answer.
package enum ForeignReadFailure: Sendable {
    /// The rows cannot be read, nobody leads, or too much is kept.
    case unavailable
    case tooLarge
    /// A body that is not among the rows that are here now: those behind a read index are waited for.
    case bodyNotHere
}

/// Reads for other nodes, which have no replica that could answer. Each goes the way of this node's own reads, with an
/// index that the leader names for it.
///
/// An answer goes out in pieces: the first one by itself, each further one when it is asked for. It is kept until the
/// other node has said that it has all of it.
struct ForeignReadsRoom {
    /// How long a read may take. Who asked has asked another node by then.
    private static let readMilliseconds: Int64 = 5_000
    /// How long an answer is kept of which nobody fetches a piece.
    static let keepMilliseconds: Int64 = 3_000

    private struct Answer {
        let group: GroupID
        let query: GroupQuery
        /// Nil as long as it is being read.
        var bytes: ByteBuffer?
        /// Whether the other node does not wait for it any more.
        var isEnded = false
        var expiryMilliseconds = Int64.max
    }

    private var answers: [ForeignReadKey: Answer] = [:]
    /// When answers may be forgotten, in the order of these times; answers that were fetched from are looked at again.
    private var expiries: Deque<(milliseconds: Int64, key: ForeignReadKey)> = []
    private let budget: ForeignReadBudget

    init(_ budget: ForeignReadBudget) { self.budget = budget }

    mutating func receiveQuestion(
        _ query: ByteBuffer,
        id: UInt64,
        about group: GroupID,
        atEpoch epoch: UInt64,
        from node: NodeID,
        _ floor: Floor
    ) {
        func refuse(_ refusal: ReadRefusal) { floor.send(.read(group: group, .refused(id: id, refusal)), to: node) }
        let key = ForeignReadKey(node: node, id: id)
        guard answers[key] == nil else { return sendPiece(of: key, at: 0, floor) }
        // As long as nothing of the directory was read, this node knows less than who asks.
        guard let record = floor.directory.group(group), record.epoch <= epoch else {
            return refuse(floor.directory.index > .zero ? .moved(asOf: floor.directory.index) : .busy)
        }
        guard record.epoch == epoch, group != .directory, !floor.isStopping,
            floor.groups[group]?.servesReads == true, let query = GroupQuery(whole: query), budget.takeRead()
        else { return refuse(.busy) }
        answers[key] = Answer(group: group, query: query)
        if case .mail(.body, _) = query { readBody(key, floor) } else { read(key, floor) }
    }

    /// Reads behind an index that the leader names.
    private func read(_ key: ForeignReadKey, _ floor: Floor) {
        guard let answer = answers[key] else { return }
        let inbox = floor.ways.inbox
        let work = ForeignRead(answer.query, in: answer.group, floor)
        let budget = budget
        let call = ReadCall(
            group: answer.group,
            deadlineMilliseconds: floor.nowMilliseconds + Self.readMilliseconds,
            read: {
                let result = work.answer()
                return { inbox.put(.foreignReads(result.input(for: key, within: budget))) }
            },
            fail: { _ in inbox.put(.foreignReads(.failed(key, .unavailable))) }
        )
        floor.tell(.readHere(call))
    }

    /// Bodies never change: what is here is told without asking the leader.
    private func readBody(_ key: ForeignReadKey, _ floor: Floor) {
        guard let answer = answers[key] else { return }
        let inbox = floor.ways.inbox
        let work = ForeignRead(answer.query, in: answer.group, floor)
        let budget = budget
        floor.ways.blocking.run { inbox.put(.foreignReads(work.body().input(for: key, within: budget))) }
    }

    mutating func finished(_ input: ForeignReadsInput, _ floor: Floor) {
        switch input {
        case .read(let key, let bytes):
            guard let answer = answers[key], answer.bytes == nil else {
                return budget.giveBack(reads: 0, bytes: bytes.readableBytes)
            }
            answers[key]?.bytes = bytes
            guard !answer.isEnded else { return forget(key) }
            keep(key, floor)
            sendPiece(of: key, at: 0, floor)
        case .failed(let key, .bodyNotHere):
            if answers[key]?.isEnded == true { forget(key) } else { read(key, floor) }
        case .failed(let key, let failure):
            guard let answer = answers[key] else { return }
            forget(key)
            let refusal: ReadRefusal = if case .tooLarge = failure { .tooLarge } else { .busy }
            floor.send(.read(group: answer.group, .refused(id: key.id, refusal)), to: key.node)
        }
    }

    /// The other node has a piece, and wants the next one.
    mutating func receiveDemand(for id: UInt64, at offset: UInt32, from node: NodeID, _ floor: Floor) {
        let key = ForeignReadKey(node: node, id: id)
        guard answers[key]?.bytes != nil else { return }
        answers[key]?.expiryMilliseconds = floor.nowMilliseconds + Self.keepMilliseconds
        sendPiece(of: key, at: Int(offset), floor)
    }

    /// The other node has the answer, or does not wait for it any more.
    mutating func receiveEnd(of id: UInt64, from node: NodeID) {
        let key = ForeignReadKey(node: node, id: id)
        guard let answer = answers[key] else { return }
        // What is being read goes on holding its share.
        if answer.bytes == nil { answers[key]?.isEnded = true } else { forget(key) }
    }

    /// This node has no replica of the group any more: those that wait for it ask another node.
    mutating func replicaRemoved(of group: GroupID, _ floor: Floor) {
        let waiting = answers.filter { $0.value.group == group && $0.value.bytes == nil && !$0.value.isEnded }.keys
        for key in waiting.sorted(by: { ($0.node, $0.id) < ($1.node, $1.id) }) {
            // What is being read goes on holding its share.
            answers[key]?.isEnded = true
            floor.send(.read(group: group, .refused(id: key.id, .busy)), to: key.node)
        }
    }

    private func sendPiece(of key: ForeignReadKey, at offset: Int, _ floor: Floor) {
        guard let answer = answers[key], let bytes = answer.bytes, offset < bytes.readableBytes else { return }
        let most = offset == 0 ? ReadMessage.firstPieceBytes : ReadMessage.pieceBytes
        let count = min(most, bytes.readableBytes - offset)
        guard let piece = bytes.getSlice(at: bytes.readerIndex + offset, length: count) else { return }
        let total = UInt32(bytes.readableBytes)
        floor.send(
            .read(group: answer.group, .piece(id: key.id, offset: UInt32(offset), total: total, piece)),
            to: key.node
        )
    }

    private mutating func keep(_ key: ForeignReadKey, _ floor: Floor) {
        let expiry = floor.nowMilliseconds + Self.keepMilliseconds
        answers[key]?.expiryMilliseconds = expiry
        expiries.append((expiry, key))
    }

    private mutating func forget(_ key: ForeignReadKey) {
        guard let answer = answers.removeValue(forKey: key) else { return }
        budget.giveBack(reads: 1, bytes: answer.bytes?.readableBytes ?? 0)
    }

    /// On every tick: answers that nobody fetches are forgotten.
    mutating func tick(_ floor: Floor) {
        while let first = expiries.first, first.milliseconds <= floor.nowMilliseconds {
            expiries.removeFirst()
            guard let answer = answers[first.key] else { continue }
            if answer.expiryMilliseconds <= floor.nowMilliseconds {
                forget(first.key)
            } else {
                expiries.append((floor.nowMilliseconds + Self.keepMilliseconds, first.key))
            }
        }
    }
}

extension GroupQuery {
    /// Nil where the bytes are no query that this program knows.
    fileprivate init?(whole bytes: ByteBuffer) {
        var decoder = WireDecoder(bytes, subject: Self.subject)
        guard let query = try? GroupQuery(from: &decoder), (try? decoder.finish()) != nil else { return nil }
        self = query
    }
}
