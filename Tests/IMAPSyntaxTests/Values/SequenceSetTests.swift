import Testing

@testable import IMAPSyntax

@Suite struct SequenceSetTests {
    static let samples: [(String, UInt32?, [ClosedRange<UInt32>])] = [
        ("1", 10, [1...1]),
        ("*", 10, [10...10]),
        ("*", nil, []),
        ("5:2", 10, [2...5]),
        ("8:*", 10, [8...10]),
        ("559:*", 10, [10...559]),
        ("*:8", 10, [8...10]),
        ("3,1,2", 10, [1...3]),
        ("1:4,3:6,9", 10, [1...6, 9...9]),
        ("4294967295,1", nil, [1...1, 4_294_967_295...4_294_967_295]),
        ("1:*", nil, []),
        ("4294967295,4294967294:4294967295", nil, [4_294_967_294...4_294_967_295]),
    ]

    @Test(arguments: samples)
    func parsesAndResolves(_ sample: (text: String, last: UInt32?, ranges: [ClosedRange<UInt32>])) throws {
        var cursor = Cursor(bytes(sample.text + " x"), limits: IMAPLimits())
        let set = try SequenceSet.parse(&cursor)
        #expect(set.resolved(last: sample.last) == sample.ranges)
        #expect(cursor.index == sample.text.utf8.count)
        var again = Cursor(bytes(set.description), limits: IMAPLimits())
        #expect(try SequenceSet.parse(&again) == set)
    }

    @Test(arguments: ["", "0", "1,", "1:", ":", "x", "1,,2", "4294967296", "99999999999999999999999"])
    func refuses(_ text: String) {
        var cursor = Cursor(bytes(text), limits: IMAPLimits())
        #expect(throws: SyntaxError.self) { try SequenceSet.parse(&cursor) }
    }

    @Test func numberSetsAreCompressed() {
        #expect(NumberSet([1, 2, 3, 7, 9, 10]).description == "1:3,7,9:10")
        #expect(NumberSet([5, 4, 4_294_967_295]).description == "5,4,4294967295")
        #expect(NumberSet([5, 6, 7]).count == 3)
        #expect(NumberSet().isEmpty)
    }
}
