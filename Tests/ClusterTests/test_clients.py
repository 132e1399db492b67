"""Programs and libraries that people use, against a cluster: curl, imaplib, swaks, smtp-source, mutt, and raw LMTP."""

import imaplib
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

from support import imap
from support.cluster import PASSWORD, Cluster, wait_until
from support.lmtp import LMTP

ACCOUNTS = 110


class ClientTests(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.cluster = Cluster(nodes=3, accounts=ACCOUNTS, settings=[
            "message.max-bytes=1000000", "address.postmaster=user96@example.org",
        ])
        cls.cluster.start()
        cls.intake, cls.access = cls.cluster.node(1), cls.cluster.node(3)

    @classmethod
    def tearDownClass(cls):
        cls.cluster.stop()

    def setUp(self):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="staffetta-test-"))
        self.addCleanup(shutil.rmtree, self.directory, ignore_errors=True)

    def tearDown(self):
        self.cluster.assert_alive()

    def run_program(self, *words, status=0, stdin=None, environment=None):
        if shutil.which(words[0]) is None:
            self.skipTest(f"{words[0]} is not installed; Deploy/test installs it")
        done = subprocess.run(words, input=stdin, capture_output=True, timeout=300, check=False,
                              env=os.environ | {"HOME": str(self.directory)} | (environment or {}))
        self.assertEqual(done.returncode, status, (words, done.stdout[-2000:], done.stderr[-2000:]))
        return done.stdout

    # IMAP

    def test_curl(self):
        message = b"Subject: by curl\r\nFrom: a@b.c\r\n\r\nuploaded\r\n"
        file = self.directory / "message.eml"
        file.write_bytes(message)
        base = f"imap://127.0.0.1:{self.access.imap}"
        login = ("--silent", "--show-error", "--user", f"user101@example.org:{PASSWORD}")
        self.run_program("curl", *login, "--upload-file", str(file), f"{base}/INBOX")
        self.assertEqual(self.run_program("curl", *login, f"{base}/INBOX;MAILINDEX=1"), message)
        self.assertIn(b"INBOX", self.run_program("curl", *login, f"{base}/"))
        secure = f"imaps://127.0.0.1:{self.access.imaps}/INBOX;MAILINDEX=1"
        self.assertEqual(self.run_program("curl", *login, "--insecure", secure), message)
        starttls = ("--insecure", "--ssl-reqd", f"{base}/INBOX;MAILINDEX=1")
        self.assertEqual(self.run_program("curl", *login, *starttls), message)
        self.run_program("curl", "--silent", "--user", "user101@example.org:wrong", f"{base}/", status=67)

    def test_imaplib(self):
        session = imap.connect(self.access, "user102@example.org")
        self.addCleanup(session.shutdown)
        imap.check(session.create("Projects/Relay"))
        imap.check(session.append("Projects/Relay", r"(\Seen $Work)", None, b"Subject: one\r\n\r\nbody one\r\n"))
        imap.check(session.append("Projects/Relay", None, None, b"Subject: two\r\n\r\n" + b"x" * 600_000 + b"\r\n"))
        self.assertEqual(imap.check(session.select("Projects/Relay")), [b"2"])
        self.assertEqual(imap.check(session.search(None, "SUBJECT", "two")), [b"2"])
        self.assertEqual(len(imap.check(session.fetch("2", "(BODY.PEEK[])"))[0][1]), 600_018)
        self.assertIn(b"$Work", imap.check(session.fetch("1", "(FLAGS)"))[0])
        imap.check(session.store("1", "+FLAGS", r"(\Deleted)"))
        imap.check(session.copy("2", "INBOX"))
        self.assertEqual(imap.check(session.expunge()), [b"1"])
        self.assertEqual(imap.check(session.select("INBOX")), [b"1"])
        imap.check(session.rename("Projects/Relay", "Done"))
        names = b"\n".join(imap.check(session.list()))
        self.assertIn(b"Done", names)
        self.assertNotIn(b"Relay", names)
        imap.check(session.delete("Done"))

    def test_imap_over_tls(self):
        session = imaplib.IMAP4("127.0.0.1", self.access.imap, timeout=60)
        self.addCleanup(session.shutdown)
        self.assertIn("STARTTLS", session.capabilities)
        imap.check(session.starttls(imap.unverified_tls()))
        imap.check(session.login("user1@example.org", PASSWORD))
        secure = imaplib.IMAP4_SSL("127.0.0.1", self.access.imaps, ssl_context=imap.unverified_tls(), timeout=60)
        self.addCleanup(secure.shutdown)
        imap.check(secure.login("user1@example.org", PASSWORD))

    def test_login_refused(self):
        for account, password in [("user1@example.org", "wrong"), ("nobody@example.org", PASSWORD)]:
            session = imaplib.IMAP4("127.0.0.1", self.access.imap, timeout=60)
            with self.assertRaisesRegex(imaplib.IMAP4.error, "AUTHENTICATIONFAILED"):
                session.login(account, password)
            session.shutdown()

    def test_more_keywords_than_a_mailbox_takes(self):
        with imap.logged_in(self.access, "user102@example.org") as session:
            imap.check(session.append("INBOX", None, None, b"Subject: keywords\r\n\r\n"))
            imap.check(session.select("INBOX"))
            for first in range(0, 600, 200):
                names = " ".join(f"k{n}" for n in range(first, first + 200))
                imap.check(session.store("1", "+FLAGS.SILENT", f"(\\Seen {names})"))
            flags = session.fetch("1", "FLAGS")[1][0]
            self.assertEqual(flags.count(b" k"), 512)
            self.assertIn(b"\\Seen", flags)
            # What no message has any more makes room.
            imap.check(session.store("1", "-FLAGS.SILENT", "(k0 k511)"))
            imap.check(session.store("1", "+FLAGS.SILENT", "(late)"))
            self.assertIn(b"late", session.fetch("1", "FLAGS")[1][0])

    def test_mutt(self):
        """Reads by a macro that saves the message to a file; writes to a mailbox by its `copy`."""
        with LMTP(self.intake.lmtp) as lmtp:
            lmtp.deliver("user103@example.org", b"From: a@b.c\r\nSubject: for mutt\r\n\r\nread me\r\n")
        configuration = self.directory / "muttrc"
        configuration.write_text(
            f'set imap_user="user103@example.org"\nset imap_pass="{PASSWORD}"\nset ssl_starttls=no\nset ssl_force_tls=no\n'
            f'set folder="imap://127.0.0.1:{self.access.imap}/"\nset spoolfile="+INBOX"\nset confirmcreate=no\n'
            'set confirmappend=no\nset wait_key=no\nset quit=yes\nset delete=yes\nset copy=no\nset move=no\n'
            'set pipe_decode=no\nset header_cache=""\n'
        )
        script = f"push '<pipe-message>cat > {self.directory}/read<enter><copy-message>+Archive<enter><quit>'"
        command = f"mutt -n -F {configuration} -e \"{script}\""
        self.run_program("mutt", "-v")
        self.run_program("script", "--quiet", "--return", "--command", command, str(self.directory / "typescript"),
                         environment={"TERM": "xterm"})
        self.assertIn("read me", (self.directory / "read").read_text())
        self.assertEqual(imap.subjects(self.access, "user103@example.org", "Archive"), ["for mutt"])

    # LMTP

    def test_lmtp_extensions(self):
        with LMTP(self.intake.lmtp) as lmtp:
            self.assertLessEqual({"PIPELINING", "CHUNKING", "8BITMIME", "SMTPUTF8", "ENHANCEDSTATUSCODES", "STARTTLS",
                                  "SIZE 1000000"}, set(lmtp.extensions))
            lmtp.starttls()
            self.assertNotIn("STARTTLS", lmtp.extensions)
            self.assertEqual(lmtp.deliver("user104@example.org", b"Subject: tls\r\n\r\n")[0].code, 250)
        self.assertEqual(imap.subjects(self.access, "user104@example.org"), ["tls"])

    def test_lmtp_pipelining(self):
        with LMTP(self.intake.lmtp) as lmtp:
            one = (b"MAIL FROM:<a@b.c>\r\nRCPT TO:<user105@example.org>\r\nRCPT TO:<nobody@example.org>\r\n"
                   b"RCPT TO:<user106@example.org>\r\nDATA\r\n")
            lmtp.send(one)
            self.assertEqual([lmtp.reply().code for _ in range(5)], [250, 250, 550, 250, 354])
            lmtp.send(b"Subject: 1\r\n\r\n.\r\n" + one)
            self.assertEqual([lmtp.reply().code for _ in range(7)], [250, 250, 250, 250, 550, 250, 354])
            lmtp.send(b"Subject: 2\r\n\r\n.\r\nNOOP\r\nQUIT\r\n")
            self.assertEqual([lmtp.reply().code for _ in range(4)], [250, 250, 250, 221])
        for account in ("user105@example.org", "user106@example.org"):
            self.assertEqual(imap.subjects(self.access, account), ["1", "2"])

    def test_lmtp_chunking(self):
        message = b"Subject: chunks\r\n\r\n" + bytes(range(256)) * 2_000
        with LMTP(self.intake.lmtp) as lmtp:
            self.assertEqual(lmtp.mail().code, 250)
            self.assertEqual(lmtp.rcpt("user107@example.org").code, 250)
            pieces = [message[:7], message[7:300_000], b"", message[300_000:]]
            self.assertEqual([reply.code for reply in lmtp.bdat(pieces, 1)], [250])
        # No literal may hold NUL: 0x80 stands for it.
        expected = message.replace(b"\0", b"\x80")
        self.assertEqual(imap.without_trace(imap.message(self.access, account="user107@example.org")), expected)

    def test_lmtp_sizes_around_a_chunk(self):
        with LMTP(self.intake.lmtp) as lmtp:
            for size in [262_000 + 23 * step for step in range(12)] + [524_000, 524_288, 786_432, 999_999]:
                message = b"Subject: %d\r\n\r\n" % size
                message += b"x" * (size - len(message) - 2) + b"\r\n"
                for chunked in (False, True):
                    reply = lmtp.deliver("user108@example.org", message, chunked=chunked)[0]
                    self.assertEqual(reply.code, 250, (size, reply))
                stored = imap.message(self.access, account="user108@example.org")
                self.assertEqual(imap.without_trace(stored), message)

    def test_lmtp_refusals(self):
        with LMTP(self.intake.lmtp) as lmtp:
            reply = lmtp.mail(parameters="SIZE=1000001")
            self.assertEqual((reply.code, reply.enhanced), (552, "5.3.4"))
            self.assertEqual(lmtp.mail(parameters="SIZE=1000000").code, 250)
            reply = lmtp.rcpt("nobody@example.org")
            self.assertEqual((reply.code, reply.enhanced), (550, "5.1.1"))
            self.assertEqual(lmtp.command("DATA").code, 503)
            lmtp.command("RSET")
            reply = lmtp.deliver("user109@example.org", b"x" * 1_000_001)[0]
            self.assertEqual((reply.code, reply.enhanced), (552, "5.3.4"))
            self.assertEqual(lmtp.command("NOOP").code, 250)
        self.assertEqual(imap.exists(self.access, "user109@example.org"), 0)

    def test_lmtp_addresses(self):
        """Quoted names, and details, which Delivered-To keeps."""
        with LMTP(self.intake.lmtp) as lmtp:
            for recipient in ("user97@example.org", '"user97"@example.org', '"u\\ser97"@example.org',
                              "User97+List@example.org", '"user97+list"@example.org'):
                self.assertEqual(lmtp.deliver(recipient, b"Subject: to you\r\n\r\n")[0].code, 250, recipient)
            self.assertEqual(lmtp.deliver("Postmaster", b"Subject: to whom\r\n\r\n")[0].code, 250)
        self.assertIn("to whom", imap.subjects(self.access, "user96@example.org"))
        with imap.logged_in(self.access, "user97@example.org") as session:
            stored = [answer[1] for answer in imap.check(session.fetch("1:*", "(BODY.PEEK[])"))
                      if isinstance(answer, tuple) and answer[1].endswith(b"Subject: to you\r\n\r\n")]
        self.assertEqual([re.search(rb"^Delivered-To: (\S+)", message, re.MULTILINE).group(1) for message in stored],
                         [b"user97@example.org"] * 3 + [b"user97+list@example.org"] * 2)
        self.assertTrue(all(imap.without_trace(message) == b"Subject: to you\r\n\r\n" for message in stored))

    def test_lmtp_over_quota(self):
        self.access.ctl("account", "set-quota", "user110@example.org", "5000")
        with LMTP(self.intake.lmtp) as lmtp:
            message = b"Subject: quota\r\n\r\n" + b"x" * 3_000
            self.assertEqual(lmtp.deliver("user110@example.org", message)[0].code, 250)
            replies = lmtp.deliver(["user110@example.org", "user109@example.org"], message)
            self.assertEqual([(reply.code, reply.enhanced) for reply in replies], [(552, "5.2.2"), (250, "2.0.0")])
            large = b"Subject: large\r\n\r\n" + b"x" * 900_000
            self.assertEqual(lmtp.deliver("user110@example.org", large)[0].code, 552)
        self.assertEqual(imap.exists(self.access, "user110@example.org"), 1)
        with imap.logged_in(self.access, "user109@example.org") as session:
            imap.check(session.store("1:*", "+FLAGS", r"(\Deleted)"))
            imap.check(session.expunge())

    def test_lmtp_many_recipients(self):
        """A hundred are taken; the next is told to come again, as RFC 5321 (4.5.3.1.10) has it."""
        recipients = [f"user{number}@example.org" for number in range(1, 101)]
        with LMTP(self.intake.lmtp) as lmtp:
            replies = lmtp.deliver(recipients + ["user101@example.org"], b"Subject: to all\r\n\r\n")
        self.assertEqual([reply.code for reply in replies], [250] * 100 + [452])
        for account in (recipients[0], recipients[49], recipients[99]):
            self.assertIn("to all", imap.subjects(self.access, account))

    def test_swaks(self):
        output = self.run_program(
            "swaks", "--protocol", "LMTP", "--server", "127.0.0.1", "--port", str(self.intake.lmtp), "--from", "a@b.c",
            "--to", "user100@example.org,user99@example.org", "--header", "Subject: by swaks", "--tls",
        )
        self.assertEqual(len(re.findall(rb"250 2\.0\.0", output)), 2, output)
        self.assertIn("by swaks", imap.subjects(self.access, "user99@example.org"))

    def test_smtp_source(self):
        if os.access("/usr/sbin/smtp-source", os.X_OK):
            program = "/usr/sbin/smtp-source"
        else:
            program = "smtp-source"
        before = imap.exists(self.access, "user98@example.org")
        self.run_program(
            program, "-L", "-s", "10", "-m", "500", "-l", "10000", "-f", "a@b.c", "-t", "user98@example.org",
            f"inet:127.0.0.1:{self.intake.lmtp}",
        )
        wait_until(lambda: imap.exists(self.access, "user98@example.org") >= before + 500, 60, "500 messages")
        self.assertEqual(imap.exists(self.access, "user98@example.org"), before + 500)


if __name__ == "__main__":
    unittest.main(verbosity=2)
