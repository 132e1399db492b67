import Consensus
import MailModel
import Testing

@testable import MailStore

@Suite struct AnswerListTests {
    private func answer(_ number: UInt64) -> AnswerList.Answer {
        AnswerList.Answer(timestamp: Timestamp(milliseconds: Int64(number)), outcome: .purged(UInt32(number)))
    }

    /// Beside a dictionary, with what comes late, twice, and goes from the middle.
    @Test func `a list does what a dictionary does`() {
        var generator = SplitMix64(seed: 11)
        var list = AnswerList()
        var dictionary: [UInt64: AnswerList.Answer] = [:]
        var next: UInt64 = 1
        for _ in 0..<3_000 {
            switch Int.random(in: 0..<10, using: &generator) {
            case 0..<7:
                next += .random(in: 0...2, using: &generator)
                let sequence = next - min(next - 1, .random(in: 0...3, using: &generator))
                // Times do not rise with sequences.
                let given = answer(sequence ^ 5)
                list.insert(given, at: sequence)
                dictionary[sequence] = given
            case 7, 8:
                let end = next - min(next, .random(in: 0...20, using: &generator))
                let due = dictionary.keys.filter { $0 < end }.sorted().prefix(7)
                #expect(list.removeSettled(below: end, atMost: 7) == Array(due))
                for sequence in due { dictionary[sequence] = nil }
            default:
                let end = Timestamp(milliseconds: Int64(next) - 15)
                let due = dictionary.filter { $0.value.timestamp < end }.keys.sorted().prefix(3)
                #expect(list.removeOlder(than: end, atMost: 3) == Array(due))
                for sequence in due { dictionary[sequence] = nil }
            }
            #expect(list.isEmpty == dictionary.isEmpty)
            for sequence in next - min(next, 30)...next + 1 {
                #expect(list[sequence]?.outcome == dictionary[sequence]?.outcome)
            }
        }
    }
}
