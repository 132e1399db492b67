package import Consensus
package import MailModel
internal import MailStore
internal import NIOCore
internal import PeerTransport
internal import ReplicaCore

/// Pieces of bodies that this node's disk has spoiled and others are asked for.
struct BodyFetches {
    struct Fetch {
        let group: GroupID
        let chunk: HarmedChunk
        /// Who has not been asked yet.
        var others: [NodeID]
        var asked: NodeID
        var deadlineMilliseconds: Int64
        let completion: @Sendable (ByteBuffer?) -> Void
    }

    /// More are not fetched at once: a disk with more to repair than this has to be given up anyway.
    static let maximum = 64
    /// Who has not answered by then is not waited for.
    static let answerMilliseconds: Int64 = 1_000
    /// Answers that are being read for others at once.
    static let maximumAnswers = 16

    var fetches: [UInt64: Fetch] = [:]
    var answering = 0
}

/// What an operator should hear of bodies.
package enum BodyEvent: Sendable {
    /// The bytes of a body were spoiled; they came from another node, and are as they were again.
    case repaired(GroupID, AccountID, from: NodeID)
    /// No other node has them now.
    case notRepaired(GroupID, AccountID)
}

extension NodeLoop {
    /// Asks one replica after the other for a chunk.
    ///
    /// - Parameter completion: what came; nil when nobody has it, or too many are asked for already.
    func fetch(
        _ chunk: HarmedChunk,
        of group: GroupID,
        _ completion: @escaping @Sendable (ByteBuffer?) -> Void
    ) {
        let others = replica(group)?.raft.configuration.members.map(\.node).filter { $0 != node } ?? []
        guard !isStopping, let first = others.first, bodies.fetches.count < BodyFetches.maximum else {
            return completion(nil)
        }
        let id = nextReadID
        nextReadID &+= 1
        bodies.fetches[id] = BodyFetches.Fetch(
            group: group,
            chunk: chunk,
            others: Array(others.dropFirst()),
            asked: first,
            deadlineMilliseconds: nowMilliseconds + BodyFetches.answerMilliseconds,
            completion: completion
        )
        ask(id)
    }

    private func ask(_ id: UInt64) {
        guard let fetch = bodies.fetches[id] else { return }
        let chunk = BodyChunk(account: fetch.chunk.account, body: fetch.chunk.body, index: fetch.chunk.index)
        send(.body(group: fetch.group, .ask(id: id, chunk)), to: fetch.asked)
    }

    /// The one that was asked has nothing, or does not answer.
    private func askNext(_ id: UInt64) {
        guard let fetch = bodies.fetches[id] else { return }
        guard let next = fetch.others.first else {
            bodies.fetches[id] = nil
            return fetch.completion(nil)
        }
        bodies.fetches[id]?.others.removeFirst()
        bodies.fetches[id]?.asked = next
        bodies.fetches[id]?.deadlineMilliseconds = nowMilliseconds + BodyFetches.answerMilliseconds
        ask(id)
    }

    /// On every tick.
    func tendBodies() {
        guard !bodies.fetches.isEmpty else { return }
        for id in bodies.fetches.keys.sorted() {
            guard let fetch = bodies.fetches[id], nowMilliseconds >= fetch.deadlineMilliseconds else { continue }
            askNext(id)
        }
    }

    func take(_ message: BodyMessage, of group: GroupID, from other: NodeID) {
        switch message {
        case .ask(let id, let chunk): answer(id, chunk, of: group, to: other)
        case .answer(let id, let bytes):
            guard let fetch = bodies.fetches[id], fetch.asked == other, fetch.group == group else { return }
            guard let bytes else { return askNext(id) }
            // What does not fit the body's checksum is as good as nothing: the next one is asked.
            let reader = MailReader(store: maintenance.stateStore)
            let inbox = inbox
            blocking.run {
                let fits = reader.fits(bytes, as: fetch.chunk, in: group)
                inbox.put(.control { $0.fetched(id, fits ? bytes : nil, from: other) })
            }
        }
    }

    private func fetched(_ id: UInt64, _ bytes: ByteBuffer?, from other: NodeID) {
        guard let fetch = bodies.fetches[id], fetch.asked == other else { return }
        guard let bytes else { return askNext(id) }
        bodies.fetches[id] = nil
        applier.put(.putBack(fetch.group, fetch.chunk, bytes, from: other))
        fetch.completion(bytes)
    }

    private func answer(_ id: UInt64, _ chunk: BodyChunk, of group: GroupID, to other: NodeID) {
        guard standing(of: group).hasState, bodies.answering < BodyFetches.maximumAnswers else {
            return send(.body(group: group, .answer(id: id, nil)), to: other)
        }
        bodies.answering += 1
        let reader = MailReader(store: maintenance.stateStore)
        let inbox = inbox
        blocking.run {
            let name = HarmedChunk(account: chunk.account, body: chunk.body, index: chunk.index)
            let bytes = reader.wholeChunk(group, name)
            inbox.put(
                .control { loop in
                    loop.bodies.answering -= 1
                    loop.send(.body(group: group, .answer(id: id, bytes)), to: other)
                }
            )
        }
    }
}
