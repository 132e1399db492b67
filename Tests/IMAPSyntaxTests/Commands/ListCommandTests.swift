import Testing

@testable import IMAPSyntax

@Suite struct ListCommandTests {
    static func list(
        _ reference: String,
        _ patterns: [String],
        _ change: (inout ListCommand) -> Void = { _ in }
    ) -> ListCommand {
        var command = ListCommand(reference: reference, patterns: patterns.map(MailboxPattern.init))
        change(&command)
        return command
    }

    static let samples: [(String, ListCommand)] = [
        ("LIST \"\" \"\"", list("", [""])),
        ("LIST \"\" *", list("", ["*"])),
        ("LIST a/ %", list("a/", ["%"])),
        ("LIST \"\" &AOk-*", list("", ["é*"])),
        ("LIST \"\" (INBOX \"a b/%\")", list("", ["INBOX", "a b/%"]) { $0.isExtended = true }),
        ("LIST () \"\" *", list("", ["*"]) { $0.isExtended = true }),
        (
            "LIST (SUBSCRIBED RECURSIVEMATCH REMOTE SPECIAL-USE) \"\" *",
            list("", ["*"]) {
                $0.isExtended = true
                $0.selection = [.subscribed, .recursiveMatch, .remote, .specialUse]
            }
        ),
        (
            "LIST \"\" % RETURN (children SUBSCRIBED SPECIAL-USE STATUS (MESSAGES UNSEEN))",
            list("", ["%"]) {
                $0.isExtended = true
                $0.returns = [.children, .subscribed, .specialUse]
                $0.statusItems = [.messages, .unseen]
            }
        ),
        ("LIST \"\" % RETURN ()", list("", ["%"]) { $0.isExtended = true }),
    ]

    @Test(arguments: samples)
    func parses(_ sample: (line: String, command: ListCommand)) throws {
        #expect(try parse(sample.line) == .list(sample.command))
    }

    @Test(arguments: ["&", "&AOk", "a&!-*", "&AGE-", "caf\u{E9}"])
    func whatIsNoNameMatchesNothing(_ pattern: String) throws {
        #expect(try parse("LIST \"\" \"\(pattern)\"") == .list(ListCommand(reference: "", patterns: [.nothing])))
        #expect(try parse("LIST \"\(pattern)\" *") == .list(ListCommand(reference: "", patterns: [.nothing])))
        #expect(try parse("LSUB \"\" \"\(pattern)\"") == .lsub(reference: "", pattern: .nothing))
        #expect(!MailboxPattern.nothing.relative(to: "a").matches(MailboxName("a")))
        #expect(!MailboxPattern.nothing.matches(MailboxName("")))
    }

    @Test(arguments: [
        "LIST", "LIST \"\"", "LIST (NOPE) \"\" *", "LIST (RECURSIVEMATCH) \"\" *", "LIST \"\" ()", "LIST \"\" * RETURN",
        "LIST \"\" * RETURN (NOPE)", "LIST \"\" * SOME", "LIST \"\" * RETURN (STATUS)",
    ])
    func refuses(_ line: String) {
        #expect(failure("A1 " + line)?.kind == .malformed)
    }
}
