"""What an MTA delivers again, because it never learned how the first time ended, is there once."""

import hashlib
import unittest

from support import imap
from support.cluster import Cluster
from support.lmtp import LMTP

# As Postfix writes it.
TRACE = (b"Received: from a.example.net (a.example.net [192.0.2.1])\r\n\tby mx.example.net (Postfix) with ESMTPS id %s\r\n"
         b"\tfor <user@example.org>; Thu,  1 Jan 2026 00:00:00 +0000 (UTC)\r\n")


def traced(number, size):
    """A message with an MTA's trace, of its own for each number."""
    queue_id = hashlib.sha256(b"%d" % number).hexdigest()[:15].encode()
    return TRACE % queue_id + by_hand(number, size)


def by_hand(number, size):
    return b"Subject: %d\r\nFrom: a@example.net\r\n\r\n" % number + b"x" * 98 * (size // 98) + b"\r\n"


class ExactlyOnceTests(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.cluster = Cluster(nodes=3, accounts=8)
        cls.cluster.start()

    @classmethod
    def tearDownClass(cls):
        cls.cluster.stop()

    def assert_subjects(self, expected):
        for account in self.cluster.addresses():
            for node in self.cluster.live_nodes():
                found = imap.subjects(node, account) if imap.exists(node, account) else []
                self.assertEqual(sorted(found), sorted(expected), f"{account} on node {node.number}")

    def deliver(self, node, message):
        """To each account by itself; every one is acknowledged."""
        with LMTP(node.lmtp) as lmtp:
            for account in self.cluster.addresses():
                self.assertEqual([reply.code for reply in lmtp.deliver(account, message)], [250])

    def test_repeated_through_other_nodes(self):
        first, second, third = self.cluster.nodes
        small, large, manual = traced(1, 1_000), traced(2, 1_500_000), by_hand(3, 1_000)
        self.deliver(first, small)
        self.deliver(first, large)
        # In the middle of things: whether these are stored, nobody has heard.
        unheard = traced(4, 1_000)
        sessions = [LMTP(first.lmtp) for _ in self.cluster.addresses()]
        for lmtp, account in zip(sessions, self.cluster.addresses()):
            self.assertEqual(lmtp.mail().code, 250)
            self.assertEqual(lmtp.rcpt(account).code, 250)
            self.assertEqual(lmtp.command("DATA").code, 354)
        for lmtp in sessions:
            lmtp.send(LMTP.stuffed(unheard))
        first.kill()
        for lmtp in sessions:
            lmtp.close()
        for node in (second, third):
            for message in (small, large, unheard):
                self.deliver(node, message)
        self.deliver(second, manual)
        self.deliver(third, manual)
        self.assert_subjects(["1", "2", "3", "3", "4"])

        first.start_again()
        self.cluster.wait_for_leaders()
        self.deliver(first, unheard)
        self.assert_subjects(["1", "2", "3", "3", "4"])
        self.cluster.wait_for_equal_digests()


if __name__ == "__main__":
    unittest.main(verbosity=2)
