import IMAPSyntax
import MailModel
import MailTestSupport
import NIOCore
import Testing

@testable import IMAPSession

/// Whatever happens to a mailbox between two SELECTs, rows that were kept lead to what reading it anew leads to.
@Suite struct SharedRowsTests {
    @Test(arguments: 1...25 as ClosedRange<UInt64>)
    func `rows that were kept lead to what is there`(_ seed: UInt64) throws {
        var world = try ChangingMailboxes(seed: seed)
        var kept: [MailboxID: MailboxRows] = [:]
        for round in 0..<60 {
            for _ in 0..<world.below(4) { try world.change() }
            if round % 10 == 9 { try world.forgetExpunge() }
            for name in ["INBOX", "Work"] {
                let (told, found, calls) = try world.read(name, kept: kept)
                let (expected, _, _) = try world.read(name, kept: [:])
                #expect(told == expected)
                kept.merge(found) { $1 }
                if calls.count == 1 { world.sharedCount += 1 }
            }
        }
        #expect(world.sharedCount > 10, "rows are taken over as they are")
        #expect(world.differenceCount > 10, "rows are brought up to date")
        #expect(world.forgottenCount > 0, "rows show what was forgotten")
    }
}

/// Two mailboxes of an account in a store, which others change.
private struct ChangingMailboxes {
    private let service: MemoryMailService
    private let account: AccountReference
    private var state: UInt64
    var sharedCount = 0
    var differenceCount = 0
    var forgottenCount = 0

    init(seed: UInt64) throws {
        service = try MemoryMailService()
        account = try service.addAccount("user@example.org", password: "pass", mailboxes: [])
        state = seed &* 0x9e37_79b9_7f4a_7c15
        try service.perform(.createMailbox(Fixture.mailbox("Work"), specialUse: nil), for: account)
    }

    mutating func below(_ bound: Int) -> Int {
        state ^= state >> 12
        state ^= state << 25
        state ^= state >> 27
        return Int((state &* 0x2545_f491_4f6c_dd1d) >> 33) % bound
    }

    private mutating func someUIDs() -> UIDSet {
        let first = UInt32(1 + below(40))
        return UIDSet(ranges: [first...first + UInt32(below(6))])
    }

    private func append(to name: MailModel.MailboxName, _ flags: FlagNames) throws {
        let message = NewMessage(
            bodyID: service.makeBodyID(),
            internalDate: InternalDate(seconds: 0, zoneMinutes: 0),
            flags: flags,
            sizeBytes: 1,
            summary: ByteBuffer(),
            body: .inline(ByteBuffer(string: "x"))
        )
        try service.perform(.append(message, to: name), for: account)
    }

    /// The store forgets which messages were expunged.
    private func purge() throws {
        service.advance(seconds: 1)
        try service.perform(.purgeExpunged(before: service.now(), limit: 1_000), for: account)
    }

    /// The oldest message of INBOX, which sessions may know, is expunged, and the store forgets that it was.
    mutating func forgetExpunge() throws {
        guard case .mailbox(let record) = try service.ask(.mailbox(.inbox), of: account),
            case .messages(_, let states) = try service.ask(
                .messages(record.id, fromUID: UID(1), limit: 1),
                of: account
            )
        else { return }
        try service.perform(.remove(record.id, UIDSet(states.map(\.uid))), for: account)
        try purge()
    }

    mutating func change() throws {
        let (from, to) = below(2) == 0 ? ("INBOX", "Work") : ("Work", "INBOX")
        guard case .mailbox(let record) = try service.ask(.mailbox(Fixture.mailbox(from)), of: account) else { return }
        let keywords = (0..<below(3)).map { _ in "k\(below(70))" }
        switch below(20) {
        case ..<6:
            let flags = FlagNames(system: SystemFlags(rawValue: UInt8(below(32))), keywords: keywords)
            try append(to: record.name, flags)
        case ..<12:
            let operation = [FlagOperation.add, .remove, .replace][below(3)]
            let flags = FlagNames(system: SystemFlags(rawValue: UInt8(below(32))), keywords: keywords)
            try service.perform(.storeFlags(record.id, someUIDs(), operation, flags, unchangedSince: nil), for: account)
        case ..<14: try service.perform(.remove(record.id, someUIDs()), for: account)
        case ..<16: try service.perform(.copy(record.id, someUIDs(), to: Fixture.mailbox(to)), for: account)
        case ..<17: try service.perform(.move(record.id, someUIDs(), to: Fixture.mailbox(to)), for: account)
        case ..<18: try purge()
        case ..<19:
            // INBOX is emptied, and its messages are in a mailbox of another name.
            try service.perform(.renameMailbox(from: .inbox, to: Fixture.mailbox("Old\(below(1_000))")), for: account)
        default:
            // Another mailbox of the same name.
            try service.perform(.deleteMailbox(Fixture.mailbox("Work")), for: account)
            try service.perform(.createMailbox(Fixture.mailbox("Work"), specialUse: nil), for: account)
        }
    }

    /// What a new session is told of a mailbox and all its messages.
    mutating func read(
        _ name: String,
        kept: [MailboxID: MailboxRows]
    ) throws -> (told: String, kept: [MailboxID: MailboxRows], calls: [StoreCall]) {
        var test = SessionUnderTest()
        test.kept = kept
        var told = try answer(test.send("s SELECT \(name)"), in: &test)
        let calls = test.storeCalls
        if case .query(.changes)? = calls.dropFirst().first {
            if calls.count == 2 { differenceCount += 1 } else { forgottenCount += 1 }
        }
        told += try answer(test.send("f UID FETCH 1:* (FLAGS MODSEQ)"), in: &test)
        return (told, test.kept, calls)
    }

    private func answer(_ text: String, in test: inout SessionUnderTest) throws -> String {
        var text = text
        while !test.session.isReady {
            guard case .query(let query, _)? = test.calls.last else { return text + "no query" }
            text += test.answer(try service.ask(query, of: account))
        }
        return text
    }
}
