"""IMAP by Python's imaplib, and by raw bytes where imaplib is in the way."""

import contextlib
import imaplib
import re
import socket
import ssl

from .cluster import PASSWORD

# Python refuses longer lines by itself.
imaplib._MAXLINE = 100_000_000  # pylint: disable=protected-access


def unverified_tls():
    """TLS without a check of the certificate: it is a development cluster's own."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def connect(node, account="user1@example.org", mailbox=None, timeout=120):
    """A session that is logged in, in the mailbox that is named."""
    with node.inside():
        session = imaplib.IMAP4("127.0.0.1", node.imap, timeout=timeout)
    try:
        session.login(account, PASSWORD)
        if mailbox:
            check(session.select(mailbox))
    except BaseException:
        session.shutdown()
        raise
    return session


@contextlib.contextmanager
def logged_in(node, account="user1@example.org", mailbox="INBOX"):
    """`connect` for `with`; ends without a word, whatever state the session is in."""
    session = connect(node, account, mailbox)
    try:
        yield session
    finally:
        session.shutdown()


def check(answer):
    """The data of an answer that must be OK."""
    assert answer[0] == "OK", answer
    return answer[1]


def exists(node, account="user1@example.org", mailbox="INBOX"):
    """How many messages the mailbox has."""
    session = connect(node, account)
    try:
        return int(check(session.select(mailbox, readonly=True))[0])
    finally:
        session.shutdown()


def message(node, number="*", account="user1@example.org", mailbox="INBOX"):
    """The bytes of one message, by sequence number."""
    with logged_in(node, account, mailbox) as session:
        return check(session.fetch(number, "(BODY.PEEK[])"))[0][1]


def subjects(node, account, mailbox="INBOX"):
    """The Subject of every message, in order."""
    with logged_in(node, account, mailbox=None) as session:
        if int(check(session.select(mailbox, readonly=True))[0]) == 0:
            return []
        answers = check(session.fetch("1:*", "(BODY.PEEK[HEADER.FIELDS (SUBJECT)])"))
    found = []
    for answer in answers:
        if isinstance(answer, tuple):
            match = re.search(rb"Subject: *([^\r\n]*)", answer[1], re.IGNORECASE)
            found.append(match.group(1).decode() if match else "")
    return found


def search_uids(session, *criteria):
    return check(session.uid("SEARCH", *criteria))[0].split()


def without_trace(stored):
    """The message without the lines that final delivery put before it."""
    trace = re.match(rb"Return-Path: <[^\r]*>\r\nDelivered-To: [^\r]*\r\n"
                     rb"Received: from [^\r]*\r\n\tby [^\r]* with (UTF8)?LMTPS? id [0-9a-f]{32}(\r\n\tfor <[^\r]*>)?;\r\n"
                     rb"\t[A-Z][a-z]{2}, \d{1,2} [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d \+0000\r\n", stored)
    assert trace, stored[:400]
    return stored[trace.end():]


class RawIMAP:
    """A connection on which a test says whatever it likes."""

    def __init__(self, port, timeout=60, receive_buffer=None):
        self.socket = socket.socket()
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(timeout)
        self.socket.connect(("127.0.0.1", port))
        self.buffer = b""
        self.greeting = self.line()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data)

    def line(self):
        """The next line; empty once the server has closed."""
        while b"\n" not in self.buffer:
            try:
                data = self.socket.recv(65_536)
            except (ConnectionResetError, BrokenPipeError):
                data = b""
            if not data:
                rest, self.buffer = self.buffer, b""
                return rest
            self.buffer += data
        line, self.buffer = self.buffer.split(b"\n", 1)
        return line + b"\n"

    def until(self, prefix):
        """All lines up to the one that starts so, or up to the end of the connection."""
        lines = []
        while True:
            line = self.line()
            lines.append(line)
            if not line or line.startswith(prefix):
                return lines

    def command(self, text, tag=b"a"):
        self.send(tag + b" " + text + b"\r\n")
        return self.until(tag + b" ")

    def login(self, account="user1@example.org"):
        answer = self.command(b"LOGIN %s %s" % (account.encode(), PASSWORD.encode()))
        assert b" OK" in answer[-1], answer
