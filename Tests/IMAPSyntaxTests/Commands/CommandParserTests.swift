import Testing

@testable import IMAPSyntax

@Suite struct CommandParserTests {
    static let inbox = MailboxName.inbox

    static let session: [(String, Command)] = [
        ("CAPABILITY", .capability),
        ("noop", .noop),
        ("Logout", .logout),
        ("STARTTLS ", .startTLS),
        ("NAMESPACE", .namespace),
        ("IDLE", .idle),
        ("CHECK", .check),
        ("CLOSE", .close),
        ("UNSELECT", .unselect),
        ("EXPUNGE", .expunge),
        ("UID EXPUNGE 3:5", .uidExpunge(numbers(.range(3, 5)))),
        ("uid expunge $", .uidExpunge(.savedResult)),
        ("COMPRESS deflate", .compress(mechanism: "DEFLATE")),
        ("ENABLE CONDSTORE qresync", .enable(["CONDSTORE", "QRESYNC"])),
        ("ENABLE UTF8=ACCEPT ", .enable(["UTF8=ACCEPT"])),
        ("AUTHENTICATE plain", .authenticate(mechanism: "PLAIN", initialResponse: nil)),
        ("AUTHENTICATE PLAIN =", .authenticate(mechanism: "PLAIN", initialResponse: Secret([]))),
        ("AUTHENTICATE PLAIN AGEAYg==", .authenticate(mechanism: "PLAIN", initialResponse: Secret(bytes("\0a\0b")))),
        ("LOGIN user pass", .login(userName: bytes("user"), password: Secret(bytes("pass")))),
        ("LOGIN \"us\\\"er\" \"p\\\\ss\"", .login(userName: bytes("us\"er"), password: Secret(bytes("p\\ss")))),
        ("LOGIN {4}\r\nus r {2+}\n{}", .login(userName: bytes("us r"), password: Secret(bytes("{}")))),
        ("LOGIN u \"\"", .login(userName: bytes("u"), password: Secret([]))),
    ]

    static let ids: [(String, Command)] = [
        ("ID NIL", .id(nil)),
        ("ID ()", .id([])),
        ("ID (\"name\" \"x\" \"os\" NIL)", .id([IDField("name", "x"), IDField("os", nil)])),
    ]

    static let mailboxes: [(String, Command)] = [
        ("SELECT inbox", .select(inbox, SelectParameters())),
        ("SELECT \"InBox/x\"", .select(MailboxName("INBOX/x"), SelectParameters())),
        ("SELECT {5}\r\nINBOX", .select(inbox, SelectParameters())),
        ("EXAMINE &AOk-t&AOk-", .examine(MailboxName("été"), SelectParameters())),
        ("SELECT INBOX (CONDSTORE)", .select(inbox, SelectParameters(isCondstore: true))),
        (
            "SELECT INBOX (QRESYNC (67890007 20050715194045000) CONDSTORE)",
            .select(
                inbox,
                SelectParameters(
                    isCondstore: true,
                    quickResync: QuickResync(uidValidity: 67_890_007, modSeq: 20_050_715_194_045_000)
                )
            )
        ),
        (
            "SELECT INBOX (CONDSTORE QRESYNC (1 2 41,43:211 (1:3 7,9,11)))",
            .select(
                inbox,
                SelectParameters(
                    isCondstore: true,
                    quickResync: QuickResync(
                        uidValidity: 1,
                        modSeq: 2,
                        knownUIDs: SequenceSet([.one(41), .range(43, 211)]),
                        sequenceMatch: .init(
                            sequenceNumbers: SequenceSet([.range(1, 3)]),
                            uids: SequenceSet([.one(7), .one(9), .one(11)])
                        )
                    )
                )
            )
        ),
        ("CREATE a/b/", .create(MailboxName("a/b"), uses: [])),
        ("CREATE Sent (USE (\\sent \\Drafts))", .create(MailboxName("Sent"), uses: [.sent, .drafts])),
        ("CREATE x (USE ())", .create(MailboxName("x"), uses: [])),
        ("DELETE a]b", .delete(MailboxName("a]b"))),
        ("RENAME a b", .rename(MailboxName("a"), to: MailboxName("b"))),
        ("SUBSCRIBE a", .subscribe(MailboxName("a"))),
        ("UNSUBSCRIBE a", .unsubscribe(MailboxName("a"))),
        ("LSUB \"\" *", .lsub(reference: "", pattern: MailboxPattern("*"))),
        ("STATUS a (MESSAGES uidnext)", .status(MailboxName("a"), [.messages, .uidNext])),
        (
            "STATUS a (RECENT UIDVALIDITY UNSEEN DELETED SIZE HIGHESTMODSEQ APPENDLIMIT MAILBOXID SIZE)",
            .status(
                MailboxName("a"),
                [.recent, .uidValidity, .unseen, .deleted, .size, .highestModSeq, .appendLimit, .mailboxID]
            )
        ),
        ("COPY 2:4 a", .copy(CopyCommand(.sequenceNumber, numbers(.range(2, 4)), to: MailboxName("a")))),
        ("UID COPY * inbox", .copy(CopyCommand(.uid, numbers(.last), to: inbox))),
        ("MOVE $ a", .move(CopyCommand(.sequenceNumber, .savedResult, to: MailboxName("a")))),
        ("UID MOVE 1,5:* a", .move(CopyCommand(.uid, numbers(.one(1), .from(5)), to: MailboxName("a")))),
    ]

    @Test(arguments: session + ids + mailboxes)
    func parses(_ sample: (line: String, command: Command)) throws {
        #expect(try parse(sample.line) == sample.command)
    }

    @Test(arguments: session + ids + mailboxes)
    func everyPrefixIsRefusedOrParsed(_ sample: (line: String, command: Command)) {
        let line = bytes("A1 " + sample.line)
        for length in line.indices { _ = try? CommandParser.parse(Array(line[..<length])) }
    }

    @Test func utf8NamesWhereEnabled() throws {
        #expect(try parse("SELECT \"été & co\"", acceptsUTF8: true) == .select(MailboxName("été & co"), .init()))
        #expect(failure("A1 SELECT \"été\"")?.kind == .invalidMailboxName)
    }

    static let refused: [(String, SyntaxError.Kind, String?, String)] = [
        ("A1 FETCH x FLAGS", .malformed, "A1", "FETCH needs a message set, found 'x'"),
        ("A1 FETCH", .malformed, "A1", "FETCH needs a message set, found the end of the command"),
        ("A1 UID FETCH 1(FLAGS)", .malformed, "A1", "UID FETCH needs a space before items, found '('"),
        ("A1 LOGIN  u  ", .malformed, "A1", "LOGIN needs a password, found the end of the command"),
        ("A1 NOSUCH", .unknownCommand, "A1", "There is no such command"),
        ("A1 UID NOOP", .unknownCommand, "A1", "There is no such UID command"),
        ("A1", .malformed, "A1", "The command needs a command name behind the tag, found the end of the command"),
        ("A1 (", .malformed, "A1", "A tag is followed by a command name"),
        ("* NOOP", .invalidTag, nil, "A command starts with a tag and a space"),
        ("a+b NOOP", .invalidTag, nil, "A command starts with a tag and a space"),
        ("A1 NOOP x", .malformed, "A1", "NOOP needs nothing more, found 'x'"),
        ("A1 LOGIN u", .malformed, "A1", "LOGIN needs a password, found the end of the command"),
        ("A1 LOGIN u \"x", .malformed, "A1", "LOGIN needs the end of the quoted string, found the end of the command"),
        ("A1 SELECT \"\"", .malformed, "A1", "SELECT needs a mailbox name, found none"),
        ("A1 SELECT a (NOPE)", .malformed, "A1", "SELECT needs CONDSTORE or QRESYNC, found 'N'"),
        ("A1 CREATE a (USE (\\Nope))", .unknownSpecialUse, "A1", "There is no such special use"),
        ("A1 STATUS a ()", .malformed, "A1", "STATUS needs a known status item, found ')'"),
        ("A1 APPEND a", .malformed, "A1", "APPEND needs a mailbox and a message as literal, found a space"),
        ("A1 AUTHENTICATE PLAIN !", .invalidBase64, "A1", "The initial response of AUTHENTICATE is not base64"),
        ("A1 STORE 0 FLAGS ()", .malformed, "A1", "STORE needs a message set above zero, found a space"),
        ("A1 FETCH 4294967296 UID", .malformed, "A1", "FETCH needs a message set below 2^32, found a space"),
    ]

    /// Each of these with one space for several is in the tables above, or in those of FETCH, STORE, SEARCH and LIST.
    @Test(arguments: [
        "LOGIN user pass", "LOGIN {1}\r\nu {1}\r\np", "AUTHENTICATE PLAIN AGEAYg==", "ENABLE CONDSTORE X",
        "ID ( \"a\" \"b\" \"c\" NIL )", "ID ( )", "SELECT INBOX ( CONDSTORE )",
        "SELECT INBOX ( QRESYNC ( 1 2 3:4 ( 1:3 7,9,11 ) ) CONDSTORE )", "CREATE Sent ( USE ( \\Sent \\Drafts ) )",
        "RENAME a b", "LSUB \"\" *", "STATUS a ( MESSAGES UIDNEXT )", "COPY 2:4 a", "UID MOVE 1 a", "UID EXPUNGE 1",
        "FETCH 1 ( FLAGS BODY.PEEK[HEADER.FIELDS ( From To )] PREVIEW ( LAZY ) ) ( CHANGEDSINCE 5 )",
        "UID FETCH 1 FLAGS", "STORE 1 ( UNCHANGEDSINCE 3 ) +FLAGS.SILENT ( \\Seen a )", "STORE 1 FLAGS \\Seen a",
        "STORE 1 FLAGS ( )",
        "SEARCH RETURN ( MIN MAX ) CHARSET UTF-8 OR ( SEEN NOT TO x ) ( SUBJECT y ) HEADER a b UID 1:2 ON 1-Feb-2024",
        "LIST ( SUBSCRIBED RECURSIVEMATCH ) \"\" ( a b ) RETURN ( CHILDREN STATUS ( MESSAGES UNSEEN ) )",
    ])
    func acceptsSeveralSpaces(_ line: String) throws {
        // Where the grammar has no space at all, none is the form to compare with.
        let strict = line.replacing("( ", with: "(").replacing(" )", with: ")")
        let wide = line.replacing(" ", with: "   ")
        #expect(try parse("  \(wide)  ") == parse(strict))
        // Every cut of it is refused or parsed, and nothing else.
        let whole = bytes("A1  \(wide)")
        for length in whole.indices { _ = try? CommandParser.parse(Array(whole[..<length])) }
    }

    @Test func spacesWithinStringsStay() throws {
        let login = Command.login(userName: bytes("a  b"), password: Secret(bytes("  ")))
        #expect(try parse("LOGIN  \"a  b\"   \"  \"") == login)
        #expect(try parse("CREATE  100%") == .create(MailboxName("100%"), uses: []))
    }

    @Test(arguments: refused)
    func refuses(_ sample: (line: String, kind: SyntaxError.Kind, tag: String?, message: String)) {
        let error = failure(sample.line)
        #expect(error?.kind == sample.kind)
        #expect(error?.tag == sample.tag)
        #expect(error?.message == sample.message)
    }

    @Test func secretsAreRedacted() throws {
        let command = try parse("LOGIN u hunter2")
        #expect(!"\(command)".contains("hunter2"))
        var dumped = ""
        dump(command, to: &dumped)
        #expect(!dumped.contains("104"))
    }
}
