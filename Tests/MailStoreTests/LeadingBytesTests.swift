import Consensus
import MailModel
import MessageFormat
import NIOCore
import StateStorage
import Testing

@testable import MailStore

/// The first bytes of messages, read with their rows.
@Suite struct LeadingBytesTests {
    private let group = GroupID(1)
    private let account = AccountID(1 << 32 | 1)
    private let header = "Subject: one\r\nFrom: a@b\r\n\r\n"
    private let reader: MailReader

    /// UID 1 has a summary, UID 2 one that nobody understands.
    init() throws {
        let store = MemoryStateStore()
        let applier = MailApplier(store: store)
        try applier.open(group)
        let message = ByteBuffer(string: header + String(repeating: "text\r\n", count: 2_000))
        var parser = MessageParser()
        parser.append(message)
        let summary = parser.finish().encoded()
        let commands: [MailCommand] = [
            .createAccount(
                address: try #require(AccountAddress("anna@example.org")),
                credential: nil,
                quotaBytes: 0,
                mailboxes: []
            ),
            .deliver(Self.message(1, message, summary), id: nil),
            .deliver(Self.message(2, message, ByteBuffer(bytes: [99, 1, 2])), id: nil),
        ]
        for (offset, command) in commands.enumerated() {
            let envelope = CommandEnvelope(
                request: RequestID(session: 1, sequence: UInt64(offset + 1)),
                settledBelow: 0,
                timestamp: Timestamp(milliseconds: 1),
                account: offset == 0 ? AccountID(0) : account,
                command: command
            )
            let index = LogIndex(UInt64(offset + 1))
            _ = try applier.apply(group: group, index: index, term: Term(1), payload: envelope.encoded())
        }
        try applier.commit()
        reader = MailReader(store: store)
    }

    private static func message(_ number: UInt64, _ bytes: ByteBuffer, _ summary: ByteBuffer) -> NewMessage {
        NewMessage(
            bodyID: BodyID(high: number, low: 0),
            internalDate: InternalDate(seconds: 0, zoneMinutes: 0),
            sizeBytes: UInt64(bytes.readableBytes),
            summary: summary,
            body: .inline(bytes)
        )
    }

    private func leading(_ leading: LeadingBytes) throws -> [Int] {
        guard case .mailbox(let inbox) = try reader.answer(.mailbox(.inbox), of: account, in: group) else { return [] }
        let uids = UIDSet(ranges: [1...2])
        let answer = try reader.answer(.details(inbox.id, uids, leading: leading), of: account, in: group)
        guard case .details(let rows) = answer else { return [] }
        return rows.map(\.leading.readableBytes)
    }

    @Test func `of a header no more than the header is read`() throws {
        #expect(try leading(.header(upTo: 9_000)) == [header.utf8.count, 9_000])
        #expect(try leading(.header(upTo: 10)) == [10, 10])
    }

    @Test func `bytes are read whatever they are`() throws {
        #expect(try leading(.bytes(upTo: 5_000)) == [5_000, 5_000])
        #expect(try leading(.bytes(upTo: 50_000)) == [12_000 + header.utf8.count, 12_000 + header.utf8.count])
        #expect(try leading(.none) == [0, 0])
    }

    @Test func `two needs are met together`() {
        let header = LeadingBytes.header(upTo: 100)
        #expect(header.union(.none) == header)
        #expect(header.union(.bytes(upTo: 10)) == .bytes(upTo: 100))
        #expect(LeadingBytes.none.union(.header(upTo: 5)) == .header(upTo: 5))
    }
}
