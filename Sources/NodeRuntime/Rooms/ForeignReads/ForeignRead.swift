internal import Consensus
internal import MailModel
internal import MailStore
internal import NIOCore
internal import PeerTransport
internal import StateStorage

/// Reads and encodes what another node has asked for, on a thread that may block.
struct ForeignRead: Sendable {
    enum Result {
        case answer(ByteBuffer)
        case failure(ForeignReadFailure)

        /// What the loop is told. The budget has room for all bytes of an answer.
        func input(for key: ForeignReadKey, within budget: ForeignReadBudget) -> ForeignReadsInput {
            switch self {
            case .answer(let bytes):
                budget.takeBytes(bytes.readableBytes) ? .read(key, bytes) : .failed(key, .unavailable)
            case .failure(let failure): .failed(key, failure)
            }
        }
    }

    private let query: GroupQuery
    private let group: GroupID
    private let reader: MailReader
    private let inbox: Inbox<LoopInput>
    private let failed: @Sendable (any Error) -> Void

    init(_ query: GroupQuery, in group: GroupID, _ floor: Floor) {
        self.query = query
        self.group = group
        reader = floor.reader
        inbox = floor.ways.inbox
        failed = floor.ways.failed
    }

    /// The answer, from the rows as they are.
    func answer() -> Result {
        guard let answer = look() else { return .failure(.unavailable) }
        return encode(answer)
    }

    /// The answer to a query for a body, if it is among the rows that are here.
    func body() -> Result {
        guard let answer = look() else { return .failure(.unavailable) }
        return answer == .mail(.missing) ? .failure(.bodyNotHere) : encode(answer)
    }

    private func encode(_ answer: GroupAnswer) -> Result {
        var bytes = ByteBuffer()
        answer.encode(into: &bytes)
        guard bytes.readableBytes <= ReadMessage.maximumAnswerBytes else { return .failure(.tooLarge) }
        return .answer(bytes)
    }

    /// Nil for what cannot be read, of which the loop hears. A state that fails its checks ends the node. A body that
    /// the disk has spoiled is put back from other nodes, where who asked finds it as well.
    private func look() -> GroupAnswer? {
        do {
            return try reader.respond(to: query, in: group)
        } catch let harmed as HarmedChunk {
            inbox.put(.bodies(.fetch(harmed.chunk, of: group, completion: { _ in })))
        } catch let error as StateError where error.kind == .corruption {
            failed(error)
        } catch {
            inbox.put(.unreadable(group, reason: "\(error)"))
        }
        return nil
    }
}
