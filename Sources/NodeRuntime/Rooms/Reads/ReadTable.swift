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

    var waiting: [ReadCall] = []
    var round: Round?
    /// Rounds whose index is known and is being applied.
    var answered: [UInt64: [ReadCall]] = [:]

    var count: Int { waiting.count + (round?.calls.count ?? 0) + answered.values.reduce(0) { $0 + $1.count } }

    /// Puts the round under way back: it is asked again, under a new ID, so that no old answer is taken for a new one.
    func restart() {
        guard let round else { return }
        waiting = round.calls + waiting
        self.round = nil
    }
}
