public import Consensus
public import MailModel
public import NIOCore
internal import ReplicaCore

/// The tag of a Raft message on the wire; part of the format.
private enum BodyTag: UInt8 {
    case preVote = 1
    case preVoteResponse = 2
    case requestVote = 3
    case voteResponse = 4
    case appendEntries = 5
    case appendAccepted = 6
    case appendRejected = 7
    case heartbeat = 8
    case heartbeatResponse = 9
    case installSnapshot = 10
    case snapshotRejected = 11
    case timeoutNow = 12
}

extension ByteBuffer {
    mutating func write(_ message: ReplicaMessage, apart: inout PayloadsApart) {
        let inner = message.message
        writeInteger(inner.from.rawValue)
        writeInteger(inner.to.rawValue)
        writeInteger(inner.term.rawValue)
        writeInteger(message.durableIndex.rawValue)
        func tag(_ tag: BodyTag) { writeInteger(tag.rawValue) }
        switch inner.body {
        case .preVote(let lastIndex, let lastTerm):
            tag(.preVote)
            writeInteger(lastIndex.rawValue)
            writeInteger(lastTerm.rawValue)
        case .preVoteResponse(let granted):
            tag(.preVoteResponse)
            writeBool(granted)
        case .requestVote(let lastIndex, let lastTerm, let byTransfer):
            tag(.requestVote)
            writeInteger(lastIndex.rawValue)
            writeInteger(lastTerm.rawValue)
            writeBool(byTransfer)
        case .voteResponse(let granted):
            tag(.voteResponse)
            writeBool(granted)
        case .appendEntries(let append):
            tag(.appendEntries)
            writeInteger(append.previousIndex.rawValue)
            writeInteger(append.previousTerm.rawValue)
            writeInteger(append.commitIndex.rawValue)
            writeCount(append.entries.count)
            for (header, payload) in zip(append.entries, message.payloads) {
                write(header)
                writeLengthPrefixed(payload, apart: &apart)
            }
        case .appendAccepted(let matchIndex):
            tag(.appendAccepted)
            writeInteger(matchIndex.rawValue)
        case .appendRejected(let previousIndex, let hintIndex, let hintTerm):
            tag(.appendRejected)
            writeInteger(previousIndex.rawValue)
            writeInteger(hintIndex.rawValue)
            writeInteger(hintTerm.rawValue)
        case .heartbeat(let commitIndex, let readSequence):
            tag(.heartbeat)
            writeInteger(commitIndex.rawValue)
            writeInteger(readSequence)
        case .heartbeatResponse(let readSequence):
            tag(.heartbeatResponse)
            writeInteger(readSequence)
        case .installSnapshot(let point):
            tag(.installSnapshot)
            write(point)
        case .snapshotRejected(let index):
            tag(.snapshotRejected)
            writeInteger(index.rawValue)
        case .timeoutNow:
            tag(.timeoutNow)
        }
    }

    private mutating func write(_ header: EntryHeader) {
        writeInteger(header.term.rawValue)
        switch header.kind {
        case .command: writeInteger(0, as: UInt8.self)
        case .noop: writeInteger(1, as: UInt8.self)
        case .configuration(let configuration):
            writeInteger(2, as: UInt8.self)
            write(configuration)
        }
    }

    /// A snapshot point as it travels, and as a node notes it.
    public mutating func write(_ point: SnapshotPoint) {
        writeInteger(point.index.rawValue)
        writeInteger(point.term.rawValue)
        write(point.configuration)
    }
}

extension WireDecoder {
    mutating func term() throws(DecodingError) -> Term {
        let term = Term(try integer(as: UInt64.self))
        guard term <= .maximum else { throw failure(.outOfRange) }
        return term
    }

    mutating func replica() throws(DecodingError) -> ReplicaID { ReplicaID(try integer(as: UInt64.self)) }

    mutating func replicaMessage(_ group: GroupID) throws(DecodingError) -> ReplicaMessage {
        let from = try replica()
        let to = try replica()
        let term = try term()
        let durableIndex = try logIndex()
        let raw: UInt8 = try integer()
        guard let tag = BodyTag(rawValue: raw) else { throw failure(.unknownTag(UInt64(raw))) }
        var payloads: [ByteBuffer] = []
        let body: Message.Body
        switch tag {
        case .preVote: body = .preVote(lastIndex: try logIndex(), lastTerm: try self.term())
        case .preVoteResponse: body = .preVoteResponse(granted: try bool())
        case .requestVote:
            body = .requestVote(lastIndex: try logIndex(), lastTerm: try self.term(), byTransfer: try bool())
        case .voteResponse: body = .voteResponse(granted: try bool())
        case .appendEntries: body = .appendEntries(try appendEntries(&payloads))
        case .appendAccepted: body = .appendAccepted(matchIndex: try logIndex())
        case .appendRejected:
            body = .appendRejected(previousIndex: try logIndex(), hintIndex: try logIndex(), hintTerm: try self.term())
        case .heartbeat: body = .heartbeat(commitIndex: try logIndex(), readSequence: try integer())
        case .heartbeatResponse: body = .heartbeatResponse(readSequence: try integer())
        case .installSnapshot: body = .installSnapshot(try snapshotPoint())
        case .snapshotRejected: body = .snapshotRejected(index: try logIndex())
        case .timeoutNow: body = .timeoutNow
        }
        return ReplicaMessage(
            group: group,
            message: Message(from: from, to: to, term: term, body: body),
            payloads: payloads,
            durableIndex: durableIndex
        )
    }

    private mutating func appendEntries(_ payloads: inout [ByteBuffer]) throws(DecodingError) -> AppendEntries {
        let previousIndex = try logIndex()
        let previousTerm = try term()
        let commitIndex = try logIndex()
        let count = try count(minimumBytes: 13)
        var headers: [EntryHeader] = []
        headers.reserveCapacity(count)
        payloads.reserveCapacity(count)
        for _ in 0..<count {
            let term = try term()
            let rawKind: UInt8 = try integer()
            let kind: EntryKind
            switch rawKind {
            case 0: kind = .command
            case 1: kind = .noop
            case 2: kind = .configuration(try configuration())
            default: throw failure(.unknownTag(UInt64(rawKind)))
            }
            let payload = try bytes(maximum: PeerMessage.maximumEntryBytes)
            headers.append(EntryHeader(term: term, payloadBytes: UInt32(payload.readableBytes), kind: kind))
            payloads.append(payload)
        }
        return AppendEntries(
            previousIndex: previousIndex,
            previousTerm: previousTerm,
            entries: headers,
            commitIndex: commitIndex
        )
    }

    /// Reads a snapshot point.
    ///
    /// - Throws: ``DecodingError``, for what is cut off or out of range.
    public mutating func snapshotPoint() throws(DecodingError) -> SnapshotPoint {
        SnapshotPoint(index: try logIndex(), term: try term(), configuration: try configuration())
    }
}
