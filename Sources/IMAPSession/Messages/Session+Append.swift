internal import IMAPSyntax
internal import MailModel
internal import NIOCore

/// An APPEND under way: the message goes to the store in pieces while it arrives.
struct AppendWork {
    let tag: String
    let mailbox: MailModel.MailboxName
    let bodyID: BodyID
    let flags: FlagNames
    let internalDate: InternalDate
    let lengthBytes: Int
    var parser: any MessageParsing
    /// Bytes that were received and are not in a chunk yet.
    var buffer = ByteBuffer()
    var chunks: UInt32 = 0

    /// Whether the message is too large for one command.
    var isUpload: Bool { lengthBytes > MailLimits.bodyChunkBytes }
}

/// APPEND (RFC 3501, section 6.3.11; RFC 4315; RFC 7889).
extension Session {
    mutating func beginAppend(_ start: AppendStart, _ bodyID: BodyID) {
        let tag = start.tag
        guard account != nil else { return refuseAppend { $0.answerBad(tag, "Please log in first") } }
        guard !start.message.isUTF8 else { return refuseAppend { $0.answerBad(tag, "UTF8 is not enabled") } }
        guard start.message.literal.length > 0 else {
            return refuseAppend { $0.answerNo(tag, code: .cannot, "A message without a byte cannot be stored") }
        }
        guard let mailbox = MailModel.MailboxName(start.mailbox) else {
            return refuseAppend { $0.refuse(tag, .noSuchMailbox) }
        }
        query(.mailbox(mailbox)) { session, result in
            switch result {
            case .success(.mailbox(let record)) where record.selectable:
                session.appending = AppendWork(
                    start,
                    into: mailbox,
                    bodyID: bodyID,
                    parser: session.tools.makeParser(),
                    at: session.now
                )
                session.effects.append(.acceptMessage)
            case .success:
                session.refuseAppend { $0.refuse(tag, .noSuchMailbox, missingMailbox: .tryCreate) }
            case .failure(let failure): session.refuseAppend { $0.fail(tag, failure) }
            }
        }
    }

    /// Gives the APPEND up, whatever was received of it.
    private mutating func refuseAppend(_ answer: (inout Session) -> Void) {
        appending = nil
        effects.append(.refuseAppend)
        answer(&self)
    }

    /// Several messages in one APPEND need MULTIAPPEND, which is not there (RFC 3502).
    mutating func refuseFurtherMessage() {
        guard let tag = appending?.tag else { preconditionFailure("no APPEND is under way") }
        refuseAppend { $0.answerBad(tag, "An APPEND has one message") }
    }

    mutating func appendBytes(_ bytes: ByteBuffer) {
        guard appending != nil else { preconditionFailure("no APPEND is under way") }
        appending?.parser.append(bytes)
        appending?.buffer.writeImmutableBuffer(bytes)
        uploadFullChunks { _ in }
    }

    /// Uploads the next full chunk. The client is held back until the store has it.
    private mutating func uploadFullChunks(_ next: @escaping (inout Session) -> Void) {
        guard let work = appending, work.isUpload, work.buffer.readableBytes >= MailLimits.bodyChunkBytes else {
            return next(&self)
        }
        upload(MailLimits.bodyChunkBytes) { $0.uploadFullChunks(next) }
    }

    private mutating func upload(_ count: Int, _ next: @escaping (inout Session) -> Void) {
        guard let work = appending, let chunk = appending?.buffer.readSlice(length: count) else {
            preconditionFailure("a chunk that was not received")
        }
        // The chunk keeps its storage; what is behind it moves to a new one.
        if let rest = appending?.buffer {
            appending?.buffer = ByteBuffer(rest.readableBytesView)
        }
        submit(.uploadChunk(work.bodyID, index: work.chunks, bytes: chunk)) { session, result in
            switch result {
            case .success(.refused(let refusal)): session.refuseAppend { $0.refuse(work.tag, refusal) }
            case .success:
                session.appending?.chunks += 1
                next(&session)
            case .failure(let failure): session.refuseAppend { $0.fail(work.tag, failure) }
            }
        }
    }

    mutating func appendMessageEnded() {
        guard let work = appending else { preconditionFailure("no APPEND is under way") }
        guard work.isUpload, work.buffer.readableBytes > 0 else { return }
        upload(work.buffer.readableBytes) { _ in }
    }

    mutating func finishAppend() {
        guard var work = appending else { preconditionFailure("no APPEND is under way") }
        appending = nil
        let tag = work.tag
        let message = NewMessage(
            bodyID: work.bodyID,
            internalDate: work.internalDate,
            flags: work.flags,
            sizeBytes: UInt64(work.lengthBytes),
            summary: work.parser.finish(),
            body: work.isUpload ? .uploaded(chunks: work.chunks) : .inline(work.buffer)
        )
        submit(.append(message, to: work.mailbox)) { session, result in
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

extension AppendWork {
    init(
        _ start: AppendStart,
        into mailbox: MailModel.MailboxName,
        bodyID: BodyID,
        parser: any MessageParsing,
        at now: Timestamp
    ) {
        let date = start.message.internalDate
        self.init(
            tag: start.tag,
            mailbox: mailbox,
            bodyID: bodyID,
            flags: FlagNames(start.message.flags),
            internalDate: InternalDate(
                seconds: date?.unixSeconds ?? now.rawValue / 1_000,
                zoneMinutes: Int16(date?.zoneMinutes ?? 0)
            ),
            lengthBytes: start.message.literal.length,
            parser: parser
        )
    }
}
