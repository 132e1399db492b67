import Consensus
import MailModel
import NIOCore
import StateStorage
import Testing

@testable import MailStore

/// A state that is kept at an index: what its rows add up to, whole and in parts.
@Suite struct VerifyTests {
    private let group = GroupID(1)

    private func filled(_ seed: UInt64, _ count: Int = 200) throws -> MemoryStateStore {
        var commands = RandomCommands(seed: seed)
        let store = MemoryStateStore()
        let applier = MailApplier(store: store)
        try applier.open(group)
        for index in 1...count {
            let index = LogIndex(UInt64(index))
            _ = try applier.apply(group: group, index: index, term: Term(1), payload: commands.next())
        }
        try applier.commit()
        return store
    }

    private func rows(_ store: MemoryStateStore, _ table: Table) throws -> [(key: [UInt8], value: [UInt8])] {
        var rows: [(key: [UInt8], value: [UInt8])] = []
        let prefix = Key(group, table)
        try store.scan(from: prefix.bytes, to: prefix.end) { key, value in
            rows.append((key.copied(), value.copied()))
            return true
        }
        return rows
    }

    private func scrub(_ store: MemoryStateStore, step: Int = 1_000) throws -> StateScrub.Result? {
        let state = try #require(try MarkedState(group: group, store: store))
        var scrub = StateScrub(state)
        while scrub.result == nil { #expect(try scrub.step(maximumBytes: step)) }
        return scrub.result
    }

    private func isHarmed(_ result: StateScrub.Result?) -> Bool {
        switch result {
        case .harmed, .harmedBody: true
        case .intact, nil: false
        }
    }

    @Test(arguments: 1...10 as ClosedRange<UInt64>, [1, 700, 1 << 30])
    func `runs of any length add up to the digest`(seed: UInt64, bytes: Int) throws {
        let store = try filled(seed)
        let state = try #require(try MarkedState(group: group, store: store))
        #expect(state.index == LogIndex(200))
        var sum: UInt64 = 0
        var after: [UInt8] = []
        var keys: [[UInt8]] = []
        while true {
            let run = try #require(try state.run(after: after, through: nil, maximumRows: 7, maximumBytes: bytes))
            sum &+= run.sum
            after = run.last
            keys.append(run.last)
            #expect(run.count <= 7)
            // The same rows by their ends, in one go.
            let end = run.isComplete && run.last.isEmpty ? nil : run.last
            let start = keys.count < 2 ? [] : keys[keys.count - 2]
            let again = try state.run(after: start, through: end, maximumRows: .max, maximumBytes: .max)
            #expect(again?.sum == run.sum && again?.count == run.count && again?.isComplete == true)
            if run.isComplete { break }
        }
        #expect(StateDigest(sum) == state.digest)
        #expect(state.digest == (try recomputedDigest(group, in: store)))
    }

    @Test func `what is kept stays as it was, until it is closed`() throws {
        let store = try filled(3)
        let state = try #require(try MarkedState(group: group, store: store))
        try GroupSnapshotSink.clear(group, in: store)
        #expect(try MarkedState(group: group, store: store) == nil)
        let run = try state.run(after: [], through: nil, maximumRows: .max, maximumBytes: .max)
        #expect(run.map { StateDigest($0.sum) } == state.digest)
        state.close()
        #expect(try state.run(after: [], through: nil, maximumRows: 1, maximumBytes: 1) == nil)
        var scrub = StateScrub(state)
        #expect(try !scrub.step(maximumBytes: 1))
    }

    @Test(arguments: 1...10 as ClosedRange<UInt64>, [1, 5_000])
    func `a scrub finds nothing where nothing is wrong`(seed: UInt64, step: Int) throws {
        #expect(try scrub(try filled(seed), step: step) == .intact)
    }

    @Test(arguments: Table.digested)
    func `a scrub finds a row of any table that is not what was written`(table: Table) throws {
        let store = try filled(5, 400)
        guard let row = try rows(store, table).last else { return }
        var changed = row.value
        changed[changed.count - 1] ^= 1
        let batch = store.makeBatch()
        batch.put(row.key, changed)
        try store.write(batch)
        let sum = try recomputedDigest(group, in: store).value
        #expect(try scrub(store) == .harmed(sum: sum))
        batch.clear()
        batch.delete(row.key)
        try store.write(batch)
        #expect(isHarmed(try scrub(store)), "a missing row")
    }

    @Test func `a scrub names the body whose bytes are not what they were`() throws {
        let store = try filled(5, 400)
        for row in try rows(store, .chunks).prefix(20) {
            let batch = store.makeBatch()
            var changed = row.value
            changed[changed.count / 2 + 2] ^= 0x10
            batch.put(row.key, changed)
            try store.write(batch)
            let found = try scrub(store)
            let name = Array(row.key[5..<(row.key.count - 4)])
            #expect([Table.bodies, .uploads].contains { found == .harmedBody(key: [$0.rawValue] + name) })
            batch.clear()
            batch.delete(row.key)
            try store.write(batch)
            #expect(isHarmed(try scrub(store)), "a missing chunk")
            batch.clear()
            batch.put(row.key, row.value)
            try store.write(batch)
        }
        #expect(try scrub(store) == .intact)
    }

    @Test func `a snapshot whose rows are harmed is not taken`() throws {
        let store = try filled(7)
        let row = try #require(try rows(store, .messages).first ?? rows(store, .mailboxes).first)
        let batch = store.makeBatch()
        var changed = row.value
        changed[changed.count - 1] ^= 1
        batch.put(row.key, changed)
        try store.write(batch)
        let source = try #require(try GroupSnapshotSource(group: group, store: store))
        let target = MemoryStateStore()
        let sink = GroupSnapshotSink(group: group, store: target)
        try sink.begin()
        try sink.add(try source.chunk(after: [], maximumBytes: .max))
        #expect(throws: DecodingError.self) { try sink.finish(note: []) }
        #expect(try GroupSnapshotSink.isInterrupted(group, in: target))
    }

    /// The bytes of messages are in no digest.
    @Test(arguments: [true, false], [120, Int.max])
    func `a snapshot with a spoiled body is not taken`(_ isMissing: Bool, _ maximumBytes: Int) throws {
        let store = try filled(5, 400)
        for row in try rows(store, .chunks).prefix(20) {
            let batch = store.makeBatch()
            var changed = row.value
            changed[changed.count / 2 + 2] ^= 0x10
            if isMissing { batch.delete(row.key) } else { batch.put(row.key, changed) }
            try store.write(batch)
            #expect(throws: DecodingError.self) { try copy(store, maximumBytes) }
            batch.clear()
            batch.put(row.key, row.value)
            try store.write(batch)
        }
        try copy(store, maximumBytes)
    }

    /// The rows of uploads come behind all chunks, and what a deleted account has left may have none.
    @Test(arguments: [120, Int.max])
    func `a snapshot with a spoiled upload is not taken, and one with bytes that no row names is`(
        _ maximumBytes: Int
    ) throws {
        let store = try filled(5, 400)
        let upload = try #require(try rows(store, .uploads).first)
        let chunk = try #require(
            try rows(store, .chunks).first { $0.key[5..<($0.key.count - 4)] == upload.key[5...] }
        )
        let batch = store.makeBatch()
        var changed = chunk.value
        changed[changed.count - 1] ^= 1
        batch.put(chunk.key, changed)
        try store.write(batch)
        #expect(throws: DecodingError.self) { try copy(store, maximumBytes) }
        batch.clear()
        batch.put(chunk.key, chunk.value)
        var orphan = chunk.key
        orphan[orphan.count - 5] ^= 0x55
        batch.put(orphan, chunk.value)
        try store.write(batch)
        try copy(store, maximumBytes)
    }

    private func copy(_ store: MemoryStateStore, _ maximumBytes: Int) throws {
        let source = try #require(try GroupSnapshotSource(group: group, store: store))
        let sink = GroupSnapshotSink(group: group, store: MemoryStateStore())
        try sink.begin()
        var after: [UInt8] = []
        while true {
            let chunk = try source.chunk(after: after, maximumBytes: maximumBytes)
            try sink.add(chunk)
            after = chunk.lastKey
            if chunk.isLast { break }
        }
        _ = try sink.finish(note: [])
    }

    /// A piece that comes twice counts once.
    @Test func `a snapshot that comes with repetitions is taken`() throws {
        let source = try #require(try GroupSnapshotSource(group: group, store: try filled(8)))
        let target = MemoryStateStore()
        let sink = GroupSnapshotSink(group: group, store: target)
        try sink.begin()
        var after: [UInt8] = []
        while true {
            let chunk = try source.chunk(after: after, maximumBytes: 400)
            try sink.add(chunk)
            try sink.add(chunk)
            after = chunk.lastKey
            if chunk.isLast { break }
        }
        #expect(try sink.finish(note: []) == LogIndex(200))
    }
}

@Suite struct RowNameTests {
    /// Logs are read by many: addresses and names of mailboxes are not in them.
    @Test func `a row is named without what its owner has written`() {
        func name(_ key: Key) -> String { RowName(key: Array(key.bytes.dropFirst(4))).description }
        let group = GroupID(7)
        let account = AccountID(7 << 32 | 5)
        var address = Key(group, .addresses)
        address.append(text: "anna@example.org")
        var mailbox = Key(group, .mailboxNames, account)
        mailbox.append(text: "Secret plans")
        #expect(
            name(Key(group, .flags, account, ContentsID(3), UID(9))) == "flags, account 30064771077, contents 3, UID 9"
        )
        #expect(name(address).hasPrefix("addresses, address with hash "))
        #expect(!name(address).contains("anna"))
        #expect(name(mailbox).hasPrefix("mailbox names, account 30064771077, name with hash "))
        #expect(!name(mailbox).contains("Secret"))
        #expect(RowName(key: []).description == "the group's own row")
    }

    /// What comes from another node may be anything.
    @Test func `any bytes have a name`() {
        for table in 0...UInt8.max {
            for length in 0..<40 {
                let key = [table] + [UInt8](repeating: 200, count: length)
                #expect(!RowName(key: key).description.isEmpty)
            }
        }
    }
}
