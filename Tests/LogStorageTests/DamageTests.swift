import Consensus
import Glibc
import LogStorage
import NIOCore
import Testing

/// Damage anywhere in a small log: what is called intact is exactly what was acknowledged, and nothing vanishes.
@Suite struct DamageTests {
    static let one = GroupID(1)
    static let two = GroupID(2)

    private static var settings: LogSettings {
        var settings = LogSettings.small
        settings.segmentBytes = 3072
        return settings
    }

    /// Three segments, the last of which ends with a round of entries, or with a seal.
    private static func makeLog(sealed: Bool) throws -> LogUnderTest {
        var subject = try LogUnderTest(settings: settings)
        var random = SplitMix64(seed: 7)
        try subject.write(.createGroup(one, .start), .createGroup(two, .at(4, term: 2)))
        try subject.write(
            .saveHardState(one, HardState(term: Term(1), vote: ReplicaID(1))),
            .append(one, firstIndex: LogIndex(1), [.noop(term: 1), .command(term: 1, random.bytes(100))])
        )
        // Sectors of zeros, with a single bit, and a short tail.
        var zeros = [UInt8](repeating: 0, count: 1100)
        zeros[777] = 4
        try subject.write(
            .append(two, firstIndex: LogIndex(5), [.command(term: 3, zeros), .configuration(term: 3, .joint)])
        )
        try subject.write(.append(one, firstIndex: LogIndex(3), [.command(term: 1, [1])]))
        try subject.write(.append(one, firstIndex: LogIndex(2), [.command(term: 2, random.bytes(600))]))
        try subject.write(.saveHardState(one, HardState(term: Term(2), vote: nil, commitIndex: LogIndex(2))))
        try subject.write(
            .append(two, firstIndex: LogIndex(7), [.command(term: 3, zeros)]),
            .append(one, firstIndex: LogIndex(3), [.command(term: 2, [1])])
        )
        if sealed { try subject.log.seal() }
        #expect(try subject.disk.list().count >= 3)
        return subject
    }

    /// Opens a damaged copy twice: the verdict has to be right, and to stay.
    private func check(_ disk: MemoryDisk, _ model: Model, _ what: String, attempts: Int = 2) throws -> Int {
        var damagedBefore: Set<GroupID> = []
        for attempt in 0..<attempts {
            let (log, recovered) = try SegmentedLog.open(disk: disk, settings: Self.settings)
            let intact = recovered.filter { $0.verdict == .intact }
            let found = try Model(intact, log.reader)
            let known = Set(recovered.map(\.group))
            for (id, group) in model.groups {
                #expect(known.contains(id), "\(what): group \(id.rawValue) vanished")
                if let seen = found.groups[id] {
                    #expect(seen == group, "\(what): group \(id.rawValue) differs")
                    #expect(!damagedBefore.contains(id), "\(what): the verdict was forgotten")
                } else {
                    if attempt == 0 { damagedBefore.insert(id) }
                }
            }
        }
        return damagedBefore.count
    }

    @Test(arguments: [false, true])
    func flippedBits(sealed: Bool) throws {
        let subject = try Self.makeLog(sealed: sealed)
        var damaged = 0
        for name in try subject.disk.list() {
            let bytes = try #require(subject.disk.contents(of: name))
            for index in bytes.indices {
                for bit in Self.bits(toFlipAt: index, bytes[index]) {
                    let disk = subject.disk.copy()
                    disk.corrupt(name) { $0[index] ^= 1 << bit }
                    damaged += try check(
                        disk,
                        subject.model,
                        "\(name), byte \(index), bit \(bit)",
                        attempts: index % 16 == 0 ? 2 : 1
                    )
                }
            }
        }
        #expect(damaged > 0)
    }

    /// All, when `STAFFETTA_EXHAUSTIVE` is set (then build for release); else all at the start of each sector, where
    /// the headers are, and a sample of the rest.
    private static func bits(toFlipAt index: Int, _ byte: UInt8) -> [Int] {
        if isExhaustive || index % 512 < 12 { return Array(0..<8) }
        return index % (byte == 0 ? 29 : 5) == 0 ? [index % 8] : []
    }

    private static let isExhaustive = getenv("STAFFETTA_EXHAUSTIVE") != nil

    @Test(arguments: [false, true])
    func cuts(sealed: Bool) throws {
        let subject = try Self.makeLog(sealed: sealed)
        for name in try subject.disk.list() {
            let bytes = try #require(subject.disk.contents(of: name))
            for length in stride(from: 1, to: bytes.count, by: Self.isExhaustive ? 1 : 23) {
                let disk = subject.disk.copy()
                disk.corrupt(name) { $0.removeLast($0.count - length) }
                _ = try check(disk, subject.model, "\(name), cut to \(length)")
            }
        }
    }

    @Test func everyZeroedSectorBeforeTheEnd() throws {
        let subject = try Self.makeLog(sealed: true)
        for name in try subject.disk.list() {
            let bytes = try #require(subject.disk.contents(of: name))
            for sector in 0..<bytes.count / 512 {
                let disk = subject.disk.copy()
                disk.corrupt(name) { for index in sector * 512..<(sector + 1) * 512 { $0[index] = 0 } }
                _ = try check(disk, subject.model, "\(name), sector \(sector)")
            }
        }
    }

    @Test func everyMissingSegmentButTheLast() throws {
        let subject = try Self.makeLog(sealed: true)
        for name in try subject.disk.list().dropLast() {
            let disk = subject.disk.copy()
            try disk.delete(name)
            #expect(try check(disk, subject.model, "without \(name)") > 0)
        }
    }

    @Test func swappedSegmentsAndRubbish() throws {
        let subject = try Self.makeLog(sealed: true)
        let names = try subject.disk.list()
        let swapped = subject.disk.copy()
        let first = try #require(swapped.contents(of: names[0]))
        swapped.corrupt(names[1]) { $0 = first }
        #expect(try check(swapped, subject.model, "swapped") > 0)
        for seed in 0..<(Self.isExhaustive ? 5000 : 50) {
            var random = SplitMix64(seed: UInt64(seed))
            let disk = subject.disk.copy()
            disk.corrupt(names[random.below(names.count)]) { bytes in
                let start = random.below(bytes.count)
                let rubbish = random.bytes(random.below(bytes.count - start))
                bytes.replaceSubrange(start..<start + rubbish.count, with: rubbish)
            }
            _ = try check(disk, subject.model, "rubbish \(seed)")
        }
    }

    @Test func damageStaysWithItsGroup() throws {
        var subject = try LogUnderTest()
        try subject.write(.createGroup(Self.one, .start), .createGroup(Self.two, .start))
        let marker = Array("the bytes to damage".utf8)
        try subject.write(
            .append(Self.one, firstIndex: LogIndex(1), [.command(term: 1, marker + [UInt8](repeating: 1, count: 600))]),
            .append(Self.two, firstIndex: LogIndex(1), [.command(term: 1, [UInt8](repeating: 2, count: 600))])
        )
        try subject.write(.append(Self.two, firstIndex: LogIndex(2), [.command(term: 1, [2])]))
        for name in try subject.disk.list() {
            subject.disk.corrupt(name) { bytes in
                guard bytes.count > marker.count else { return }
                for start in 0..<bytes.count - marker.count where Array(bytes[start..<start + marker.count]) == marker {
                    bytes[start + 3] ^= 1
                }
            }
        }
        let (log, recovered) = try SegmentedLog.open(disk: subject.disk, settings: subject.settings)
        let verdicts = Dictionary(uniqueKeysWithValues: recovered.map { ($0.group, $0.verdict) })
        #expect(verdicts[Self.two] == .intact)
        #expect(verdicts[Self.one] != .intact)
        // The replica comes back under a new ID; then all is well again, also in the eyes of the next opening.
        try log.append(LogRound([.removeGroup(Self.one), .createGroup(Self.one, .at(9, term: 4))]))
        let (again, healed) = try SegmentedLog.open(disk: subject.disk, settings: subject.settings)
        #expect(healed.allSatisfy { $0.verdict == .intact })
        #expect(again.reader.lastIndex(of: Self.one) == LogIndex(9))
        #expect(again.reader.lastIndex(of: Self.two) == LogIndex(2))
    }

    @Test func damageUnderARunningLogIsSeenByTheReader() throws {
        var subject = try LogUnderTest()
        try subject.write(.createGroup(Self.one, .start))
        try subject.write(.append(Self.one, firstIndex: LogIndex(1), [.command(term: 1, Array("abcdefgh".utf8))]))
        for name in try subject.disk.list() {
            subject.disk.corrupt(name) { bytes in
                for index in bytes.indices where bytes[index] == UInt8(ascii: "g") { bytes[index] = 0 }
            }
        }
        #expect(
            kind { try subject.log.reader.read(Self.one, from: LogIndex(1), upTo: LogIndex(1), maxBytes: 1) }
                == .damaged
        )
    }
}
