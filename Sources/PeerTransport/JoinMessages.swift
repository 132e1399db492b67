public import Consensus
public import MailModel
internal import NIOCore

/// What a node says that wants to join: the only frame that it sends, in the place of a hello.
public struct JoinRequest: Hashable, Sendable {
    /// The token that the request names.
    public let token: JoinTokenID
    /// The secret of the token, 32 bytes.
    public let secret: [UInt8]
    /// Names the data directory of the node.
    public let directory: UInt64
    /// The node, without a number: its address, labels and versions.
    public let node: NodeDescription

    public init(token: JoinTokenID, secret: [UInt8], directory: UInt64, node: NodeDescription) {
        self.token = token
        self.secret = secret
        self.directory = directory
        self.node = node
    }

    static let magic: UInt64 = 0x5354_4146_4a4f_494e  // "STAFJOIN"
    static let version: UInt8 = 1
    /// How many bytes a secret has.
    public static let secretBytes = 32
    /// A request with many labels is no larger.
    static let maximumFrameBytes = 16 << 10

    /// Whether a first frame begins as a request to join.
    static func begins(_ body: ByteBuffer) -> Bool {
        body.getInteger(at: body.readerIndex, as: UInt64.self) == magic
    }

    func encode(into buffer: inout ByteBuffer) {
        buffer.writeInteger(Self.magic)
        buffer.writeInteger(Self.version)
        buffer.writeInteger(token.rawValue)
        buffer.writeLengthPrefixed(secret)
        buffer.writeInteger(directory)
        buffer.write(node)
    }

    init(decoding body: ByteBuffer) throws(DecodingError) {
        var decoder = WireDecoder(body, subject: "request to join")
        guard try decoder.integer(as: UInt64.self) == Self.magic else { throw decoder.failure(.unknownTag(0)) }
        let version: UInt8 = try decoder.integer()
        guard version == Self.version else { throw decoder.failure(.unknownVersion(UInt64(version))) }
        token = JoinTokenID(rawValue: try decoder.integer())
        let bytes = try decoder.bytes(maximum: Self.secretBytes)
        guard bytes.readableBytes == Self.secretBytes else { throw decoder.failure(.outOfRange) }
        secret = Array(bytes.readableBytesView)
        directory = try decoder.integer()
        node = try decoder.nodeDescription()
        try decoder.finish()
    }
}

/// What a node that joins has to know to begin.
public struct JoinGrant: Hashable, Sendable {
    /// The number that it has from now on.
    public let node: NodeID
    /// The name of the cluster, by which its nodes know each other.
    public let cluster: String
    /// How many groups the cluster began with, besides the directory.
    public let mailGroups: UInt32
    /// The nodes that began the cluster, sorted.
    public let founders: [Founder]
    /// Nodes that can be asked for the directory, with their addresses.
    public let contacts: [JoinContact]

    public init(node: NodeID, cluster: String, mailGroups: UInt32, founders: [Founder], contacts: [JoinContact]) {
        self.node = node
        self.cluster = cluster
        self.mailGroups = mailGroups
        self.founders = founders
        self.contacts = contacts
    }
}

/// A node and where it is reached.
public struct JoinContact: Hashable, Sendable {
    /// How many nodes somebody is told of at once, who opens a connection to each.
    public static let maximumCount = 16
    /// The node.
    public let node: NodeID
    /// `host:port`.
    public let address: String

    public init(node: NodeID, address: String) {
        self.node = node
        self.address = address
    }
}

/// The answer to a request to join, the only frame that comes back.
public enum JoinReply: Hashable, Sendable {
    case granted(JoinGrant)
    /// The token lets nobody in, or not with this secret.
    case tokenRefused
    /// The cluster is at a version that the program does not know.
    case unsupportedVersion(ClusterVersion)
    /// The data directory belonged to a node that is gone for good.
    case gone
    /// Nobody can say now: to be asked again.
    case unavailable

    static let maximumFrameBytes = 1 << 20

    func encode(into buffer: inout ByteBuffer) {
        buffer.writeInteger(JoinRequest.version)
        switch self {
        case .granted(let grant):
            buffer.writeInteger(0, as: UInt8.self)
            buffer.writeInteger(grant.node.rawValue)
            buffer.writeLengthPrefixed(grant.cluster)
            buffer.writeInteger(grant.mailGroups)
            buffer.write(grant.founders)
            buffer.write(grant.contacts)
        case .tokenRefused: buffer.writeInteger(1, as: UInt8.self)
        case .unsupportedVersion(let version):
            buffer.writeInteger(2, as: UInt8.self)
            buffer.writeInteger(version.rawValue)
        case .gone: buffer.writeInteger(3, as: UInt8.self)
        case .unavailable: buffer.writeInteger(4, as: UInt8.self)
        }
    }

    init(decoding body: ByteBuffer) throws(DecodingError) {
        var decoder = WireDecoder(body, subject: "answer to a request to join")
        let version: UInt8 = try decoder.integer()
        guard version == JoinRequest.version else { throw decoder.failure(.unknownVersion(UInt64(version))) }
        let tag: UInt8 = try decoder.integer()
        switch tag {
        case 0:
            let node = NodeID(try decoder.integer(as: UInt64.self))
            let cluster = try decoder.string()
            let mailGroups: UInt32 = try decoder.integer()
            guard mailGroups > 0, mailGroups <= UInt32(Slot.count) else { throw decoder.failure(.outOfRange) }
            let founders = try decoder.founders()
            let contacts = try decoder.contacts()
            self = .granted(
                JoinGrant(
                    node: node,
                    cluster: cluster,
                    mailGroups: mailGroups,
                    founders: founders,
                    contacts: contacts
                )
            )
        case 1: self = .tokenRefused
        case 2: self = .unsupportedVersion(ClusterVersion(rawValue: try decoder.integer()))
        case 3: self = .gone
        case 4: self = .unavailable
        default: throw decoder.failure(.unknownTag(UInt64(tag)))
        }
        try decoder.finish()
    }
}

extension ByteBuffer {
    mutating func write(_ contacts: [JoinContact]) {
        writeCount(contacts.count)
        for contact in contacts {
            writeInteger(contact.node.rawValue)
            writeLengthPrefixed(contact.address)
        }
    }
}

extension WireDecoder {
    mutating func contacts() throws(DecodingError) -> [JoinContact] {
        var contacts: [JoinContact] = []
        let count = try count(minimumBytes: 12)
        guard count <= JoinContact.maximumCount else { throw failure(.outOfRange) }
        for _ in 0..<count {
            contacts.append(JoinContact(node: NodeID(try integer(as: UInt64.self)), address: try string()))
        }
        return contacts
    }
}
