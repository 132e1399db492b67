internal import CChecksum
internal import Consensus
public import MailModel
public import NIOCore

/// One frame: length (32 bits, of what follows it), CRC-32C of the body (32 bits), body. Big-endian.
///
/// TCP's own checksum is too weak for bytes that are stored on arrival.
public enum Frame {
    static let lengthBytes = 4
    static let headerBytes = 8

    /// How many bytes the frame has that begins here; nil when too few are there to say.
    static func bytes(of buffer: ByteBuffer) -> Int? {
        buffer.getInteger(at: buffer.readerIndex, as: UInt32.self).map { lengthBytes + Int($0) }
    }

    /// Encodes a batch of messages.
    public static func encode(_ messages: some Sequence<PeerMessage>, into buffer: inout ByteBuffer) {
        var none = PayloadsApart.none
        encode(messages, into: &buffer, apart: &none)
    }

    /// The same bytes in several buffers, to be written one after the other: large payloads are in them by reference.
    static func parts(of messages: some Sequence<PeerMessage>, allocator: ByteBufferAllocator) -> [ByteBuffer] {
        var encoded = allocator.buffer(capacity: 1_024)
        var apart = PayloadsApart(minimumBytes: PeerLimits.uncopiedBytes)
        encode(messages, into: &encoded, apart: &apart)
        var parts: [ByteBuffer] = []
        parts.reserveCapacity(2 * apart.payloads.count + 1)
        for (offset, payload) in apart.payloads {
            if let before = encoded.readSlice(length: offset - encoded.readerIndex) { parts.append(before) }
            parts.append(payload)
        }
        if encoded.readableBytes > 0 { parts.append(encoded) }
        return parts
    }

    static func encodeHello(_ hello: Hello, into buffer: inout ByteBuffer) {
        encodeBody(into: &buffer) { hello.encode(into: &$0) }
    }

    /// Encodes a frame whose body `encode` appends.
    static func encodeBody(into buffer: inout ByteBuffer, _ encode: (inout ByteBuffer) -> Void) {
        let start = buffer.writerIndex
        buffer.writeInteger(0, as: UInt64.self)
        encode(&buffer)
        seal(&buffer, from: start, .none)
    }

    private static func encode(
        _ messages: some Sequence<PeerMessage>,
        into buffer: inout ByteBuffer,
        apart: inout PayloadsApart
    ) {
        let start = buffer.writerIndex
        buffer.writeInteger(0, as: UInt64.self)
        for message in messages { message.encode(into: &buffer, apart: &apart) }
        seal(&buffer, from: start, apart)
    }

    private static func seal(_ buffer: inout ByteBuffer, from start: Int, _ apart: PayloadsApart) {
        let length = buffer.writerIndex - start - lengthBytes + apart.bytes
        let checksum = checksum(of: buffer, from: start + headerBytes - buffer.readerIndex, apart)
        buffer.setInteger(UInt32(length), at: start)
        buffer.setInteger(checksum, at: start + lengthBytes)
    }

    /// The checksum of the bytes that were encoded from an offset on, and of the payloads between them. It is not
    /// computed over slices: while a slice lives, the next write would copy the whole frame.
    private static func checksum(of encoded: ByteBuffer, from start: Int, _ apart: PayloadsApart) -> UInt32 {
        var checksum: UInt32 = 0
        var next = start
        func take(_ end: Int) {
            checksum = unsafe encoded.withUnsafeReadableBytes { bytes in
                let part = unsafe UnsafeRawBufferPointer(rebasing: bytes[next..<end])
                return unsafe staffetta_crc32c(checksum, part.baseAddress, part.count)
            }
            next = end
        }
        for (offset, payload) in apart.payloads {
            take(offset)
            checksum = unsafe payload.withUnsafeReadableBytes { bytes in
                unsafe staffetta_crc32c(checksum, bytes.baseAddress, bytes.count)
            }
        }
        take(encoded.readableBytes)
        return checksum
    }

    private static func checksum(of buffer: ByteBuffer) -> UInt32 {
        unsafe buffer.withUnsafeReadableBytes { unsafe staffetta_crc32c(0, $0.baseAddress, $0.count) }
    }

    /// Takes the next whole frame's body; nil when more bytes are needed.
    public static func next(
        from buffer: inout ByteBuffer,
        maximumBytes: Int = PeerLimits.maximumFrameBytes
    ) throws(DecodingError) -> ByteBuffer? {
        guard let length = buffer.getInteger(at: buffer.readerIndex, as: UInt32.self) else { return nil }
        guard length >= 4, length <= maximumBytes else {
            throw DecodingError(.tooLong, offset: 0, subject: "peer frame")
        }
        guard buffer.readableBytes >= 4 + Int(length) else { return nil }
        buffer.moveReaderIndex(forwardBy: 4)
        guard let checksum = buffer.readInteger(as: UInt32.self), let body = buffer.readSlice(length: Int(length) - 4)
        else { throw DecodingError(.truncated, offset: 4, subject: "peer frame") }
        guard checksum == Self.checksum(of: body) else {
            throw DecodingError(.outOfRange, offset: 4, subject: "peer frame whose checksum does not fit")
        }
        return body
    }

    /// Decodes what a frame carries: messages, one after the other, up to its end.
    ///
    /// - Throws: ``DecodingError``, for a message that is not understood, and for more than
    ///   ``PeerLimits/maximumFrameMessages``.
    public static func messages(in body: ByteBuffer) throws(DecodingError) -> [PeerMessage] {
        var decoder = WireDecoder(body, subject: "peer message")
        var messages: [PeerMessage] = []
        while decoder.remaining > 0 {
            guard messages.count < PeerLimits.maximumFrameMessages else { throw decoder.failure(.tooLong) }
            messages.append(try PeerMessage(from: &decoder))
        }
        return messages
    }
}

/// The first frame of a connection: who speaks, to whom, and which versions its program knows.
struct Hello: Hashable {
    static let magic: UInt64 = 0x5354_4146_4645_5454  // "STAFFETT"
    /// The versions that this program knows. What it says to others is in the cluster's version, which both know.
    static let known = KnownVersions.current
    /// No hello, of whatever version, is larger: an unknown peer cannot make this node keep more.
    static let maximumFrameBytes = 1_024

    /// The newest and the oldest cluster version that it knows.
    var version = UInt16(Self.known.newest.rawValue)
    var oldest = UInt16(Self.known.oldest.rawValue)
    var cluster: UInt64
    var from: UInt64
    var to: UInt64

    /// Whether there is a version that both know.
    var isUnderstood: Bool { version >= Self.known.oldest.rawValue && oldest <= Self.known.newest.rawValue }

    func encode(into buffer: inout ByteBuffer) {
        buffer.writeInteger(Self.magic)
        buffer.writeInteger(version)
        buffer.writeInteger(cluster)
        buffer.writeInteger(from)
        buffer.writeInteger(to)
        buffer.writeInteger(oldest)
    }

    /// Why the answer to this hello is no welcome: what is expected here, and what came.
    func complaint(_ answer: HelloAnswer, to identity: PeerIdentity) -> String {
        switch answer {
        case .welcome: answer.sentence
        case .wrongCluster: "it belongs to cluster \(cluster), and this is cluster \(identity.cluster)"
        case .gone: "it was decommissioned"
        case .wrongNode: "it looks for node \(to), and this is node \(identity.node.rawValue)"
        case .unknownVersion:
            "it knows the cluster versions \(oldest) to \(version), and this node "
                + "\(Self.known.oldest.rawValue) to \(Self.known.newest.rawValue)"
        }
    }

    init(cluster: UInt64, from: UInt64, to: UInt64) {
        self.cluster = cluster
        self.from = from
        self.to = to
    }

    init(decoding body: ByteBuffer) throws(DecodingError) {
        var decoder = WireDecoder(body, subject: "peer hello")
        guard try decoder.integer(as: UInt64.self) == Self.magic else { throw decoder.failure(.unknownTag(0)) }
        version = try decoder.integer()
        cluster = try decoder.integer()
        from = try decoder.integer()
        to = try decoder.integer()
        oldest = try decoder.integer()
        guard oldest <= version else { throw decoder.failure(.outOfRange) }
        // These fields keep their places in every version, and later ones may say more.
        if version <= Self.known.newest.rawValue { try decoder.finish() }
    }
}

/// The acceptor's answer to a hello: one byte.
enum HelloAnswer: UInt8 {
    case welcome = 0
    case wrongCluster = 1
    case wrongNode = 2
    case unknownVersion = 3
    case gone = 4

    var sentence: String {
        switch self {
        case .welcome: "welcome"
        case .wrongCluster: "it belongs to another cluster: check the peer address, and which data directory it uses"
        case .wrongNode: "another node answers at this address: check the addresses of the nodes"
        case .gone:
            "this node was decommissioned, and its number is never used again: start it with an empty data "
                + "directory, --join and --join-token, to have it join as another node"
        case .unknownVersion: "there is no cluster version that both programs know: upgrade one version at a time"
        }
    }

    static func verify(_ hello: Hello, by identity: PeerIdentity) -> HelloAnswer {
        if !hello.isUnderstood { return .unknownVersion }
        if hello.cluster != identity.cluster { return .wrongCluster }
        if hello.to != identity.node.rawValue { return .wrongNode }
        return .welcome
    }
}
