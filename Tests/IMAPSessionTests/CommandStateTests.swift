import IMAPSyntax
import MailModel
import Testing

@testable import IMAPSession

/// Which command is allowed in which state (RFC 3501, section 6; RFC 5161; RFC 3691; RFC 6851).
@Suite struct CommandStateTests {
    struct Command: Sendable, CustomTestStringConvertible {
        let line: String
        let first: Stage
        var last = Stage.selected
        var testDescription: String { line }
    }

    static let commands: [Command] = [
        // Any state.
        Command(line: "CAPABILITY", first: .connected), Command(line: "NOOP", first: .connected),
        Command(line: "LOGOUT", first: .connected), Command(line: "ID NIL", first: .connected),
        Command(line: "ID (\"name\" \"x\")", first: .connected),
        // Not authenticated.
        Command(line: "STARTTLS", first: .connected, last: .connected),
        Command(line: "AUTHENTICATE PLAIN", first: .connected, last: .connected),
        Command(line: "AUTHENTICATE PLAIN AGEAYg==", first: .connected, last: .connected),
        Command(line: "LOGIN a b", first: .connected, last: .connected),
        // Authenticated.
        Command(line: "ENABLE CONDSTORE", first: .loggedIn), Command(line: "SELECT INBOX", first: .loggedIn),
        Command(line: "EXAMINE INBOX", first: .loggedIn), Command(line: "CREATE Work", first: .loggedIn),
        Command(line: "DELETE Work", first: .loggedIn), Command(line: "RENAME Work Play", first: .loggedIn),
        Command(line: "SUBSCRIBE Work", first: .loggedIn), Command(line: "UNSUBSCRIBE Work", first: .loggedIn),
        Command(line: "LIST \"\" *", first: .loggedIn), Command(line: "LIST \"\" \"\"", first: .loggedIn),
        Command(line: "LSUB \"\" *", first: .loggedIn), Command(line: "NAMESPACE", first: .loggedIn),
        Command(line: "STATUS Work (MESSAGES)", first: .loggedIn), Command(line: "IDLE", first: .loggedIn),
        Command(line: "APPEND INBOX {3}", first: .loggedIn),
        Command(line: "APPEND INBOX {3+}\r\nabc", first: .loggedIn),
        // Selected.
        Command(line: "CHECK", first: .examined), Command(line: "CLOSE", first: .examined),
        Command(line: "UNSELECT", first: .examined), Command(line: "EXPUNGE", first: .examined),
        Command(line: "UID EXPUNGE 1", first: .examined), Command(line: "SEARCH ALL", first: .examined),
        Command(line: "UID SEARCH ALL", first: .examined), Command(line: "FETCH 1 FLAGS", first: .examined),
        Command(line: "UID FETCH 3 FLAGS", first: .examined), Command(line: "STORE 1 FLAGS ()", first: .examined),
        Command(line: "UID STORE 3 FLAGS ()", first: .examined), Command(line: "COPY 1 Work", first: .examined),
        Command(line: "UID COPY 3 Work", first: .examined), Command(line: "MOVE 1 Work", first: .examined),
        Command(line: "UID MOVE 3 Work", first: .examined),
    ]

    @Test(arguments: commands, Stage.allCases)
    func `a command is let through only where it belongs`(_ command: Command, _ stage: Stage) {
        var test = SessionUnderTest.at(stage) { $0.offersStartTLS = true }
        let told = SessionUnderTest.lines(test.send("a \(command.line)"))
        if stage < command.first || stage > command.last {
            #expect(told == ["a BAD"])
            #expect(test.calls.isEmpty)
            #expect(test.session.isReady && !test.isClosed)
            #expect(test.hasMailbox == (stage >= .examined))
            #expect(test.session.isAuthenticated == (stage >= .loggedIn))
        } else {
            #expect(!told.contains { $0.hasPrefix("a BAD") })
            #expect(!told.isEmpty || !test.calls.isEmpty)
        }
    }

    @Test(arguments: Stage.allCases)
    func `nothing is answered behind LOGOUT`(_ stage: Stage) {
        var test = SessionUnderTest.at(stage)
        #expect(test.exchange("a LOGOUT\r\nb NOOP") == ["* BYE", "a OK"])
        #expect(test.isClosed && !test.session.isReady)
        // An expunge would be a change that nobody asked for (RFC 3501, section 6.1.3).
        #expect(test.storeCalls.isEmpty)
        #expect(test.send("c NOOP") == "")
    }

    /// RFC 3501, section 6.3.1: not even the mailbox of before is selected then. A command that the grammar refuses
    /// changes nothing.
    @Test(arguments: [Stage.examined, .selected])
    func `a SELECT that fails leaves no mailbox selected`(_ stage: Stage) {
        var test = SessionUnderTest.at(stage)
        #expect(test.exchange("a SELECT") == ["a BAD"])
        #expect(test.exchange("b SELECT INBOX (QRESYNC (1 2))") == ["b BAD"])
        #expect(test.hasMailbox)
        #expect(test.exchange("c SELECT Nowhere", [.answer(.missing)]) == ["* OK [CLOSED]", "c NO [NONEXISTENT]"])
        #expect(!test.hasMailbox)
        #expect(test.exchange("d FETCH 1 FLAGS") == ["d BAD"])
        #expect(test.exchange("e CLOSE") == ["e BAD"])
        #expect(test.session.isAuthenticated)
    }

    @Test(arguments: [
        "", "WHAT", "UID", "UID NOOP", "NOOP x", "CAPABILITY x", "LOGOUT x", "CHECK x", "CLOSE x", "EXPUNGE x",
        "UNSELECT x", "IDLE x", "NAMESPACE x", "SELECT", "SELECT INBOX x", "SELECT INBOX (WHAT)", "SELECT \"\"",
        "CREATE", "CREATE \"\"", "RENAME a \"\"", "SUBSCRIBE \"\"", "DELETE",
        "RENAME a", "SUBSCRIBE", "UNSUBSCRIBE", "LIST", "LIST \"\"", "LIST \"\" * RETURN", "LSUB \"\"", "STATUS INBOX",
        "STATUS INBOX ()", "STATUS INBOX (WHAT)", "STATUS INBOX (DELETED-STORAGE)", "APPEND INBOX", "APPEND INBOX x",
        "SEARCH", "SEARCH WHAT", "SEARCH NOT", "SEARCH OR ALL", "SEARCH SINCE 1", "SEARCH KEYWORD", "SEARCH (ALL",
        "SEARCH RETURN (WHAT) ALL", "SEARCH RETURN (SAVE) ALL", "SEARCH RETURN (PARTIAL 1:5) ALL", "FETCH 1",
        "FETCH 1 ()", "FETCH 1 WHAT", "FETCH 1 BODY[WHAT]", "FETCH 1 BODY[]<5>", "FETCH 1 (FLAGS", "FETCH FLAGS",
        "FETCH 1 BINARY[1]", "FETCH 1 BINARY.SIZE[1]", "FETCH 1 PREVIEW", "FETCH 1 FLAGS (VANISHED)",
        "UID FETCH 1 FLAGS (CHANGEDSINCE 1 VANISHED)", "STORE 1", "STORE 1 WHAT ()", "STORE 1 FLAGS (\\Recent)",
        "STORE 1 FLAGS (\\What)", "STORE 1 (WHAT 1) FLAGS ()", "STORE 1 FLAGS (a", "COPY 1", "COPY x Work", "MOVE 1",
        "UID EXPUNGE", "UID FETCH 1", "UID STORE 1", "ENABLE", "ID", "ID (\"name\")",
    ])
    func `what is not in the grammar, or not offered, is BAD and changes nothing`(_ line: String) {
        var test = SessionUnderTest.at(.selected)
        #expect(test.exchange("a \(line)") == ["a BAD"])
        #expect(test.calls.isEmpty)
        #expect(test.hasMailbox)
    }

    @Test(arguments: ["", " NOOP", "( NOOP", "+ NOOP", "* NOOP", "\u{e9} NOOP", "a\u{1}b NOOP"])
    func `without a tag the answer is untagged`(_ line: String) {
        var test = SessionUnderTest.at(.selected)
        let told = test.exchange(line)
        // An empty line is none at all: some clients send one behind an APPEND.
        #expect(told == (line.isEmpty ? [] : ["* BAD"]))
        #expect(test.hasMailbox)
    }

    @Test(arguments: ["capability", "Capability", "nOOp", "uid FETCH 3 flags", "UID search all", "iD nil"])
    func `commands are known in any case`(_ line: String) {
        var test = SessionUnderTest.at(.selected)
        _ = test.send("a \(line)")
        let text = test.session.isReady ? "" : test.give(Fixture.noChanges)
        #expect(!text.contains("a BAD"))
        #expect(test.exchange("b NOOP", [Fixture.noChanges]) == ["b OK"])
    }
}
