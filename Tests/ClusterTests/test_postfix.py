"""Debian's Postfix, which pipelines, delivers mail for many recipients at once: each gets what its own answer said."""

import collections
import random
import unittest

from support import imap, postfix
from support.cluster import Cluster, wait_until
from support.postfix import Postfix

ACCOUNTS = 24
RECIPIENTS = 20
MESSAGES = 40
KILLED_AFTER = 15
FULL = ["user5@example.org", "user14@example.org"]
SUSPENDED = "user9@example.org"
UNKNOWN = ["nobody@example.org", "no.one@example.org"]


class PostfixTests(unittest.TestCase):
    maxDiff = 4_000

    def setUp(self):
        if reason := postfix.lacking():
            self.skipTest(reason)

    def test_over_quota_deferred(self):
        """Mail for full mailboxes stays in the queue, and is delivered when there is room."""
        with self.cluster("defer") as cluster, Postfix([node.lmtp for node in cluster.nodes]) as mta:
            sent = self.send_while_a_node_dies(cluster, mta)
            self.wait_for_queue(mta, sent, FULL)
            self.assert_bounced(mta, sent, {address: "5.1.1" for address in UNKNOWN})
            for address in FULL:
                cluster.node(2).ctl("account", "set-quota", address, "0")
            mta.flush()
            self.wait_for_queue(mta, sent, [])
            self.assert_bounced(mta, sent, {address: "5.1.1" for address in UNKNOWN})
            self.assert_delivered(cluster, sent, without=[])

    def test_over_quota_rejected(self):
        """Mail for full mailboxes goes back, for those recipients and no others."""
        with self.cluster("reject") as cluster, Postfix([node.lmtp for node in cluster.nodes]) as mta:
            sent = self.send_while_a_node_dies(cluster, mta)
            self.wait_for_queue(mta, sent, [])
            refused = {address: "5.1.1" for address in UNKNOWN} | {address: "5.2.2" for address in FULL}
            self.assert_bounced(mta, sent, refused)
            self.assert_delivered(cluster, sent, without=FULL)

    @staticmethod
    def cluster(over_quota):
        return Cluster(nodes=3, accounts=ACCOUNTS, settings=[f"lmtp.over-quota={over_quota}"])

    @staticmethod
    def send_while_a_node_dies(cluster, mta):
        """Returns the recipients of each message, by its sender's name. The node that Postfix asks first dies."""
        for address in FULL:
            cluster.node(2).ctl("account", "set-quota", address, "10")
        cluster.node(2).ctl("account", "suspend", SUSPENDED)
        chance = random.Random("recipients")
        sent = {}
        for number in range(1, MESSAGES + 1):
            # Every message has a full mailbox, and mostly somebody unknown.
            always = [chance.choice(FULL), chance.choice(UNKNOWN)]
            others = [address for address in cluster.addresses() + UNKNOWN if address not in always]
            recipients = always + chance.sample(others, RECIPIENTS - len(always))
            chance.shuffle(recipients)
            name = f"m{number}"
            sent[name] = recipients
            message = b"Subject: %s\r\nFrom: <%s@%s>\r\n\r\n" % (name.encode(), name.encode(), postfix.SENDERS.encode())
            mta.hand_over(name, recipients, message + b"relayed\r\n" * chance.randrange(400))
            if number == KILLED_AFTER:
                wait_until(lambda: imap.exists(cluster.node(2)) > 0, 30, "the first delivery")
                cluster.node(1).kill()
        cluster.node(1).start_again()
        return sent

    def wait_for_queue(self, mta, sent, deferred):
        """Until the queue holds each message for those of its recipients who are put off, and nothing else."""
        expected = {}
        for name, recipients in sent.items():
            if waiting := sorted(set(recipients) & set(deferred)):
                expected[name] = waiting
        seen = {}

        def is_settled():
            seen["deferred"], waiting = mta.queue()
            seen["lacking"] = {
                name: (waiting.get(name, []), expected.get(name, [])) for name in sent
                if sorted(waiting.get(name, [])) != expected.get(name, [])
            }
            return not seen["lacking"]

        try:
            wait_until(is_settled, 90, "the queue at rest")
        except AssertionError as error:
            # What lacks now lacks for good: the queue holds whom it should not, or has lost whom it should hold.
            differences = "\n".join(f"{name}: {pair}" for name, pair in list(seen["lacking"].items())[:5])
            raise AssertionError(f"{error}; in the queue, and expected there:\n{differences}\n{mta.log()}") from None
        for name, reasons in seen["deferred"].items():
            for address, reason in reasons.items():
                self.assertIn("452 4.2.2", reason, (name, address))

    def assert_bounced(self, mta, sent, statuses):
        """Every sender was told of those recipients whom nothing can reach, once, and of nobody else."""
        expected = {
            name: sorted((address, statuses[address]) for address in recipients if address in statuses)
            for name, recipients in sent.items()
        }

        def told():
            return {name: sorted(recipients) for name, recipients in mta.bounces().items()}

        try:
            # A bounce is a message of its own, which is made when the other is done with.
            wait_until(lambda: told() == expected, 30, "the bounces")
        except AssertionError:
            self.assertEqual(told(), expected)

    def assert_delivered(self, cluster, sent, without):
        """Everybody else has each message once, and nobody has one that was not for them, on every node."""
        cluster.node(2).ctl("account", "resume", SUSPENDED)
        # To check a password takes long on purpose: one node is asked, and the others hold the same.
        cluster.wait_for_equal_digests()
        for account in cluster.addresses():
            expected = [name for name, to in sent.items() if account in to and account not in without]
            self.assertEqual(collections.Counter(imap.subjects(cluster.node(3), account)),
                             collections.Counter(expected), account)


if __name__ == "__main__":
    unittest.main(verbosity=2)
