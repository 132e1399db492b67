internal import Consensus
internal import MailModel
internal import PeerTransport
internal import ReplicaCore

/// The reads of one group: those under way in a ReadIndex round, and those that wait for the next one.
final class ReadTable {
    struct Round {
        let id: UInt64
        let calls: [ReadCall]
        let sinceMilliseconds: Int64
    }

    /// The pauses after a leader has refused a round.
    private static let pause = Backoff(firstMilliseconds: 20, maximumMilliseconds: 1_000)

    private(set) var waiting: [ReadCall] = []
    private(set) var round: Round?
    /// Rounds whose index is known and is being applied.
    private var answered: [UInt64: [ReadCall]] = [:]
    /// How many reads there are.
    private(set) var count = 0
    /// How often a round was refused since one was answered, or since a leader was found.
    private var refusals: UInt32 = 0
    /// No round begins before, on the monotonic clock.
    private(set) var pauseEndMilliseconds: Int64 = 0

    func append(_ call: ReadCall) {
        waiting.append(call)
        count += 1
    }

    /// All reads that wait are asked for in one round.
    func beginRound(_ id: UInt64, _ nowMilliseconds: Int64) {
        round = Round(id: id, calls: waiting, sinceMilliseconds: nowMilliseconds)
        waiting = []
    }

    /// Puts the round under way back: it is asked again, under a new ID, so that no old answer is taken for a new one.
    func restart() {
        guard let round else { return }
        waiting = round.calls + waiting
        self.round = nil
    }

    /// The node that was asked does not lead, or takes no more: it is asked again after a pause, longer each time.
    ///
    /// - Parameter seed: another one for each node and group.
    func noteRefusal(_ nowMilliseconds: Int64, seed: UInt64) {
        restart()
        refusals += 1
        let delay = Self.pause.milliseconds(after: refusals, seed: seed ^ UInt64(refusals) << 48)
        pauseEndMilliseconds = nowMilliseconds + delay
    }

    /// There is a leader that has refused nothing yet.
    func endPause() {
        refusals = 0
        pauseEndMilliseconds = 0
    }

    /// The index of the round under way is known, and is being applied.
    func noteAnswer() {
        guard let round else { return }
        answered[round.id] = round.calls
        self.round = nil
        endPause()
    }

    /// Takes out the reads of a round that is answered, or under way.
    ///
    /// - Returns: nil where there is no such round.
    func takeRound(_ id: UInt64) -> [ReadCall]? {
        if let calls = answered.removeValue(forKey: id) {
            count -= calls.count
            return calls
        }
        guard let round, round.id == id else { return nil }
        self.round = nil
        count -= round.calls.count
        endPause()
        return round.calls
    }

    /// Takes out the reads that other nodes may be asked for: the replica here serves none now.
    func takeRemote() -> [ReadCall] {
        restart()
        let all = answered.keys.sorted().flatMap { answered[$0] ?? [] } + waiting
        answered = [:]
        waiting = all.filter { $0.remote == nil }
        count = waiting.count
        return all.filter { $0.remote != nil }
    }

    /// Takes out the reads whose deadline is over, but for those of the round under way.
    func removeExpired(_ nowMilliseconds: Int64) -> [ReadCall] {
        func isExpired(_ call: ReadCall) -> Bool { call.deadlineMilliseconds <= nowMilliseconds }
        var expired = waiting.filter(isExpired)
        if !expired.isEmpty { waiting.removeAll(where: isExpired) }
        for id in answered.keys.sorted() {
            guard let calls = answered[id], calls.contains(where: isExpired) else { continue }
            expired += calls.filter(isExpired)
            answered[id] = calls.filter { !isExpired($0) }
        }
        count -= expired.count
        return expired
    }
}
