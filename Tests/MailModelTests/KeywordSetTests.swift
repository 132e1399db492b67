import MailModel
import Testing

@Suite struct KeywordSetTests {
    @Test(arguments: [[], [0], [63], [64], [0, 63, 64, 511], Array(0..<512)])
    func `a set holds its numbers`(_ numbers: [Int]) {
        let set = KeywordSet(numbers)
        #expect(set.numbers == numbers)
        #expect(set.isEmpty == numbers.isEmpty)
        #expect((-1...600).filter(set.contains) == numbers)
        #expect(set.high.count <= KeywordSet.maximumHighWords)
    }

    @Test func `sets are equal whatever was in them`() {
        var set = KeywordSet([3, 200, 511])
        set.subtract(KeywordSet([200, 511, 70]))
        #expect(set == KeywordSet([3]))
        #expect(set == KeywordSet(low: 8, high: [0, 0]))
        #expect(set.high.isEmpty)
        #expect(KeywordSet([1]).union(KeywordSet([130])).numbers == [1, 130])
        #expect(KeywordSet([130, 400]).union(KeywordSet([1])).numbers == [1, 130, 400])
        #expect(KeywordSet([1, 400]).subtracting(KeywordSet([1])).numbers == [400])
    }
}
