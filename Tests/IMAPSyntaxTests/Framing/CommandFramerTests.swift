import NIOCore
import Testing

@testable import IMAPSyntax

@Suite struct CommandFramerTests {
    static let login = FramerEvent.command(
        TaggedCommand(tag: "a", command: .login(userName: bytes("us"), password: Secret(bytes("p w"))))
    )
    static let noop = FramerEvent.command(TaggedCommand(tag: "b", command: .noop))
    static let idle = FramerEvent.command(TaggedCommand(tag: "i", command: .idle))

    static func append(_ length: Int, _ flags: [Flag] = [], synchronising: Bool = false) -> FramerEvent {
        .append(
            AppendStart(
                tag: "a",
                mailbox: .inbox,
                message: AppendMessage(
                    flags: flags,
                    literal: LiteralHeader(length: length, isSynchronising: synchronising)
                )
            )
        )
    }

    static func part(_ text: String) -> FramerEvent { .messageBytes(ByteBuffer(string: text)) }

    static let dated = DateTime(unixSeconds: 837_596_665, zoneMinutes: -420)

    /// What the client sends, with what the framer makes of it.
    static let samples: [(String, [FramerEvent])] = [
        ("b NOOP\r\n", [noop]),
        ("b NOOP\n\r\n\nb NOOP\r\n", [noop, noop]),
        ("a LOGIN us \"p w\"\r\nb NOOP\r\n", [login, noop]),
        ("a LOGIN {2}\r\nus {3+}\r\np w\r\nb NOOP\r\n", [.continuationNeeded, login, noop]),
        ("a LOGIN {2+}\nus {3}\np w\nb NOOP\n", [.continuationNeeded, login, noop]),
        ("a APPEND inbox {3+}\r\nabc\r\nb NOOP\r\n", [append(3), part("abc"), .messageEnded, .appendEnded, noop]),
        (
            "a APPEND {5+}\r\ninbox (\\Seen) {3}\r\na\r\n\r\nb NOOP\r\n",
            [
                append(3, [.seen], synchronising: true), .continuationNeeded, part("a\r\n"), .messageEnded,
                .appendEnded, noop,
            ]
        ),
        (
            "a APPEND INBOX () \"17-Jul-1996 02:44:25 -0700\" ~{0+}\r\n \r\nb NOOP\r\n",
            [
                .append(
                    AppendStart(
                        tag: "a",
                        mailbox: .inbox,
                        message: AppendMessage(
                            internalDate: dated,
                            literal: LiteralHeader(length: 0, isSynchronising: false, isBinary: true)
                        )
                    )
                ),
                .messageEnded, .appendEnded, noop,
            ]
        ),
        (
            "a APPEND INBOX {1+}\r\nx (\\Draft) {2+}\r\nyz\r\n",
            [
                append(1), part("x"), .messageEnded,
                .appendNext(
                    AppendMessage(flags: [.draft], literal: LiteralHeader(length: 2, isSynchronising: false))
                ),
                part("yz"), .messageEnded, .appendEnded,
            ]
        ),
        (
            "a APPEND INBOX UTF8 (~{1+}\r\nx)\r\n",
            [
                .append(
                    AppendStart(
                        tag: "a",
                        mailbox: .inbox,
                        message: AppendMessage(
                            isUTF8: true,
                            literal: LiteralHeader(length: 1, isSynchronising: false, isBinary: true)
                        )
                    )
                ),
                part("x"), .messageEnded, .appendEnded,
            ]
        ),
        ("i IDLE\r\ndone\r\nb NOOP\r\n", [idle, .idleEnded, noop]),
        (
            "p AUTHENTICATE PLAIN\r\nAGEAYg==\r\nb NOOP\r\n",
            [
                .command(TaggedCommand(tag: "p", command: .authenticate(mechanism: "PLAIN", initialResponse: nil))),
                .authenticationLine(.response(Secret(bytes("\0a\0b")))), noop,
            ]
        ),
        (
            "p AUTHENTICATE PLAIN\r\n*\r\nb NOOP\r\n",
            [
                .command(TaggedCommand(tag: "p", command: .authenticate(mechanism: "PLAIN", initialResponse: nil))),
                .authenticationLine(.cancelled), noop,
            ]
        ),
    ]

    @Test(arguments: samples)
    func whole(_ sample: (input: String, events: [FramerEvent])) {
        #expect(frame([sample.input]) == sample.events)
    }

    @Test(arguments: samples)
    func splitAnywhere(_ sample: (input: String, events: [FramerEvent])) {
        // By bytes: CR LF is one character of a String.
        let input = bytes(sample.input)
        for split in 1..<input.count {
            let parts = [input[..<split], input[split...]].map { String(decoding: $0, as: UTF8.self) }
            #expect(frame(parts) == sample.events, "split at \(split)")
        }
        #expect(frame(input.map { String(UnicodeScalar($0)) }) == sample.events, "byte by byte")
    }

    @Test(arguments: CommandParserTests.session + CommandParserTests.mailboxes + CommandParserTests.ids)
    func everyCommandSplitAnywhere(_ sample: (line: String, command: Command)) {
        let input = bytes("b \(sample.line)\r\n")
        let whole = frame([String(decoding: input, as: UTF8.self)])
        #expect(whole.contains(.command(TaggedCommand(tag: "b", command: sample.command))))
        for split in 1..<input.count {
            let parts = [input[..<split], input[split...]].map { String(decoding: $0, as: UTF8.self) }
            #expect(frame(parts) == whole)
        }
    }

    @Test func decisionIsAwaited() {
        var framer = CommandFramer()
        framer.append(ByteBuffer(string: "a APPEND INBOX {3+}\r\nabc\r\nb NOOP\r\n"))
        #expect(framer.next() == Self.append(3))
        #expect(framer.next() == nil)
        framer.refuseAppend()
        #expect(framer.next() == Self.noop)
    }

    @Test func refusedWhileStreaming() {
        var framer = CommandFramer()
        framer.append(ByteBuffer(string: "a APPEND INBOX {6}\r\n"))
        #expect(framer.next() == Self.append(6, synchronising: true))
        framer.acceptMessage()
        #expect(framer.next() == .continuationNeeded)
        framer.append(ByteBuffer(string: "abc"))
        #expect(framer.next() == Self.part("abc"))
        framer.refuseAppend()
        framer.append(ByteBuffer(string: "def {2+}\r\nxy\r\nb NOOP\r\n"))
        #expect(framer.next() == Self.noop)
    }

    @Test func brokenIdleEnds() {
        let events = frame(["i IDLE\r\nx NOOP\r\nb NOOP\r\n"])
        #expect(events.count == 3)
        guard case .idleBroken(let error) = events[1] else { return #expect(Bool(false)) }
        #expect(error.kind == .expectedDone)
        #expect(events[2] == Self.noop)
    }

    @Test func resetTellsOfInjectedBytes() {
        var framer = CommandFramer()
        framer.append(ByteBuffer(string: "s STARTTLS\r\nb NOOP\r\n"))
        #expect(framer.next() == .command(TaggedCommand(tag: "s", command: .startTLS)))
        #expect(framer.bufferedBytes == 8)
        #expect(framer.reset() == 8)
        #expect(framer.next() == nil)
        #expect(framer.reset() == 0)
    }
}
