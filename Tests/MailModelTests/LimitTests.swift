import MailModel
import NIOCore
import Testing

/// What a gateway lets through must be readable where it is applied: there an unreadable command stops the replica.
@Suite struct LimitTests {
    static func reason(_ command: MailCommand) -> DecodingError.Reason? {
        do {
            _ = try CommandEnvelope(decoding: Samples.envelope(command).encoded())
            return nil
        } catch {
            return error.reason
        }
    }

    /// One STORE may name as many flags as the grammar allows.
    @Test(arguments: [64, 65, 256])
    func manyKeywords(_ count: Int) {
        let keywords = (0..<count).map { "keyword\($0)" }
        let flags = FlagNames(system: .seen, keywords: keywords)
        #expect(Self.reason(.storeFlags(MailboxID(1), uids(1...1), .add, flags, unchangedSince: nil)) == nil)
    }

    @Test func tooManyKeywordsAreRefused() {
        let flags = FlagNames(keywords: (0...MailLimits.keywordsPerCommand).map { "k\($0)" })
        #expect(Self.reason(.storeFlags(MailboxID(1), uids(1...1), .add, flags, unchangedSince: nil)) == .tooLong)
    }

    @Test func theLargestChunkAndSummary() {
        let chunk = ByteBuffer(repeating: 1, count: MailLimits.bodyChunkBytes)
        var message = Samples.message
        message.body = .inline(chunk)
        message.summary = ByteBuffer(repeating: 2, count: MailLimits.summaryBytes)
        #expect(Self.reason(.deliver(message, id: nil)) == nil)
        #expect(Samples.envelope(.deliver(message, id: nil)).encoded().readableBytes <= MailLimits.commandBytes)
        #expect(Self.reason(.uploadChunk(BodyID(high: 1, low: 1), index: 0, bytes: chunk)) == nil)
        let larger = ByteBuffer(repeating: 1, count: MailLimits.bodyChunkBytes + 1)
        #expect(Self.reason(.uploadChunk(BodyID(high: 1, low: 1), index: 0, bytes: larger)) == .tooLong)
        // Else it would take twice the memory for as long as it is kept.
        let entry = Samples.envelope(.uploadChunk(BodyID(high: 1, low: 1), index: 0, bytes: chunk)).encoded()
        #expect(entry.storageCapacity <= 256 << 10)
    }

    /// The widest set that one command may carry: every other message of the most there may be.
    @Test func theMostRanges() {
        let set = UIDSet((0..<UInt32(MailLimits.messagesPerStore)).map { UID(1 + $0 * 2) })
        #expect(set.ranges.count == MailLimits.messagesPerStore)
        #expect(Self.reason(.expunge(MailboxID(1), set)) == nil)
    }

    @Test func theLongestNames() {
        let longest = name(String(repeating: "ü", count: 500))
        #expect(Self.reason(.renameMailbox(from: longest, to: longest)) == nil)
        let address = AccountAddress(String(repeating: "a", count: 64) + "@" + String(repeating: "b", count: 255))
        #expect(
            address.map { Self.reason(.createAccount(address: $0, credential: nil, quotaBytes: 0, mailboxes: [])) }
                == .some(nil)
        )
    }
}
