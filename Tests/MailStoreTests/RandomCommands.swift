import Consensus
import MailModel
import NIOCore

/// Random but sensible commands for two accounts of a group, as encoded entries.
struct RandomCommands {
    private var random: SplitMix64
    private var sequence: UInt64 = 0
    private var milliseconds: Int64 = 1_700_000_000_000
    private var earlier: [ByteBuffer] = []

    static let accounts = [AccountID(1 << 32 | 1), AccountID(1 << 32 | 2)]
    private static let names = ["INBOX", "Sent", "work", "work/a", "work/b", "old", "old/work", "old/work/work"]

    init(seed: UInt64) { random = SplitMix64(seed: seed) }

    mutating func next() -> ByteBuffer {
        // Now and then a request comes twice.
        if let again = earlier.randomElement(using: &random), Int.random(in: 0..<10, using: &random) == 0 {
            return again
        }
        sequence += 1
        milliseconds += Int64.random(in: 0...5_000, using: &random)
        let settled = sequence > 5 ? sequence - UInt64.random(in: 0...5, using: &random) : 1
        let command = sequence <= 2 ? create(Int(sequence)) : randomCommand()
        let account = sequence <= 2 ? AccountID(0) : Self.accounts.randomElement(using: &random) ?? AccountID(0)
        let entry = CommandEnvelope(
            request: RequestID(session: 7, sequence: sequence),
            settledBelow: settled,
            timestamp: Timestamp(milliseconds: milliseconds),
            account: account,
            command: command
        ).encoded()
        earlier.append(entry)
        if earlier.count > 8 { earlier.removeFirst() }
        return entry
    }

    private func create(_ number: Int) -> MailCommand {
        guard let address = AccountAddress("user\(number)@example.org") else { return .deleteAccount }
        return .createAccount(
            address: address,
            credential: nil,
            quotaBytes: number == 2 ? 20_000 : 0,
            mailboxes: DefaultMailbox.standard
        )
    }

    private mutating func name() -> MailboxName {
        (try? MailboxName(Self.names.randomElement(using: &random) ?? "INBOX")) ?? .inbox
    }

    private mutating func mailbox() -> MailboxID { MailboxID(UInt32.random(in: 1...12, using: &random)) }

    private mutating func uids() -> UIDSet {
        let low = UInt32.random(in: 1...20, using: &random)
        return UIDSet(ranges: [low...(low + UInt32.random(in: 0...20, using: &random))])
    }

    /// Of 900, some more often than others, and many at a time now and then: more than a mailbox has room for.
    private mutating func keywords() -> [String] {
        let count = Int.random(in: 0..<12, using: &random) == 0 ? 250 : 1
        return (0..<count).map { _ in
            let letter = Bool.random(using: &random) ? "k" : "K"
            return letter + "\(random.next() % (Bool.random(using: &random) ? 5 : 900))"
        }
    }

    private mutating func message() -> NewMessage {
        let body = ByteBuffer(
            repeating: UInt8.random(in: 0...255, using: &random),
            count: Int.random(in: 1...900, using: &random)
        )
        return NewMessage(
            bodyID: BodyID(milliseconds: milliseconds, random: random.next(), random.next()),
            internalDate: InternalDate(seconds: milliseconds / 1_000, zoneMinutes: 60),
            flags: FlagNames(
                system: Bool.random(using: &random) ? .seen : [],
                keywords: Bool.random(using: &random) ? keywords() : []
            ),
            sizeBytes: UInt64(body.readableBytes),
            summary: ByteBuffer(string: "summary"),
            body: .inline(body)
        )
    }

    private mutating func randomCommand() -> MailCommand {
        switch Int.random(in: 0..<34, using: &random) {
        case 0..<9:
            return .deliver(
                message(),
                id: Bool.random(using: &random) ? DeliveryID(high: 1, low: random.next() % 20) : nil
            )
        case 9..<13: return .append(message(), to: name())
        case 13..<16:
            let flags = FlagNames(
                system: [.deleted, .seen].randomElement(using: &random) ?? .seen,
                keywords: keywords()
            )
            let operation = [FlagOperation.add, .remove, .replace].randomElement(using: &random) ?? .add
            let since: ModSeq? = Bool.random(using: &random) ? ModSeq(random.next() % 40) : nil
            return .storeFlags(mailbox(), uids(), operation, flags, unchangedSince: since)
        case 16..<18:
            return Bool.random(using: &random)
                ? .expunge(mailbox(), UIDSet(ranges: [1...(.max)])) : .remove(mailbox(), uids())
        case 18..<20: return .copy(mailbox(), uids(), to: name())
        case 20..<22: return .move(mailbox(), uids(), to: name())
        case 22: return .createMailbox(name(), specialUse: nil)
        case 23: return .deleteMailbox(name())
        case 24: return .renameMailbox(from: name(), to: name())
        case 25: return .setSubscribed(name(), Bool.random(using: &random))
        case 26: return .storeFlags(mailbox(), uids(), .add, FlagNames(system: .seen), unchangedSince: nil)
        case 27: return .purgeExpunged(before: Timestamp(milliseconds: milliseconds - 40_000), limit: 5)
        case 29: return .purgeRemnant(ContentsID(UInt32.random(in: 1...14, using: &random)), limit: 3)
        case 28:
            return .uploadChunk(
                BodyID(high: 1, low: random.next() % 3),
                index: UInt32(random.next() % 2),
                bytes: ByteBuffer(repeating: 1, count: 100)
            )
        case 31: return .setSubscribed(name(), true)
        case 32: return .renameMailbox(from: name(), to: name())
        case 33: return .createMailbox(name(), specialUse: nil)
        default: return .setQuota(bytes: [0, 30_000, 5_000].randomElement(using: &random) ?? 0)
        }
    }
}
