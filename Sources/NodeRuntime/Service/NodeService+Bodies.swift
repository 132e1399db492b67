internal import Consensus
internal import MailModel
internal import MailStore
internal import NIOCore
internal import StateStorage

/// Bodies: served from what this node has, and from another one where the disk has spoiled them.
extension NodeService {
    private enum Found {
        case answer(MailAnswer)
        case nothing
        case harmed(HarmedChunk)
    }

    /// Bodies never change: what this node has may be served as it is.
    func queryBody(
        _ query: MailQuery,
        of account: AccountID,
        in group: GroupID,
        _ completion: Completion<MailAnswer>
    ) {
        let id = stateReads.begin(deadlineMilliseconds: deadline) { completion.finish(.failure($0)) }
        blocking.run { [self] in
            let found = look(query, account, group)
            guard stateReads.end(id) else { return }
            switch found {
            case .answer(let answer): completion.finish(.success(answer))
            case .nothing: wait(query, account, group, completion)
            case .harmed(let chunk): fetch(chunk, query, account, group, completion)
            }
        }
    }

    private func look(_ query: MailQuery, _ account: AccountID, _ group: GroupID) -> Found {
        let answer = attempt(in: group) { () throws -> Found in
            do {
                let answer = try reader.answer(query, of: account, in: group)
                return answer == .missing ? .nothing : .answer(answer)
            } catch let harmed as HarmedChunk {
                return .harmed(harmed)
            }
        }
        return answer ?? .nothing
    }

    /// A snapshot may be taking the place of the rows: this way waits for it.
    private func wait(
        _ query: MailQuery,
        _ account: AccountID,
        _ group: GroupID,
        _ completion: Completion<MailAnswer>
    ) {
        let inboxes = inboxes
        read(group, completion) { [reader] in
            do {
                return try reader.answer(query, of: account, in: group)
            } catch let harmed as HarmedChunk {
                inboxes.put(.bodies(.event(.notRepaired(group, harmed.account))), for: group)
                throw harmed
            }
        }
    }

    private func fetch(
        _ chunk: HarmedChunk,
        _ query: MailQuery,
        _ account: AccountID,
        _ group: GroupID,
        _ completion: Completion<MailAnswer>
    ) {
        guard case .body(_, let offset, let maximumBytes) = query else {
            return wait(query, account, group, completion)
        }
        let request = BodiesInput.fetch(chunk, of: group) { [self] bytes in
            guard let bytes else { return wait(query, account, group, completion) }
            let within = min(Int(offset % UInt64(MailLimits.bodyChunkBytes)), bytes.readableBytes)
            let length = min(maximumBytes, bytes.readableBytes - within)
            let slice = bytes.getSlice(at: bytes.readerIndex + within, length: length) ?? ByteBuffer()
            completion.finish(.success(.body(slice)))
        }
        inboxes.put(.bodies(request), for: group)
    }
}
