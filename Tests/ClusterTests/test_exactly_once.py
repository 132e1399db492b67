"""What an MTA delivers again, because it never learned how the first time ended, is there once."""

import contextlib
import hashlib
import random
import threading
import unittest

from support import imap
from support.cluster import Cluster
from support.lmtp import LMTP, ConnectionEnded

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


class ManyRecipientsTests(unittest.TestCase):
    """Many recipients in one pipelined transaction: each is judged by its own answer."""

    ACCOUNTS = 24
    FULL = ["user2@example.org", "user11@example.org", "user17@example.org"]
    SUSPENDED = ["user5@example.org", "user20@example.org"]
    UNKNOWN = ["nobody@example.org", "no.one@example.org", "user99@example.org"]

    @classmethod
    def setUpClass(cls):
        cls.cluster = Cluster(nodes=3, accounts=cls.ACCOUNTS)
        cls.cluster.start()
        for account in cls.FULL:
            cls.cluster.node(1).ctl("account", "set-quota", account, "10")
        for account in cls.SUSPENDED:
            cls.cluster.node(1).ctl("account", "suspend", account)

    @classmethod
    def tearDownClass(cls):
        cls.cluster.stop()

    def due(self, recipient):
        """The reply that belongs to a recipient."""
        if recipient in self.UNKNOWN:
            return 550, "5.1.1"
        return (552, "5.2.2") if recipient in self.FULL else (250, "2.0.0")

    def test_each_by_its_own_answer(self):
        chance = random.Random("orders")
        everybody = self.cluster.addresses() + self.UNKNOWN
        expected = {account: [] for account in self.cluster.addresses()}
        for number in range(1, 31):
            recipients = chance.sample(everybody, chance.randint(15, len(everybody)))
            message = traced(number, 400_000 if number % 10 == 0 else 1_000)
            with LMTP(self.cluster.nodes[number % 3].lmtp) as lmtp:
                deliver = lmtp.deliver if number % 5 == 0 else lmtp.deliver_pipelined
                replies = deliver(recipients, message)
            self.assertEqual([(recipient, (reply.code, reply.enhanced)) for recipient, reply in zip(recipients, replies)],
                             [(recipient, self.due(recipient)) for recipient in recipients])
            for recipient in recipients:
                if self.due(recipient)[0] == 250:
                    expected[recipient].append(str(number))

        # The node dies in the middle of its answers: whoever has none yet is delivered to once more.
        first, second, _ = self.cluster.nodes
        message, heard = traced(31, 1_000), [None] * len(everybody)
        with LMTP(first.lmtp) as lmtp:
            killer = threading.Thread(target=first.kill)
            killer.start()
            with contextlib.suppress(OSError, ConnectionEnded):
                lmtp.deliver_pipelined(everybody, message, replies=heard)
            killer.join()
        again = [recipient for recipient, reply in zip(everybody, heard) if reply is None]
        with LMTP(second.lmtp) as lmtp:
            replies = lmtp.deliver_pipelined(again, message) if again else []
        answers = dict(zip(everybody, heard)) | dict(zip(again, replies))
        self.assertEqual({recipient: (reply.code, reply.enhanced) for recipient, reply in answers.items()},
                         {recipient: self.due(recipient) for recipient in everybody})
        for account in expected:
            if self.due(account)[0] == 250:
                expected[account].append("31")

        first.start_again()
        for account in self.SUSPENDED:
            second.ctl("account", "resume", account)
        self.cluster.wait_for_leaders()
        self.cluster.wait_for_equal_digests()
        for account, subjects in expected.items():
            self.assertEqual(sorted(imap.subjects(second, account), key=int), subjects, account)


if __name__ == "__main__":
    unittest.main(verbosity=2)
