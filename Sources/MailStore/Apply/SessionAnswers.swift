internal import Consensus
internal import MailModel
internal import NIOCore
internal import StateStorage

/// The answers that the sessions of all open groups may still ask for again; mirrors the table `requests`.
struct SessionAnswers {
    /// The sessions of a group. Classes, as are the sessions: to change a value in a dictionary in a dictionary costs
    /// five allocations.
    private final class Sessions {
        var windows: [UInt64: SessionWindow] = [:]

        /// The window of a session, a new one where it has none.
        func window(of session: UInt64) -> SessionWindow {
            if let window = windows[session] { return window }
            let window = SessionWindow()
            windows[session] = window
            return window
        }
    }

    private struct DirtyFloor {
        let group: GroupID
        let session: UInt64
        let window: SessionWindow
    }

    private var groups: [GroupID: Sessions] = [:]
    /// Sessions that are settled further than their rows in the store say.
    private var dirtyFloors: [DirtyFloor] = []

    /// Reads the answers of a group that is opened.
    mutating func load(_ group: GroupID, from store: any StateStore) throws {
        let sessions = Sessions()
        let prefix = Key(group, .requests)
        try store.scan(from: prefix.bytes, to: prefix.end) { key, value in
            let session = try Key.integer(key, at: 5, as: UInt64.self)
            let sequence = try Key.integer(key, at: 13, as: UInt64.self)
            var decoder = try WireDecoder(row: ByteBuffer(copying: value), subject: "request row")
            let timestamp = try decoder.timestamp()
            if sequence == SessionWindow.floorSequence {
                let window = sessions.window(of: session)
                window.settledBelow = try decoder.integer()
                window.settled = timestamp
            } else {
                let answer = AnswerList.Answer(timestamp: timestamp, outcome: try MailOutcome(from: &decoder))
                sessions.window(of: session).answers.insert(answer, at: sequence)
            }
            return true
        }
        groups[group] = sessions
    }

    /// Forgets the answers of a group that is closed.
    mutating func forget(_ group: GroupID) { groups[group] = nil }

    /// Forgets which floors are to be written, together with the batch that they would go into.
    mutating func forgetDirtyFloors() {
        for floor in dirtyFloors { floor.window.isFloorDirty = false }
        dirtyFloors.removeAll()
    }

    /// What a request that comes again is answered; nil for a request that is new.
    func earlierOutcome(of request: RequestID, in group: GroupID) -> MailOutcome? {
        guard let window = groups[group]?.windows[request.session], !Mutant.isOn(.answersForgotten) else { return nil }
        if let answer = window.answers[request.sequence] { return answer.outcome }
        // The request is late, and its session does not wait any more: whether it was carried out is settled.
        return request.sequence < window.settledBelow ? .refused(.notHere) : nil
    }

    /// Forgets the answers that the session says it has, and remembers the mark below which they were given.
    mutating func settle(_ envelope: CommandEnvelope, in group: GroupID, batch: any StateBatch) {
        let session = envelope.request.session
        guard session != 0 else { return }
        guard envelope.settledBelow > 1, let window = groups[group]?.window(of: session),
            envelope.settledBelow > window.settledBelow
        else { return }
        let settled = window.answers.removeSettled(
            below: envelope.settledBelow,
            atMost: MailLimits.answersForgottenPerCommand
        )
        for sequence in settled {
            batch.delete(Self.requestKey(group, session: session, sequence: sequence).bytes)
        }
        window.settledBelow = envelope.settledBelow
        window.settled = envelope.timestamp
        if !window.isFloorDirty {
            window.isFloorDirty = true
            dirtyFloors.append(DirtyFloor(group: group, session: session, window: window))
        }
    }

    /// Writes how far sessions are settled, once per batch.
    mutating func writeDirtyFloors(to batch: any StateBatch) {
        for floor in dirtyFloors {
            floor.window.isFloorDirty = false
            guard groups[floor.group]?.windows[floor.session] === floor.window else { continue }
            var row = newRow(capacity: 17)
            row.writeInteger(floor.window.settled.rawValue)
            row.writeInteger(floor.window.settledBelow)
            let key = Self.requestKey(floor.group, session: floor.session, sequence: SessionWindow.floorSequence)
            batch.put(key.bytes, row)
        }
        dirtyFloors.removeAll(keepingCapacity: true)
    }

    /// Keeps the answer to a request that was carried out.
    mutating func remember(
        _ outcome: MailOutcome,
        of envelope: CommandEnvelope,
        in group: GroupID,
        batch: any StateBatch
    ) {
        // Housekeeping may be repeated without harm, and is proposed under session 0.
        guard envelope.request.session != 0 else { return }
        let answer = AnswerList.Answer(timestamp: envelope.timestamp, outcome: outcome)
        let request = envelope.request
        groups[group]?.window(of: request.session).answers.insert(answer, at: request.sequence)
        var row = newRow(capacity: 48)
        row.writeInteger(envelope.timestamp.rawValue)
        outcome.encode(into: &row)
        batch.put(Self.requestKey(group, session: request.session, sequence: request.sequence).bytes, row)
    }

    /// Ends the answers given before a time, oldest sessions first by ID: a bounded number.
    ///
    /// - Returns: how many answers and sessions ended.
    mutating func purge(before: Timestamp, limit: Int, in group: GroupID, batch: any StateBatch) -> Int {
        var removed = 0
        guard let sessions = groups[group] else { return 0 }
        for (session, window) in sessions.windows.sorted(by: { $0.key < $1.key }) {
            guard removed < limit else { break }
            let old = window.answers.removeOlder(than: before, atMost: limit - removed)
            for sequence in old {
                batch.delete(Self.requestKey(group, session: session, sequence: sequence).bytes)
            }
            removed += old.count
            guard window.answers.isEmpty, window.settled < before else { continue }
            sessions.windows[session] = nil
            batch.delete(Self.requestKey(group, session: session, sequence: SessionWindow.floorSequence).bytes)
            removed += 1
        }
        return removed
    }

    private static func requestKey(_ group: GroupID, session: UInt64, sequence: UInt64) -> Key {
        Key(group, .requests).appending(session).appending(sequence)
    }
}

/// The answers of one session that it may still ask for again.
final class SessionWindow {
    /// The row of this sequence, which no request has, says how far the session is settled.
    static let floorSequence: UInt64 = 0

    /// Sequences below are settled: the session has their answers. A request below that comes late is not carried out.
    var settledBelow: UInt64 = 0
    /// The time of the command that named it last.
    var settled = Timestamp(milliseconds: 0)
    var isFloorDirty = false
    var answers = AnswerList()
}
