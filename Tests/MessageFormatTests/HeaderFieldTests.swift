import MessageFormat
import NIOCore
import Testing

@Suite("Header fields") struct HeaderFieldTests {
    private static let header = "From: a@b\r\nSubject: one\r\n two\r\nTO : c@d\r\nno field\r\nsubject:x\r\n\r\n"

    static let filters: [(names: [String], not: Bool, expected: String)] = [
        (["from"], false, "From: a@b\r\n\r\n"),
        (["SUBJECT"], false, "Subject: one\r\n two\r\nsubject:x\r\n\r\n"),
        (["to", "From"], false, "From: a@b\r\nTO : c@d\r\n\r\n"),
        (["x"], false, "\r\n"),
        ([], false, "\r\n"),
        (["subject"], true, "From: a@b\r\nTO : c@d\r\nno field\r\n\r\n"),
        (["subject", "from", "to", ""], true, "\r\n"),
    ]

    @Test("Filter", arguments: filters)
    func filter(names: [String], not: Bool, expected: String) {
        #expect(
            String(buffer: HeaderFields.filter(ByteBuffer(string: Self.header), names: names, not: not)) == expected
        )
    }

    static let oddHeaders: [(header: String, expected: String)] = [
        ("", "\r\n"),
        ("\r\nTo: x\r\n", "\r\n"),
        ("To: x", "To: x\r\n\r\n"),
        ("To: x\n y\nFrom: z\n\nTo: body\n", "To: x\n y\n\r\n"),
        (" To: x\r\nTo: y\r\n", "To: y\r\n\r\n"),
        ("To:\r\n", "To:\r\n\r\n"),
        ("To\r\n: x\r\n", "\r\n"),
    ]

    @Test("Headers that are not right", arguments: oddHeaders)
    func odd(header: String, expected: String) {
        #expect(String(buffer: HeaderFields.filter(ByteBuffer(string: header), names: ["to"], not: false)) == expected)
    }

    @Test("Values")
    func values() {
        let values = HeaderFields.values(named: "Subject", in: ByteBuffer(string: Self.header))
        #expect(values.map { String(buffer: $0) } == [" one\r\n two\r\n", "x\r\n"])
        #expect(HeaderText.decode(values[0].readableBytesView) == "one two")
    }

    @Test("Names")
    func names() {
        let names = HeaderFieldSequence(ByteBuffer(string: Self.header)).map { String(buffer: $0.name) }
        #expect(names == ["From", "Subject", "TO", "", "subject"])
    }
}
