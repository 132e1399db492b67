import CharsetConversion
import Testing

@Suite struct CharsetConverterTests {
    /// The label, the text's bytes in that charset, the text.
    static let texts: [(label: String, bytes: [UInt8], text: String)] = [
        ("ISO-2022-JP", [0x1b, 0x24, 0x42, 0x46, 0x7c, 0x4b, 0x5c, 0x1b, 0x28, 0x42, 0x21], "日本!"),
        ("Shift_JIS", [0x93, 0xfa, 0x96, 0x7b], "日本"), ("x-sjis", [0x93, 0xfa], "日"), ("cp932", [0x87, 0x40], "①"),
        ("euc-jp", [0xc6, 0xfc, 0xcb, 0xdc], "日本"),
        ("EUC-KR", [0xc7, 0xd1, 0xb1, 0xdb], "한글"), ("ks_c_5601-1987", [0xc7, 0xd1, 0xb1, 0xdb], "한글"),
        ("gb2312", [0xd6, 0xd0, 0xce, 0xc4], "中文"), ("GBK", [0xd6, 0xd0, 0xce, 0xc4], "中文"),
        ("gb18030", [0x81, 0x30, 0x81, 0x30], "\u{80}"), ("hz-gb-2312-not", [], ""),
        ("Big5", [0xa4, 0xa4, 0xa4, 0xe5], "中文"),
        ("windows-1255", [0xf9, 0xec, 0xe5, 0xed], "שלום"), ("iso-8859-8-i", [0xf9, 0xec, 0xe5, 0xed], "שלום"),
        ("windows-1256", [0xd3, 0xe1, 0xc7, 0xe3], "سلام"), ("iso-8859-6", [0xd3, 0xe4, 0xc7, 0xe5], "سلام"),
        ("windows-1258", [0xd0], "Đ"), ("windows-874", [0xe4, 0xb7, 0xc2], "ไทย"),
        ("tis-620", [0xe4, 0xb7, 0xc2], "ไทย"),
        ("utf-7", Array("Hi Mom +Jjo-!".utf8), "Hi Mom ☺!"),
        ("utf-16", [0x00, 0x41, 0x30, 0x42], "Aあ"), ("utf-16", [0xff, 0xfe, 0x41, 0x00], "A"),
        ("utf-16le", [0x41, 0x00], "A"), ("utf-16be", [0x00, 0x41], "A"),
        ("macintosh", [0x8e], "é"), ("x-mac-roman", [0x8e], "é"), ("x-mac-cyrillic", [0x80], "А"),
        ("x-mac-ce", [0x8e], "é"), ("cp850", [0x82], "é"), ("IBM437", [0x82], "é"), ("viscii", [0xea], "ê"),
    ]

    @Test("Texts, in pieces of any length", arguments: texts)
    func text(label: String, bytes: [UInt8], text: String) throws {
        guard !bytes.isEmpty else { return #expect(CharsetConverter(label: label.utf8) == nil) }
        let converter = try #require(CharsetConverter(label: label.utf8))
        for length in [1, 2, 3, 100] {
            var found: [UInt8] = []
            for start in stride(from: 0, to: bytes.count, by: length) {
                converter.convert(bytes[start..<min(start + length, bytes.count)], into: &found)
            }
            converter.finish(into: &found)
            #expect(String(decoding: found, as: UTF8.self) == text, "pieces of \(length)")
        }
    }

    @Test(
        "Names of none",
        arguments: [
            "", "no-such", "utf-8//TRANSLIT", "utf-8/", "WCHAR_T", "INTERNAL", "a b", "\u{e9}", "x-unknown", "\u{0}",
            "unknown-8bit", String(repeating: "a", count: 65), "--",
        ]
    )
    func none(label: String) { #expect(CharsetConverter(label: label.utf8) == nil) }

    @Test("What stands for nothing is replaced, and the rest is read")
    func invalid() throws {
        let converter = try #require(CharsetConverter(label: "euc-kr".utf8))
        var found: [UInt8] = []
        converter.convert([0x61, 0xff, 0x62, 0xc7], into: &found)
        converter.finish(into: &found)
        converter.convert([0xc7, 0xd1], into: &found)
        #expect(String(decoding: found, as: UTF8.self) == "a\u{FFFD}b\u{FFFD}한")
    }

    @Test(
        "No bytes are too odd for any charset",
        arguments: [
            "iso-2022-jp", "iso-2022-kr", "iso-2022-cn", "shift_jis", "euc-jp", "euc-tw", "gb18030", "big5", "utf-7",
            "utf-16",
            "utf-32", "johab", "tcvn", "windows-1258", "cp949",
        ]
    )
    func anyBytes(label: String) throws {
        let converter = try #require(CharsetConverter(label: label.utf8))
        var state: UInt64 = 7
        for round in 0..<10 {
            var bytes: [UInt8] = []
            for _ in 0..<2_000 {
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                // Many escapes and signs, so that shifts are reached.
                let byte = UInt8(truncatingIfNeeded: state >> 33)
                bytes.append(round % 2 == 0 ? byte : [0x1b, 0x24, 0x28, 0x29, 0x42, 0x2b, 0x0e, 0x0f][Int(byte & 7)])
            }
            var whole: [UInt8] = []
            converter.convert(bytes[...], into: &whole)
            converter.finish(into: &whole)
            var pieces: [UInt8] = []
            for start in stride(from: 0, to: bytes.count, by: 7) {
                converter.convert(bytes[start..<min(start + 7, bytes.count)], into: &pieces)
            }
            converter.finish(into: &pieces)
            #expect(whole.count < 10 * bytes.count)
            #expect(String(validating: whole, as: UTF8.self) != nil)
            // glibc does not read what is wrong in ISO-2022-CN alike in pieces and whole.
            let isSame = whole == pieces || label == "iso-2022-cn"
            #expect(isSame)
        }
    }
}
