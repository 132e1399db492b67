import Testing

@testable import IMAPSyntax

@Suite struct FetchCommandTests {
    static let items: [(String, [FetchItem])] = [
        ("ALL", [.flags, .internalDate, .size, .envelope]),
        ("fast", [.flags, .internalDate, .size]),
        ("FULL", [.flags, .internalDate, .size, .envelope, .body]),
        ("FLAGS", [.flags]),
        ("(UID FLAGS uid)", [.uid, .flags]),
        (
            "(INTERNALDATE RFC822.SIZE ENVELOPE BODYSTRUCTURE BODY)",
            [.internalDate, .size, .envelope, .bodyStructure, .body]
        ),
        ("(RFC822 RFC822.HEADER RFC822.TEXT)", [.rfc822, .rfc822Header, .rfc822Text]),
        ("(MODSEQ EMAILID THREADID SAVEDATE)", [.modSeq, .emailID, .threadID, .saveDate]),
        ("PREVIEW", [.preview(isLazy: false)]),
        ("(PREVIEW (LAZY) UID)", [.preview(isLazy: true), .uid]),
        ("BODY[]", [.section(.init(), nil, isPeek: false)]),
        ("BODY.PEEK[]<0.1024>", [.section(.init(), .init(offset: 0, length: 1_024), isPeek: true)]),
        ("BODY[TEXT]", [.section(.init(text: .text), nil, isPeek: false)]),
        ("BODY[1.2.3]", [.section(.init(part: [1, 2, 3]), nil, isPeek: false)]),
        ("BODY[4.1.MIME]", [.section(.init(part: [4, 1], text: .mime), nil, isPeek: false)]),
        ("BODY[3.HEADER]", [.section(.init(part: [3], text: .header), nil, isPeek: false)]),
        (
            "(BODY.PEEK[HEADER.FIELDS (From \"X-A\" {4}\r\nDate)] UID)",
            [.section(.init(text: .headerFields(["From", "X-A", "Date"])), nil, isPeek: true), .uid]
        ),
        (
            "body.peek[2.header.fields.not (To)]<5.6>",
            [.section(.init(part: [2], text: .headerFieldsNot(["To"])), .init(offset: 5, length: 6), isPeek: true)]
        ),
        ("BINARY[1]", [.binary(part: [1], nil, isPeek: false)]),
        ("BINARY.PEEK[1.2]<0.5>", [.binary(part: [1, 2], .init(offset: 0, length: 5), isPeek: true)]),
        ("BINARY.SIZE[]", [.binarySize(part: [])]),
    ]

    @Test(arguments: items)
    func parsesItems(_ sample: (line: String, items: [FetchItem])) throws {
        #expect(
            try parse("FETCH 1 \(sample.line)") == .fetch(FetchCommand(.sequenceNumber, numbers(.one(1)), sample.items))
        )
    }

    @Test func parsesModifiers() throws {
        #expect(
            try parse("UID FETCH 1:* (FLAGS) (CHANGEDSINCE 12345 VANISHED)")
                == .fetch(FetchCommand(.uid, numbers(.from(1)), [.flags], changedSince: 12_345, wantsVanished: true))
        )
        #expect(
            try parse("FETCH $ PREVIEW (CHANGEDSINCE 1)")
                == .fetch(FetchCommand(.sequenceNumber, .savedResult, [.preview(isLazy: false)], changedSince: 1))
        )
    }

    @Test(arguments: [
        "FETCH 1", "FETCH 1 ()", "FETCH 1 BODY[", "FETCH 1 BODY[0]", "FETCH 1 BODY[MIME]", "FETCH 1 BODY[1.]",
        "FETCH 1 BODY[]<1>", "FETCH 1 BODY[]<1.0>", "FETCH 1 BODY[HEADER.FIELDS ()]", "FETCH 1 NOPE",
        "FETCH 1 (FLAGS", "FETCH 1 FLAGS (VANISHED)", "UID FETCH 1 FLAGS (VANISHED)",
        "FETCH 1 BODY[HEADER.FIELDS (a:b)]", "FETCH 1,,2 FLAGS", "FETCH 1: FLAGS", "FETCH -1 FLAGS",
    ])
    func refuses(_ line: String) {
        #expect(failure("A1 " + line)?.kind == .malformed)
    }

    @Test func limits() {
        let deep = Array(repeating: "1", count: 1_000).joined(separator: ".")
        #expect(failure("A1 FETCH 1 BODY[\(deep)]")?.kind == .limitExceeded)
        let many = (1...1_000).map { "BODY[\($0)]" }.joined(separator: " ")
        #expect(failure("A1 FETCH 1 (\(many))")?.kind == .limitExceeded)
        func sections(_ count: Int) -> String {
            (1...count).map { "BODY[HEADER.FIELDS (a\($0) b c d)]" }.joined(separator: " ")
        }
        #expect(failure("A1 FETCH 1 (\(sections(128)))") == nil)
        #expect(failure("A1 FETCH 1 (\(sections(129)))")?.kind == .limitExceeded)
        let ranges = Array(repeating: "1", count: 20_000).joined(separator: ",")
        #expect(failure("A1 FETCH \(ranges) UID")?.kind == .limitExceeded)
    }
}

@Suite struct StoreCommandTests {
    static let one = numbers(.one(1))
    static let forwarded = Flag.keyword(Keyword("$Forwarded")!)

    static let samples: [(String, StoreCommand)] = [
        ("STORE 1 FLAGS ()", StoreCommand(.sequenceNumber, one, .replace, [])),
        ("STORE 1 +FLAGS (\\Seen \\deleted)", StoreCommand(.sequenceNumber, one, .add, [.seen, .deleted])),
        (
            "UID STORE 1 -flags.silent \\Draft \\Flagged",
            StoreCommand(.uid, one, .remove, [.draft, .flagged], isSilent: true)
        ),
        (
            "UID STORE 1 (UNCHANGEDSINCE 7) FLAGS.SILENT (\\Answered $FORWARDED)",
            StoreCommand(.uid, one, .replace, [.answered, forwarded], isSilent: true, unchangedSince: 7)
        ),
    ]

    @Test(arguments: samples)
    func parses(_ sample: (line: String, command: StoreCommand)) throws {
        #expect(try parse(sample.line) == .store(sample.command))
    }

    @Test(arguments: [
        "STORE 1 FLAGS", "STORE 1 FLAGS (\\Recent)", "STORE 1 FLAGS (\\Nope)", "STORE 1 *FLAGS (a)",
        "STORE 1 FLAGS (a", "STORE 1 FLAGS (a[] {)", "STORE 1 (X 1) FLAGS a", "STORE 1 FLAGS (ü)",
    ])
    func refuses(_ line: String) {
        #expect(failure("A1 " + line)?.kind == .malformed)
    }

    @Test func limits() {
        #expect(failure("A1 STORE 1 FLAGS \(String(repeating: "k", count: 129))")?.kind == .limitExceeded)
        #expect(
            failure("A1 STORE 1 FLAGS (\((0...300).map { "k\($0)" }.joined(separator: " ")))")?.kind == .limitExceeded
        )
    }
}
