import CharsetConversion
import Testing

@Suite struct LabelTests {
    /// What mail calls its charsets (https://encoding.spec.whatwg.org/#names-and-labels, and what else was seen). Those
    /// that glibc does not know are not in here: HZ, and the Mac's Greek, Turkish and Asian ones.
    static let labels = """
        iso-8859-2 iso-8859-3 iso-8859-4 iso-8859-5 iso-8859-6 iso-8859-7 iso-8859-8 iso-8859-9 iso-8859-10 iso-8859-11
        iso-8859-13 iso-8859-14 iso-8859-15 iso-8859-16 iso_8859-8 iso-8859-8-i iso-8859-8-e iso-8859-6-i iso-8859-6-e
        windows-1250 windows-1251 windows-1252 windows-1253 windows-1254 windows-1255 windows-1256 windows-1257
        windows-1258 windows-874 windows-949 windows-932 windows-936 windows-950 windows-31j x-cp1251 x-cp1250 cp1252
        cp437 cp850 cp852 cp855 cp857 cp858 cp860 cp861 cp862 cp863 cp864 cp865 cp866 cp869 cp874 ibm850 ibm437 ibm852
        ibm862 koi8-r koi8-u koi8-t koi8-ru shift_jis shift-jis x-sjis sjis ms_kanji ms932 cp932 csshiftjis euc-jp
        x-euc-jp iso-2022-jp iso-2022-jp-1 iso-2022-jp-2 iso-2022-jp-3 cp50220 cp50221 euc-kr ks_c_5601-1987
        ks_c_5601-1989 ksc5601 ksc_5601 korean cp949 uhc johab iso-2022-kr gb2312 gb_2312-80 gbk x-gbk gb18030 cp936
        euc-cn big5 big5-hkscs cn-big5 x-x-big5 cp950 euc-tw iso-2022-cn iso-2022-cn-ext tis-620 tis620 viscii
        tcvn utf-7 unicode-1-1-utf-7 utf-16 utf-16be utf-16le utf-32 macintosh x-mac-roman x-mac-cyrillic x-mac-ce mac
        armscii-8 hebrew arabic greek cyrillic latin1 latin2 us-ascii utf-8 georgian-ps hp-roman8
        """.split(whereSeparator: \.isWhitespace).map(String.init)

    @Test("Labels of mail", arguments: labels)
    func label(label: String) throws {
        for label in [label, label.uppercased()] {
            let converter = try #require(CharsetConverter(label: label.utf8))
            var text: [UInt8] = []
            // All but UTF-16 and UTF-32 begin as ASCII.
            converter.convert(Array("abc".utf8)[...], into: &text)
            converter.finish(into: &text)
            #expect(
                label.lowercased().hasPrefix("utf-16") || label.lowercased() == "utf-32" || text == Array("abc".utf8)
            )
        }
    }
}
