internal import Consensus
internal import DequeModule
internal import HeapModule
internal import MailModel
internal import NIOCore

/// A client's call that is not answered yet.
struct PendingCall {
    /// Where a call is.
    enum Place: Equatable {
        /// The call is to be sent: ``CallTable/nextReady``.
        case ready
        /// The call is in the log of this node, which led the group in this term. The call is not lost as long as this
        /// node leads in that term.
        case proposed(Term)
        /// The call is on its way to a leader, or in the leader's log, or lost.
        case forwarded(to: NodeID)
    }

    let sequence: UInt64
    /// The encoded envelope: the same bytes however often it is sent.
    let payload: ByteBuffer
    /// What the call holds in memory, about.
    let heldBytes: Int
    /// What the call holds of the node's ``CallBudget``, in bytes.
    let admittedBytes: Int
    let deadlineMilliseconds: Int64
    let completion: Completion<MailOutcome>
    fileprivate(set) var place = Place.ready
    /// How often the call was forwarded.
    fileprivate(set) var sendings: UInt32 = 0

    init(
        sequence: UInt64,
        payload: ByteBuffer,
        heldBytes: Int,
        admittedBytes: Int,
        deadlineMilliseconds: Int64,
        completion: Completion<MailOutcome>
    ) {
        self.sequence = sequence
        self.payload = payload
        self.heldBytes = heldBytes
        self.admittedBytes = admittedBytes
        self.deadlineMilliseconds = deadlineMilliseconds
        self.completion = completion
    }
}

/// The calls of this node's clients to one group, by their sequence numbers.
///
/// Whatever is done with one call costs no more where there are thousands: only another leader makes the table look at
/// all of them.
final class CallTable {
    /// The calls in the order in which they came; nil where one is answered. The first is not.
    private var slots: Deque<PendingCall?> = []
    /// The numbers of ``slots``: a call that was refused took a number, and has no slot.
    private var sequences: Deque<UInt64> = []
    private var lastSequence: UInt64 = 0
    /// The sequence numbers of those that are to be sent, and of some that were answered meanwhile.
    private var ready: Heap<UInt64> = []
    /// How many calls there are.
    private(set) var count = 0
    /// What the calls hold in memory, in bytes.
    private(set) var bytes = 0
    /// The payloads of calls that are on their way to other nodes, in bytes.
    private(set) var forwardedBytes = 0
    /// Which node leads the group, by the word of another; nil where this node's replica knows better.
    var hintedLeader: NodeID?
    /// Counts the nodes with a replica that were asked in vain who leads, where no replica here hears of it.
    var turn: UInt32 = 0
    /// How many nodes with a replica were lost one after the other, without an answer of any.
    var losses = 0
    /// When a node last answered a call, on the monotonic clock.
    var heardMilliseconds = Int64.min / 2
    /// Whether a leader has refused calls, and gets no more until the pause is over.
    var isPaused = false
    /// How many pauses there were since a call was last carried out.
    var pauses: UInt32 = 0
    /// Counts the group's pauses, so that the end of one does not end the next.
    var pauseNumber: UInt64 = 0

    /// How many calls were taken in from the oldest unanswered one on.
    var span: Int { slots.count }

    /// The session has the answers to all calls with lower numbers: none of them will be sent again. Where no call
    /// waits, that is the number that was taken last, whose call may be about to be taken in.
    var settledBelow: UInt64 { sequences.first ?? lastSequence }

    /// The number of the next call, also of one that is then refused.
    func takeSequence() -> UInt64 {
        lastSequence += 1
        return lastSequence
    }

    /// Takes a call in, whose number is the last one that was taken.
    func append(_ call: PendingCall) {
        precondition(call.sequence == lastSequence, "numbers are used as they are taken")
        slots.append(call)
        sequences.append(call.sequence)
        ready.insert(call.sequence)
        count += 1
        bytes += call.heldBytes
    }

    subscript(_ sequence: UInt64) -> PendingCall? { position(of: sequence).flatMap { slots[$0] } }

    func remove(_ sequence: UInt64) -> PendingCall? {
        guard let position = position(of: sequence), let call = slots[position] else { return nil }
        leave(call)
        slots[position] = nil
        count -= 1
        bytes -= call.heldBytes
        trim()
        return call
    }

    /// The oldest call that is to be sent.
    var nextReady: PendingCall? {
        while let sequence = ready.min {
            if let call = self[sequence], call.place == .ready { return call }
            ready.removeMin()
        }
        return nil
    }

    /// The oldest call that is to be sent was proposed here.
    func noteProposed(_ sequence: UInt64, in term: Term) {
        change(sequence) { $0.place = .proposed(term) }
    }

    /// The oldest call that is to be sent goes to another node.
    ///
    /// - Returns: how often it was forwarded, this time included.
    func noteForwarded(_ sequence: UInt64, to node: NodeID) -> UInt32 {
        change(sequence) { call in
            call.place = .forwarded(to: node)
            call.sendings += 1
        }
        guard let call = self[sequence] else { return 0 }
        forwardedBytes += call.payload.readableBytes
        return call.sendings
    }

    /// A call is to be sent again.
    func makeReady(_ sequence: UInt64) {
        guard let call = self[sequence], call.place != .ready else { return }
        leave(call)
        change(sequence) { $0.place = .ready }
        ready.insert(sequence)
    }

    /// All calls are to be sent again.
    func makeAllReady() {
        var all: [UInt64] = []
        all.reserveCapacity(count)
        for position in slots.indices where slots[position] != nil {
            slots[position]?.place = .ready
            all.append(sequences[position])
        }
        ready = Heap(all)
        forwardedBytes = 0
    }

    /// Takes out the calls whose deadline is over, in the order in which they came.
    func removeExpired(_ nowMilliseconds: Int64) -> [PendingCall] {
        var expired: [PendingCall] = []
        while let first = slots.first, let call = first, call.deadlineMilliseconds <= nowMilliseconds {
            guard let removed = remove(call.sequence) else { break }
            expired.append(removed)
        }
        return expired
    }

    /// Lets go of the oldest numbers where they stand for no call.
    private func trim() {
        while let first = slots.first, first == nil {
            slots.removeFirst()
            sequences.removeFirst()
        }
    }

    private func leave(_ call: PendingCall) {
        if case .forwarded = call.place { forwardedBytes -= call.payload.readableBytes }
    }

    private func change(_ sequence: UInt64, _ body: (inout PendingCall) -> Void) {
        guard let position = position(of: sequence), var call = slots[position] else { return }
        // The slot gives its reference up meanwhile: nothing is copied.
        slots[position] = nil
        body(&call)
        slots[position] = call
    }

    private func position(of sequence: UInt64) -> Int? {
        guard let first = sequences.first, sequence >= first else { return nil }
        // Where nothing was refused, the call is where its number says.
        let guess = sequence - first
        if guess < UInt64(sequences.count), sequences[Int(guess)] == sequence { return Int(guess) }
        var (low, high) = (0, sequences.count)
        while low < high {
            let middle = (low + high) / 2
            if sequences[middle] < sequence { low = middle + 1 } else { high = middle }
        }
        return low < sequences.count && sequences[low] == sequence ? low : nil
    }
}
