"""mbsync keeps a Maildir and a mailbox the same, both ways."""

import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

from support import imap
from support.cluster import PASSWORD, Cluster

MESSAGES = 500


@unittest.skipIf(shutil.which("mbsync") is None, "isync is not installed; Deploy/test installs it")
class MbsyncTests(unittest.TestCase):
    def setUp(self):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="staffetta-test-"))
        self.addCleanup(shutil.rmtree, self.directory, ignore_errors=True)
        self.maildir = self.directory / "mail" / "INBOX"
        for name in ("cur", "new", "tmp"):
            (self.maildir / name).mkdir(parents=True)

    def sync(self, node):
        configuration = self.directory / "mbsyncrc"
        configuration.write_text(f"""
IMAPAccount staffetta
Host 127.0.0.1
Port {node.imap}
User user1@example.org
Pass {PASSWORD}
SSLType None
AuthMechs LOGIN

IMAPStore far
Account staffetta

MaildirStore near
Path {self.directory}/mail/
Inbox {self.maildir}
SubFolders Verbatim

Channel all
Far :far:
Near :near:
Patterns INBOX
Create Both
Expunge Both
SyncState *
""")
        done = subprocess.run(["mbsync", "-c", str(configuration), "-a"], capture_output=True, text=True, timeout=600,
                              check=False, env=os.environ | {"HOME": str(self.directory)})
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def files(self):
        return sorted(file for name in ("cur", "new") for file in (self.maildir / name).iterdir())

    def near(self):
        """The flags of every message in the Maildir, by subject."""
        found = {}
        for file in self.files():
            subject = file.read_bytes().split(b"\n", 1)[0].strip().decode().removeprefix("Subject: ")
            flags = file.name.partition(":2,")[2]
            found[subject] = "".join(sorted(set(flags) & set("SFRT")))
        return found

    def far(self, node):
        """The same of the mailbox."""
        found = {}
        letters = {b"\\Seen": "S", b"\\Flagged": "F", b"\\Answered": "R", b"\\Deleted": "T"}
        with imap.logged_in(node) as session:
            for answer in imap.check(session.fetch("1:*", "(FLAGS BODY.PEEK[HEADER.FIELDS (SUBJECT)])")):
                if isinstance(answer, tuple):
                    subject = answer[1].strip().decode().removeprefix("Subject: ")
                    flags = [letter for flag, letter in letters.items() if flag in answer[0]]
                    found[subject] = "".join(sorted(flags))
        return found

    def test_both_ways(self):
        with Cluster(nodes=3, accounts=1) as cluster:
            for number in range(MESSAGES):
                flags = ["", "S", "F", "FS", "RS"][number % 5]
                (self.maildir / "cur" / f"{number}.test:2,{flags}").write_bytes(
                    b"Subject: %d\nFrom: a@b.c\n\n%s\n" % (number, b"line\n" * (number % 40))
                )
            before = self.near()
            self.sync(cluster.node(1))
            self.assertEqual(self.far(cluster.node(3)), before)

            # Changes on both sides, each to its own messages.
            with imap.logged_in(cluster.node(2)) as session:
                self.assertEqual(len(imap.search_uids(session, "ALL")), MESSAGES)
                imap.check(session.store("1:50", "+FLAGS", r"(\Answered)"))
                imap.check(session.store("51:60", "-FLAGS", r"(\Seen \Flagged)"))
                imap.check(session.store("101:120", "+FLAGS", r"(\Deleted)"))
                imap.check(session.expunge())
                imap.check(session.append("INBOX", r"(\Flagged)", None, b"Subject: from afar\r\n\r\nbody\r\n"))
            gone = [file for file in self.files() if 400 <= self.number(file) < 420]
            marked = [file for file in self.files() if 300 <= self.number(file) < 350]
            for file in gone:
                file.rename(file.with_name(file.name + "T" if file.name.endswith(tuple("FRS,")) else file.name))
            for file in marked:
                name, _, flags = file.name.partition(":2,")
                file.rename(file.with_name(f"{name}:2,{''.join(sorted(set(flags) | set('FS')))}"))
            (self.maildir / "new" / "1.near").write_bytes(b"Subject: from near\n\nbody\n")
            self.sync(cluster.node(1))
            near, far = self.near(), self.far(cluster.node(3))
            self.assertEqual(near, far)
            self.assertEqual(len(near), MESSAGES - 20 - 20 + 2)
            self.assertEqual(near["from afar"], "F")
            self.assertTrue(all(near[str(number)] in ("FS", "FRS") for number in range(300, 350)))

            # Nothing to do any more.
            names = self.files()
            status = self.status(cluster.node(2))
            self.sync(cluster.node(2))
            self.assertEqual(self.files(), names)
            self.assertEqual(self.status(cluster.node(2)), status)
            print(f"mbsync: {MESSAGES} messages pushed, {len(near)} the same on both sides after changes")

    @staticmethod
    def number(file):
        subject = file.read_bytes().split(b"\n", 1)[0].strip().decode().removeprefix("Subject: ")
        return int(subject) if subject.isdigit() else -1

    def status(self, node):
        session = imap.connect(node)
        try:
            return imap.check(session.status("INBOX", "(MESSAGES UIDNEXT UIDVALIDITY HIGHESTMODSEQ)"))
        finally:
            session.shutdown()


if __name__ == "__main__":
    unittest.main(verbosity=2)
