import NIOCore
import Testing

@testable import IMAPSyntax

@Suite struct ResponseEncoderTests {
    func written(utf8: Bool = false, _ write: (inout ResponseEncoder) -> Void) -> String {
        var encoder = ResponseEncoder()
        encoder.usesUTF8 = utf8
        write(&encoder)
        return text(encoder.takeBuffer())
    }

    static let codes: [(ResponseCode, String)] = [
        (.capability(["IMAP4rev1", "IDLE"]), "CAPABILITY IMAP4rev1 IDLE"),
        (.permanentFlags([.seen, .keyword(Keyword("x")!)], allowsNewKeywords: true), "PERMANENTFLAGS (\\Seen x \\*)"),
        (.permanentFlags([], allowsNewKeywords: false), "PERMANENTFLAGS ()"),
        (.appendUID(uidValidity: 3, uids: NumberSet([4])), "APPENDUID 3 4"),
        (
            .copyUID(uidValidity: 3, source: NumberSet([1, 2, 9]), destination: NumberSet([5, 6, 7])),
            "COPYUID 3 1:2,9 5:7"
        ),
        (.badCharset(["UTF-8"]), "BADCHARSET (UTF-8)"),
        (.highestModSeq(7), "HIGHESTMODSEQ 7"),
        (.modified(NumberSet([7, 9])), "MODIFIED 7,9"),
        (.mailboxID("F1"), "MAILBOXID (F1)"),
        (.readOnly, "READ-ONLY"),
        (.unknownTransferEncoding, "UNKNOWN-CTE"),
        (.uidNext(8), "UIDNEXT 8"),
        (.noPermission, "NOPERM"),
    ]

    @Test(arguments: codes)
    func code(_ sample: (code: ResponseCode, text: String)) {
        #expect(written { $0.tagged("a", .ok, code: sample.code, text: "Done") } == "a OK [\(sample.text)] Done\r\n")
    }

    @Test func statusTextIsAlwaysParsable() {
        #expect(written { $0.untagged(.bye, code: nil, text: "Bye\r\na OK") } == "* BYE Bye  a OK\r\n")
        #expect(written { $0.untagged(.ok, code: nil, text: "") } == "* OK .\r\n")
        #expect(written { $0.untagged(.ok, code: nil, text: "[x]") } == "* OK . [x]\r\n")
        #expect(written { $0.untagged(.no, code: .alert, text: "é") } == "* NO [ALERT] ?\r\n")
        #expect(written(utf8: true) { $0.untagged(.no, code: .alert, text: "é") } == "* NO [ALERT] é\r\n")
        #expect(written { $0.continuation() } == "+ OK\r\n")
        #expect(written { $0.challenge([]) } == "+ \r\n")
        #expect(written { $0.challenge(bytes("foo")) } == "+ Zm9v\r\n")
        #expect(
            written { $0.refusal(SyntaxError(.messageTooLarge, tag: "a", message: "Big")) } == "a NO [TOOBIG] Big\r\n"
        )
        #expect(written { $0.refusal(SyntaxError(.invalidTag, message: "Tag")) } == "* BAD Tag\r\n")
    }

    static let strings: [([UInt8], String)] = [
        ([], "\"\""),
        (bytes("a b"), "\"a b\""),
        (bytes("a\"\\"), "\"a\\\"\\\\\""),
        (bytes("a\r\nb"), "{4}\r\na\r\nb"),
        (bytes("é"), "{2}\r\né"),
        (bytes(String(repeating: "x", count: 1_025)), "{1025}\r\n" + String(repeating: "x", count: 1_025)),
    ]

    @Test(arguments: strings)
    func string(_ sample: (bytes: [UInt8], text: String)) {
        #expect(written { $0.string(sample.bytes) } == sample.text)
    }

    @Test func stringsInUTF8() {
        #expect(written(utf8: true) { $0.string("é") } == "\"é\"")
        var encoder = ResponseEncoder()
        encoder.usesUTF8 = true
        encoder.string([0xFF])
        #expect(Array(encoder.takeBuffer().readableBytesView) == bytes("{1}\r\n") + [0xFF])
    }

    @Test func mailboxes() {
        #expect(
            written { $0.list([.hasNoChildren, .use(.sent)], MailboxName("Sent")) }
                == "* LIST (\\HasNoChildren \\Sent) \"/\" Sent\r\n"
        )
        #expect(written { $0.list([], MailboxName("été")) } == "* LIST () \"/\" &AOk-t&AOk-\r\n")
        #expect(written(utf8: true) { $0.list([], MailboxName("été")) } == "* LIST () \"/\" \"été\"\r\n")
        #expect(written { $0.list([], MailboxName("nil")) } == "* LIST () \"/\" \"nil\"\r\n")
        #expect(
            written { $0.list([], MailboxName("a b"), oldName: MailboxName("c"), childInfoSubscribed: true) }
                == "* LIST () \"/\" \"a b\" (\"CHILDINFO\" (\"SUBSCRIBED\") \"OLDNAME\" (c))\r\n"
        )
        #expect(written { $0.lsub([.noSelect], MailboxName("a")) } == "* LSUB (\\Noselect) \"/\" a\r\n")
        #expect(written { $0.listDelimiter() } == "* LIST (\\Noselect) \"/\" \"\"\r\n")
        #expect(
            written {
                $0.status(.inbox, [(.messages, .number(3)), (.mailboxID, .objectID("F")), (.appendLimit, .none)])
            }
                == "* STATUS INBOX (MESSAGES 3 MAILBOXID (F) APPENDLIMIT NIL)\r\n"
        )
        #expect(written { $0.personalNamespace() } == "* NAMESPACE ((\"\" \"/\")) NIL NIL\r\n")
        #expect(written { $0.exists(3) } == "* 3 EXISTS\r\n")
        #expect(written { $0.expunge(3) } == "* 3 EXPUNGE\r\n")
        #expect(written { $0.flags([.seen, .recent]) } == "* FLAGS (\\Seen \\Recent)\r\n")
    }

    @Test func sessions() {
        #expect(written { $0.enabled([]) } == "* ENABLED\r\n")
        #expect(written { $0.id([]) } == "* ID NIL\r\n")
        #expect(
            written { $0.id([IDField("name", "S"), IDField("os", nil)]) } == "* ID (\"name\" \"S\" \"os\" NIL)\r\n"
        )
        #expect(written { $0.search([]) } == "* SEARCH\r\n")
        #expect(written { $0.search([1, 4], highestModSeq: 9) } == "* SEARCH 1 4 (MODSEQ 9)\r\n")
        var result = ExtendedSearchResult(.uid)
        result.min = 1
        result.count = 3
        result.all = NumberSet([1, 2, 5])
        result.partial = .init(range: .init(first: -1, last: -2), numbers: NumberSet())
        #expect(
            written { $0.extendedSearch("a\\", result) }
                == "* ESEARCH (TAG \"a\\\\\") UID MIN 1 COUNT 3 ALL 1:2,5 PARTIAL (-1:-2 NIL)\r\n"
        )
    }

    @Test func fetch() {
        let response = written {
            $0.beginFetch(7)
            $0.uid(9)
            $0.fetchedFlags([.seen])
            $0.internalDate(DateTime(unixSeconds: 0))
            $0.size(5)
            $0.modSeq(3)
            $0.threadID(nil)
            $0.section(BodySection(part: [1], text: .headerFields(["To", "a b"])), nil)
            $0.encodedItem("ENVELOPE", ByteBuffer(string: "(NIL)"))
            $0.beginSection(BodySection(), origin: 10, length: 5)
            $0.literalBytes(ByteBuffer(string: "ab"))
            $0.literalBytes(ByteBuffer(string: "cde"))
            $0.beginBinary(part: [2], length: 1, holdsNUL: true)
            $0.literalBytes(ByteBuffer(bytes: [0]))
            $0.endFetch()
        }
        #expect(
            response
                == "* 7 FETCH (UID 9 FLAGS (\\Seen) INTERNALDATE \" 1-Jan-1970 00:00:00 +0000\" RFC822.SIZE 5 "
                + "MODSEQ (3) THREADID NIL BODY[1.HEADER.FIELDS (To \"a b\")] NIL ENVELOPE (NIL) BODY[]<10> {5}\r\n"
                + "abcde BINARY[2] ~{1}\r\n\0)\r\n"
        )
    }

    @Test func nulsAreReplacedInPlace() {
        for count in 1...20 {
            for position in 0..<count {
                var message = [UInt8](repeating: 0x81, count: count)
                var encoder = ResponseEncoder()
                encoder.beginLiteral(length: 2 * count)
                message[position] = 0
                let passed = encoder.literalBytesPassing(ByteBuffer(bytes: message))
                encoder.literalBytes(ByteBuffer(bytes: message))
                message[position] = 0x80
                #expect(Array(passed.readableBytesView) == message)
                #expect(Array(encoder.takeBuffer().readableBytesView).suffix(count) == message[...])
            }
        }
        var encoder = ResponseEncoder()
        encoder.string([97, 0, 98])
        #expect(Array(encoder.takeBuffer().readableBytesView) == Array("{3}\r\na".utf8) + [0x80, 98])
    }
}
