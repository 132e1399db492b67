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

/// A round of another node, which takes this one for the leader.
struct AskedRead {
    let group: GroupID
    /// The other node's.
    let id: UInt64
    let node: NodeID
}

/// Linearizable reads: one ReadIndex round per group at a time, for all reads that wait.
extension NodeLoop {
    func enqueueRead(_ call: ReadCall) {
        guard !isStopping else { return call.fail(.stopping) }
        guard let table = groups[call.group]?.reads else { return call.fail(.unavailable) }
        guard table.count < settings.maxReadsPerGroup else { return call.fail(.busy) }
        table.waiting.append(call)
        reading.insert(call.group)
    }

    /// Behind the ticks of a turn: where the process has stood still, a lease has run out meanwhile, and whoever asked
    /// may have waited all that time. The turn's time was taken after everything that it answers had come in.
    func startReads() {
        for group in reading { startReads(group) }
        for asked in askedReads { answer(asked) }
        askedReads.removeAll(keepingCapacity: true)
    }

    private func startReads(_ group: GroupID) {
        guard let hosted = groups[group], hosted.reads.round == nil, !hosted.reads.waiting.isEmpty,
            hosted.standing.servesReads, let leader = hosted.replica?.leaderNode
        else { return }
        let table = hosted.reads
        let id = Mutant.isOn(.readIDKept) ? session : floor.takeNumber()
        table.round = ReadTable.Round(id: id, calls: table.waiting, sinceMilliseconds: nowMilliseconds)
        table.waiting = []
        if leader == node {
            withReplica(group) { $0.readIndex(id: id, source, into: &$1) }
        } else {
            send(.readIndex(group: group, id: id), to: leader)
        }
    }

    /// The state has what this round must see.
    func readReady(_ group: GroupID, _ id: UInt64, _ index: LogIndex) {
        if let asked = foreignReads.removeValue(forKey: id) {
            return send(.readIndexReply(group: group, id: asked.id, index: index), to: asked.node)
        }
        guard let table = groups[group]?.reads else { return }
        if let calls = table.answered.removeValue(forKey: id) { return serve(calls, of: group) }
        guard let round = table.round, round.id == id else { return }
        table.round = nil
        serve(round.calls, of: group)
    }

    private func serve(_ calls: [ReadCall], of group: GroupID) {
        let gate = gate
        let inbox = inbox
        let reads = stateReads
        let pass = gate.pass(group)
        for call in calls {
            let id = reads.begin(deadlineMilliseconds: call.deadlineMilliseconds, fail: call.fail)
            blocking.run {
                let tell = gate.isGood(pass, for: group) ? call.read() : nil
                guard reads.end(id) else { return }
                // Rows that took the place of others meanwhile may be older, or none.
                guard let tell, gate.isGood(pass, for: group) else { return inbox.put(.read(call)) }
                tell()
            }
        }
    }

    func readRejected(_ group: GroupID, _ id: UInt64) {
        if let asked = foreignReads.removeValue(forKey: id) {
            send(.readIndexReply(group: group, id: asked.id, index: nil), to: asked.node)
        } else if let table = groups[group]?.reads, table.round?.id == id {
            // The next tick asks again.
            table.restart()
        }
    }

    private func answer(_ asked: AskedRead) {
        guard let replica = replica(asked.group), replica.isLeader else {
            return send(.readIndexReply(group: asked.group, id: asked.id, index: nil), to: asked.node)
        }
        let own = floor.takeNumber()
        foreignReads[own] = asked
        withReplica(asked.group) { $0.readIndex(id: own, source, into: &$1) }
    }

    func takeReadReply(_ group: GroupID, _ id: UInt64, _ index: LogIndex?) {
        guard let table = groups[group]?.reads, let round = table.round, round.id == id else { return }
        guard let index else { return table.restart() }
        table.round = nil
        table.answered[id] = round.calls
        withReplica(group) { $0.awaitApplied(id: id, index: index, into: &$1) }
    }

    /// On every tick: rounds without an answer are asked anew, reads that waited too long fail.
    func resendReads() {
        for group in reading {
            guard let table = groups[group]?.reads, table.count > 0 else {
                reading.remove(group)
                continue
            }
            if let round = table.round, nowMilliseconds - round.sinceMilliseconds >= settings.resendMilliseconds {
                table.restart()
            }
            let isExpired: (ReadCall) -> Bool = { $0.deadlineMilliseconds <= self.nowMilliseconds }
            for call in table.waiting where isExpired(call) { call.fail(.unavailable) }
            table.waiting.removeAll(where: isExpired)
            for id in table.answered.keys.sorted() {
                guard let calls = table.answered[id], calls.contains(where: isExpired) else { continue }
                for call in calls where isExpired(call) { call.fail(.unavailable) }
                table.answered[id] = calls.filter { !isExpired($0) }
            }
        }
        if foreignReads.count > 65_536 { foreignReads.removeAll() }
    }
}
