"""Syncs that fail, syncs that do not come back, and syncs that take long."""

import threading
import time
import unittest

from support import imap
from support.cluster import wait_until
from support.faults import HANGS, QUICK, SLOW, Log
from support.lmtp import LMTP, ConnectionEnded
from support.oracle import body
from support.rig import FATAL_STATUS, Rig


class FailedSyncTests(unittest.TestCase):
    def deliver(self, node, account, number):
        """Whether it was acknowledged."""
        try:
            with LMTP(node.lmtp, timeout=30) as lmtp:
                return lmtp.deliver(account, body(number))[0].code == 250
        except (OSError, ConnectionEnded):
            return False

    def assert_ended(self, cluster, node, log):
        self.assertEqual(cluster.wait_for_end(node), FATAL_STATUS)
        text = log.text()
        self.assertIn("ending: ", text)
        self.assertIn("Input/output error", text)

    def test_one_node_alone_acknowledges_nothing_after_it(self):
        with Rig(nodes=1, accounts=1) as cluster:
            node, account = cluster.node(1), cluster.addresses()[0]
            self.assertTrue(self.deliver(node, account, 1))
            log = Log(node)
            cluster.fail_one_sync(node, "/log/")
            self.assertFalse(self.deliver(node, account, 2))
            self.assert_ended(cluster, node, log)
            self.assertFalse(cluster.sync_faults(node).exists(), "the fault")
            cluster.start_again(node)
            cluster.wait_until_whole()
            self.assertTrue(self.deliver(node, account, 3))
            # The second may have reached the disk all the same: nobody was told that it did.
            found = [int(subject) for subject in imap.subjects(node, account)]
            self.assertIn(found, ([1, 3], [1, 2, 3]))

    def test_the_others_go_on(self):
        with Rig(accounts=16) as cluster:
            for victim, part in ((cluster.node(1), "/log/"), (cluster.node(2), "/state/")):
                others = [node for node in cluster.nodes if node is not victim]
                log = Log(victim)
                cluster.fail_one_sync(victim, part)
                # A sync of the state comes with the next flush, which is at most half a minute away.
                sent = [0]

                def has_ended():
                    sent[0] += 1
                    self.assertTrue(self.deliver(others[0], cluster.addresses()[sent[0] % 16], 1_000 + sent[0]))
                    return not victim.is_alive()

                wait_until(has_ended, 90, "the end of the node")
                self.assert_ended(cluster, victim, log)
                for account in cluster.addresses():
                    self.assertTrue(self.deliver(others[1], account, 1))
                cluster.start_again(victim)
                cluster.wait_until_whole()
                self.assertTrue(self.deliver(victim, cluster.addresses()[0], 2))
            cluster.wait_for_equal_digests()


class Delivering:
    """Delivers through a node that is well: it must be answered whatever happens to the leaders."""

    def __init__(self, cluster, node):
        self.cluster, self.node = cluster, node
        self.refused = []
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self.deliver)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stopping.set()
        self.thread.join(timeout=60)

    def deliver(self):
        number = 0
        while not self.stopping.wait(0.05):
            number += 1
            account = self.cluster.addresses()[number % self.cluster.accounts]
            with LMTP(self.node.lmtp) as lmtp:
                reply = lmtp.deliver(account, body(number))[0]
            if reply.code != 250:
                self.refused.append(f"{number}: {reply}")


class SlowSyncTests(unittest.TestCase):
    def test_leaderships_go_and_come_back(self):
        with Rig(accounts=16) as cluster:
            node, other = cluster.node(1), cluster.node(2)
            wait_until(lambda: cluster.led_by(node), 60, "leaderships of the node")
            log = Log(node)
            with Delivering(cluster, other) as delivering:
                cluster.slow_syncs(node)
                began = time.monotonic()
                wait_until(lambda: not cluster.led_by(node), 60, "leaderships of the others")
                gone = time.monotonic() - began
                self.assertIn(SLOW, log.text())
                self.assertTrue(node.is_alive())
                cluster.heal_syncs(node)
                began = time.monotonic()
                wait_until(lambda: cluster.led_by(node), 120, "leaderships of the node again")
                back = time.monotonic() - began
                self.assertIn(QUICK, log.text())
            print(f"a slow disk: its node led nothing after {gone:.1f} s, and led again {back:.1f} s after it was well")
            self.assertEqual(delivering.refused, [])
            cluster.wait_until_whole()
            cluster.wait_for_equal_digests()


class HangingSyncTests(unittest.TestCase):
    def test_leaderships_go_and_then_the_node(self):
        with Rig(accounts=16) as cluster:
            node, other = cluster.node(1), cluster.node(2)
            wait_until(lambda: cluster.led_by(node), 60, "leaderships of the node")
            log = Log(node)
            with Delivering(cluster, other) as delivering:
                cluster.hang_syncs(node)
                log.wait_for(HANGS, 60)
                wait_until(
                    lambda: all(int(view.get("leaderNode", 0)) not in (0, 1) for view in other.groups().values()),
                    60, "other leaders of all groups",
                )
                self.assertEqual(cluster.wait_for_end(node, 90), FATAL_STATUS)
                self.assertIn("has not finished a write of the log for 60 s", log.text())
                cluster.heal_syncs(node)
                cluster.start_again(node)
                cluster.wait_until_whole()
            self.assertEqual(delivering.refused, [])
            cluster.wait_for_equal_digests()


if __name__ == "__main__":
    unittest.main(verbosity=2)
