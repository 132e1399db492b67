import Consensus
import MessageFormat
import NIOCore
import Testing

/// What a search makes of the summary that is stored with a message, compared to what it makes of the message.
@Suite("Search of stored envelopes") struct EnvelopeSearchTests {
    private static let names: [(field: EnvelopeField, name: String)] = [
        (.from, "from"), (.to, "to"), (.cc, "cc"), (.bcc, "bcc"), (.subject, "subject"), (.date, "date"),
        (.sender, "sender"), (.replyTo, "reply-to"), (.inReplyTo, "in-reply-to"), (.messageID, "message-id"),
    ]

    private static let headers: [String] = [
        "From: Anna Rossi <anna@example.net>\nTo: user1@example.org\nSubject: Pasta and report 17\n",
        "From: \"Rossi, Anna\" <anna@example.net>\nTo: <a@b>, c@d,e@f\nCc: \nSubject:\n",
        "From: =?utf-8?q?J=C3=B6rg?= M=?x <joerg@x>\nTo: \"J. (no) D\" (a comment) <j . d @ example . org>\n",
        "Subject: =?iso-8859-1?q?Gr=FC=DFe?= aus\n =?utf-8?b?TcO8bmNoZW4=?=\n\t=?utf-8?b?w6k=?= ok\n",
        "Subject: =?iso-2022-jp?b?GyRCRnxLXBsoQg==?= x\nTo: =?gbk?b?1tDOxA==?= <z@y>\n",
        "To: Team: a @ b, \"c d\"@e;, undisclosed-recipients:;\nCc: joe@example.org (Joe)\n",
        "Subject: folded\n  twice\n\tand more \nTo: a@b,\n c@d,\n \"E F\" <e@f>\n",
        "Subject: a=?b c?=d =? = ?\nFrom: a=b@c\nReply-To: x@y\nSender: \"S\" <s@t>\n",
        "SUBJECT : blanks before the colon\nfrom :a@b\nX-To: no@where\n",
        "Subject: \u{E9}t\u{E9} \u{130}STANBUL \u{3A3}\nFrom: \u{C9}mile <e@\u{FC}>\nTo: \"\u{E9}\" <a@b>\n",
        "From: a@b <a@b>\nTo: A  B\t C <x@y> (z), \"\" <e@f>, \" g \" <h@i>, \"j\\\"k\" <l@m>\n",
        "From: Anna <@route,@b:anna@example.net>\nTo: [1] {2}. <a.b+c@d-e> , ,\nBcc: x\n",
        "no field\n continued\nTo: a@b\nno field\n c@d\nMessage-ID: <1@x>\nIn-Reply-To: <0@x> <9@x>\n",
        "Date: Mon, 2 Jan 2006 15:04:05 -0700\nFrom: <>\nTo: @b\nCc: a@\n", "To: a@b>c\nCc: a)b <c@d>\nBcc: a@b c\n",
        "",
    ]

    /// The same, and headers made of pieces that mean something, some with bytes that are no UTF-8.
    private static let messages: [(bytes: [UInt8], summary: ByteBuffer)] = {
        var generator = SplitMix64(seed: 4)
        let words: [[UInt8]] =
            [
                "a", "b@c", "<", ">", "<x@y>", ",", ";", ":", "(", ")", "\"", "\\", "@", " ", "  ", "\t",
                "=?utf-8?q?=E9?=",
                "=?utf-8?b?w6k=?=", "?=", "=", "Anna", "\u{C9}", "\r\n ", "\r\n\t", "\r", ".", "\"J D\" ", "joe@x",
                ", ",
            ].map { Array($0.utf8) } + [[0], [0xff], [0xe9], [0xc3]]
        var made = headers.map { crlf($0 + "\nSubject: not of the header\n") } + Samples.all.map(\.message)
        for _ in 0..<150 {
            var message: [UInt8] = []
            for (_, name) in names where Bool.random(using: &generator) {
                message += Array("\(name): ".utf8)
                for _ in 0..<Int.random(in: 0..<9, using: &generator) {
                    message += words[Int.random(in: 0..<words.count, using: &generator)]
                }
                message += [13, 10]
            }
            made.append(message + crlf("\nbody\n"))
        }
        return made.map { ($0, summary($0).encoded()) }
    }()

    private static let needles: [String] = [
        "", "a", "anna", "PASTA", "report 17", "rossi, anna <", "anna rossi <anna@", "<a@b>", "c@d", "e@f>", "@",
        "j\u{F6}rg",
        "jorg m=?x", "j.d@example.org", "gr\u{FC}\u{DF}e aus m\u{FC}nchen\u{E9} ok", "\u{65E5}\u{672C} x", "\u{4E2D}",
        "folded  twice\tand more", "=?", "a=?b", "\u{E9}t\u{E9} i", "\u{3C3}", "\u{C9}mile", "a b c <x@y>", "<l@m>",
        "<e@f>",
        "g <h", "jan", "<1@x>", "<>", "b c", "\"", "j d <", "joe", "(z)", "\u{E9}", "<b@c>", "a <x@y>", "x@y>",
        "\u{FFFD}",
        "<@b>", "<a@>", ",", ", ", "team", "comment",
    ]

    /// Whether a term is found, in all of a message that is handed out in pieces.
    private static func found(_ search: inout MessageSearch, _ message: [UInt8]) -> Bool? {
        while let range = search.nextRange() {
            search.feed(ByteBuffer(bytes: message[Int(range.lowerBound)..<Int(range.upperBound)]))
        }
        return search.found[0]
    }

    @Test("An envelope tells what the header does, and asks for no bytes", arguments: needles)
    func sameAsHeader(needle: String) {
        let inHeader = Self.names.map { header($0.name, needle) }
        let inEnvelope = Self.names.map { SearchTerm.envelope($0.field, value: Array(needle.utf8)) }
        var search = MessageSearch(SearchPlan(inEnvelope + inHeader), charsets: TestCharsets())
        for message in Self.messages {
            let expected = MessageFormatTests.search(message.bytes, inHeader, piece: 1_000)
            _ = search.start(summary: message.summary, sizeBytes: UInt64(message.bytes.count))
            #expect(search.found == expected + expected, "\(needle) in \(message.bytes)")
        }
    }

    /// RFC 3501, section 6.4.4: SUBJECT is about the envelope, HEADER about all fields.
    @Test("Of fields that stand twice, an envelope has the first, or all joined")
    func repeatedFields() {
        let message = crlf("Subject: one\nTo: a@b\nSubject: two\nTo: c@d\nMessage-ID: <1@x>\n\nbody\n")
        let cases: [(term: SearchTerm, isFound: Bool, needsBytes: Bool)] = [
            (.envelope(.subject, value: Array("one".utf8)), true, false),
            (.envelope(.subject, value: Array("two".utf8)), false, false), (header("subject", "two"), true, true),
            (.envelope(.to, value: Array("a@b".utf8)), true, false),
            (.envelope(.to, value: Array("c@d".utf8)), true, false),
            (header("to", "b,c"), false, true), (header("message-id", "1@x"), true, true),
        ]
        for (term, isFound, needsBytes) in cases {
            var search = MessageSearch(SearchPlan([term]))
            _ = search.start(summary: summary(message).encoded(), sizeBytes: UInt64(message.count))
            #expect((search.found[0] == nil) == needsBytes)
            #expect(Self.found(&search, message) == isFound)
        }
    }

    @Test("Where the envelope was cut, or cannot be read, the header is searched")
    func cutEnvelope() {
        let list = (0..<1_000).map { "number\($0)@example.org" }.joined(separator: ",\n ")
        let message = crlf("Subject: long\nTo: \(list)\n\nbody\n")
        for encoded in [summary(message).encoded(), ByteBuffer(string: "\u{2}old")] {
            for (needle, isFound) in [("number999@", true), ("number1000", false)] {
                var search = MessageSearch(SearchPlan([.envelope(.to, value: Array(needle.utf8))]))
                _ = search.start(summary: encoded, sizeBytes: UInt64(message.count))
                #expect(search.found[0] == nil)
                #expect(Self.found(&search, message) == isFound)
            }
        }
    }

    @Test("Terms about the envelope and about the text, of one message after another")
    func mixedTerms() {
        let terms: [SearchTerm] = [
            .envelope(.subject, value: Array("report".utf8)), text("needle"), header("x-a", ""),
            .envelope(.cc, value: []),
        ]
        var search = MessageSearch(SearchPlan(terms))
        for (message, expected) in [
            ("Subject: a report\nX-A: b\n\nnothing\n", [true, false, true, false]),
            ("Subject: none\nCc: a@b\n\na needle\n", [false, true, false, true]),
            ("Subject: needle\n\nreport\n", [false, true, false, false]),
        ] {
            let bytes = crlf(message)
            _ = search.start(summary: summary(bytes).encoded(), sizeBytes: UInt64(bytes.count))
            #expect(search.found[0] == expected[0] && search.found[3] == expected[3])
            #expect(search.found[1] == nil && search.found[2] == nil)
            _ = Self.found(&search, bytes)
            #expect(search.found == expected)
        }
    }

    @Test("Charsets that messages before named keep none from a later one")
    func manyCharsets() {
        var search = MessageSearch(
            SearchPlan([.envelope(.subject, value: Array("\u{65E5}\u{672C}".utf8))]),
            charsets: TestCharsets()
        )
        for number in 0..<40 {
            let other = crlf("Subject: =?no-such-\(number)?q?x?=\n\n")
            #expect(search.start(summary: summary(other).encoded(), sizeBytes: UInt64(other.count)) > 0)
            #expect(search.found[0] == false)
        }
        let message = crlf("Subject: =?iso-2022-jp?b?GyRCRnxLXBsoQg==?=\n\n")
        _ = search.start(summary: summary(message).encoded(), sizeBytes: UInt64(message.count))
        #expect(search.found[0] == true)
    }
}
