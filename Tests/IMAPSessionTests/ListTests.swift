import IMAPSyntax
import MailModel
import NIOCore
import Testing

@testable import IMAPSession

@Suite struct ListTests {
    static func record(_ number: Int, _ name: String, isSubscribed: Bool = false, isSelectable: Bool = true)
        -> MailboxRecord
    {
        guard let name = try? MailModel.MailboxName(name) else { preconditionFailure("a name") }
        var record = MailboxRecord(
            id: MailboxID(UInt32(number)),
            name: name,
            specialUse: nil,
            uidValidity: 1
        )
        record.subscribed = isSubscribed
        record.selectable = isSelectable
        return record
    }

    /// The names that a LIST or LSUB shows, with what stands behind them.
    static func names(_ answer: String) -> [String] {
        answer.split(separator: "\r\n").filter { $0.hasPrefix("* L") }.map { line in
            String(line.split(separator: "\"/\" ", maxSplits: 1).last ?? "")
        }
    }

    /// The mailboxes of RFC 5258, section 5, example 9: what is subscribed there.
    static let example = [
        "foo2/bar1", "foo2/bar2", "baz2/bar2", "baz2/bar22", "baz2/bar222", "eps2", "eps2/mamba", "qux2/bar2",
    ]
    .enumerated().map { record($0.offset + 1, $0.element, isSubscribed: true) }

    /// `baz2` and `qux2` are not told: every name below that is selected is told by itself.
    @Test func childInfoIsNotRedundant() {
        var test = SessionUnderTest()
        _ = test.send("a LIST (SUBSCRIBED RECURSIVEMATCH) \"\" *2")
        #expect(
            Self.names(test.answer(.mailboxes(Self.example))) == [
                "baz2/bar2", "baz2/bar22", "baz2/bar222", "eps2 (\"CHILDINFO\" (\"SUBSCRIBED\"))",
                "foo2 (\"CHILDINFO\" (\"SUBSCRIBED\"))", "foo2/bar2", "qux2/bar2",
            ]
        )
        _ = test.send("b LIST (SUBSCRIBED RECURSIVEMATCH) \"\" *")
        let all = Self.names(test.answer(.mailboxes(Self.example)))
        #expect(all == Self.example.map(\.name.text).sorted())
        _ = test.send("c LIST (SUBSCRIBED RECURSIVEMATCH) \"\" (% foo2/*)")
        #expect(
            Self.names(test.answer(.mailboxes(Self.example))) == [
                "baz2 (\"CHILDINFO\" (\"SUBSCRIBED\"))", "eps2 (\"CHILDINFO\" (\"SUBSCRIBED\"))",
                "foo2/bar1", "foo2/bar2", "qux2 (\"CHILDINFO\" (\"SUBSCRIBED\"))",
            ]
        )
    }

    /// The levels of a name that are not mailboxes, those that are none any more, and INBOX in front.
    @Test func theTreeIsInOrder() {
        var test = SessionUnderTest()
        let records = ["b/c", "a b/x", "a/z", "a", "INBOX/k", "INBOX", "a/y/q", "100%", "é"].enumerated().map {
            Self.record($0.offset + 1, $0.element)
        }
        _ = test.send("a LIST \"\" *")
        #expect(
            Self.names(test.answer(.mailboxes(records))) == [
                "INBOX", "INBOX/k", "\"100%\"", "a", "a/y", "a/y/q", "a/z", "\"a b\"", "\"a b/x\"", "b", "b/c", "&AOk-",
            ]
        )
        _ = test.send("b LIST \"\" \"100%\"")
        #expect(Self.names(test.answer(.mailboxes(records))) == ["\"100%\""])
        _ = test.send("c LIST inbox/ k")
        #expect(Self.names(test.answer(.mailboxes(records))) == ["INBOX/k"])
        _ = test.send("d LIST \"\" &A")
        #expect(test.answer(.mailboxes(records)) == "d OK That is all\r\n")
    }

    /// All are told, in whatever order.
    @Test func longNamesThatDifferAtTheirEnd() {
        var test = SessionUnderTest()
        let start = String(repeating: "x", count: 64)
        let records =
            (1...50).map { Self.record($0, start + String(repeating: "y", count: $0)) }
            + [Self.record(51, start), Self.record(52, "x"), Self.record(53, "y"), Self.record(54, start + "/z")]
        _ = test.send("a LIST \"\" *")
        let names = Self.names(test.answer(.mailboxes(records)))
        #expect(names.sorted() == records.map(\.name.text).sorted())
        #expect(Array(names.prefix(3)) == ["x", start, start + "/z"])
        #expect(names.last == "y")
    }

    /// A turn of a LIST ends after a bounded number of steps, and after so many bytes for the client.
    @Test func othersGetTheirTurns() {
        var test = SessionUnderTest()
        let records = (1...10_000).map { Self.record($0, "archive/\($0 % 100)/some folder/\($0)", isSubscribed: true) }
        for command in ["LIST \"\" *", "LIST (SUBSCRIBED RECURSIVEMATCH) \"\" %", "LSUB \"\" *"] {
            test.turns = 0
            _ = test.send("a \(command)")
            let answer = test.answer(.mailboxes(records))
            #expect(answer.hasSuffix("a OK That is all\r\n"))
            #expect(test.turns > 10)
            #expect(test.largestWrite < 2 * SessionLimits.writeBytes)
        }
        // Patterns that come far in every name: a turn has as many steps as any other.
        let patterns = (0..<60).map { "*\(String(repeating: "o*", count: 30))\($0)" }.joined(separator: " ")
        test.turns = 0
        _ = test.send("b LIST \"\" (zzz)")
        #expect(test.answer(.mailboxes(records)) == "b OK That is all\r\n")
        let few = test.turns
        test.turns = 0
        _ = test.send("c LIST \"\" (\(patterns))")
        #expect(test.answer(.mailboxes(records)).hasSuffix("c OK That is all\r\n"))
        #expect(test.turns > few + 10)
    }

    @Test func tooManyPatternsAreRefused() {
        var test = SessionUnderTest()
        let patterns = (0..<60).map { "*\(String(repeating: "o*", count: 60))\($0)" }.joined(separator: " ")
        let answer = test.send("a LIST \"\" (\(patterns))")
        #expect(answer.hasPrefix("a NO [LIMIT] The patterns of one LIST have at most 4096"))
        #expect(test.calls.isEmpty)
        // No name is this long: nothing to refuse.
        _ = test.send("b LIST \"\" \(String(repeating: "a*", count: 30_000))")
        #expect(test.answer(.mailboxes(Self.example)) == "b OK That is all\r\n")
    }
}
