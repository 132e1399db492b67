internal import IMAPSyntax
internal import MailModel
internal import NIOCore

/// An APPEND under way (RFC 3501, section 6.3.11; RFC 4315; RFC 7889): the message goes to the store in pieces while it
/// arrives.
struct AppendWork {
    private let tag: String
    private let mailbox: MailModel.MailboxName
    private let bodyID: BodyID
    private let flags: FlagNames
    private let internalDate: InternalDate
    private let lengthBytes: Int
    private var parser: any MessageParsing
    /// Bytes that were received and are not in a chunk yet.
    private var buffer = ByteBuffer()
    private var chunks: UInt32 = 0
    private(set) var isDone = false

    /// Whether the message is too large for one command.
    private var isUpload: Bool { lengthBytes > MailLimits.bodyChunkBytes }

    private init(
        _ start: AppendStart,
        into mailbox: MailModel.MailboxName,
        bodyID: BodyID,
        parser: any MessageParsing,
        at now: Timestamp
    ) {
        let date = start.message.internalDate
        tag = start.tag
        self.mailbox = mailbox
        self.bodyID = bodyID
        flags = FlagNames(start.message.flags)
        internalDate = InternalDate(
            seconds: date?.unixSeconds ?? now.rawValue / 1_000,
            zoneMinutes: Int16(date?.zoneMinutes ?? 0)
        )
        lengthBytes = start.message.literal.length
        self.parser = parser
    }

    static func begin(_ start: AppendStart, bodyID: BodyID, in session: inout Session) {
        let tag = start.tag
        guard session.account != nil else { return refuse(in: &session) { $0.answerBad(tag, "Please log in first") } }
        guard !start.message.isUTF8 else { return refuse(in: &session) { $0.answerBad(tag, "UTF8 is not enabled") } }
        guard start.message.literal.length > 0 else {
            return refuse(in: &session) {
                $0.answerNo(tag, code: .cannot, "A message without a byte cannot be stored")
            }
        }
        guard let mailbox = MailModel.MailboxName(start.mailbox) else {
            return refuse(in: &session) { $0.refuse(tag, .noSuchMailbox) }
        }
        session.query(.mailbox(mailbox)) { session, result in
            switch result {
            case .success(.mailbox(let record)) where record.selectable:
                let work = AppendWork(
                    start,
                    into: mailbox,
                    bodyID: bodyID,
                    parser: session.tools.makeParser(),
                    at: session.now
                )
                session.beginWork(work) { $1.effects.append(.acceptMessage) }
            case .success:
                refuse(in: &session) { $0.refuse(tag, .noSuchMailbox, missingMailbox: .tryCreate) }
            case .failure(let failure): refuse(in: &session) { $0.fail(tag, failure) }
            }
        }
    }

    /// Has the framer skip what is left of the APPEND.
    private static func refuse(in session: inout Session, _ answer: (inout Session) -> Void) {
        session.effects.append(.refuseAppend)
        answer(&session)
    }

    /// Gives the APPEND up, whatever was received of it.
    private mutating func breakOff(in session: inout Session, _ answer: (inout Session) -> Void) {
        isDone = true
        Self.refuse(in: &session, answer)
    }

    /// Several messages in one APPEND need MULTIAPPEND, which is not there (RFC 3502).
    mutating func refuseFurtherMessage(in session: inout Session) {
        breakOff(in: &session) { [tag] in $0.answerBad(tag, "An APPEND has one message") }
    }

    mutating func receive(_ bytes: ByteBuffer, in session: inout Session) {
        parser.append(bytes)
        buffer.writeImmutableBuffer(bytes)
        uploadFullChunks(in: &session)
    }

    mutating func receiveEndOfMessage(in session: inout Session) {
        guard isUpload, buffer.readableBytes > 0 else { return }
        upload(buffer.readableBytes, in: &session)
    }

    /// Uploads the next full chunk. The client is held back until the store has it.
    private mutating func uploadFullChunks(in session: inout Session) {
        guard isUpload, buffer.readableBytes >= MailLimits.bodyChunkBytes else { return }
        upload(MailLimits.bodyChunkBytes, in: &session)
    }

    private mutating func upload(_ count: Int, in session: inout Session) {
        guard let chunk = buffer.readSlice(length: count) else { preconditionFailure("a chunk that was not received") }
        // The chunk keeps its storage; what is behind it moves to a new one.
        buffer = ByteBuffer(buffer.readableBytesView)
        submit(.uploadChunk(bodyID, index: chunks, bytes: chunk), in: &session) { $0.receiveOutcome($2, in: &$1) }
    }

    private mutating func receiveOutcome(_ result: Result<MailOutcome, ServiceFailure>, in session: inout Session) {
        switch result {
        case .success(.refused(let refusal)): breakOff(in: &session) { [tag] in $0.refuse(tag, refusal) }
        case .success:
            chunks += 1
            uploadFullChunks(in: &session)
        case .failure(let failure): breakOff(in: &session) { [tag] in $0.fail(tag, failure) }
        }
    }

    mutating func finish(in session: inout Session) {
        isDone = true
        let message = NewMessage(
            bodyID: bodyID,
            internalDate: internalDate,
            flags: flags,
            sizeBytes: UInt64(lengthBytes),
            summary: parser.finish(),
            body: isUpload ? .uploaded(chunks: chunks) : .inline(buffer)
        )
        session.submit(.append(message, to: mailbox)) { [tag] session, result in
            switch result {
            case .success(.appended(let id, let uidValidity, let uid)):
                session.badCommands = 0
                let code = ResponseCode.appendUID(uidValidity: uidValidity, uids: NumberSet([uid.rawValue]))
                session.conclude(.all, isFresh: session.view?.id == id) {
                    $0.encoder.tagged(tag, .ok, code: code, text: "Stored")
                }
            case .success(.refused(let refusal)): session.refuse(tag, refusal, missingMailbox: .tryCreate)
            case .success: session.failUnexpectedly(tag)
            case .failure(let failure): session.fail(tag, failure)
            }
        }
    }
}

extension AppendWork: CommandWork {
    var underWay: CommandUnderWay { .append(self) }

    init?(_ command: CommandUnderWay) {
        guard case .append(let work) = command else { return nil }
        self = work
    }
}
