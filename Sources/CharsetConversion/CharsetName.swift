/// The names that charsets have in mail, and what the platform's `iconv` calls them.
///
/// Where mailers name one charset and mean one that contains it, the larger one is meant here, as browsers do
/// (https://encoding.spec.whatwg.org/#names-and-labels).
enum CharsetName {
    /// Longer names are none.
    private static let maximumBytes = 64
    /// What glibc has under names of charsets and is none: `WCHAR_T` and the like depend on the machine.
    private static let refused: Set<String> = ["internal", "wchart", "char", "ucs2", "ucs4", "unicode"]

    /// - Returns: a name for `iconv_open`; nil when it cannot be one.
    static func platformName(_ label: some Collection<UInt8>) -> String? {
        guard !label.isEmpty, label.count <= maximumBytes else { return nil }
        var key = ""
        var name = ""
        for byte in label {
            let character = Character(Unicode.Scalar(byte))
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"):
                key.append(character)
                name.append(character)
            case UInt8(ascii: "A")...UInt8(ascii: "Z"):
                key.append(Character(Unicode.Scalar(byte | 0x20)))
                name.append(character)
            // A slash would begin what iconv is to do with characters it cannot write.
            case UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."), UInt8(ascii: ":"), UInt8(ascii: "+"):
                name.append(character)
            default: return nil
            }
        }
        guard !key.isEmpty, !refused.contains(key) else { return nil }
        if let alias = aliases[key] { return alias }
        // `windows-1255`, `x-cp1255` and the like.
        for prefix in ["windows", "xcp", "ms"] where key.hasPrefix(prefix) {
            let number = key.dropFirst(prefix.count)
            if number.count >= 3, number.allSatisfy(\.isNumber) { return "CP\(number)" }
        }
        return name
    }

    /// By the letters and digits of the label.
    private static let aliases: [String: String] = {
        var aliases: [String: String] = [:]
        let groups: [(name: String, labels: String)] = [
            (
                "CP949",
                "ksc56011987 ksc56011989 ksc5601 ksc56011992 korean euckr cseuckr windows949 isoir149 uhc xwindows949"
            ),
            ("ISO-2022-KR", "iso2022kr csiso2022kr"),
            ("CP932", "shiftjis xsjis sjis mskanji ms932 windows31j cswindows31j csshiftjis windows932 cp932 xmscp932"),
            ("EUC-JP-MS", "eucjp xeucjp xeuc cseucpkdfmtjapanese ujis"),
            ("ISO-2022-JP-3", "iso2022jp csiso2022jp jis iso2022jp1 iso2022jpms cp50220 cp50221 cp50222"),
            (
                "GB18030",
                "gb2312 gb231280 csgb2312 euccn xeuccn gbk xgbk cp936 ms936 windows936 csiso58gb231280 chinese gb18030"
            ),
            ("ISO-2022-CN-EXT", "iso2022cn iso2022cnext"),
            ("BIG5-HKSCS", "big5 big5hkscs csbig5 xxbig5 cnbig5 big5hk"),
            ("CP950", "cp950 windows950 xwindows950 big5eten"),
            ("EUC-TW", "euctw xeuctw"),
            ("CP874", "tis620 windows874 iso885911 cp874 dos874 xwindows874 tis62025291"),
            ("CP1255", "iso88598 iso88598i iso88598e hebrew csisolatinhebrew csiso88598i csiso88598e logical visual"),
            ("ISO-8859-6", "iso88596 iso88596i iso88596e arabic csisolatinarabic asmo708 ecma114"),
            ("UTF-7", "utf7 unicode11utf7 csunicode11utf7 xunicode20utf7"),
            ("UTF-16", "utf16 csutf16 iso10646ucs2"),
            ("UTF-16BE", "utf16be unicodefffe csutf16be"),
            ("UTF-16LE", "utf16le unicodefeff csutf16le"),
            ("UTF-32", "utf32"),
            ("MACINTOSH", "macintosh mac macroman xmacroman csmacintosh xmacwestern xmac"),
            ("MAC-CYRILLIC", "xmaccyrillic maccyrillic xmacukrainian"),
            ("MAC-CENTRALEUROPE", "xmacce macce xmaccentraleurroman maccentraleurope"),
            ("MAC-IS", "xmacicelandic macis"),
            ("IBM850", "cp850 ibm850 850 dosl1 pc850 cspc850multilingual"),
            ("IBM437", "cp437 ibm437 437 cspc8codepage437"),
            ("IBM852", "cp852 ibm852 852 cspcp852"),
            ("IBM858", "cp858 ibm858 ibm00858"),
            ("VISCII", "viscii csviscii viscii111"),
            ("TCVN5712-1", "tcvn tcvn5712 xviettcvn5712"),
            ("KOI8-T", "koi8t"),
            ("JOHAB", "johab cp1361 windows1361 xjohab"),
            ("ARMSCII-8", "armscii8 armscii"),
        ]
        for group in groups { for label in group.labels.split(separator: " ") { aliases[String(label)] = group.name } }
        return aliases
    }()
}
