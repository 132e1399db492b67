internal import Consensus
internal import MailModel
internal import MailStore
internal import NIOCore
internal import StateStorage

/// Bodies and rows of messages: served from what this node has, and from another one where the disk has spoiled a body.
extension NodeService {
    private enum Found {
        case answer(MailAnswer)
        case nothing
        case harmed(BodyChunk)
    }

    /// Bodies, and rows of messages, never change: what this node has may be served as it is. Where it has not all that
    /// is asked for, the leader says whether that is because there is no more.
    func queryUnchanging(
        _ query: MailQuery,
        of account: AccountReference,
        _ completion: Completion<MailAnswer>
    ) {
        let group = group(of: account.slot)
        guard let permit = readBudget.take() else { return completion.finish(.failure(.busy)) }
        let id = stateReads.begin(deadlineMilliseconds: deadline) { completion.finish(.failure($0)) }
        blocking.run { [self] in
            permit.hold {
                let found = lookUp(query, of: account.id, in: group)
                guard stateReads.end(id) else { return }
                switch found {
                case .answer(let answer): completion.finish(.success(answer))
                // A snapshot may be taking the place of the rows, or none are here: this way waits, or asks others.
                case .nothing: readMail(query, of: account, completion)
                case .harmed(let chunk): fetch(chunk, for: query, of: account, in: group, completion)
                }
            }
        }
    }

    private func lookUp(_ query: MailQuery, of account: AccountID, in group: GroupID) -> Found {
        let answer = attempt(in: group) { () throws -> Found in
            do {
                let answer = try reader.answer(query, of: account, in: group)
                return answer.hasAll(of: query) ? .answer(answer) : .nothing
            } catch let harmed as HarmedChunk {
                return .harmed(harmed.chunk)
            }
        }
        return answer ?? .nothing
    }

    private func fetch(
        _ chunk: BodyChunk,
        for query: MailQuery,
        of account: AccountReference,
        in group: GroupID,
        _ completion: Completion<MailAnswer>
    ) {
        guard case .body(_, let offset, let maximumBytes) = query else {
            return readMail(query, of: account, completion)
        }
        let request = BodiesInput.fetch(chunk, of: group) { [self] bytes in
            guard let bytes else { return readMail(query, of: account, completion) }
            let within = min(Int(offset % UInt64(MailLimits.bodyChunkBytes)), bytes.readableBytes)
            let length = min(maximumBytes, bytes.readableBytes - within)
            let slice = bytes.getSlice(at: bytes.readerIndex + within, length: length) ?? ByteBuffer()
            completion.finish(.success(.body(slice)))
        }
        inboxes.put(.bodies(request), for: group)
    }
}

extension MailAnswer {
    /// Whether what never changes was found as a whole: a message that is missing may be gone, or not be here yet.
    fileprivate func hasAll(of query: MailQuery) -> Bool {
        switch (query, self) {
        case (.details(_, let uids, _), .details(let rows)): rows.count == uids.count
        case (_, .missing): false
        default: true
        }
    }
}
