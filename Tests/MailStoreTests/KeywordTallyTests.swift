import Consensus
import MailModel
import Testing

@testable import MailStore

@Suite struct KeywordTallyTests {
    private func sets(_ count: Int) -> [KeywordSet] {
        var generator = SplitMix64(seed: 7)
        return (0..<count).map { _ in
            KeywordSet(
                (0..<Int.random(in: 0...40, using: &generator)).map { _ in .random(in: 0..<512, using: &generator) }
            )
        }
    }

    @Test func `a tally counts as one by one`() {
        var tally = KeywordTally()
        #expect(tally.isEmpty)
        tally.add(KeywordSet())
        #expect(tally.isEmpty)
        var counts = [UInt32](repeating: 0, count: MailLimits.keywordsPerMailbox)
        for set in sets(1_000) + Array(repeating: KeywordSet(0..<512), count: 1_000) {
            tally.add(set)
            for number in set.numbers { counts[number] += 1 }
        }
        #expect((0..<512).map { tally[$0] } == counts)
        #expect(!tally.isEmpty)
    }

    @Test func `a mapping maps as one by one`() {
        let all = Array(0..<512)
        let new: [Int?] = all.map { $0 % 5 == 0 ? nil : 511 - $0 }
        let mapping = KeywordMapping(all, new)
        for set in sets(100) { #expect(mapping.map(set) == KeywordSet(set.numbers.compactMap { new[$0] })) }
        let same = KeywordMapping(all, all)
        for set in sets(10) { #expect(same.map(set) == set) }
        #expect(KeywordMapping([3, 70], [3, nil]).map(KeywordSet([3, 70])) == KeywordSet([3]))
    }
}
