import Consensus
import MailModel
import MailStore
import NIOCore
import StateStorage
import Testing

/// A command's rows, its answer and its index are one write; and no command is carried out twice.
@Suite final class CommandBatchTests {
    private let group = GroupID(1)
    private let account = AccountID(1 << 32 | 1)
    private let inbox = MailboxID(1)
    private let store = MemoryStateStore()
    private var applier: MailApplier
    private var index: UInt64 = 0
    private static let time = Timestamp(milliseconds: 1_700_000_000_000)

    init() throws {
        applier = MailApplier(store: store)
        try applier.open(group)
        let address = try #require(AccountAddress("anna@example.org"))
        let create = MailCommand.createAccount(address: address, credential: nil, quotaBytes: 0, mailboxes: [])
        try #require(try apply(create) == .accountCreated(account))
    }

    /// - Parameter sequence: of the request; that of a new one when not given.
    private func apply(_ command: MailCommand, sequence: UInt64? = nil) throws -> MailOutcome {
        index += 1
        let envelope = CommandEnvelope(
            request: RequestID(session: 1, sequence: sequence ?? index),
            settledBelow: sequence ?? index,
            timestamp: Self.time,
            account: account,
            command: command
        )
        return try applier.apply(group: group, index: LogIndex(index), term: Term(1), payload: envelope.encoded()).1
    }

    private func delivery(_ number: UInt64) -> MailCommand {
        let body = ByteBuffer(string: "Subject: \(number)\r\n\r\n")
        let message = NewMessage(
            bodyID: BodyID(high: 1, low: number),
            internalDate: InternalDate(seconds: 0, zoneMinutes: 0),
            sizeBytes: UInt64(body.readableBytes),
            summary: ByteBuffer(),
            body: .inline(body)
        )
        return .deliver(message, id: DeliveryID(high: 1, low: number))
    }

    /// Scans see only what is written: who scans writes the batch of those before it, and must not be in it itself.
    @Test func whoScansDoesNotCountAsAppliedInWhatItWrites() throws {
        let work = try MailboxName("work")
        let all = UIDSet(ranges: [1...UInt32.max])
        let later = Timestamp(milliseconds: Self.time.rawValue + 1)
        _ = try apply(.createMailbox(work, specialUse: nil))
        for number in 1...3 as ClosedRange<UInt64> { _ = try apply(delivery(number)) }
        let scanning: [MailCommand] = [
            .storeFlags(inbox, UIDSet(ranges: [1...1]), .add, FlagNames(system: .deleted), unchangedSince: nil),
            .expunge(inbox, UIDSet(ranges: [1...(.max)])),
            .copy(inbox, all, to: work),
            .move(inbox, all, to: work),
            .renameMailbox(from: work, to: try MailboxName("old")),
            .deleteMailbox(try MailboxName("old")),
            .purgeExpunged(before: later, limit: 10),
            .purgeDeliveries(before: later, limit: 10),
            .purgeUploads(before: later, from: AccountID(0), limit: 10),
            .deleteAccount,
        ]
        for command in scanning {
            let outcome = try apply(command)
            if case .refused(let refusal) = outcome { Issue.record("\(command): \(refusal)") }
            let written = try MailReader(store: store).digest(group)
            #expect(written.index == LogIndex(index - 1), "\(command)")
            #expect(try recomputedDigest(group, in: store) == written.digest, "\(command)")
        }
    }

    /// The network may bring a request again when its answer is long known, and forgotten.
    @Test(arguments: [false, true])
    func whatIsSettledIsNotCarriedOutWhenItComesLate(afterRestart: Bool) throws {
        _ = try apply(delivery(1))
        let late = MailCommand.createMailbox(try MailboxName("work"), specialUse: nil)
        let sequence = index + 1
        _ = try apply(late)
        #expect(try apply(.deleteMailbox(try MailboxName("work"))) == .done)
        if afterRestart {
            try applier.commit()
            applier = MailApplier(store: store)
            try applier.open(group)
        }
        #expect(try apply(late, sequence: sequence) == .refused(.notHere))
        try applier.commit()
        let answer = try MailReader(store: store).answer(.mailboxes, of: account, in: group)
        guard case .mailboxes(let mailboxes) = answer else { throw Refusal.noSuchAccount }
        #expect(mailboxes.map(\.id) == [inbox])
    }
}
