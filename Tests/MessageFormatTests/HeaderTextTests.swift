import MessageFormat
import NIOCore
import Testing

@Suite("Header text") struct HeaderTextTests {
    static let texts: [(raw: String, text: String)] = [
        ("plain", "plain"),
        (" a\r\n b\r\n\tc \r\n", "a b\tc"),
        ("=?utf-8?Q?caf=C3=A9?=", "café"),
        ("=?UTF-8?b?Y2Fmw6k=?=", "café"),
        ("=?iso-8859-1?q?=A1Hola,_se=F1or!?=", "¡Hola, señor!"),
        ("a =?utf-8?q?b?= c", "a b c"),
        ("=?utf-8?q?a?= =?utf-8?q?b?=", "ab"),
        ("=?utf-8?q?a?=\r\n =?iso-8859-1?q?=E9?=", "aé"),
        ("=?utf-8?q?a?= x =?utf-8?q?b?=", "a x b"),
        ("=?utf-8?q?a_?= =?utf-8?q?b?=", "a b"),
        // One character in two words.
        ("=?utf-8?q?caf=C3?= =?utf-8?q?=A9?=", "café"),
        ("=?utf-8?b?w6k=?= =?utf-8?b?w6k=?=", "éé"),
        ("=?utf-8*fr?q?caf=C3=A9?=", "café"),
        ("(=?utf-8?q?a?=)", "(a)"),
        ("\"=?utf-8?q?a?=\"", "\"a\""),
        ("=?utf-8?q?a b?=", "a b"),
        ("=?utf-8?q??=x", "x"),
        ("=?utf-8?x?a?=", "=?utf-8?x?a?="),
        ("=?utf-8?q?a", "=?utf-8?q?a"),
        ("=??q?a?=", "=??q?a?="),
        ("=?", "=?"),
        ("what?", "what?"),
        ("=?no-such?q?a=E9b?=", "a\u{FFFD}b"),
        ("=?utf-8?q?a=zzb=?=", "a=zzb"),
        ("=?iso-8859-2?q?=B1=E6=EA?=", "ąćę"),
        ("=?iso-8859-5?q?=B6=D0?=", "Жа"),
        ("=?iso-8859-7?q?=E1=E2?=", "αβ"),
        ("=?iso-8859-9?q?=F0=FE?=", "ğş"),
        ("=?iso-8859-15?q?=A4?=", "€"),
        ("=?windows-1250?q?=9C=E8?=", "śč"),
        ("=?windows-1251?q?=CF=F0=E8?=", "При"),
        ("=?windows-1252?q?=80=93x=94?=", "€“x”"),
        ("=?koi8-r?b?8NLJ18XU?=", "Привет"),
        ("naïve", "naïve"),
    ]

    @Test("Encoded words and folded lines", arguments: texts)
    func decode(raw: String, text: String) { #expect(HeaderText.decode(raw.utf8) == text) }

    static let charsets = [
        "iso-8859-1", "iso-8859-2", "iso-8859-3", "iso-8859-4", "iso-8859-5", "iso-8859-7", "iso-8859-9", "iso-8859-10",
        "iso-8859-13", "iso-8859-14", "iso-8859-15", "iso-8859-16", "windows-1250", "windows-1251", "windows-1252",
        "windows-1253", "windows-1254", "windows-1257", "koi8-r", "koi8-u", "cp866",
    ]

    @Test("Every byte of every charset is one character", arguments: charsets)
    func everyByte(charset: String) {
        for byte in UInt8(0x80)...0xff {
            let text = HeaderText.decode("=?\(charset)?q?<=\(String(byte, radix: 16))>?=".utf8)
            #expect(text.unicodeScalars.count == 3)
        }
    }

    @Test("8-bit bytes that are not UTF-8 are ISO-8859-1")
    func rawLatin() {
        #expect(HeaderText.decode([0x67, 0x72, 0xfc, 0x6e]) == "grün")
        #expect(HeaderText.decode(ByteBuffer(bytes: [0x61, 0, 0xff]).readableBytesView) == "aÿ")
    }
}
