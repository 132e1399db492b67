"""Broken, hostile and enormous input: refused clearly or stored byte for byte, and never the end of a process."""

import os
import socket
import time
import unittest

from support import imap
from support.cluster import Cluster, wait_until
from support.lmtp import LMTP, ConnectionEnded

ACCOUNT = "user1@example.org"


class BadInputTests(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.cluster = Cluster(nodes=1, accounts=3, settings=["message.max-bytes=20000000"])
        cls.cluster.start()
        cls.node = cls.cluster.node(1)

    @classmethod
    def tearDownClass(cls):
        cls.cluster.stop()

    def tearDown(self):
        self.cluster.assert_alive()

    # LMTP

    def raw_lmtp(self, data):
        """Says that at once, ends its side, and returns all that comes back."""
        with socket.create_connection(("127.0.0.1", self.node.lmtp), timeout=60) as client:
            received = b""
            try:
                client.sendall(data)
                client.shutdown(socket.SHUT_WR)
                while chunk := client.recv(65_536):
                    received += chunk
            except OSError:
                # The server has closed already, perhaps before it read everything.
                pass
            return received

    def test_lmtp_garbage(self):
        for garbage in (os.urandom(100_000), b"\0" * 10_000, b"\r\n" * 10_000, b"\xff\xfe\n" * 50, b"GET / HTTP/1.1\r\n\r\n",
                        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + os.urandom(500)):
            received = self.raw_lmtp(garbage)
            # Nothing came where the server closed while it was still being sent to.
            self.assertTrue(received.startswith(b"220 ") or received == b"", received[:100])
            self.assertLess(len(received), 20_000)

    def test_lmtp_ten_wrong_commands_end_the_session(self):
        with LMTP(self.node.lmtp) as lmtp:
            codes = []
            with self.assertRaises((ConnectionEnded, OSError)):
                for _ in range(30):
                    codes.append(lmtp.command("NONSENSE").code)
            self.assertEqual(codes[:9], [500] * 9)
            self.assertLessEqual(len(codes), 12)
            self.assertEqual(codes[-1], 421)

    def test_lmtp_line_too_long(self):
        with LMTP(self.node.lmtp) as lmtp:
            self.assertEqual(lmtp.command("NOOP " + "x" * 5_000).code, 500)
            self.assertEqual(lmtp.command("NOOP").code, 250)
        with LMTP(self.node.lmtp) as lmtp:
            lmtp.send(b"NOOP " + b"x" * 4_100)
            self.assertEqual(lmtp.reply().code, 500)
            with self.assertRaises((ConnectionEnded, OSError)):
                lmtp.command("NOOP")
        before = self.node.memory_bytes()
        self.raw_lmtp(b"LHLO x\r\nNOOP " + b"x" * 50_000_000)
        self.assertLess(self.node.memory_bytes() - before, 32 << 20)

    def test_lmtp_out_of_order(self):
        with LMTP(self.node.lmtp, greet=False) as lmtp:
            self.assertEqual(lmtp.mail().code, 503)
            lmtp.lhlo()
            self.assertEqual(lmtp.rcpt(ACCOUNT).code, 503)
            self.assertEqual(lmtp.command("DATA").code, 503)
            self.assertEqual(lmtp.mail().code, 250)
            self.assertEqual(lmtp.mail().code, 503)
            self.assertEqual(lmtp.command("DATA").code, 503)
            self.assertEqual(lmtp.command("EHLO x").code, 500)

    # IMAP

    def test_imap_garbage(self):
        for garbage in (os.urandom(100_000), b"\0" * 10_000, b"\r\n" * 200, b"a" * 100 + b"\r\n", b"a LOGIN {5\r\n",
                        b"a LOGIN \"x\r\n", b"a (((((((((((\r\n", b"GET / HTTP/1.1\r\n\r\n"):
            with imap.RawIMAP(self.node.imap) as client:
                try:
                    client.send(garbage)
                    client.socket.shutdown(socket.SHUT_WR)
                    lines = client.until(b"never")
                except OSError:
                    # Closed by the server before all of it was sent.
                    continue
                self.assertLess(len(lines), 300)

    def test_imap_long_line(self):
        with imap.RawIMAP(self.node.imap) as client:
            client.send(b"a NOOP " + b"x" * 70_000)
            answer = client.until(b"a ")[-1]
            # Refused before the end of the line came.
            self.assertTrue(answer.startswith((b"a BAD", b"* BAD", b"* BYE")) or answer == b"", answer)

    def test_imap_oversized_literal_is_refused_before_it_is_read(self):
        with imap.RawIMAP(self.node.imap) as client:
            client.login()
            client.send(b"b APPEND INBOX {20000001}\r\n")
            self.assertRegex(client.until(b"b ")[-1], rb"^b NO .*TOOBIG|^b (NO|BAD) ")
            self.assertIn(b"c OK", client.command(b"NOOP", tag=b"c")[-1])
            client.send(b"d LOGIN {99999999999999999999}\r\n")
            self.assertRegex(client.until(b"d ")[-1], rb"^d BAD ")
            self.assertIn(b"e OK", client.command(b"NOOP", tag=b"e")[-1])

    def test_imap_ten_bad_commands_end_the_session(self):
        with imap.RawIMAP(self.node.imap) as client:
            client.send(b"".join(b"x%d NONSENSE\r\n" % number for number in range(30)))
            lines = [line for line in client.until(b"never") if line]
            self.assertGreaterEqual(sum(b" BAD " in line for line in lines), 9)
            self.assertLessEqual(sum(b" BAD " in line for line in lines), 11)
            self.assertTrue(any(line.startswith(b"* BYE") for line in lines), lines)

    def test_a_client_that_stops_reading_costs_little_memory(self):
        size, count = 5_000_000, 20
        message = b"Subject: large\r\n\r\n" + (b"0123456789" * 9 + b"abcdef\r\n") * (size // 98)
        with LMTP(self.node.lmtp) as lmtp:
            for _ in range(count):
                self.assertEqual(lmtp.deliver("user3@example.org", message)[0].code, 250)
        before = self.node.memory_bytes()
        clients = []
        try:
            for _ in range(3):
                client = imap.RawIMAP(self.node.imap, receive_buffer=4_096)
                clients.append(client)
                client.login("user3@example.org")
                client.command(b"SELECT INBOX")
                client.send(b"f FETCH 1:* BODY.PEEK[]\r\n")
            highest = 0
            end = time.monotonic() + 5

            def watched():
                nonlocal highest
                highest = max(highest, self.node.memory_bytes())
                return time.monotonic() > end

            wait_until(watched, 60, "a look at the memory")
            grown = highest - before
            print(f"{len(clients)} clients that do not read {count * size >> 20} MiB: {grown >> 20} MiB more")
            self.assertLess(grown, 64 << 20)
            # One that reads after all gets everything.
            lines = clients[0].until(b"f ")
            self.assertIn(b"OK", lines[-1])
            self.assertEqual(sum(line.startswith(b"* ") and b"FETCH" in line for line in lines), count)
        finally:
            for client in clients:
                client.socket.close()


class StrangeMessageTests(unittest.TestCase):
    """Each message comes back byte for byte, but for NUL, which no literal may hold, and has an ENVELOPE and a BODYSTRUCTURE."""

    @classmethod
    def setUpClass(cls):
        cls.cluster = Cluster(nodes=1, accounts=2)
        cls.cluster.start()
        cls.node = cls.cluster.node(1)

    @classmethod
    def tearDownClass(cls):
        cls.cluster.stop()

    def keep(self, message, chunked=False):
        with LMTP(self.node.lmtp, timeout=120) as lmtp:
            reply = lmtp.deliver(ACCOUNT, message, chunked=chunked)[0]
        self.assertEqual(reply.code, 250, reply)
        # 0x80 stands for NUL.
        self.assertEqual(imap.without_trace(imap.message(self.node)), message.replace(b"\0", b"\x80"))
        with imap.logged_in(self.node) as session:
            count = imap.check(session.select("INBOX"))[0]
            size = imap.check(session.fetch(count, "(RFC822.SIZE)"))[0]
            stored = imap.message(self.node)
            self.assertIn(b"RFC822.SIZE %d" % len(stored), size)
        with imap.RawIMAP(self.node.imap) as client:
            client.login()
            client.command(b"SELECT INBOX")
            answer = b"".join(client.command(b"FETCH %s (ENVELOPE BODYSTRUCTURE)" % count, tag=b"g"))
        self.assertIn(b"ENVELOPE (", answer)
        self.assertIn(b"BODYSTRUCTURE (", answer)
        self.assertIn(b"g OK", answer)
        self.cluster.assert_alive()
        return answer

    def test_nul(self):
        for chunked in (False, True):
            self.keep(b"Subject: a\0b\r\nX-\0: y\r\n\r\nbefore\0after\r\n", chunked)

    def test_bare_carriage_returns_and_line_feeds(self):
        for chunked in (False, True):
            self.keep(b"Subject: one\rtwo\r\nX-Bare: a\nb\r\n\r\nbare\rcarriage\nline\r\r\n\n\r.\n.\r\n", chunked)

    def test_no_header_no_body_no_end(self):
        self.keep(b"\r\n")
        self.keep(b"no header here\r\n")
        self.keep(b"Subject: no empty line\r\n")
        self.keep(b"", chunked=True)
        self.keep(b"Subject: no end of line", chunked=True)

    def test_dots(self):
        self.keep(b".\r\n..\r\nSubject: dots\r\n\r\n.\r\n..x\r\n...\r\n")

    def test_header_line_of_a_megabyte(self):
        self.keep(b"Subject: " + b"x" * 1_000_000 + b"\r\nTo: " + b"a@b.c, " * 140_000 + b"d@e.f\r\n\r\nbody\r\n")

    def test_ten_thousand_parts(self):
        part = b"--b\r\nContent-Type: text/plain\r\n\r\nx\r\n"
        self.keep(b"Subject: parts\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n" + part * 10_000 + b"--b--\r\n")

    def test_nested_a_hundred_deep(self):
        head, tail = b"Subject: deep\r\n", b""
        for depth in range(100):
            head += b"Content-Type: multipart/mixed; boundary=b%03d\r\n\r\n--b%03d\r\n" % (depth, depth)
            tail = b"\r\n--b%03d--\r\n" % depth + tail
        self.keep(head + b"\r\ninside\r\n" + tail)

    def test_messages_in_messages(self):
        self.keep(b"Subject: outer\r\n" + b"Content-Type: message/rfc822\r\n\r\n" * 100 + b"Subject: inner\r\n\r\nx\r\n")

    def test_bytes_of_every_kind(self):
        everything = bytes(range(256)) * 40
        self.keep(b"Subject: \xff\xfe\xc3\x28\r\nFrom: \x80 <a@b>\r\nContent-Type: \xf0\x28/x; name=\"\xff\"\r\n\r\n" + everything,
                  chunked=True)


if __name__ == "__main__":
    unittest.main(verbosity=2)
