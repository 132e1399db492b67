import Consensus
import MailModel
import NIOCore
import StateStorage
import Testing

@testable import MailStore

/// An applier alone, with an account, whose commands are counted in rows.
final class CountedReplica {
    let group = GroupID(1)
    let store = CountingStateStore(over: MemoryStateStore())
    let applier: MailApplier
    let reader: MailReader
    private var index: UInt64 = 0
    var account = AccountID(0)
    var time = Timestamp(milliseconds: 1_700_000_000_000)
    /// The most rows that one command has touched.
    private(set) var mostRows = 0
    /// The most bytes that one command has read and written.
    private(set) var mostBytes = 0

    init() throws {
        applier = MailApplier(store: store)
        reader = MailReader(store: store)
        try applier.open(group)
        account = try createAccount("anna@example.org")
    }

    func createAccount(_ text: String) throws -> AccountID {
        let address = try #require(AccountAddress(text))
        let create = MailCommand.createAccount(address: address, credential: nil, quotaBytes: 0, mailboxes: [])
        guard case .accountCreated(let id) = try apply(create) else { throw Refusal.accountExists }
        return id
    }

    @discardableResult
    func apply(_ command: MailCommand, inOneBatch: Bool = false) throws -> MailOutcome {
        index += 1
        let envelope = CommandEnvelope(
            request: RequestID(session: 1, sequence: index),
            settledBelow: index,
            timestamp: time,
            account: account,
            command: command
        )
        if !inOneBatch { try applier.commit() }
        _ = store.takeTouched()
        let payload = envelope.encoded()
        let outcome = try applier.apply(group: group, index: LogIndex(index), term: Term(1), payload: payload).1
        if !inOneBatch { try applier.commit() }
        let touched = store.takeTouched()
        mostRows = max(mostRows, touched.rows)
        mostBytes = max(mostBytes, touched.bytes)
        return outcome
    }

    func append(
        _ count: Int,
        to name: MailboxName,
        _ flags: FlagNames = FlagNames(),
        summaryBytes: Int = 0
    ) throws {
        for number in 0..<count {
            let body = ByteBuffer(repeating: 0x61, count: 10)
            let message = NewMessage(
                bodyID: BodyID(milliseconds: time.rawValue, random: index, UInt64(number)),
                internalDate: InternalDate(seconds: 0, zoneMinutes: 0),
                flags: flags,
                sizeBytes: 10,
                summary: ByteBuffer(repeating: 0x62, count: summaryBytes),
                body: .inline(body)
            )
            guard case .appended = try apply(.append(message, to: name)) else { throw Refusal.noSuchMailbox }
        }
    }

    func mailbox(_ name: MailboxName) throws -> MailboxRecord? {
        guard case .mailbox(let record) = try reader.answer(.mailbox(name), of: account, in: group) else {
            return nil
        }
        return record
    }

    func record() throws -> AccountRecord? {
        guard case .account(let record) = try reader.answer(.account, of: account, in: group) else { return nil }
        return record
    }

    func uids(_ name: MailboxName) throws -> [UInt32] {
        let id = try #require(try mailbox(name)).id
        let query = MailQuery.messages(id, fromUID: UID(1), limit: .max)
        guard case .messages(_, let states) = try reader.answer(query, of: account, in: group) else { return [] }
        return states.map(\.uid.rawValue)
    }

    /// Whatever is due so long after now is proposed, as a leader does, until nothing is.
    @discardableResult
    func keepHouse(after milliseconds: Int64 = 0) throws -> Int {
        time = Timestamp(milliseconds: time.rawValue + milliseconds)
        var commands = 0
        while true {
            let due = try reader.housekeepingDue(in: group, HousekeepingTimes(now: time))
            if due.commands.isEmpty { return commands }
            for (account, command) in due.commands {
                let own = self.account
                self.account = account
                defer { self.account = own }
                guard case .purged(let count) = try apply(command), count <= MailLimits.purgedPerCommand else {
                    throw Refusal.notHere
                }
                commands += 1
                // Between two pieces nothing may look harmed.
                let state = try #require(try MarkedState(group: group, store: store))
                var scrub = StateScrub(state)
                while scrub.result == nil { #expect(try scrub.step(maximumBytes: 1 << 20)) }
                #expect(scrub.result == .intact)
            }
        }
    }

    func expectSound(sourceLocation: SourceLocation = #_sourceLocation) throws {
        let problems = try StateAudit(group, in: store).problems
        #expect(problems == [], sourceLocation: sourceLocation)
        #expect(try recomputedDigest(group, in: store) == applier.digest(group), sourceLocation: sourceLocation)
    }

    func rows(_ table: Table) throws -> Int {
        var count = 0
        let prefix = Key(group, table)
        try store.scan(from: prefix.bytes, to: prefix.end) { _, _ in
            count += 1
            return true
        }
        return count
    }
}
