import Consensus
import MailModel
import NIOCore
import StateStorage
import Testing

@testable import MailStore

/// Rows and keys that nobody wrote like that: an error with a reason, and the process lives.
@Suite struct DamagedRowTests {
    @Test func `a key that is too short is an error`() {
        let key: [UInt8] = [0, 0, 0, 1, 13, 0, 0]
        let error = #expect(throws: DecodingError.self) { try Key.integer(key.span, at: 5, as: UInt64.self) }
        #expect(error == DecodingError(.truncated, offset: 7, subject: "key"))
    }

    /// Every table gets a row with a short key and one with a short value: whatever reads them says so.
    @Test func `short rows of every table are errors`() throws {
        let group = GroupID(1)
        for table in Table.allCases {
            let store = MemoryStateStore()
            let batch = store.makeBatch()
            batch.put(Key(group, table).bytes + [0], [1])
            batch.put(Key(group, table, AccountID(0)).bytes + [0], [1])
            try store.write(batch)
            let applier = MailApplier(store: store)
            guard (try? applier.open(group)) != nil else { continue }
            let end = Timestamp(milliseconds: .max)
            let commands: [MailCommand] = [
                .purgeExpunged(before: end, limit: 9), .purgeDeliveries(before: end, limit: 9),
                .purgeUploads(before: end, from: AccountID(0), limit: 9), .purgeRemnant(ContentsID(1), limit: 9),
                .purgeRequests(before: end, limit: 9), .deleteAccount,
                .expunge(MailboxID(0), UIDSet(ranges: [1...9])),
            ]
            for (index, command) in commands.enumerated() {
                let envelope = CommandEnvelope(
                    request: RequestID(session: 1, sequence: UInt64(index) + 1),
                    settledBelow: 1,
                    timestamp: Timestamp(milliseconds: 1),
                    account: AccountID(0),
                    command: command
                ).encoded()
                let next = applier.appliedIndex(group).next
                _ = try? applier.apply(group: group, index: next, term: Term(1), payload: envelope)
            }
            let reader = MailReader(store: store)
            _ = try? reader.accounts(in: group, after: "", limit: 10)
            for query in [MailQuery.account, .mailboxes, .messages(MailboxID(0), fromUID: UID(0), limit: 9)] {
                _ = try? reader.answer(query, of: AccountID(0), in: group)
            }
        }
    }

    @Test func `rows whose numbers contradict each other are refused`() throws {
        let chunk = UInt64(MailLimits.bodyChunkBytes)
        func body(_ chunks: UInt32, _ size: UInt64) -> ByteBuffer {
            BodyRow(references: 1, sizeBytes: size, chunks: chunks, checksum: 0).row
        }
        for (chunks, size) in [(1, 0), (1, chunk), (2, chunk), (2, chunk + 1), (3, 3 * chunk)] as [(UInt32, UInt64)] {
            _ = try BodyRow(row: body(chunks, size))
        }
        for (chunks, size) in [(0, 0), (1, chunk + 1), (3, chunk), (.max, 5), (2, .max)] as [(UInt32, UInt64)] {
            let error = #expect(throws: DecodingError.self) { try BodyRow(row: body(chunks, size)) }
            #expect(error?.reason == .outOfRange, "\(chunks) \(size)")
        }

        var flags = Array(FlagsRow(flags: MessageFlags(), modSeq: ModSeq(1)).row.readableBytesView)
        flags[1] = 32
        #expect(throws: DecodingError.self) { try FlagsRow(span: flags.span) }
        let high = MessageFlags(keywords: KeywordSet([0, MailLimits.keywordsPerMailbox - 1]))
        let row = Array(FlagsRow(flags: high, modSeq: ModSeq(1)).row.readableBytesView)
        #expect(try FlagsRow(span: row.span).flags == high)
        let zero = [UInt8](repeating: 0, count: 8)
        for bad in [[], Array(row.dropLast()), row + zero.dropLast(), row + zero, Array(row.dropLast(8)) + zero] {
            #expect(throws: DecodingError.self) { try FlagsRow(span: bad.span) }
        }

        func keywords(_ slots: [(String, UInt32)]) -> ByteBuffer {
            var row = newRow()
            row.writeCount(slots.count)
            for (name, messages) in slots {
                row.writeLengthPrefixed(name)
                row.writeInteger(messages)
            }
            return row
        }
        #expect(try KeywordTable(row: keywords([("", 0), ("a", 1)])).names == ["", "a"])
        let tooMany = (0...MailLimits.keywordsPerMailbox).map { ("k\($0)", UInt32(1)) }
        let long = String(repeating: "k", count: MailLimits.keywordBytes + 1)
        let spoiled: [[(String, UInt32)]] = [[("", 1)], [("a", 0)], [(long, 1)], tooMany]
        for bad in spoiled {
            #expect(throws: DecodingError.self) { try KeywordTable(row: keywords(bad)) }
        }
        // A number without a name, or a count below 0, is an error of the row.
        var table = try KeywordTable(row: keywords([("", 0), ("a", 1)]))
        #expect(throws: DecodingError.self) { try table.countMessage(with: KeywordSet([0]), adding: true) }
        #expect(throws: DecodingError.self) { try table.countMessage(with: KeywordSet([2]), adding: true) }
        try table.countMessage(with: KeywordSet([1]), adding: false)
        #expect(throws: DecodingError.self) { try table.countMessage(with: KeywordSet([1]), adding: false) }

        var state = GroupState.fresh
        state.appliedIndex = LogIndex(LogIndex.maximum.rawValue + 1)
        #expect(throws: DecodingError.self) { try GroupState.decodeMeta(state.metaRow) }
    }

    /// Another node asks for rows behind a key: only of the group that it names.
    @Test func `a snapshot goes on only within its group`() throws {
        let store = MemoryStateStore()
        let batch = store.makeBatch()
        for group in 1...3 as ClosedRange<UInt32> {
            batch.put(Key(GroupID(group), .meta).bytes, GroupState.fresh.metaRow)
            batch.put(Key(GroupID(group), .directory).bytes, [1])
        }
        try store.write(batch)
        let source = try #require(try GroupSnapshotSource(group: GroupID(2), store: store))
        let first = try source.chunk(after: [], maximumBytes: 1)
        #expect(try source.chunk(after: first.lastKey, maximumBytes: 1_000).isLast)
        for after in [[0], [0, 0, 0, 1, 1], [0, 0, 0, 3], [255]] as [[UInt8]] {
            #expect(throws: DecodingError.self) { try source.chunk(after: after, maximumBytes: 1_000) }
        }
    }

    @Test func `snapshot rows of no known table are refused`() throws {
        let sink = GroupSnapshotSink(group: GroupID(1), store: MemoryStateStore())
        try sink.begin()
        for (key, value) in [([], 1), ([0, 1], 1), ([200, 1], 1), ([1], 2_000_000)] as [([UInt8], Int)] {
            var rows = ByteBuffer()
            rows.writeLengthPrefixed(key)
            rows.writeLengthPrefixed(ByteBuffer(repeating: 0, count: value))
            let chunk = SnapshotChunk(rows: rows, lastKey: [], isLast: true)
            #expect(throws: DecodingError.self) { try sink.add(chunk) }
        }
    }
}
