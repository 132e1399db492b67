internal import Consensus
internal import MailModel
internal import MailStore
internal import NIOCore

/// Reads that this node's own replica answers, or another node where this one has none that could.
extension NodeService {
    /// A read that goes to whichever group serves it.
    private struct RoutedRead: Sendable {
        let query: GroupQuery
        /// The slot whose group is read; nil for what is asked of a group as such.
        let slot: Slot?
        /// What of a mailbox rows must show that were read without asking anybody; nil where the leader is asked.
        let known: KnownMailbox?
        let permit: ReadPermit
        let deadlineMilliseconds: Int64
        let completion: Completion<GroupAnswer>
    }

    /// Reads the account with an address, no older than this call; nil where there is none.
    func readAccount(_ address: AccountAddress, _ completion: Completion<AccountRecord?>) {
        let answered = completion.taking { answer in
            if case .account(let record) = answer { .some(record) } else { nil }
        }
        readSlot(.account(address), of: address.slot, answered)
    }

    /// Reads the account with an address, for a caller without an event loop.
    func readAccount(_ address: AccountAddress) async -> Result<AccountRecord?, ServiceFailure> {
        await withCheckedContinuation { continuation in
            readAccount(address, Completion(on: nil) { continuation.resume(returning: $0) })
        }
    }

    /// Reads what a query says of an account, no older than this call.
    ///
    /// - Parameter known: where it is not nil, rows of this node that show a mailbox so will do.
    func readMail(
        _ query: MailQuery,
        of account: AccountReference,
        showing known: KnownMailbox? = nil,
        _ completion: Completion<MailAnswer>
    ) {
        let answered = completion.taking { [recentBook] answer in
            if case .mail(let answer) = answer { recentBook.raise(answer, of: account.id) } else { nil }
        }
        readSlot(.mail(query, of: account.id), of: account.slot, showing: known, answered)
    }

    /// Reads accounts of a group in the order of their addresses, for a caller without an event loop.
    ///
    /// - Parameters:
    ///   - after: the address behind which they begin; empty for the first.
    ///   - limit: at most ``MailLimits/accountsPerQuery``.
    func readAccounts(
        of group: GroupID,
        after: String,
        limit: Int
    ) async -> Result<[AccountRecord], ServiceFailure> {
        await withCheckedContinuation { continuation in
            let completion = Completion<[AccountRecord]>(on: nil) { continuation.resume(returning: $0) }
            readGroup(.accounts(after: after, limit: limit), of: group, completion)
        }
    }

    /// Reads accounts of a group, for callers with and without an event loop.
    func readGroup(_ query: GroupQuery, of group: GroupID, _ completion: Completion<[AccountRecord]>) {
        let answered = completion.taking { answer in
            if case .accounts(let records) = answer { records } else { nil }
        }
        begin(query, of: nil, at: place(of: group), showing: nil, answered)
    }

    private func readSlot(
        _ query: GroupQuery,
        of slot: Slot,
        showing known: KnownMailbox? = nil,
        _ completion: Completion<GroupAnswer>
    ) {
        begin(query, of: slot, at: directory.now.place(of: slot), showing: known, completion)
    }

    private func place(of group: GroupID) -> Place {
        Place(group: group, epoch: directory.now.group(group)?.epoch ?? 0)
    }

    private func begin(
        _ query: GroupQuery,
        of slot: Slot?,
        at place: Place,
        showing known: KnownMailbox?,
        _ completion: Completion<GroupAnswer>
    ) {
        guard let permit = readBudget.take() else { return completion.finish(.failure(.busy)) }
        let read = RoutedRead(
            query: query,
            slot: slot,
            known: known,
            permit: permit,
            deadlineMilliseconds: deadline,
            completion: completion
        )
        put(read, to: place)
    }

    private func put(_ read: RoutedRead, to place: Place) {
        let group = place.group
        let completion = read.completion
        let call = ReadCall(
            group: group,
            deadlineMilliseconds: read.deadlineMilliseconds,
            read: { [self] in
                let result = read.permit.hold { Result { try answer(read.query, in: group) } }
                return {
                    let value = self.attempt(in: group) { try result.get() }
                    completion.finish(value.map { .success($0) } ?? .failure(.unavailable))
                }
            },
            fail: { completion.finish(.failure($0)) },
            remote: RemoteRead(
                query: read.query,
                epoch: place.epoch,
                receive: { completion.finish(.success($0)) },
                routeAnew: { [self] in routeAnew(read, from: group) }
            ),
            readNearby: nearbyRead(read, in: group)
        )
        inboxes.put(.read(call), for: group)
    }

    /// Gives nil where the rows here are not new enough, or cannot be read: the linearizable read finds out why.
    private func nearbyRead(
        _ read: RoutedRead,
        in group: GroupID
    ) -> (@Sendable () -> (@Sendable () -> Void)?)? {
        guard let known = read.known else { return nil }
        return { [self] in
            let answer = read.permit.hold { try? self.answer(read.query, in: group) }
            guard let answer, case .mail(let mail) = answer, known.isShown(by: mail) else { return nil }
            return { read.completion.finish(.success(answer)) }
        }
    }

    /// The directory says of the slot or the group something else than when the read was routed.
    private func routeAnew(_ read: RoutedRead, from group: GroupID) {
        if let slot = read.slot { return put(read, to: directory.now.place(of: slot)) }
        guard directory.now.group(group) != nil else { return read.completion.finish(.failure(.unavailable)) }
        put(read, to: place(of: group))
    }

    private func answer(_ query: GroupQuery, in group: GroupID) throws -> GroupAnswer {
        do {
            return try reader.respond(to: query, in: group)
        } catch let harmed as HarmedChunk {
            inboxes.put(.bodies(.event(.notRepaired(group, harmed.chunk.account))), for: group)
            throw harmed
        }
    }
}

extension Completion {
    /// What takes from a group's answer what this one wants. An answer to another query is as good as none.
    fileprivate func taking(_ part: @escaping @Sendable (GroupAnswer) -> Value?) -> Completion<GroupAnswer> {
        Completion<GroupAnswer>(on: loop) { [body] result in
            switch result {
            case .success(let answer):
                body(part(answer).map { .success($0) } ?? .failure(.unavailable))
            case .failure(let failure): body(.failure(failure))
            }
        }
    }
}
