internal import MailModel
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
        guard !uploadChunks(finishing: true), let done = transaction else { return }
        mode = .busy
        let loop = context.eventLoop
        let replies = Delivery(of: done, at: service.now(), settings: settings, by: service).start(on: loop)
        reset()
        let bound = NIOLoopBound(self, eventLoop: loop)
        replies.whenComplete { result in
            let handler = bound.value
            guard case .busy = handler.mode else { return }
            handler.mode = .command
            switch result {
            case .success(let replies): for reply in replies { handler.send(reply) }
            case .failure: handler.close()
            }
            handler.process()
        }
    }
}
