/// Messages of every kind, right and wrong.
enum Samples {
    static let plain = """
        From: Joe Doe <joe@example.org>
        To: mary@example.net
        Subject: Hello
        Date: Mon, 2 Jan 2006 15:04:05 -0700
        Message-ID: <1@example.org>

        Dear Mary,
        good bye.

        """

    static let alternative = """
        Content-Type: multipart/alternative; boundary="=_x y"
        Subject: two of them

        preamble
        --=_x y
        Content-Type: text/plain; charset=utf-8
        Content-Transfer-Encoding: quoted-printable

        caf=C3=A9
        --=_x y
        Content-Type: text/html

        <p>caf&eacute;</p>

        --=_x y--
        epilogue

        """

    static let mixed = """
        Content-Type: multipart/mixed; boundary=outer
        MIME-Version: 1.0

        --outer
        Content-Type: text/plain

        see below
        --outer
        Content-Type: message/rfc822
        Content-Description: the one I meant

        From: inner@example.org
        Subject: within
        Content-Type: multipart/mixed; boundary=inner

        --inner

        first
        --inner
        Content-Type: application/pdf; name="a.pdf"
        Content-Transfer-Encoding: base64
        Content-Disposition: attachment; filename="a.pdf"; size=3
        Content-ID: <a@b>
        Content-MD5: Q2hlY2s=
        Content-Language: en, de
        Content-Location: http://example.org/a.pdf

        YWJj
        --inner--
        --outer
        Content-Type: message/rfc822

        Subject: simple

        body
        --outer--

        """

    static let digest = """
        Content-Type: multipart/digest; boundary=d

        --d

        From: a@example.org
        Subject: one

        1
        --d

        From: b@example.org
        Subject: two

        2
        --d
        Content-Type: text/plain

        not a message
        --d--

        """

    static let all: [Sample] = [
        Sample("plain", plain),
        Sample("alternative", alternative),
        Sample("mixed", mixed),
        Sample("digest", digest),
        Sample("bare LF", bytes: Array(mixed.utf8)),
        Sample("empty", ""),
        Sample("no header", "\nonly a body\n"),
        Sample("not a header", "Hello there\nhow are you\n\nbody\n"),
        Sample("header only", "From: a@b\nSubject: x\n"),
        Sample("header without an end", "From: a@b\nSubject: x"),
        Sample("missing final boundary", "Content-Type: multipart/mixed; boundary=b\n\n--b\n\none\n--b\n\ntwo\n"),
        Sample("blanks behind boundary", "Content-Type: multipart/mixed; boundary=b\n\n--b  \n\none\n--b-- \t\nx\n"),
        Sample("no such boundary", "Content-Type: multipart/mixed; boundary=b\n\n--c\n\none\n--c--\n"),
        Sample("no boundary parameter", "Content-Type: multipart/mixed\n\n--c\n\none\n--c--\n"),
        Sample("empty parts", "Content-Type: multipart/mixed; boundary=b\n\n--b\n--b\n\n--b\n\n\n--b--\n"),
        Sample("boundaries alike", "Content-Type: multipart/mixed; boundary=b\n\n--bb\n--b\n\n--b-\n--b--\n--b\nx\n"),
        Sample("header broken off", "Content-Type: multipart/mixed; boundary=b\n\n--b\nSubject: x\n--b\nX: y\n"),
        Sample(
            "message broken off",
            "Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: message/rfc822\n\nSubject: x\n--b--\n"
        ),
        Sample("message is a message", "Content-Type: message/rfc822\nSubject: o\n\nSubject: i\n\nbody\n"),
        Sample(
            "encoded messages",
            "Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: message/rfc822\n"
                + "Content-Transfer-Encoding: base64\n\nU3ViamVjdDogYQ0KDQpi\n--b\nContent-Type: message/rfc822\n"
                + "Content-Transfer-Encoding: quoted-printable\n\nSubject: a=\n b\n\nc\n--b--\n"
        ),
        Sample("NUL", bytes: crlf("Subject: a") + [0] + crlf("b\n\nx") + [0, 0] + crlf("y\n")),
        Sample("bare CR", bytes: Array("Subject: a\rb\r\n\r\nx\ry\r\r\nz\r".utf8)),
        Sample(
            "8 bit",
            bytes: crlf("Subject: gr") + [0xfc] + crlf("n\nFrom: J") + [0xc3, 0xb6] + crlf("rg <j@x>\n\n")
        ),
        Sample(
            "odd charset",
            "Content-Type: text/plain; charset=\"no such\"\nContent-Transfer-Encoding: x-uu\n\nabc\n"
        ),
        Sample("odd type", "Content-Type: nonsense\n\nabc\n"),
    ]
}
