internal import Consensus
public import MailModel
public import NIOCore
internal import ReplicaCore

/// The tag of a message on the wire; part of the format.
private enum Tag: UInt8 {
    case replica = 1
    case forward = 2
    case forwardReply = 3
    case readIndex = 4
    case readIndexReply = 5
    case snapshotPull = 6
    case snapshotPiece = 7
    case introduction = 8
    case founded = 9
    case recall = 10
    case testimony = 11
    case join = 12
    case beat = 13
    case resting = 14
    case stirred = 15
    case verification = 16
    case body = 17
    case read = 18
    case watch = 19
    case survey = 20
    case stranded = 21
    case leftBehind = 22
    case contacts = 23
}

extension PeerMessage {
    /// Bytes that the payload of one entry, or one forwarded command, may take.
    public static let maximumEntryBytes = MailLimits.commandBytes + 4_096
    static let maximumKeyBytes = 4_096
    /// Bytes that the rows of one snapshot piece may take.
    public static let maximumChunkBytes = 4 << 20
    static let verificationVersion: UInt8 = 1
    static let bodyVersion: UInt8 = 1

    /// Appends the message in the format of `Docs/formats/peer.md`.
    public func encode(into buffer: inout ByteBuffer) {
        var none = PayloadsApart.none
        encode(into: &buffer, apart: &none)
    }

    func encode(into buffer: inout ByteBuffer, apart: inout PayloadsApart) {
        func begin(_ tag: Tag, _ group: GroupID) {
            buffer.writeInteger(tag.rawValue)
            buffer.writeInteger(group.rawValue)
        }
        switch self {
        case .replica(let message):
            begin(.replica, message.group)
            buffer.write(message, apart: &apart)
        case .forward(let group, let request, let payload):
            begin(.forward, group)
            buffer.write(request)
            buffer.writeLengthPrefixed(payload, apart: &apart)
        case .forwardReply(let group, let request, let result):
            begin(.forwardReply, group)
            buffer.write(request)
            switch result {
            case .outcome(let outcome):
                buffer.writeInteger(0, as: UInt8.self)
                outcome.encode(into: &buffer)
            case .notLeader(let node):
                buffer.writeInteger(1, as: UInt8.self)
                buffer.writeInteger(node?.rawValue ?? 0)
            case .busy:
                buffer.writeInteger(2, as: UInt8.self)
            case .noSpace:
                buffer.writeInteger(3, as: UInt8.self)
            }
        case .readIndex(let group, let id):
            begin(.readIndex, group)
            buffer.writeInteger(id)
        case .readIndexReply(let group, let id, let index):
            begin(.readIndexReply, group)
            buffer.writeInteger(id)
            buffer.writeBool(index != nil)
            buffer.writeInteger(index?.rawValue ?? 0)
        case .snapshotPull(let pull):
            begin(.snapshotPull, pull.group)
            buffer.writeInteger(pull.transfer)
            buffer.writeInteger(pull.atLeast.rawValue)
            buffer.writeInteger(pull.term.rawValue)
            buffer.writeLengthPrefixed(pull.after)
        case .snapshotPiece(let piece):
            begin(.snapshotPiece, piece.group)
            buffer.write(piece, apart: &apart)
        case .introduction(let directory):
            begin(.introduction, .directory)
            buffer.writeInteger(directory)
        case .founded(let founders, let mailGroups):
            begin(.founded, .directory)
            buffer.writeInteger(mailGroups)
            buffer.write(founders)
        case .recall(let group, let replica, let run):
            begin(.recall, group)
            buffer.writeInteger(replica.rawValue)
            buffer.writeInteger(run)
        case .testimony(let group, let replica, let run, let testimony, let witness):
            begin(.testimony, group)
            buffer.writeInteger(replica.rawValue)
            buffer.writeInteger(run)
            buffer.write(testimony, by: witness)
        case .join(let group, let replica):
            begin(.join, group)
            buffer.writeInteger(replica.rawValue)
        case .beat(let beat):
            begin(.beat, .directory)
            buffer.write(beat)
        case .resting(let list):
            begin(.resting, .directory)
            buffer.write(list)
        case .stirred(let groups):
            begin(.stirred, .directory)
            buffer.write(groups)
        case .verification(let group, let message):
            begin(.verification, group)
            buffer.write(message)
        case .body(let group, let message):
            begin(.body, group)
            buffer.write(message, apart: &apart)
        case .read(let group, let message):
            begin(.read, group)
            buffer.write(message, apart: &apart)
        case .watch(let group, let message):
            begin(.watch, group)
            buffer.write(message)
        case .survey(let message):
            begin(.survey, .directory)
            buffer.write(message)
        case .stranded(let group, let replica):
            begin(.stranded, group)
            buffer.writeInteger(replica.rawValue)
        case .contacts(let contacts):
            begin(.contacts, .directory)
            buffer.write(contacts)
        case .leftBehind(let group, let replica, let term):
            begin(.leftBehind, group)
            buffer.writeInteger(replica.rawValue)
            buffer.writeInteger(term.rawValue)
        }
    }

    /// Reads one message.
    ///
    /// - Throws: ``DecodingError``, for what is cut off, out of range or of a version that this program does not know.
    public init(from decoder: inout WireDecoder) throws(DecodingError) {
        let raw: UInt8 = try decoder.integer()
        guard let tag = Tag(rawValue: raw) else { throw decoder.failure(.unknownTag(UInt64(raw))) }
        let group = GroupID(try decoder.integer(as: UInt32.self))
        switch tag {
        case .replica: self = .replica(try decoder.replicaMessage(group))
        case .forward:
            self = .forward(
                group: group,
                request: try decoder.requestID(),
                payload: try decoder.bytes(maximum: Self.maximumEntryBytes)
            )
        case .forwardReply:
            let request = try decoder.requestID()
            let kind: UInt8 = try decoder.integer()
            switch kind {
            case 0: self = .forwardReply(group: group, request: request, .outcome(try MailOutcome(from: &decoder)))
            case 1:
                let node: UInt64 = try decoder.integer()
                self = .forwardReply(group: group, request: request, .notLeader(node == 0 ? nil : NodeID(node)))
            case 2: self = .forwardReply(group: group, request: request, .busy)
            case 3: self = .forwardReply(group: group, request: request, .noSpace)
            default: throw decoder.failure(.unknownTag(UInt64(kind)))
            }
        case .readIndex: self = .readIndex(group: group, id: try decoder.integer())
        case .readIndexReply:
            let id: UInt64 = try decoder.integer()
            let hasIndex = try decoder.bool()
            let index = try decoder.logIndex()
            self = .readIndexReply(group: group, id: id, index: hasIndex ? index : nil)
        case .snapshotPull:
            self = .snapshotPull(
                SnapshotPull(
                    group: group,
                    transfer: try decoder.integer(),
                    atLeast: try decoder.logIndex(),
                    term: try decoder.term(),
                    after: Array(try decoder.bytes(maximum: Self.maximumKeyBytes).readableBytesView)
                )
            )
        case .snapshotPiece: self = .snapshotPiece(try decoder.snapshotPiece(group))
        case .introduction:
            try decoder.requireNoGroup(group)
            self = .introduction(directory: try decoder.integer())
        case .founded:
            try decoder.requireNoGroup(group)
            let mailGroups: UInt32 = try decoder.integer()
            self = .founded(try decoder.founders(), mailGroups: mailGroups)
        case .recall: self = .recall(group: group, replica: try decoder.replica(), run: try decoder.integer())
        case .testimony: self = try decoder.testimony(group)
        case .join: self = .join(group: group, replica: try decoder.replica())
        case .beat:
            try decoder.requireNoGroup(group)
            self = .beat(try decoder.beat())
        case .resting:
            try decoder.requireNoGroup(group)
            self = .resting(try decoder.restList())
        case .stirred:
            try decoder.requireNoGroup(group)
            self = .stirred(try decoder.groups())
        case .verification: self = .verification(group: group, try decoder.verificationMessage())
        case .body: self = .body(group: group, try decoder.bodyMessage())
        case .read: self = .read(group: group, try decoder.readMessage())
        case .watch: self = .watch(group: group, try decoder.watchMessage())
        case .survey: self = .survey(try decoder.surveyMessage())
        case .stranded: self = .stranded(group: group, replica: try decoder.replica())
        case .contacts:
            try decoder.requireNoGroup(group)
            self = .contacts(try decoder.contacts())
        case .leftBehind:
            self = .leftBehind(group: group, replica: try decoder.replica(), term: try decoder.term())
        }
    }
}

extension ByteBuffer {
    fileprivate mutating func write(_ request: RequestID) {
        writeInteger(request.session)
        writeInteger(request.sequence)
    }

    fileprivate mutating func write(_ testimony: Testimony, by witness: ReplicaID?) {
        writeInteger(testimony.term.rawValue)
        writeInteger(testimony.index.rawValue)
        writeInteger(testimony.entryTerm.rawValue)
        writeInteger(testimony.voteTerm.rawValue)
        writeInteger(witness?.rawValue ?? 0)
    }

    fileprivate mutating func write(_ piece: SnapshotPiece, apart: inout PayloadsApart) {
        writeInteger(piece.transfer)
        writeBool(piece.point != nil)
        if let point = piece.point { write(point) }
        switch piece.content {
        case .rows(let rows, let checksum, let lastKey, let isLast):
            writeBool(true)
            writeInteger(checksum)
            writeBool(isLast)
            writeLengthPrefixed(lastKey)
            writeLengthPrefixed(rows, apart: &apart)
        case .refused:
            writeBool(false)
        }
    }
}

extension WireDecoder {
    fileprivate mutating func requestID() throws(DecodingError) -> RequestID {
        RequestID(session: try integer(), sequence: try integer())
    }

    fileprivate mutating func testimony(_ group: GroupID) throws(DecodingError) -> PeerMessage {
        let replica = try replica()
        let run: UInt64 = try integer()
        let testimony = Testimony(
            term: try term(),
            index: try logIndex(),
            entryTerm: try term(),
            voteTerm: try term()
        )
        let witness: UInt64 = try integer()
        let by = witness == 0 ? nil : ReplicaID(witness)
        return .testimony(group: group, replica: replica, run: run, testimony, witness: by)
    }

    fileprivate mutating func snapshotPiece(_ group: GroupID) throws(DecodingError) -> SnapshotPiece {
        let transfer: UInt64 = try integer()
        let point = try bool() ? try snapshotPoint() : nil
        guard try bool() else {
            return SnapshotPiece(group: group, transfer: transfer, point: point, content: .refused)
        }
        let checksum: UInt64 = try integer()
        let isLast = try bool()
        let lastKey = Array(try bytes(maximum: PeerMessage.maximumKeyBytes).readableBytesView)
        let rows = try bytes(maximum: PeerMessage.maximumChunkBytes)
        return SnapshotPiece(
            group: group,
            transfer: transfer,
            point: point,
            content: .rows(rows, checksum: checksum, lastKey: lastKey, isLast: isLast)
        )
    }
}
