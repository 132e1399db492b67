internal import MailModel
internal import MessageFormat
internal import NIOCore

/// A message that has come completely, on its way to the store: one command per recipient, and one reply per accepted
/// RCPT.
struct Delivery {
    private let transaction: Transaction
    private let summary: MessageSummary
    private let identity: DeliveryIdentity.Complete?
    private let received: Timestamp
    private let settings: LMTPSettings
    private let service: any MailService

    /// - Parameter received: when the message came.
    init(
        of transaction: Transaction,
        at received: Timestamp,
        settings: LMTPSettings,
        by service: any MailService
    ) {
        var parser = transaction.parser
        summary = parser.finish()
        identity = transaction.identity.finish()
        self.transaction = transaction
        self.received = received
        self.settings = settings
        self.service = service
    }

    /// Gives the message to all recipients.
    ///
    /// - Returns: the replies, in the order of the RCPTs (RFC 2033, section 4.2).
    func start(on loop: any EventLoop) -> EventLoopFuture<[LMTPReply]> {
        #if Mutants
            let isMutant = settings.answersByLookUp
            let answered = isMutant ? Array(transaction.recipients.indices) : transaction.answeredRecipients
        #else
            let answered = transaction.answeredRecipients
        #endif
        if transaction.recipients.count == 1 {
            // Most messages are for one, who may have been named more than once.
            return deliver(to: transaction.recipients[0], on: loop).map { reply in answered.map { _ in reply } }
        }
        let replies = transaction.recipients.map { deliver(to: $0, on: loop) }
        return EventLoopFuture.whenAllSucceed(replies, on: loop).map { replies in answered.map { replies[$0] } }
    }

    private func deliver(to recipient: Transaction.Recipient, on loop: any EventLoop) -> EventLoopFuture<LMTPReply> {
        let body: NewMessage.Body
        let uploaded: EventLoopFuture<MailOutcome>
        switch recipient.upload {
        case .failed: return loop.makeSucceededFuture(.unavailable)
        case .refused(let outcome):
            // The command names more chunks than the store took, so that the message cannot be stored.
            body = .uploaded(chunks: recipient.sentChunks + 1)
            uploaded = loop.makeSucceededFuture(outcome)
        case .going where recipient.sentChunks == 0:
            body = .inline(transaction.rest(for: recipient))
            uploaded = loop.makeSucceededFuture(.done)
        case .going:
            let rest = transaction.rest(for: recipient)
            body = .uploaded(chunks: recipient.sentChunks + 1)
            let command = MailCommand.uploadChunk(recipient.bodyID, index: recipient.sentChunks, bytes: rest)
            uploaded = service.submit(command, for: recipient.account, on: loop)
        }
        let message = NewMessage(
            bodyID: recipient.bodyID,
            internalDate: InternalDate(seconds: received.rawValue / 1_000, zoneMinutes: 0),
            sizeBytes: UInt64(recipient.prefix.readableBytes + transaction.receivedBytes),
            summary: summary.prefixed(by: recipient.prefix.readableBytes).encoded(),
            body: body
        )
        let id = identity?.delivery(from: transaction.reversePath, to: recipient.name)
        let (name, overQuota) = (recipient.name, settings.overQuota)
        return commit(message, id, after: uploaded, to: recipient.account, on: loop).map { outcome in
            LMTPReply(to: outcome, of: name, overQuota: overQuota)
        }.flatMapErrorThrowing { error in
            (error as? ServiceFailure) == .noSpace ? .noRoom : .unavailable
        }
    }

    /// Delivers what was uploaded. Where a chunk was refused, a message with an identity may still have been delivered
    /// before (and have taken the room that is missing now): then the first answer holds.
    private func commit(
        _ message: NewMessage,
        _ id: DeliveryID?,
        after uploaded: EventLoopFuture<MailOutcome>,
        to account: AccountReference,
        on loop: any EventLoop
    ) -> EventLoopFuture<MailOutcome> {
        let service = service
        return uploaded.flatMap { upload in
            let isComplete = upload == .done
            guard isComplete || id != nil else { return loop.makeSucceededFuture(upload) }
            return service.submit(.deliver(message, id: id), for: account, on: loop).map { outcome in
                if case .appended = outcome { return outcome }
                return isComplete ? outcome : upload
            }
        }
    }
}

extension LMTPReply {
    /// The replies when the store fails. They are never permanent: the fault is this server's.
    fileprivate static let noRoom = LMTPReply(451, "4.3.1", "the store has no room for new mail now, try again")
    fileprivate static let unavailable = LMTPReply(451, "4.3.0", "the store cannot answer now, try again")

    /// What the store's answer to a delivery means for the client.
    fileprivate init(to outcome: MailOutcome, of name: RecipientName, overQuota: LMTPSettings.OverQuota) {
        switch outcome {
        case .appended: self.init(250, "2.0.0", "<\(name.text)> delivered")
        case .refused(.overQuota):
            switch overQuota {
            case .reject: self.init(552, "5.2.2", "<\(name.text)> has no room left")
            case .defer: self.init(452, "4.2.2", "<\(name.text)> has no room left, try again")
            }
        // The look-up may have found an account that is deleted, where another has the name by now. Only a look-up
        // says for good that there is none: that of the client's next RCPT.
        case .refused(.noSuchAccount): self.init(451, "4.3.0", "<\(name.text)> has changed meanwhile, try again")
        case .refused, .done, .accountCreated, .mailboxCreated, .flagsStored, .expunged, .copied,
            .purged, .nodeAdmitted, .groupAdded, .operationConflicts:
            self = .unavailable
        }
    }
}
