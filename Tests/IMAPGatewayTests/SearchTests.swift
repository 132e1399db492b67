import IMAPGateway
import MailModel
import MailTestSupport
import NIOCore
import Testing

@Suite struct SearchTests {
    @Test(arguments: [
        ("ALL", "1 2 3"), ("1:2 SEEN", "1"), ("NOT SEEN", "2 3"), ("OR SEEN FLAGGED", "1 2"), ("UID 2:*", "2 3"),
        ("SUBJECT apple", "1"), ("FROM anna", "1 2"), ("TEXT banana", "2 3"), ("BODY banana", "3"),
        ("HEADER X-Kind \"\"", "3"), ("HEADER X-Kind odd NOT SUBJECT x", "3"), ("LARGER 60", "3"),
        ("SMALLER 61", "1 2"),
        ("ON 1-Feb-2024", "1"), ("SINCE 2-Feb-2024", "2 3"), ("BEFORE 2-Feb-2024", "1"), ("KEYWORD blue", "2"),
        ("UNKEYWORD blue", "1 3"), ("NEW", "2 3"), ("OLD", ""), ("RECENT", "1 2 3"), ("(SEEN) (FROM anna)", "1"),
        ("CHARSET UTF-8 SUBJECT apple", "1"), ("OLDER 1", ""), ("YOUNGER 1", "1 2 3"),
        ("SAVEDSINCE 1-Jan-2020", "1 2 3"),
        ("*", "3"), ("NOT 1:2", "3"), ("UNDELETED UNANSWERED UNDRAFT UNFLAGGED", "1 3"),
    ])
    func keys(_ key: String, _ expected: String) async throws {
        try await TestServer.with { server in
            let client = try await server.logIn()
            _ = try await client.append(
                "a",
                "INBOX",
                "From: anna\r\nSubject: Apple\r\n\r\none\r\n",
                "(\\Seen) \" 1-Feb-2024 23:30:00 -0500\" "
            )
            _ = try await client.append(
                "b",
                "INBOX",
                "From: Anna\r\nSubject: banana\r\n\r\ntwo\r\n",
                "(\\Flagged blue) \" 2-Feb-2024 03:00:00 +0000\" "
            )
            _ = try await client.append(
                "c",
                "INBOX",
                "From: x\r\nX-Kind: odd\r\nSubject: Cherry\r\n\r\nthis text is about a BANANA\r\n",
                "\" 3-Feb-2024 03:00:00 +0000\" "
            )
            _ = try await client.command("s", "SELECT INBOX")
            let answer = try await client.command("t", "SEARCH \(key)")
            #expect(answer == "* SEARCH\(expected.isEmpty ? "" : " ")\(expected)\r\nt OK Searched\r\n")
        }
    }

    @Test func decodedText() async throws {
        try await TestServer.with { server in
            let client = try await server.logIn()
            _ = try await client.append(
                "a",
                "INBOX",
                "Subject: =?UTF-8?Q?Caff=C3=A8?=\r\nDate: Thu, 1 Feb 2024 23:00:00 -0500\r\n"
                    + "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n"
                    + "UGVyY2jDqSBubwo=\r\n"
            )
            _ = try await client.command("s", "SELECT INBOX")
            let needles = [("SUBJECT", "CAFFÈ"), ("BODY", "perché"), ("TEXT", "caffè"), ("TEXT", "PERCHÉ NO")]
            for (key, text) in needles {
                let found = try await client.command(
                    "t",
                    "SEARCH CHARSET UTF-8 \(key) {\(text.utf8.count)+}\r\n\(text)"
                )
                #expect(found.hasPrefix("* SEARCH 1\r\n"))
            }
            #expect(try await client.command("u", "SEARCH BODY caff") == "* SEARCH\r\nu OK Searched\r\n")
            #expect(try await client.command("v", "SEARCH SENTON 1-Feb-2024").hasPrefix("* SEARCH 1\r\n"))
            #expect(try await client.command("w", "SEARCH SENTSINCE 2-Feb-2024").hasPrefix("* SEARCH\r\n"))
        }
    }

    /// The charset, the text "日本", "한글", "П" or "éé" in it, and in base64.
    static let charsets: [(name: String, text: [UInt8], base64: String)] = [
        ("ISO-2022-JP", [0x1b, 0x24, 0x42, 0x46, 0x7c, 0x4b, 0x5c, 0x1b, 0x28, 0x42], "GyRCRnxLXBsoQg=="),
        ("Shift_JIS", [0x93, 0xfa, 0x96, 0x7b], "k/qWew=="), ("EUC-KR", [0xc7, 0xd1, 0xb1, 0xdb], "x9Gx2w=="),
        ("KOI8-R", [0xf0], "8A=="), ("ISO-8859-1", [0xe9, 0xe9], "6ek="), ("CP850", [0x82, 0x82], "goI="),
    ]

    @Test(arguments: charsets)
    func charset(_ name: String, _ text: [UInt8], _ base64: String) async throws {
        try await TestServer.with { server in
            let client = try await server.logIn()
            let type = "Content-Type: text/plain; charset=\(name)\r\nContent-Transfer-Encoding: base64\r\n"
            _ = try await client.append("a", "INBOX", "Subject: x\r\n\r\nnothing\r\n")
            _ = try await client.append("a", "INBOX", "Subject: =?\(name)?B?\(base64)?=\r\n\(type)\r\n\(base64)\r\n")
            _ = try await client.command("s", "SELECT INBOX")
            for key in ["SUBJECT", "BODY", "TEXT", "HEADER Subject"] {
                try await client.send("t SEARCH CHARSET \(name) \(key) {\(text.count)+}\r\n")
                try await client.send(ByteBuffer(bytes: text + [13, 10]))
                #expect(try await client.read(through: "t ") == "* SEARCH 2\r\nt OK Searched\r\n")
            }
        }
    }

    /// Others are served while one client has large messages searched for many long strings.
    @Test func aLongSearchGivesWay() async throws {
        try await TestServer.with { server in
            let client = try await server.logIn()
            let message = "Subject: x\r\n\r\n" + String(repeating: "a", count: 1 << 19)
            _ = try await client.append("a", "INBOX", message)
            _ = try await client.command("s", "SELECT INBOX")
            let needle = String(repeating: "a", count: 30_000) + "b"
            let answer = try await client.command(
                "t",
                "SEARCH OR BODY {30001+}\r\n\(needle) BODY {30001+}\r\nb\(needle.dropLast())"
            )
            #expect(answer == "* SEARCH\r\nt OK Searched\r\n")
            let keys = String(repeating: "OR SEEN ", count: 60) + "FLAGGED"
            #expect(try await client.command("u", "SEARCH \(keys) BODY a").hasPrefix("* SEARCH\r\n"))
        }
    }

    @Test func results() async throws {
        try await TestServer.with { server in
            let client = try await server.logIn()
            for number in 1...5 { _ = try await client.append("x\(number)", "INBOX", "m") }
            _ = try await client.command("s", "SELECT INBOX")
            _ = try await client.command("s", "STORE 2 +FLAGS (\\Deleted)")
            _ = try await client.command("s", "EXPUNGE")
            #expect(
                try await client.command("a", "UID SEARCH RETURN (MIN MAX COUNT ALL) ALL")
                    .hasPrefix("* ESEARCH (TAG \"a\") UID MIN 1 MAX 5 COUNT 4 ALL 1,3:5\r\n")
            )
            #expect(
                try await client.command("b", "SEARCH RETURN () 2:3").hasPrefix("* ESEARCH (TAG \"b\") ALL 2:3\r\n")
            )
            #expect(
                try await client.command("c", "SEARCH RETURN (MIN COUNT) SEEN").hasPrefix(
                    "* ESEARCH (TAG \"c\") COUNT 0\r\n"
                )
            )
            for name in ["NO-SUCH", "UTF-8//TRANSLIT", "\"\""] {
                let answer = try await client.command("d", "SEARCH CHARSET \(name) ALL")
                #expect(answer.contains("d NO [BADCHARSET (US-ASCII UTF-8)]"))
            }
            #expect(try await client.command("e", "SEARCH RETURN (SAVE) ALL").contains("e BAD"))
        }
    }
}
