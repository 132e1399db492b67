"""A small LMTP client (RFC 2033): one reply per recipient, pipelining, chunking, STARTTLS, and raw bytes."""

import socket
import ssl


class Reply:
    """A reply of one or several lines."""

    def __init__(self, code, lines):
        self.code = code
        self.lines = lines

    @property
    def text(self):
        return " ".join(self.lines)

    @property
    def enhanced(self):
        """The enhanced status code (RFC 3463), the first word after the code."""
        return self.lines[0].split(" ")[0] if self.lines else ""

    def __repr__(self):
        return f"{self.code} {' / '.join(self.lines)}"


class ConnectionEnded(Exception):
    """The server closed the connection."""


class LMTP:
    """One connection; `with LMTP(port) as lmtp: lmtp.deliver(...)`."""

    def __init__(self, port, timeout=60, greet=True):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=timeout)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = b""
        try:
            self.greeting = self.reply()
            self.extensions = self.lhlo() if greet else []
        except BaseException:
            self.socket.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def close(self):
        self.socket.close()

    # What goes over the wire

    def send(self, data):
        self.socket.sendall(data)

    def _line(self):
        while b"\n" not in self.buffer:
            data = self.socket.recv(65_536)
            if not data:
                raise ConnectionEnded(repr(self.buffer[-200:]))
            self.buffer += data
        line, self.buffer = self.buffer.split(b"\n", 1)
        return line.rstrip(b"\r").decode("utf-8", "replace")

    def reply(self):
        lines = []
        while True:
            line = self._line()
            assert len(line) >= 3 and line[:3].isdigit(), f"no reply: {line!r}"
            lines.append(line[4:])
            if line[3:4] != "-":
                return Reply(int(line[:3]), lines)

    def command(self, text):
        self.send(text.encode() + b"\r\n")
        return self.reply()

    # Steps of a session

    def lhlo(self):
        reply = self.command("LHLO client.example.org")
        assert reply.code == 250, reply
        return reply.lines[1:]

    def starttls(self):
        """STARTTLS without checking the certificate, and a new greeting."""
        reply = self.command("STARTTLS")
        assert reply.code == 220, reply
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        self.socket = context.wrap_socket(self.socket)
        self.extensions = self.lhlo()

    def mail(self, sender="sender@example.net", parameters=""):
        return self.command(f"MAIL FROM:<{sender}>{' ' + parameters if parameters else ''}")

    def rcpt(self, recipient):
        return self.command(f"RCPT TO:<{recipient}>")

    @staticmethod
    def stuffed(message):
        """The message as DATA wants it: dots doubled, the end behind it."""
        if message.startswith(b"."):
            message = b"." + message
        message = message.replace(b"\r\n.", b"\r\n..")
        return message + (b".\r\n" if message.endswith(b"\r\n") else b"\r\n.\r\n")

    def data(self, message, recipients):
        """DATA after the recipients were accepted; one reply for each."""
        reply = self.command("DATA")
        assert reply.code == 354, reply
        self.send(self.stuffed(message))
        return [self.reply() for _ in range(recipients)]

    def bdat(self, pieces, recipients):
        """The message in chunks (RFC 3030), all sent at once."""
        for position, piece in enumerate(pieces):
            last = position == len(pieces) - 1
            self.send(b"BDAT %d%s\r\n" % (len(piece), b" LAST" if last else b"") + piece)
        for _ in pieces[:-1]:
            reply = self.reply()
            assert reply.code == 250, reply
        return [self.reply() for _ in range(recipients)]

    def deliver(self, recipients, message, sender="sender@example.net", chunked=False):
        """A whole transaction; one reply per recipient in their order, whether refused at RCPT or later."""
        if isinstance(recipients, str):
            recipients = [recipients]
        reply = self.mail(sender)
        if reply.code != 250:
            return [reply] * len(recipients)
        replies = [self.rcpt(recipient) for recipient in recipients]
        accepted = [position for position, reply in enumerate(replies) if reply.code == 250]
        if not accepted:
            self.command("RSET")
            return replies
        body = self.bdat([message], len(accepted)) if chunked else self.data(message, len(accepted))
        for position, reply in zip(accepted, body):
            replies[position] = reply
        return replies

    def deliver_pipelined(self, recipients, message, sender="sender@example.net", replies=None):
        """A whole transaction as MTAs do it (RFC 2920): MAIL, all RCPTs and DATA are sent at once.

        Returns the last reply for each recipient, in their order. They stand in `replies` (a list of nothing but None)
        as they come, so that it says whose are known when the connection ends in between: 250 at RCPT is none."""
        replies = [None] * len(recipients) if replies is None else replies
        self.send(b"".join(line.encode() + b"\r\n" for line in [
            f"MAIL FROM:<{sender}>", *(f"RCPT TO:<{recipient}>" for recipient in recipients), "DATA",
        ]))
        mail = self.reply()
        accepted = []
        for position in range(len(recipients)):
            reply = self.reply()
            if reply.code == 250:
                accepted.append(position)
            else:
                replies[position] = mail if mail.code != 250 else reply
        data = self.reply()
        if data.code != 354:
            for position in accepted:
                replies[position] = data
            self.command("RSET")
            return replies
        # RFC 2033, section 4.2: one reply for each RCPT that was accepted, in the order of the RCPTs.
        self.send(self.stuffed(message))
        for position in accepted:
            replies[position] = self.reply()
        return replies
