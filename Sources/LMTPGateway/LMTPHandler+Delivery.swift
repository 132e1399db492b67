internal import MailModel
internal import MessageFormat
internal import NIOCore

/// From the end of a message to one reply per recipient.
extension LMTPHandler {
    /// Sends every recipient's full chunks, and takes in more only when all of them are stored.
    ///
    /// - Parameter finishing: the message is complete: when all full chunks are stored, it is delivered.
    /// - Returns: whether a chunk is under way.
    @discardableResult
    func uploadChunks(finishing: Bool = false) -> Bool {
        guard let context, let open = transaction, !open.isTooLarge else { return false }
        var pending: [EventLoopFuture<Void>] = []
        for (index, recipient) in open.recipients.enumerated() where recipient.upload.isGoing {
            guard let chunk = open.chunk(for: recipient) else { continue }
            pending.append(upload(chunk, for: recipient, at: index, on: context.eventLoop))
        }
        guard !pending.isEmpty else {
            // When every recipient has failed, the bytes are not needed.
            transaction?.trimWindow()
            return false
        }
        let before = mode
        mode = .busy
        let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
        EventLoopFuture.andAllComplete(pending, on: context.eventLoop).whenComplete { _ in
            let handler = bound.value
            guard case .busy = handler.mode else { return }
            handler.mode = before
            handler.transaction?.trimWindow()
            if finishing { handler.finishMessage() } else { handler.uploadChunks() }
            handler.process()
        }
        return true
    }

    private func upload(
        _ chunk: ByteBuffer,
        for recipient: Transaction.Recipient,
        at index: Int,
        on loop: any EventLoop
    ) -> EventLoopFuture<Void> {
        let bound = NIOLoopBound(self, eventLoop: loop)
        let command = MailCommand.uploadChunk(recipient.bodyID, index: recipient.sentChunks, bytes: chunk)
        return service.submit(command, for: recipient.account, on: loop).map { outcome in
            let handler = bound.value
            if case .done = outcome {
                handler.transaction?.recipients[index].sentChunks += 1
            } else {
                handler.transaction?.recipients[index].upload = .refused(outcome)
            }
        }.flatMapErrorThrowing { _ in
            bound.value.transaction?.recipients[index].upload = .failed
        }
    }

    /// The message is complete: one command per recipient, and one reply per accepted RCPT, in the order of the RCPTs.
    func finishMessage() {
        mode = .command
        guard let context, let open = transaction else { return }
        guard !open.recipients.isEmpty else {
            reset()
            return send(LMTPReply(503, "5.5.1", "no recipient was accepted"))
        }
        guard !open.isTooLarge else {
            for _ in open.answeredRecipients { send(tooLarge) }
            return reset()
        }
        // The last bytes may be more than the one chunk that goes with the delivery.
        guard !uploadChunks(finishing: true), var done = transaction else { return }
        mode = .busy
        let summary = done.parser.finish()
        let identity = done.identity.finish()
        let loop = context.eventLoop
        let now = service.now()
        #if Mutants
            let isMutant = settings.answersByLookUp
            let answered = isMutant ? Array(done.recipients.indices) : done.answeredRecipients
        #else
            let answered = done.answeredRecipients
        #endif
        let futures = done.recipients.map { recipient -> EventLoopFuture<LMTPReply> in
            let id = identity?.delivery(from: done.reversePath, to: recipient.name)
            return deliver(done, to: recipient, id: id, summary: summary, at: now, on: loop)
        }
        reset()
        let bound = NIOLoopBound(self, eventLoop: loop)
        EventLoopFuture.whenAllSucceed(futures, on: loop).whenComplete { result in
            let handler = bound.value
            guard case .busy = handler.mode else { return }
            handler.mode = .command
            switch result {
            case .success(let replies): for position in answered { handler.send(replies[position]) }
            case .failure: handler.close()
            }
            handler.process()
        }
    }

    private func deliver(
        _ done: Transaction,
        to recipient: Transaction.Recipient,
        id: DeliveryID?,
        summary: MessageSummary,
        at now: Timestamp,
        on loop: any EventLoop
    ) -> EventLoopFuture<LMTPReply> {
        let bound = NIOLoopBound(self, eventLoop: loop)
        let body: NewMessage.Body
        let uploaded: EventLoopFuture<MailOutcome>
        switch recipient.upload {
        case .failed: return loop.makeSucceededFuture(Self.unavailable)
        case .refused(let outcome):
            // The command names more chunks than the store took, so that the message cannot be stored.
            body = .uploaded(chunks: recipient.sentChunks + 1)
            uploaded = loop.makeSucceededFuture(outcome)
        case .going where recipient.sentChunks == 0:
            body = .inline(done.rest(for: recipient))
            uploaded = loop.makeSucceededFuture(.done)
        case .going:
            let rest = done.rest(for: recipient)
            body = .uploaded(chunks: recipient.sentChunks + 1)
            let command = MailCommand.uploadChunk(recipient.bodyID, index: recipient.sentChunks, bytes: rest)
            uploaded = service.submit(command, for: recipient.account, on: loop)
        }
        let message = NewMessage(
            bodyID: recipient.bodyID,
            internalDate: InternalDate(seconds: now.rawValue / 1_000, zoneMinutes: 0),
            sizeBytes: UInt64(recipient.prefix.readableBytes + done.receivedBytes),
            summary: summary.prefixed(by: recipient.prefix.readableBytes).encoded(),
            body: body
        )
        return commit(message, id, after: uploaded, to: recipient.account, on: loop).map { outcome in
            bound.value.reply(to: outcome, recipient)
        }.flatMapErrorThrowing { error in
            (error as? ServiceFailure) == .noSpace ? LMTPHandler.noRoom : LMTPHandler.unavailable
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

    /// The replies when the store fails. They are never permanent: the fault is this server's.
    static let noRoom = LMTPReply(451, "4.3.1", "the store has no room for new mail now, try again")
    static let unavailable = LMTPReply(451, "4.3.0", "the store cannot answer now, try again")

    private func reply(to outcome: MailOutcome, _ recipient: Transaction.Recipient) -> LMTPReply {
        switch outcome {
        case .appended: LMTPReply(250, "2.0.0", "<\(recipient.name.text)> delivered")
        case .refused(.overQuota):
            switch settings.overQuota {
            case .reject: LMTPReply(552, "5.2.2", "<\(recipient.name.text)> has no room left")
            case .defer: LMTPReply(452, "4.2.2", "<\(recipient.name.text)> has no room left, try again")
            }
        // The look-up may have found an account that is deleted, where another has the name by now. Only a look-up
        // says for good that there is none: that of the client's next RCPT.
        case .refused(.noSuchAccount):
            LMTPReply(451, "4.3.0", "<\(recipient.name.text)> has changed meanwhile, try again")
        case .refused, .done, .accountCreated, .mailboxCreated, .flagsStored, .expunged, .copied, .recentClaimed,
            .purged:
            Self.unavailable
        }
    }
}
