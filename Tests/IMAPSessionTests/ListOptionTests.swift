import IMAPSyntax
import MailModel
import Testing

@testable import IMAPSession

/// LIST and LSUB with all their options (RFC 3501, sections 6.3.8 and 6.3.9; RFC 5258; RFC 5819; RFC 6154).
@Suite struct ListOptionTests {
    /// INBOX; Archive, subscribed; Work with two levels below, of which the first is none; Sent; Old, a name that is
    /// subscribed and no mailbox; Trips/Rome, of which the same is true.
    static let mailboxes: [MailboxRecord] = {
        func record(
            _ number: UInt32,
            _ name: String,
            use: MailModel.SpecialUse? = nil,
            subscribed: Bool = false,
            exists: Bool = true
        )
            -> MailboxRecord
        {
            var record = Fixture.other(number, name)
            record.specialUse = use
            record.subscribed = subscribed
            record.selectable = exists
            return record
        }
        return [
            record(1, "INBOX", subscribed: true), record(2, "Archive", use: .archive, subscribed: true),
            record(3, "Work"),
            record(4, "Work/Plans/2024", subscribed: true), record(5, "Sent", use: .sent),
            record(6, "Old", subscribed: true, exists: false),
            record(7, "Trips/Rome", subscribed: true, exists: false),
        ]
    }()

    static func list(_ line: String) -> [String] {
        var test = SessionUnderTest.at(.loggedIn)
        return test.exchange("a \(line)", [.answer(.mailboxes(mailboxes))])
    }

    struct Case: Sendable, CustomTestStringConvertible {
        let line: String
        let told: [String]
        init(_ line: String, _ told: String...) {
            self.line = line
            self.told = told
        }
        var testDescription: String { line }
    }

    /// What follows `* LIST (`, in order.
    static let cases: [Case] = [
        Case(
            "\"\" %",
            "\\HasNoChildren) \"/\" INBOX",
            "\\HasNoChildren \\Archive) \"/\" Archive",
            "\\HasNoChildren \\Sent) \"/\" Sent",
            "\\HasChildren) \"/\" Work"
        ),
        Case(
            "\"\" Work*",
            "\\HasChildren) \"/\" Work",
            "\\Noselect \\HasChildren) \"/\" Work/Plans",
            "\\HasNoChildren) \"/\" Work/Plans/2024"
        ),
        Case("\"\" Work/%", "\\Noselect \\HasChildren) \"/\" Work/Plans"),
        Case("Work/ %", "\\Noselect \\HasChildren) \"/\" Work/Plans"),
        Case("Work/Plans/ *", "\\HasNoChildren) \"/\" Work/Plans/2024"),
        Case("\"\" inBOX", "\\HasNoChildren) \"/\" INBOX"),
        Case("\"\" W*4", "\\HasNoChildren) \"/\" Work/Plans/2024"), Case("\"\" Old"), Case("\"\" Trips*"),
        Case("\"\" nothing"),
        Case("\"\" work"), Case("\"\" S%t", "\\HasNoChildren \\Sent) \"/\" Sent"),
        // An extended LIST tells \NonExistent, not \Noselect.
        Case("\"\" (Work/%)", "\\NonExistent \\HasChildren) \"/\" Work/Plans"),
        Case("\"\" (INBOX Sent)", "\\HasNoChildren) \"/\" INBOX", "\\HasNoChildren \\Sent) \"/\" Sent"),
        Case("\"\" (S% Sent *t)", "\\HasNoChildren \\Sent) \"/\" Sent"),
        Case("() \"\" Sent", "\\HasNoChildren \\Sent) \"/\" Sent"),
        // Selection.
        Case(
            "(SUBSCRIBED) \"\" *",
            "\\Subscribed \\HasNoChildren) \"/\" INBOX",
            "\\Subscribed \\HasNoChildren \\Archive) \"/\" Archive",
            "\\NonExistent \\Subscribed \\HasNoChildren) \"/\" Old",
            "\\NonExistent \\Subscribed \\HasNoChildren) \"/\" Trips/Rome",
            "\\Subscribed \\HasNoChildren) \"/\" Work/Plans/2024"
        ),
        Case(
            "(SUBSCRIBED) \"\" %",
            "\\Subscribed \\HasNoChildren) \"/\" INBOX",
            "\\Subscribed \\HasNoChildren \\Archive) \"/\" Archive",
            "\\NonExistent \\Subscribed \\HasNoChildren) \"/\" Old"
        ),
        Case("(SPECIAL-USE) \"\" *", "\\HasNoChildren \\Archive) \"/\" Archive", "\\HasNoChildren \\Sent) \"/\" Sent"),
        Case("(SPECIAL-USE SUBSCRIBED) \"\" *", "\\Subscribed \\HasNoChildren \\Archive) \"/\" Archive"),
        Case("(REMOTE) \"\" Sent", "\\HasNoChildren \\Sent) \"/\" Sent"),
        // A child is told by the level above where nothing else tells it (RFC 5258, section 3.5).
        Case(
            "(SUBSCRIBED RECURSIVEMATCH) \"\" %",
            "\\Subscribed \\HasNoChildren) \"/\" INBOX",
            "\\Subscribed \\HasNoChildren \\Archive) \"/\" Archive",
            "\\NonExistent \\Subscribed \\HasNoChildren) \"/\" Old",
            "\\NonExistent \\HasNoChildren) \"/\" Trips (\"CHILDINFO\" (\"SUBSCRIBED\"))",
            "\\HasChildren) \"/\" Work (\"CHILDINFO\" (\"SUBSCRIBED\"))"
        ),
        // Returns.
        Case("\"\" Archive RETURN ()", "\\HasNoChildren \\Archive) \"/\" Archive"),
        Case("\"\" Archive RETURN (SUBSCRIBED)", "\\Subscribed \\HasNoChildren \\Archive) \"/\" Archive"),
        Case("\"\" Sent RETURN (subscribed children special-use)", "\\HasNoChildren \\Sent) \"/\" Sent"),
        Case("\"\" Work RETURN (CHILDREN)", "\\HasChildren) \"/\" Work"),
    ]

    @Test(arguments: cases)
    func `what LIST tells`(_ list: Case) {
        #expect(Self.list("LIST \(list.line)") == list.told.map { "* LIST (\($0)" } + ["a OK"])
    }

    /// RFC 3501, section 6.3.8: the delimiter, whatever the reference; without asking the store.
    @Test(arguments: ["LIST \"\" \"\"", "LIST Work/ \"\"", "LIST inbox \"\""])
    func `an empty pattern asks for the delimiter`(_ line: String) {
        var test = SessionUnderTest.at(.loggedIn)
        #expect(test.exchange("a \(line)") == ["* LIST (\\Noselect) \"/\" \"\"", "a OK"])
        #expect(test.calls.isEmpty)
    }

    static let lsubs: [Case] = [
        Case(
            "\"\" *",
            ") \"/\" INBOX",
            ") \"/\" Archive",
            "\\Noselect) \"/\" Old",
            "\\Noselect) \"/\" Trips/Rome",
            ") \"/\" Work/Plans/2024"
        ),
        // Section 6.3.9: a level above a subscribed name shows with `%`, and is no subscription itself.
        Case(
            "\"\" %",
            ") \"/\" INBOX",
            ") \"/\" Archive",
            "\\Noselect) \"/\" Old",
            "\\Noselect) \"/\" Trips",
            "\\Noselect) \"/\" Work"
        ),
        Case("\"\" Work/%", "\\Noselect) \"/\" Work/Plans"), Case("Work/ *", ") \"/\" Work/Plans/2024"),
        Case("\"\" Sent"),
        Case("\"\" \"\""), Case("\"\" inbox", ") \"/\" INBOX"),
    ]

    @Test(arguments: lsubs)
    func `what LSUB tells`(_ list: Case) {
        #expect(Self.list("LSUB \(list.line)") == list.told.map { "* LSUB (\($0)" } + ["a OK"])
    }

    /// RFC 5819, section 2: a STATUS for each mailbox that can have one and that the options select, behind its LIST.
    static let statuses: [Case] = [
        Case(
            "\"\" Sent RETURN (STATUS (MESSAGES))",
            "* LIST (\\HasNoChildren \\Sent) \"/\" Sent",
            "* STATUS Sent (MESSAGES 5)"
        ),
        Case(
            "\"\" Work* RETURN (STATUS (UIDNEXT MESSAGES))",
            "* LIST (\\HasChildren) \"/\" Work",
            "* STATUS Work (UIDNEXT 4 MESSAGES 3)",
            "* LIST (\\NonExistent \\HasChildren) \"/\" Work/Plans",
            "* LIST (\\HasNoChildren) \"/\" Work/Plans/2024",
            "* STATUS Work/Plans/2024 (UIDNEXT 5 MESSAGES 4)"
        ),
        Case(
            "(SUBSCRIBED RECURSIVEMATCH) \"\" (Old Work) RETURN (STATUS (MESSAGES))",
            "* LIST (\\NonExistent \\Subscribed \\HasNoChildren) \"/\" Old",
            "* LIST (\\HasChildren) \"/\" Work (\"CHILDINFO\" (\"SUBSCRIBED\"))"
        ),
        Case(
            "(SUBSCRIBED) \"\" Archive RETURN (STATUS (RECENT) CHILDREN)",
            "* LIST (\\Subscribed \\HasNoChildren \\Archive) \"/\" Archive",
            "* STATUS Archive (RECENT 1)"
        ),
    ]

    @Test(arguments: statuses)
    func `LIST with STATUS`(_ list: Case) {
        #expect(Self.list("LIST \(list.line)") == list.told + ["a OK"])
    }

    @Test(arguments: [
        "(RECURSIVEMATCH) \"\" *", "(RECURSIVEMATCH REMOTE) \"\" *", "(WHAT) \"\" *", "(SUBSCRIBED \"\" *", "\"\" ()",
        "\"\" * WHAT",
        "\"\" * RETURN", "\"\" * RETURN WHAT", "\"\" * RETURN (WHAT)", "\"\" * RETURN (STATUS)",
        "\"\" * RETURN (STATUS ())",
        "\"\" * RETURN (STATUS (WHAT))", "\"\" * RETURN (STATUS (DELETED-STORAGE))", "\"\" * RETURN (CHILDREN", "\"\"",
    ])
    func `what is no LIST`(_ line: String) {
        var test = SessionUnderTest.at(.loggedIn)
        #expect(test.exchange("a LIST \(line)") == ["a BAD"])
        #expect(test.calls.isEmpty)
    }

    @Test func `more patterns than the limit`() {
        var test = SessionUnderTest.at(.loggedIn)
        let patterns = (0...IMAPLimits().listPatterns).map { "p\($0)" }.joined(separator: " ")
        #expect(test.exchange("a LIST \"\" (\(patterns))") == ["a NO [LIMIT]"])
        #expect(test.calls.isEmpty)
    }

    @Test func `names are told in modified UTF-7`() {
        var test = SessionUnderTest.at(.loggedIn)
        let records = [Fixture.other(2, "Entwürfe & mehr"), Fixture.other(3, "台北")]
        #expect(
            test.exchange("a LIST \"\" *", [.answer(.mailboxes(records))])
                == [
                    "* LIST (\\HasNoChildren) \"/\" \"Entw&APw-rfe &- mehr\"",
                    "* LIST (\\HasNoChildren) \"/\" &U,BTFw-", "a OK",
                ]
        )
    }
}
