import Testing

@testable import IMAPSyntax

@Suite struct SearchCommandTests {
    static let day = CalendarDate(year: 2024, month: 2, day: 1)!

    static let keys: [(String, SearchKey)] = [
        ("ALL", .all),
        ("seen", .flag(.seen)),
        ("UNSEEN", .not(.flag(.seen))),
        ("ANSWERED UNANSWERED", .and([.flag(.answered), .not(.flag(.answered))])),
        ("DELETED UNDELETED", .and([.flag(.deleted), .not(.flag(.deleted))])),
        ("FLAGGED UNFLAGGED", .and([.flag(.flagged), .not(.flag(.flagged))])),
        ("DRAFT UNDRAFT", .and([.flag(.draft), .not(.flag(.draft))])),
        ("RECENT NEW OLD", .and([.flag(.recent), .new, .old])),
        ("KEYWORD $Junk", .flag(.keyword(Keyword("$Junk")!))),
        ("UNKEYWORD x", .not(.flag(.keyword(Keyword("x")!)))),
        ("FROM a TO b CC c BCC d", .and([.from([97]), .to([98]), .cc([99]), .bcc([100])])),
        ("SUBJECT \"a b\" BODY {2}\r\nxy TEXT t", .and([.subject(bytes("a b")), .body(bytes("xy")), .text([116])])),
        ("HEADER Message-ID \"\"", .header(name: bytes("Message-ID"), value: [])),
        ("BEFORE 1-Feb-2024 ON \"1-feb-2024\" SINCE 01-FEB-2024", .and([.before(day), .on(day), .since(day)])),
        (
            "SENTBEFORE 1-Feb-2024 SENTON 1-Feb-2024 SENTSINCE 1-Feb-2024",
            .and([.sentBefore(day), .sentOn(day), .sentSince(day)])
        ),
        (
            "SAVEDBEFORE 1-Feb-2024 SAVEDON 1-Feb-2024 SAVEDSINCE 1-Feb-2024 SAVEDATESUPPORTED",
            .and([.savedBefore(day), .savedOn(day), .savedSince(day), .saveDateSupported])
        ),
        ("LARGER 10 SMALLER 5000000000", .and([.larger(10), .smaller(5_000_000_000)])),
        ("OLDER 60 YOUNGER 3600", .and([.older(seconds: 60), .younger(seconds: 3_600)])),
        ("MODSEQ 620162338", .modSeq(620_162_338, entry: nil)),
        (
            "MODSEQ \"/flags/\\\\draft\" all 5",
            .modSeq(5, entry: ModSeqEntry(name: bytes("/flags/\\draft"), kind: .all))
        ),
        ("EMAILID M-1_a THREADID T2", .and([.emailID("M-1_a"), .threadID("T2")])),
        ("1:3,* UID 5:*", .and([.sequenceNumbers(numbers(.range(1, 3), .last)), .uids(numbers(.from(5)))])),
        ("$ NOT UID $", .and([.sequenceNumbers(.savedResult), .not(.uids(.savedResult))])),
        ("OR SEEN (FLAGGED NOT DRAFT)", .or(.flag(.seen), .and([.flag(.flagged), .not(.flag(.draft))]))),
        ("((SEEN))", .flag(.seen)),
    ]

    @Test(arguments: keys)
    func parsesKeys(_ sample: (line: String, key: SearchKey)) throws {
        #expect(try parse("SEARCH \(sample.line)") == .search(SearchCommand(.sequenceNumber, sample.key)))
    }

    @Test func parsesReturnAndCharset() throws {
        #expect(
            try parse("UID SEARCH RETURN (MIN max COUNT SAVE) CHARSET utf-8 TEXT {2}\r\né")
                == .search(
                    SearchCommand(.uid, .text(bytes("é")), returns: .init([.min, .max, .count, .save]), charset: .utf8)
                )
        )
        #expect(
            try parse("SEARCH RETURN () ALL") == .search(SearchCommand(.sequenceNumber, .all, returns: .init(.all)))
        )
        #expect(
            try parse("SEARCH RETURN (PARTIAL -1:-100) ALL")
                == .search(
                    SearchCommand(.sequenceNumber, .all, returns: .init([], partial: .init(first: -1, last: -100)))
                )
        )
    }

    @Test(arguments: [
        "SEARCH", "SEARCH ()", "SEARCH NOPE", "SEARCH NOT", "SEARCH OR SEEN", "SEARCH (SEEN",
        "SEARCH BEFORE 30-Feb-2024",
        "SEARCH BEFORE 1-Foo-2024", "SEARCH RETURN (NOPE) ALL", "SEARCH RETURN (ALL PARTIAL 1:2) ALL",
        "SEARCH LARGER", "SEARCH RETURN (MIN)", "SEARCH EMAILID a.b", "SEARCH SEEN)",
    ])
    func refuses(_ line: String) {
        #expect(failure("A1 " + line)?.kind == .malformed)
    }

    @Test func takesOtherCharsetsAsTheyAre() throws {
        let command = SearchCommand(.sequenceNumber, .text(bytes("+AOk-")), charset: .named("Utf-7"))
        #expect(try parse("SEARCH CHARSET \"Utf-7\" TEXT +AOk-") == .search(command))
    }

    @Test(arguments: ["(", "NOT ", "OR ALL "])
    func nestingIsBounded(_ opener: String) {
        let line = "A1 SEARCH " + String(repeating: opener, count: 1_000) + "ALL"
        #expect(failure(line)?.kind == .limitExceeded)
        let fine = String(repeating: opener, count: 60) + "ALL" + String(repeating: ")", count: opener == "(" ? 60 : 0)
        #expect(failure("A1 SEARCH " + fine) == nil)
    }

    @Test func numberOfKeysIsBounded() {
        #expect(failure("A1 SEARCH" + String(repeating: " ALL", count: 2_048)) == nil)
        #expect(failure("A1 SEARCH" + String(repeating: " ALL", count: 2_049))?.kind == .limitExceeded)
    }
}
