import MailModel
import MessageFormat
import NIOCore
import Testing

@testable import MailStore

/// The first bytes of messages, read with their rows.
@Suite struct LeadingBytesTests {
    private let header = "Subject: one\r\nFrom: a@b\r\n\r\n"
    private let replica: CountedReplica

    /// UID 1 has a summary, UID 2 one that nobody understands.
    init() throws {
        replica = try CountedReplica()
        let message = ByteBuffer(string: header + String(repeating: "text\r\n", count: 2_000))
        var parser = MessageParser()
        parser.append(message)
        let summaries = [parser.finish().encoded(), ByteBuffer(bytes: [99, 1, 2])]
        for (number, summary) in summaries.enumerated() {
            try replica.apply(.deliver(Self.message(UInt64(number), message, summary), id: nil))
        }
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
        let inbox = try #require(try replica.mailbox(.inbox))
        let query = MailQuery.details(inbox.id, UIDSet(ranges: [1...2]), leading: leading)
        let answer = try replica.reader.answer(query, of: replica.account, in: replica.group)
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
