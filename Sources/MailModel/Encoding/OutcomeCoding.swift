internal import Consensus
public import NIOCore

extension MailOutcome {
    /// The first byte of every encoded outcome.
    public static let formatVersion: UInt8 = 1

    /// Appends the outcome in the format of `Docs/formats/command.md`.
    public func encode(into buffer: inout ByteBuffer) {
        buffer.writeInteger(Self.formatVersion)
        switch self {
        case .refused(let refusal):
            buffer.writeInteger(1, as: UInt8.self)
            buffer.writeInteger(refusal.rawValue)
        case .done:
            buffer.writeInteger(2, as: UInt8.self)
        case .accountCreated(let id):
            buffer.writeInteger(3, as: UInt8.self)
            buffer.writeInteger(id.rawValue)
        case .mailboxCreated(let id, let uidValidity):
            buffer.writeInteger(4, as: UInt8.self)
            buffer.writeInteger(id.rawValue)
            buffer.writeInteger(uidValidity)
        case .appended(let id, let uidValidity, let uid):
            buffer.writeInteger(5, as: UInt8.self)
            buffer.writeInteger(id.rawValue)
            buffer.writeInteger(uidValidity)
            buffer.writeInteger(uid.rawValue)
        case .flagsStored(let modSeq, let changed, let modified, let surplus):
            buffer.writeInteger(6, as: UInt8.self)
            buffer.writeInteger(modSeq.rawValue)
            buffer.write(changed)
            buffer.write(modified)
            buffer.writeInteger(surplus)
        case .expunged(let uids, let modSeq):
            buffer.writeInteger(7, as: UInt8.self)
            buffer.write(uids)
            buffer.writeInteger(modSeq.rawValue)
        case .copied(let id, let uidValidity, let source, let destination):
            buffer.writeInteger(8, as: UInt8.self)
            buffer.writeInteger(id.rawValue)
            buffer.writeInteger(uidValidity)
            buffer.write(source)
            buffer.write(destination)
        case .purged(let rows):
            buffer.writeInteger(10, as: UInt8.self)
            buffer.writeInteger(rows)
        case .nodeAdmitted(let node):
            buffer.writeInteger(11, as: UInt8.self)
            buffer.writeInteger(node.rawValue)
        case .groupAdded(let group):
            buffer.writeInteger(12, as: UInt8.self)
            buffer.writeInteger(group.rawValue)
        case .operationConflicts(let id):
            buffer.writeInteger(13, as: UInt8.self)
            buffer.writeInteger(id.rawValue)
        }
    }

    /// Reads one outcome.
    ///
    /// - Throws: ``DecodingError``, for what is cut off, out of range or of another version.
    public init(from decoder: inout WireDecoder) throws(DecodingError) {
        let version: UInt8 = try decoder.integer()
        guard version == Self.formatVersion else { throw decoder.failure(.unknownVersion(UInt64(version))) }
        let tag: UInt8 = try decoder.integer()
        switch tag {
        case 1:
            let raw: UInt8 = try decoder.integer()
            guard let refusal = Refusal(rawValue: raw) else { throw decoder.failure(.unknownTag(UInt64(raw))) }
            self = .refused(refusal)
        case 2: self = .done
        case 3: self = .accountCreated(AccountID(try decoder.integer()))
        case 4: self = .mailboxCreated(try decoder.mailboxID(), uidValidity: try decoder.integer())
        case 5:
            self = .appended(try decoder.mailboxID(), uidValidity: try decoder.integer(), uid: try decoder.uid())
        case 6:
            self = .flagsStored(
                modSeq: try decoder.modSeq(),
                changed: try decoder.uidSet(),
                modified: try decoder.uidSet(),
                surplus: try decoder.integer()
            )
        case 7: self = .expunged(try decoder.uidSet(), modSeq: try decoder.modSeq())
        case 8:
            self = .copied(
                try decoder.mailboxID(),
                uidValidity: try decoder.integer(),
                source: try decoder.uidSet(),
                destination: try decoder.uidSet()
            )
        // 9 was an outcome that is no more.
        case 10: self = .purged(try decoder.integer())
        case 11: self = .nodeAdmitted(NodeID(try decoder.integer(as: UInt64.self)))
        case 12: self = .groupAdded(try decoder.group())
        case 13: self = .operationConflicts(OperationID(rawValue: try decoder.integer()))
        default: throw decoder.failure(.unknownTag(UInt64(tag)))
        }
    }
}
