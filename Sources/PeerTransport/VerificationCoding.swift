internal import Consensus
internal import MailModel
internal import NIOCore
internal import ReplicaCore

/// The tag of a message about a verification; part of the format.
private enum Tag: UInt8 {
    case ask = 1
    case answer = 2
    case rangeAsk = 3
    case rangeAnswer = 4
    case verdict = 5
}

/// Bounds of a verification message.
private enum Limit {
    static let rows: UInt32 = 1 << 20
    static let bytes: UInt32 = 1 << 30
}

extension ByteBuffer {
    /// Appends the message behind a version of its own, so that later versions of it touch no other message.
    mutating func write(_ message: VerificationMessage) {
        writeInteger(PeerMessage.verificationVersion)
        func begin(_ tag: Tag, _ id: VerificationID) {
            writeInteger(tag.rawValue)
            writeInteger(id.rawValue)
        }
        switch message {
        case .ask(let ask):
            begin(.ask, ask.id)
            writeInteger(ask.replica.rawValue)
            writeInteger(ask.index.rawValue)
            writeBool(ask.isScrub)
        case .answer(let id, let replica, let status):
            begin(.answer, id)
            writeInteger(replica.rawValue)
            write(status)
        case .rangeAsk(let id, let replica, let sequence, let query):
            begin(.rangeAsk, id)
            writeInteger(replica.rawValue)
            writeInteger(sequence)
            writeLengthPrefixed(query.after)
            writeBool(query.through != nil)
            writeLengthPrefixed(query.through ?? [])
            writeInteger(query.maximumRows)
            writeInteger(query.maximumBytes)
        case .rangeAnswer(let id, let replica, let sequence, let digest):
            begin(.rangeAnswer, id)
            writeInteger(replica.rawValue)
            writeInteger(sequence)
            writeBool(digest != nil)
            guard let digest else { return }
            writeInteger(digest.count)
            writeInteger(digest.sum)
            writeLengthPrefixed(digest.last)
            writeBool(digest.isComplete)
        case .verdict(let id, let replica, let verdict):
            begin(.verdict, id)
            writeInteger(replica.rawValue)
            switch verdict {
            case .agrees: writeInteger(0, as: UInt8.self)
            case .suspect: writeInteger(1, as: UInt8.self)
            case .condemned(let digest):
                writeInteger(2, as: UInt8.self)
                writeInteger(digest)
            }
        }
    }

    private mutating func write(_ status: VerificationStatus) {
        switch status {
        case .waiting: writeInteger(0, as: UInt8.self)
        case .unavailable: writeInteger(1, as: UInt8.self)
        case .digest(let digest, let scrub):
            writeInteger(2, as: UInt8.self)
            writeInteger(digest)
            write(scrub)
        case .givenUp: writeInteger(3, as: UInt8.self)
        }
    }

    private mutating func write(_ scrub: ScrubStatus) {
        switch scrub {
        case .none: writeInteger(0, as: UInt8.self)
        case .running(let bytes):
            writeInteger(1, as: UInt8.self)
            writeInteger(bytes)
        case .intact: writeInteger(2, as: UInt8.self)
        case .harmed(let sum):
            writeInteger(3, as: UInt8.self)
            writeInteger(sum)
        case .harmedBody(let key):
            writeInteger(4, as: UInt8.self)
            writeLengthPrefixed(key)
        case .unfinished: writeInteger(5, as: UInt8.self)
        }
    }
}

extension WireDecoder {
    mutating func verificationMessage() throws(DecodingError) -> VerificationMessage {
        let version: UInt8 = try integer()
        guard version == PeerMessage.verificationVersion else { throw failure(.unknownVersion(UInt64(version))) }
        let raw: UInt8 = try integer()
        guard let tag = Tag(rawValue: raw) else { throw failure(.unknownTag(UInt64(raw))) }
        let id = VerificationID(try integer())
        let replica = try replica()
        switch tag {
        case .ask:
            return .ask(VerificationAsk(id: id, replica: replica, index: try logIndex(), isScrub: try bool()))
        case .answer: return .answer(id, replica, try status())
        case .rangeAsk: return .rangeAsk(id, replica, sequence: try integer(), try rangeQuery())
        case .rangeAnswer:
            let sequence: UInt32 = try integer()
            return .rangeAnswer(id, replica, sequence: sequence, try bool() ? try rangeDigest() : nil)
        case .verdict: return .verdict(id, replica, try verdict())
        }
    }

    private mutating func key() throws(DecodingError) -> [UInt8] {
        Array(try bytes(maximum: PeerMessage.maximumKeyBytes).readableBytesView)
    }

    private mutating func rangeQuery() throws(DecodingError) -> RangeQuery {
        let after = try key()
        let hasEnd = try bool()
        let through = try key()
        guard hasEnd || through.isEmpty else { throw failure(.outOfRange) }
        let query = RangeQuery(
            after: after,
            through: hasEnd ? through : nil,
            maximumRows: try integer(),
            maximumBytes: try integer()
        )
        guard query.maximumRows <= Limit.rows, query.maximumBytes <= Limit.bytes else { throw failure(.outOfRange) }
        return query
    }

    private mutating func rangeDigest() throws(DecodingError) -> RangeDigest {
        let digest = RangeDigest(
            count: try integer(),
            sum: try integer(),
            last: try key(),
            isComplete: try bool()
        )
        guard digest.count < Limit.rows else { throw failure(.outOfRange) }
        return digest
    }

    private mutating func status() throws(DecodingError) -> VerificationStatus {
        switch try integer(as: UInt8.self) {
        case 0: .waiting
        case 1: .unavailable
        case 2: .digest(try integer(), try scrub())
        case 3: .givenUp
        case let other: throw failure(.unknownTag(UInt64(other)))
        }
    }

    private mutating func scrub() throws(DecodingError) -> ScrubStatus {
        switch try integer(as: UInt8.self) {
        case 0: .none
        case 1: .running(bytes: try integer())
        case 2: .intact
        case 3: .harmed(sum: try integer())
        case 4: .harmedBody(key: try key())
        case 5: .unfinished
        case let other: throw failure(.unknownTag(UInt64(other)))
        }
    }

    private mutating func verdict() throws(DecodingError) -> ReplicaVerdict {
        switch try integer(as: UInt8.self) {
        case 0: .agrees
        case 1: .suspect
        case 2: .condemned(digest: try integer())
        case let other: throw failure(.unknownTag(UInt64(other)))
        }
    }
}
