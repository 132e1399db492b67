package import Consensus
package import MailModel
internal import MailStore
package import NIOCore
internal import PeerTransport
internal import ReplicaCore

/// Pieces of bodies that this node's disk has spoiled: others are asked for them, one replica after the other, and this
/// node answers others that ask.
struct BodiesRoom {
    struct Fetch {
        let group: GroupID
        let chunk: BodyChunk
        /// The nodes that were not asked yet, in the order in which they will be.
        var others: [NodeID]
        var asked: NodeID
        var deadlineMilliseconds: Int64
        let completion: @Sendable (ByteBuffer?) -> Void
    }

    /// Fetches at once. Others get no bytes: a disk with more to repair than this has to be given up anyway.
    static let maximumFetches = 64
    /// How long a node that was asked may take to answer.
    static let answerMilliseconds: Int64 = 1_000
    /// Answers that are being read for other nodes at once; further questions wait.
    static let maximumAnswers = 16
    /// Questions of other nodes that wait, at most: each of four other nodes may have all its fetches here. Who asks
    /// beyond that is told that this node has nothing.
    static let maximumQuestions = 4 * maximumFetches

    /// What another node asks for.
    private struct Question {
        let id: UInt64
        let node: NodeID
        let group: GroupID
        let chunk: BodyChunk
        /// From then on, the other node has asked the next one.
        let deadlineMilliseconds: Int64
    }

    private var fetches: [UInt64: Fetch] = [:]
    private var answering = 0
    /// In the order in which they came.
    private var questions: [Question] = []

    /// On every tick: where a node has not answered in time, the next one is asked.
    mutating func tick(_ floor: Floor) {
        guard !fetches.isEmpty else { return }
        for id in fetches.keys.sorted() {
            guard let fetch = fetches[id], floor.nowMilliseconds >= fetch.deadlineMilliseconds else { continue }
            askNext(id, floor)
        }
    }

    mutating func receive(_ message: BodyMessage, of group: GroupID, from other: NodeID, _ floor: Floor) {
        switch message {
        case .ask(let id, let chunk):
            receiveQuestion(
                Question(
                    id: id,
                    node: other,
                    group: group,
                    chunk: chunk,
                    deadlineMilliseconds: floor.nowMilliseconds + Self.answerMilliseconds
                ),
                floor
            )
        case .answer(let id, let bytes):
            guard let fetch = fetches[id], fetch.asked == other, fetch.group == group else { return }
            guard let bytes else { return askNext(id, floor) }
            // Bytes that do not fit the body's checksum are as good as none: the next node is asked.
            let reader = floor.reader
            let inbox = floor.ways.inbox
            floor.ways.blocking.run {
                let fits = reader.fits(bytes, as: fetch.chunk, in: group)
                inbox.put(.bodies(.checked(id, from: other, bytes: fits ? bytes : nil)))
            }
        }
    }

    mutating func finished(_ work: BodiesInput, _ floor: Floor) {
        switch work {
        case .fetch(let chunk, let group, let completion): beginFetch(of: chunk, in: group, floor, completion)
        case .checked(let id, let other, let bytes): endFetch(id, with: bytes, from: other, floor)
        case .answerRead(let id, let other, let group, let bytes):
            answering -= 1
            floor.send(.body(group: group, .answer(id: id, bytes)), to: other)
            readNextAnswer(floor)
        case .event(let event): floor.observers.bodies?(event)
        }
    }

    private mutating func beginFetch(
        of chunk: BodyChunk,
        in group: GroupID,
        _ floor: Floor,
        _ completion: @escaping @Sendable (ByteBuffer?) -> Void
    ) {
        let members = floor.replica(group)?.raft.configuration.members.map(\.node) ?? []
        let others = members.filter { $0 != floor.node }
        guard !floor.isStopping, let first = others.first, fetches.count < Self.maximumFetches else {
            return completion(nil)
        }
        let id = floor.takeNumber()
        fetches[id] = Fetch(
            group: group,
            chunk: chunk,
            others: Array(others.dropFirst()),
            asked: first,
            deadlineMilliseconds: floor.nowMilliseconds + Self.answerMilliseconds,
            completion: completion
        )
        ask(id, floor)
    }

    private func ask(_ id: UInt64, _ floor: Floor) {
        guard let fetch = fetches[id] else { return }
        floor.send(.body(group: fetch.group, .ask(id: id, fetch.chunk)), to: fetch.asked)
    }

    /// The node that was asked has nothing, or does not answer: asks the next one, or ends the fetch without bytes.
    private mutating func askNext(_ id: UInt64, _ floor: Floor) {
        guard let fetch = fetches[id] else { return }
        guard let next = fetch.others.first else {
            fetches[id] = nil
            return fetch.completion(nil)
        }
        fetches[id]?.others.removeFirst()
        fetches[id]?.asked = next
        fetches[id]?.deadlineMilliseconds = floor.nowMilliseconds + Self.answerMilliseconds
        ask(id, floor)
    }

    private mutating func endFetch(_ id: UInt64, with bytes: ByteBuffer?, from other: NodeID, _ floor: Floor) {
        guard let fetch = fetches[id], fetch.asked == other else { return }
        guard let bytes else { return askNext(id, floor) }
        fetches[id] = nil
        floor.apply(.putBack(fetch.group, fetch.chunk, bytes, from: other))
        fetch.completion(bytes)
    }

    private mutating func receiveQuestion(_ question: Question, _ floor: Floor) {
        guard floor.standing(of: question.group).hasState, questions.count < Self.maximumQuestions else {
            return floor.send(.body(group: question.group, .answer(id: question.id, nil)), to: question.node)
        }
        questions.append(question)
        readNextAnswer(floor)
    }

    /// Reads what the question that has waited longest asks for, unless enough is being read.
    private mutating func readNextAnswer(_ floor: Floor) {
        guard answering < Self.maximumAnswers else { return }
        questions.removeFirst(questions.prefix { $0.deadlineMilliseconds <= floor.nowMilliseconds }.count)
        guard !questions.isEmpty else { return }
        let question = questions.removeFirst()
        answering += 1
        let reader = floor.reader
        let inbox = floor.ways.inbox
        floor.ways.blocking.run {
            let bytes = reader.wholeChunk(question.group, question.chunk)
            inbox.put(.bodies(.answerRead(question.id, to: question.node, question.group, bytes: bytes)))
        }
    }
}

/// What reaches the room from other threads of this node.
package enum BodiesInput: Sendable {
    /// A read has met spoiled bytes. The completion is told the right ones; nil when nobody has them, or too many are
    /// asked for already.
    case fetch(BodyChunk, of: GroupID, completion: @Sendable (ByteBuffer?) -> Void)
    /// What another node sent was compared with the body's checksum; nil where it does not fit.
    case checked(UInt64, from: NodeID, bytes: ByteBuffer?)
    /// What another node asked for was read; nil where this node has not got it whole.
    case answerRead(UInt64, to: NodeID, GroupID, bytes: ByteBuffer?)
    case event(BodyEvent)
}

/// What an operator should hear of bodies.
package enum BodyEvent: Sendable {
    /// The bytes of a body were spoiled; they came from another node, and are as they were again.
    case repaired(GroupID, AccountID, from: NodeID)
    /// The bytes of a body are spoiled, and no other node has them now.
    case notRepaired(GroupID, AccountID)
}
