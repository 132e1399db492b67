package import Consensus
internal import DequeModule
internal import HeapModule
internal import MailModel
internal import NIOCore
internal import PeerTransport

/// What reaches ``RemoteReadsRoom`` from other threads of this node.
package enum RemoteReadsInput: Sendable {
    /// What a node has answered cannot be read.
    case unreadable(ReadCall, from: NodeID)
}

/// Reads of groups of which this node has no replica that could answer: one node with a replica after the other is
/// asked, the nearest first, until one answers or the deadline is over.
///
/// A node that answers asks its leader for an index behind the question, so the read sees all that was acknowledged
/// before the call.
struct RemoteReadsRoom {
    /// Questions that a node has of this loop at once; further ones wait until it has answered.
    static let maximumQuestions = 32
    /// What answers of several pieces may take up in this loop together, in bytes; a single one always comes.
    static let maximumReservedBytes = 64 << 20
    /// The pauses when every node has refused.
    private static let pause = Backoff(firstMilliseconds: 20, maximumMilliseconds: 250)
    /// The longest wait for a sign of the node that was asked.
    private static let maximumPatienceMilliseconds: Int64 = 4_000
    /// How long a node that has not answered, or is lost, comes last.
    private static let suspicionMilliseconds: Int64 = 2_000

    private var reads: [UInt64: PendingRead] = [:]
    /// How many reads of each group there are.
    private var counts: [GroupID: Int] = [:]
    private var nextRead: UInt64 = 0
    /// The reads whose questions are under way, by the questions' IDs.
    private var questions: [UInt64: UInt64] = [:]
    /// How many questions each node has.
    private var questionCounts: [NodeID: Int] = [:]
    /// Reads that wait until a node has answered others, and some that do not any more.
    private var queues: [NodeID: Deque<UInt64>] = [:]
    private var awaiting: Set<UInt64> = []
    private var due: Heap<DueRead> = []
    private var nextSerial: UInt64 = 0
    /// Nodes that have not answered, and until when others are asked instead.
    private var suspects: [NodeID: Int64] = [:]
    private var reservedBytes = 0
    private let stateReads: StateReads

    init(_ stateReads: StateReads) { self.stateReads = stateReads }

    /// How many reads wait for other nodes.
    var count: Int { reads.count }

    /// Takes a read in; one that cannot be taken fails at once.
    mutating func enqueue(_ call: ReadCall, _ floor: Floor) {
        guard let number = admit(call, floor) else { return }
        route(number, floor)
    }

    mutating func finished(_ input: RemoteReadsInput, _ floor: Floor) {
        switch input {
        case .unreadable(let call, let node):
            suspects[node] = floor.nowMilliseconds + Self.suspicionMilliseconds
            guard let number = admit(call, floor) else { return }
            pauseRead(number, floor)
        }
    }

    private mutating func admit(_ call: ReadCall, _ floor: Floor) -> UInt64? {
        func refuse(_ failure: ServiceFailure) -> UInt64? {
            call.fail(failure)
            return nil
        }
        guard !floor.isStopping else { return refuse(.stopping) }
        guard let remote = call.remote, call.deadlineMilliseconds > floor.nowMilliseconds else {
            return refuse(.unavailable)
        }
        guard counts[call.group, default: 0] < floor.settings.reads.perGroup else { return refuse(.busy) }
        nextRead += 1
        reads[nextRead] = PendingRead(call: call, remote: remote)
        counts[call.group, default: 0] += 1
        return nextRead
    }

    // MARK: Whom to ask

    /// Decides where a read goes next.
    private mutating func route(_ number: UInt64, _ floor: Floor) {
        guard let read = reads[number] else { return }
        let group = read.call.group
        if let hosted = floor.groups[group], floor.mayServeReads(hosted) {
            remove(number, floor)
            return floor.tell(.readHere(read.call))
        }
        guard let record = floor.directory.group(group), record.epoch <= read.remote.epoch else {
            remove(number, floor)
            return read.remote.routeAnew()
        }
        let open = floor.holders(of: group).filter { !read.tried.contains($0) }
        let trusted = open.first { suspects[$0, default: 0] <= floor.nowMilliseconds }
        guard let node = trusted ?? (read.tried.isEmpty ? open.first : nil) else { return pauseRead(number, floor) }
        if questionCounts[node, default: 0] < Self.maximumQuestions {
            ask(node, for: number, floor)
        } else {
            reads[number]?.stage = .queued(for: node)
            queues[node, default: []].append(number)
            schedule(number, at: read.call.deadlineMilliseconds)
        }
    }

    private mutating func ask(_ node: NodeID, for number: UInt64, _ floor: Floor) {
        guard var read = reads[number] else { return }
        var query = ByteBuffer()
        read.remote.query.encode(into: &query)
        guard query.readableBytes <= ReadMessage.maximumQueryBytes else {
            return fail(number, with: .unavailable, floor)
        }
        read.askings += 1
        read.tried.append(node)
        let id = floor.takeNumber()
        let patience = Backoff(
            firstMilliseconds: floor.settings.resendMilliseconds,
            maximumMilliseconds: Self.maximumPatienceMilliseconds
        ).milliseconds(after: read.askings, seed: id)
        read.stage = .asked(
            PendingRead.Question(
                id: id,
                node: node,
                patienceMilliseconds: patience,
                heardMilliseconds: floor.nowMilliseconds
            )
        )
        reads[number] = read
        questions[id] = number
        questionCounts[node, default: 0] += 1
        floor.send(.read(group: read.call.group, .ask(id: id, epoch: read.remote.epoch, query: query)), to: node)
        schedule(number, at: floor.nowMilliseconds + patience)
    }

    /// The node that was asked has no answer: the next one is asked.
    private mutating func askNext(_ number: UInt64, _ floor: Floor) {
        endQuestion(of: number, floor)
        route(number, floor)
    }

    private mutating func pauseRead(_ number: UInt64, _ floor: Floor) {
        guard var read = reads[number] else { return }
        read.pauses += 1
        read.tried = []
        read.stage = .pausing
        reads[number] = read
        let delay = Self.pause.milliseconds(after: read.pauses, seed: floor.place.session ^ number << 16)
        schedule(number, at: floor.nowMilliseconds + delay)
    }

    // MARK: Answers

    mutating func receivePiece(
        _ piece: RemoteReadPiece,
        of id: UInt64,
        about group: GroupID,
        from node: NodeID,
        _ floor: Floor
    ) {
        guard let number = questions[id], let read = reads[number], var question = read.question, question.node == node
        else { return floor.send(.read(group: group, .end(id: id)), to: node) }
        // What came twice says nothing new.
        guard piece.offset == question.receivedBytes, group == read.call.group else { return }
        if piece.offset == 0, piece.bytes.readableBytes < piece.total {
            guard reservedBytes == 0 || reservedBytes + piece.total <= Self.maximumReservedBytes else {
                floor.send(.read(group: group, .end(id: id)), to: node)
                endQuestion(of: number, floor)
                return pauseRead(number, floor)
            }
            question.reservedBytes = piece.total
            reservedBytes += piece.total
        }
        question.pieces.append(piece.bytes)
        question.receivedBytes += piece.bytes.readableBytes
        question.heardMilliseconds = floor.nowMilliseconds
        reads[number]?.stage = .asked(question)
        guard question.receivedBytes < piece.total else {
            floor.send(.read(group: group, .end(id: id)), to: node)
            return hand(question.pieces, to: number, from: node, floor)
        }
        floor.send(.read(group: group, .more(id: id, from: UInt32(question.receivedBytes))), to: node)
    }

    mutating func receiveRefusal(_ refusal: ReadRefusal, to id: UInt64, from node: NodeID, _ floor: Floor) {
        guard let number = questions[id], let read = reads[number], read.question?.node == node else { return }
        switch refusal {
        case .busy: askNext(number, floor)
        case .tooLarge: fail(number, with: .unavailable, floor)
        case .moved(let index):
            endQuestion(of: number, floor)
            reads[number]?.stage = .awaitingDirectory(index)
            awaiting.insert(number)
            schedule(number, at: read.call.deadlineMilliseconds)
            routeMoved(floor)
        }
    }

    /// Decodes an answer that has come as a whole, where that may take its time, and tells the client.
    private mutating func hand(
        _ pieces: [ByteBuffer],
        to number: UInt64,
        from node: NodeID,
        _ floor: Floor
    ) {
        guard let read = remove(number, floor) else { return }
        let waiting = stateReads
        let inbox = floor.ways.inbox
        let id = waiting.begin(deadlineMilliseconds: read.call.deadlineMilliseconds, fail: read.call.fail)
        floor.ways.blocking.run {
            let answer = GroupAnswer(joining: pieces)
            guard waiting.end(id) else { return }
            if let answer {
                read.remote.receive(answer)
            } else {
                inbox.put(.remoteReads(.unreadable(read.call, from: node)))
            }
        }
    }

    // MARK: What changes

    /// The node knows its cluster anew: reads that wait for that begin anew.
    mutating func directoryChanged(_ floor: Floor) { routeMoved(floor) }

    private mutating func routeMoved(_ floor: Floor) {
        for number in awaiting.sorted() {
            guard let read = reads[number], case .awaitingDirectory(let index) = read.stage,
                floor.directory.index >= index
            else { continue }
            remove(number, floor)
            read.remote.routeAnew()
        }
    }

    /// The replica here knows its leader: what it can answer waits for others no longer. Looks at all reads, as leaders
    /// change seldom.
    mutating func leaderFound(of group: GroupID, _ floor: Floor) {
        guard counts[group, default: 0] > 0, floor.groups[group]?.servesReads == true else { return }
        for number in reads.keys.sorted() where reads[number]?.call.group == group {
            if let question = reads[number]?.question {
                floor.send(.read(group: group, .end(id: question.id)), to: question.node)
            }
            endQuestion(of: number, floor)
            route(number, floor)
        }
    }

    /// What was under way to a node may be lost.
    mutating func noteLost(_ node: NodeID, _ floor: Floor) {
        suspects[node] = floor.nowMilliseconds + Self.suspicionMilliseconds
        guard questionCounts[node, default: 0] > 0 else { return }
        for number in questions.values.sorted() where reads[number]?.question?.node == node {
            askNext(number, floor)
        }
        askQueued(of: node, floor)
    }

    /// On every tick: reads whose time has come are looked at.
    mutating func tick(_ floor: Floor) {
        let now = floor.nowMilliseconds
        while let first = due.min, first.milliseconds <= now {
            due.removeMin()
            guard let read = reads[first.read], read.stamp == first.stamp else { continue }
            guard now < read.call.deadlineMilliseconds else {
                fail(first.read, with: .unavailable, floor)
                continue
            }
            switch read.stage {
            case .pausing: route(first.read, floor)
            case .queued, .awaitingDirectory: schedule(first.read, at: read.call.deadlineMilliseconds)
            case .asked(let question):
                let end = question.heardMilliseconds + question.patienceMilliseconds
                guard now >= end else {
                    schedule(first.read, at: end)
                    continue
                }
                floor.send(.read(group: read.call.group, .end(id: question.id)), to: question.node)
                suspects[question.node] = now + Self.suspicionMilliseconds
                askNext(first.read, floor)
            }
        }
        if !suspects.isEmpty { suspects = suspects.filter { $0.value > now } }
    }

    // MARK: Books

    private mutating func fail(_ number: UInt64, with failure: ServiceFailure, _ floor: Floor) {
        guard let read = reads[number] else { return }
        if let question = read.question {
            floor.send(.read(group: read.call.group, .end(id: question.id)), to: question.node)
        }
        remove(number, floor)
        read.call.fail(failure)
    }

    @discardableResult
    private mutating func remove(_ number: UInt64, _ floor: Floor) -> PendingRead? {
        endQuestion(of: number, floor)
        guard let read = reads.removeValue(forKey: number) else { return nil }
        awaiting.remove(number)
        let group = read.call.group
        let left = counts[group, default: 1] - 1
        counts[group] = left > 0 ? left : nil
        return read
    }

    /// The question of a read is over: its node may be asked something else.
    private mutating func endQuestion(of number: UInt64, _ floor: Floor) {
        guard let question = reads[number]?.question else { return }
        reads[number]?.stage = .pausing
        questions[question.id] = nil
        reservedBytes -= question.reservedBytes
        let left = questionCounts[question.node, default: 1] - 1
        questionCounts[question.node] = left > 0 ? left : nil
        askQueued(of: question.node, floor)
    }

    private mutating func askQueued(of node: NodeID, _ floor: Floor) {
        while questionCounts[node, default: 0] < Self.maximumQuestions, let number = queues[node]?.popFirst() {
            guard case .queued(for: node)? = reads[number]?.stage else { continue }
            reads[number]?.stage = .pausing
            // Whom to ask may have changed meanwhile.
            route(number, floor)
        }
        if queues[node]?.isEmpty == true { queues[node] = nil }
    }

    private mutating func schedule(_ number: UInt64, at milliseconds: Int64) {
        guard var read = reads[number] else { return }
        read.stamp &+= 1
        reads[number] = read
        nextSerial += 1
        let time = min(milliseconds, read.call.deadlineMilliseconds)
        due.insert(DueRead(milliseconds: time, serial: nextSerial, read: number, stamp: read.stamp))
        // Of those that are out of date, no more are kept than there are reads, and some.
        guard due.count > 2 * reads.count + Self.spareDue else { return }
        due = Heap(due.unordered.filter { reads[$0.read]?.stamp == $0.stamp })
    }

    private static let spareDue = 1_024
}

extension GroupAnswer {
    /// Nil where the pieces are no answer.
    fileprivate init?(joining pieces: [ByteBuffer]) {
        guard var whole = pieces.first else { return nil }
        if pieces.count > 1 {
            whole.reserveCapacity(minimumWritableBytes: pieces.dropFirst().reduce(0) { $0 + $1.readableBytes })
            for piece in pieces.dropFirst() { whole.writeImmutableBuffer(piece) }
        }
        var decoder = WireDecoder(whole, subject: Self.subject)
        guard let answer = try? GroupAnswer(from: &decoder), (try? decoder.finish()) != nil else { return nil }
        self = answer
    }
}
