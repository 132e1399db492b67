internal import MailModel
internal import MessageFormat
internal import NIOCore

/// One message on its way to its recipients.
struct Transaction {
    struct Recipient {
        let name: RecipientName
        /// The path as the client spelled it.
        let path: String
        /// Where the message goes: the name with its detail, or who stands in for it.
        let deliveredTo: AccountAddress
        let account: AccountReference
        let bodyID: BodyID
        /// Trace lines of final delivery (RFC 5321, section 4.4) and where it went; set before the message begins.
        fileprivate(set) var prefix = ByteBuffer()
        var sentChunks: UInt32 = 0
        var upload = Upload.going
    }

    /// How the upload of the chunks stands that go ahead.
    enum Upload {
        case going
        /// The store wants no more of them.
        case refused(MailOutcome)
        /// The store did not answer.
        case failed

        var isGoing: Bool {
            switch self {
            case .going: true
            case .refused, .failed: false
            }
        }
    }

    let reversePath: String
    /// SMTPUTF8 was asked for (RFC 6531).
    let isUTF8: Bool
    /// The RCPTs; an accepted one has a position in ``recipients``. RCPTs of the same name share one recipient: one
    /// copy, an answer each. Two details of one account are two names, and get a copy each.
    var places = RecipientPlaces()
    /// The recipients that get a copy, in the order in which the look-ups ended.
    var recipients: [Recipient] = []
    var parser = MessageParser()
    var identity = DeliveryIdentity()
    /// Bytes of the message as the client sent it, from `windowStart` on.
    var window = ByteBuffer()
    var windowStart = 0
    var receivedBytes = 0
    var isTooLarge = false
    /// The message comes by BDAT (RFC 3030), and a part of it has come.
    private(set) var isChunked = false
    private var dots = DotDecoder()

    init(reversePath: String, isUTF8: Bool) {
        self.reversePath = reversePath
        self.isUTF8 = isUTF8
    }

    /// Positions in ``recipients``, one for each accepted RCPT, in the order of the replies.
    var answeredRecipients: [Int] { places.accepted }

    /// The look-up of an RCPT has found its account.
    mutating func accept(place: Int, _ recipient: Recipient) {
        if let earlier = recipients.firstIndex(where: { $0.name == recipient.name }) {
            places.accept(place, as: earlier)
            return
        }
        places.accept(place, as: recipients.count)
        recipients.append(recipient)
    }

    /// The message begins: no recipient is added any more, and every copy gets its first lines.
    mutating func beginContent(stampedBy stamp: ReceivedStamp) {
        let isForOne = answeredRecipients.count == 1
        for index in recipients.indices {
            let recipient = recipients[index]
            var prefix = ByteBuffer()
            prefix.reserveCapacity(512)
            prefix.writeStaticString("Return-Path: <")
            prefix.writeString(reversePath)
            prefix.writeStaticString(">\r\nDelivered-To: ")
            prefix.writeString(recipient.deliveredTo.text)
            prefix.writeStaticString("\r\n")
            stamp.write(into: &prefix, id: recipient.bodyID, for: isForOne ? recipient.path : nil)
            recipients[index].prefix = prefix
        }
    }

    /// From now on the message comes by BDAT.
    mutating func beginChunks(stampedBy stamp: ReceivedStamp) {
        isChunked = true
        beginContent(stampedBy: stamp)
    }

    /// Takes in a piece of DATA, which has dots in front of lines.
    ///
    /// - Returns: whether the message ended; what follows it is left in `input`.
    mutating func appendDotted(_ input: inout ByteBuffer, limit: Int) -> Bool {
        var piece = ByteBufferAllocator().buffer(capacity: input.readableBytes)
        let isOver = dots.decode(&input, into: &piece)
        append(piece, limit: limit)
        return isOver
    }

    /// Takes in a decoded piece of the message.
    mutating func append(_ piece: ByteBuffer, limit: Int) {
        receivedBytes += piece.readableBytes
        if receivedBytes > limit {
            isTooLarge = true
            window = ByteBuffer()
            return
        }
        parser.append(piece)
        identity.append(piece)
        // The first piece of most messages is the only one.
        if window.readableBytes == 0 { window = piece } else { window.writeImmutableBuffer(piece) }
    }

    /// The next full chunk of a recipient's copy; nil while there is not more than a chunk (the rest may be the last).
    func chunk(for recipient: Recipient) -> ByteBuffer? {
        let size = MailLimits.bodyChunkBytes
        let start = Int(recipient.sentChunks) * size
        guard recipient.prefix.readableBytes + receivedBytes - start > size else { return nil }
        return bytes(of: recipient, from: start, count: size)
    }

    /// The bytes of a recipient's copy that were not sent in chunks.
    func rest(for recipient: Recipient) -> ByteBuffer {
        let start = Int(recipient.sentChunks) * MailLimits.bodyChunkBytes
        return bytes(of: recipient, from: start, count: recipient.prefix.readableBytes + receivedBytes - start)
    }

    private func bytes(of recipient: Recipient, from start: Int, count: Int) -> ByteBuffer {
        var bytes = ByteBufferAllocator().buffer(capacity: count)
        let prefixBytes = recipient.prefix.readableBytes
        if start < prefixBytes, let head = recipient.prefix.getSlice(at: start, length: min(count, prefixBytes - start))
        {
            bytes.writeImmutableBuffer(head)
        }
        let from = max(0, start - prefixBytes) - windowStart
        let length = count - bytes.readableBytes
        if let body = window.getSlice(at: window.readerIndex + from, length: length) {
            bytes.writeImmutableBuffer(body)
        }
        precondition(bytes.readableBytes == count, "the window holds what was not sent")
        return bytes
    }

    /// Forgets what every recipient's chunks have taken.
    mutating func trimWindow() {
        let needed =
            recipients.filter(\.upload.isGoing)
            .map { max(0, Int($0.sentChunks) * MailLimits.bodyChunkBytes - $0.prefix.readableBytes) }
            .min() ?? receivedBytes
        let drop = needed - windowStart
        guard drop > 0 else { return }
        window.moveReaderIndex(forwardBy: min(drop, window.readableBytes))
        window.discardReadBytes()
        windowStart = needed
    }
}
