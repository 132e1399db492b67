"""The space of expunged mail comes back, and no other mail goes with it, whenever a node dies meanwhile."""

import base64
import os
import random
import time
import unittest

from support import imap
from support.cluster import Cluster, wait_until
from support.lmtp import LMTP

ACCOUNTS = [f"user{number}@example.org" for number in range(1, 4)]
MESSAGES = 240
KEPT_ONE_IN = 8
# Small segments: what is delivered here fills a dozen.
SETTINGS = ["cluster.groups=4", "mail.expunged-retention-seconds=0", "state.memory-bytes=4194304"]


def body(number):
    """A message that no codec makes smaller."""
    text = base64.encodebytes(os.urandom(150_000)).replace(b"\n", b"\r\n")
    return b"Subject: %d\r\nFrom: a@example.net\r\n\r\n%s" % (number, text)


class SpaceTests(unittest.TestCase):
    def test_space_comes_back(self):
        with Cluster(nodes=1, accounts=len(ACCOUNTS), settings=SETTINGS) as cluster:
            node = cluster.node(1)
            kept = self.deliver(node)
            full = wait_until(lambda: self.state_bytes(node) > 30_000_000 and self.state_bytes(node), 90, "a full state")
            self.expunge(node)
            chance = random.Random(1)
            deadline = time.monotonic() + 240
            # Each start looks for what is due at once. Deaths come anywhere between, also while bodies are moved.
            for _ in range(6):
                node.kill()
                node.start_again()
                time.sleep(chance.uniform(0.5, 4))
            while self.state_bytes(node) > full / 2:
                self.assertLess(time.monotonic(), deadline, f"{self.state_bytes(node)} of {full} bytes are left")
                self.deliver_one(node)
                time.sleep(0.5)
            node.kill()
            node.start_again()
            for account, messages in kept.items():
                with imap.logged_in(node, account) as session:
                    found = imap.check(session.fetch("1:*", "(BODY.PEEK[])"))
                    stored = [part[1] for part in found if isinstance(part, tuple)]
                    for number, message in enumerate(messages):
                        self.assertTrue(stored[number].endswith(message), f"message {number} of {account} has changed")

    def deliver(self, node):
        """Returns what is kept, by account."""
        kept = {account: [] for account in ACCOUNTS}
        with LMTP(node.lmtp, timeout=60) as lmtp:
            for number in range(MESSAGES):
                account = ACCOUNTS[number % len(ACCOUNTS)]
                message = body(number)
                self.assertEqual([reply.code for reply in lmtp.deliver([account], message)], [250])
                if self.is_kept(number // len(ACCOUNTS)):
                    kept[account].append(message)
        return kept

    def deliver_one(self, node):
        """What is dropped has to be durably unneeded first: a write makes the next flush."""
        with LMTP(node.lmtp, timeout=60) as lmtp:
            self.assertEqual([reply.code for reply in lmtp.deliver(ACCOUNTS[:1], b"Subject: x\r\n\r\nx\r\n")], [250])

    @staticmethod
    def is_kept(position):
        return position % KEPT_ONE_IN == 0

    def expunge(self, node):
        for account in ACCOUNTS:
            with imap.logged_in(node, account) as session:
                count = MESSAGES // len(ACCOUNTS)
                gone = ",".join(str(position + 1) for position in range(count) if not self.is_kept(position))
                imap.check(session.store(gone, "+FLAGS.SILENT", "(\\Deleted)"))
                imap.check(session.expunge())

    @staticmethod
    def state_bytes(node):
        """What the state's files take."""
        total = 0
        for path in (node.data / "state").glob("*.sst"):
            try:
                total += path.stat().st_size
            except FileNotFoundError:
                pass
        return total


if __name__ == "__main__":
    unittest.main(verbosity=2)
