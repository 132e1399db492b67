"""A node that the network loses without a word, and finds again: nothing is lost, and it is soon a full member.

Each node has a network namespace of its own, which needs root. The cut drops every packet and tells nobody: no connection
is reset, so whoever waits for the other side has to find out by itself. Reads and deliveries are tried at the node that was
cut off, from the moment at which the network is whole again.
"""

import contextlib
import imaplib
import re
import threading
import time
import unittest

from support import imap
from support.cluster import wait_until
from support.lmtp import LMTP, ConnectionEnded
from support.network import SwitchedRig
from support.owner import Owner
from support.traffic import Deliveries, GroupWriter
from support.verdict import Verdict

SEED = 1703
OWNERS = 2
# TCP left to itself repeats about 25 s after the beginning of a cut, and next at 51 s.
CUT_SECONDS = 28
# Far less than what such a connection takes from the end of the cut on, on a machine that has other work as well.
PROMISED_SECONDS = 15
# What a node leads at least when it is cut off as a leader.
LED_GROUPS = 3


class Probe(threading.Thread):
    """One account, and so one group, seen from the node that was cut off: when does it serve what others have taken in,
    and when does it take mail in itself?"""

    def __init__(self, node, other, account, deliveries):
        super().__init__(daemon=True)
        self.node = node
        self.other = other
        self.account = account
        self.deliveries = deliveries
        # It is logged in before the cut: a password check takes long on purpose.
        self.session = imap.connect(node, account, "INBOX")
        self.read_at = None
        self.delivered_at = None
        self.refusals = {}

    def run(self):
        number = self._deliver(self.other)
        while number not in self._numbers():
            time.sleep(0.05)
        self.read_at = time.monotonic()
        self._deliver(self.node)
        self.delivered_at = time.monotonic()
        self.session.shutdown()

    def _deliver(self, node):
        """Delivers until it is acknowledged; returns the number of the message that was."""
        while True:
            number = self.deliveries.begin(by_mta=False)
            reply = None
            try:
                with node.inside():
                    lmtp = LMTP(node.lmtp, timeout=60)
                with lmtp:
                    reply = lmtp.deliver(self.account, self.deliveries.message(number))[0]
            except (OSError, ConnectionEnded, AssertionError) as error:
                self._note(error)
            if reply is not None and reply.code == 250:
                self.deliveries.end(number, self.account, "acknowledged")
                return number
            self.deliveries.end(number, self.account, "unknown")
            self._note(reply)
            time.sleep(0.05)

    def _numbers(self):
        """What the mailbox has, by the word of the node that was cut off."""
        try:
            count = int(imap.check(self.session.select("INBOX", readonly=True))[0])
            answers = imap.check(self.session.fetch(f"1:{count}", "(BODY.PEEK[HEADER.FIELDS (SUBJECT)])"))
        except (AssertionError, imaplib.IMAP4.abort, OSError) as error:
            self._note(error)
            if not isinstance(error, AssertionError):
                self.session = imap.connect(self.node, self.account, "INBOX")
            return set()
        return {int(re.search(rb"Subject: *(\d+)", answer[1]).group(1)) for answer in answers
                if isinstance(answer, tuple)}

    def _note(self, refusal):
        self.refusals[str(refusal)] = self.refusals.get(str(refusal), 0) + 1


class PartitionTests(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.cluster = SwitchedRig(accounts=2 * OWNERS + 20)
        cls.cluster.start()
        cls.deliveries = Deliveries(SEED)
        addresses = cls.cluster.addresses()
        cls.unowned, cls.accounts = addresses[:2 * OWNERS], addresses[2 * OWNERS:]
        cls.by_group = {cls.cluster.group_of[account]: account for account in cls.accounts}
        cls.owners = []

    @classmethod
    def tearDownClass(cls):
        cls.cluster.stop()

    def test_a_follower_is_cut_off(self):
        node = self.cluster.node(3)
        self.cluster.move_leaderships_away(node)
        self.cut_off(node, "a follower of all groups")

    def test_a_leader_is_cut_off(self):
        node = self.cluster.node(1)
        led = self.cluster.move_leaderships_to(node, LED_GROUPS)
        self.cut_off(node, f"leader of {len(led)} groups")

    def cut_off(self, node, role):
        others = [other for other in self.cluster.nodes if other is not node]
        probes = [Probe(node, others[group % 2], account, self.deliveries) for group, account in self.by_group.items()]
        with self.traffic(node) as writers:
            cut = time.monotonic()
            self.cluster.switch.unplug(node.number)
            # It stays cut for so long: the time is the fault.
            time.sleep(CUT_SECONDS)
            for writer in writers:
                self.assertGreater(writer.count_since(cut + CUT_SECONDS / 2), 0, f"mail for group {writer.group}")
            healed = time.monotonic()
            self.cluster.switch.plug_in(node.number)
            for probe in probes:
                probe.start()
            wait_until(self.are_all_connected, 120, "connections between all nodes")
            connected = time.monotonic()
            since, lacking = self.cluster.wait_until_whole()
            whole = time.monotonic()
            for probe in probes:
                probe.join(timeout=120)
                self.assertFalse(probe.is_alive(), f"{probe.account} on node {node.number}: {probe.refusals}")
        figures = {
            "connected to all": connected, "serving what others took in": max(probe.read_at for probe in probes),
            "taking mail in": max(probe.delivered_at for probe in probes), "whole": whole,
        }
        course = (f"node {node.number}, {role}, was cut off for {healed - cut:.1f} s; from then on: "
                  + ", ".join(f"{what} after {at - healed:.1f} s" for what, at in figures.items())
                  + f"; lacking last, for {since:.1f} s: {lacking}")
        print(course)
        self.check_mail()
        # A connection that only one side knows of would stay for ever, one more after each cut.
        wait_until(lambda: not self.cluster.links_between_nodes()[1], 60, "the end of connections from before the cut")
        for what, at in figures.items():
            self.assertLess(at - healed, PROMISED_SECONDS, f"{what}; {course}")

    @contextlib.contextmanager
    def traffic(self, node):
        """Writers who leave the node out, one for each group, and owners of mailboxes who do not."""
        owners = [Owner(self.cluster, self.unowned.pop(), f"{SEED} {count}") for count in range(OWNERS)]
        self.owners += owners
        writers = [GroupWriter(self.cluster, self.deliveries, account, f"{SEED} {account} {node.number}")
                   for account in self.by_group.values()]
        for writer in writers:
            writer.avoided = {node.number}
        for thread in writers + owners:
            thread.start()
        try:
            yield writers
        finally:
            for thread in writers + owners:
                thread.stop()
            for thread in writers + owners:
                thread.join(timeout=60)

    def are_all_connected(self):
        alive = {link[:2] for link in self.cluster.links_between_nodes()[0]}
        return len(alive) == self.cluster.size * (self.cluster.size - 1)

    def check_mail(self):
        self.cluster.assert_alive()
        self.cluster.wait_until_whole()
        self.cluster.wait_for_equal_digests()
        verdict = Verdict(self.deliveries, self.accounts, self.owners)
        verdict.check(self.cluster.nodes)
        self.assertEqual(verdict.lost + verdict.duplicated + verdict.wrong, [])
        print(f"{len(self.deliveries.acknowledged)} acknowledged, {len(self.deliveries.unknown)} unknown, "
              f"{sum(owner.acknowledged for owner in self.owners)} changes by owners")


if __name__ == "__main__":
    unittest.main(verbosity=2)
