"""Who leads changes only when it must: not when a follower dies, and in order when a leader is stopped in order."""

import unittest

from support.cluster import wait_until
from support.faults import Faults, Log, percentile
from support.lmtp import LMTP
from support.rig import Rig
from support.traffic import Deliveries, GroupWriter
from support.verdict import Verdict

SEED = 30
# What a replica becomes that campaigns by itself; one that takes over from a leader does not ask first.
CAMPAIGN = ": preCandidate"
# Leaderships of the node that is stopped, at least.
LED_GROUPS = 4


class ElectionTests(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.cluster = Rig(accounts=24)
        cls.cluster.start()
        cls.deliveries = Deliveries(SEED)
        cls.accounts = {cls.cluster.group_of[account]: account for account in cls.cluster.addresses()}

    @classmethod
    def tearDownClass(cls):
        cls.cluster.stop()

    def others(self, node):
        return [other for other in self.cluster.nodes if other is not node]

    def deliver_to_all_groups(self, node):
        with LMTP(node.lmtp) as lmtp:
            for account in self.accounts.values():
                number = self.deliveries.begin(by_mta=False)
                replies = lmtp.deliver(account, self.deliveries.message(number))
                self.assertEqual([reply.code for reply in replies], [250])
                self.deliveries.end(number, account, "acknowledged")

    def test_a_follower_dies(self):
        node = self.cluster.node(3)
        first, second = self.others(node)
        self.cluster.move_leaderships_away(node)
        self.cluster.wait_until_whole()
        terms = self.cluster.terms(first)
        logs = [Log(first), Log(second)]
        node.kill()
        self.deliver_to_all_groups(first)
        # A leader looks once per election timeout whom it has heard since. That time has passed when none hears it any
        # more, in several looks: right after its own look a leader has heard nobody.
        looks = [0]

        def have_noticed():
            looks[0] = looks[0] + 1 if self.hears_nobody_of(node) else 0
            return looks[0] >= 5

        wait_until(have_noticed, 60, "leaders that miss the node")
        self.deliver_to_all_groups(second)
        self.assertEqual(self.cluster.terms(first), terms)
        self.assertEqual(self.cluster.terms(second), terms)
        self.cluster.start_again(node)
        self.cluster.wait_until_whole()
        self.assertEqual([log.text().count(CAMPAIGN) for log in logs], [0, 0])
        # Back again, it gets what it is to lead by being handed it.
        for group, view in node.groups().items():
            handed = 1 if int(view["leaderNode"]) == node.number else 0
            self.assertEqual(int(view["term"]), terms[group] + handed, f"group {group}")

    def hears_nobody_of(self, node):
        reports = [other.groups(check=False) or {} for other in self.others(node)]
        for other, report in zip(self.others(node), reports):
            for view in report.values():
                if int(view.get("leaderNode", 0)) != other.number:
                    continue
                replica = next(replica for replica in view["replicas"] if int(replica["node"]) == node.number)
                if replica.get("isActive"):
                    return False
        return True

    def test_a_leader_is_stopped_in_order(self):
        node = self.cluster.node(1)
        other = self.others(node)[0]
        writers = [GroupWriter(self.cluster, self.deliveries, account, f"{SEED} {account}")
                   for account in self.accounts.values()]
        self.cluster.wait_until_whole()
        self.cluster.move_leaderships_to(node, LED_GROUPS)
        for writer in writers:
            writer.start()
        try:
            led = self.cluster.led_by(node)
            terms = self.cluster.terms(other)
            logs = [Log(peer) for peer in self.others(node)]
            faults = Faults(self.cluster, self.cluster.addresses(), writers, SEED)
            pauses = faults.measured([node], lambda: self.assertEqual(self.cluster.stop_in_order(node), 0), led)
            after = self.cluster.terms(other)
        finally:
            for writer in writers:
                writer.stop()
            for writer in writers:
                writer.join(timeout=60)
        print(f"node {node.number} (leader of {len(led)} groups) stopped: pauses p50 {percentile(pauses, 50):.3f} s, "
              f"longest {max(pauses):.3f} s")
        # One replica took each over, at once. Of the other groups some may be given back to a node that was away before.
        self.assertEqual({group: after[group] for group in led}, {group: terms[group] + 1 for group in led})
        self.assertEqual([log.text().count(CAMPAIGN) for log in logs], [0, 0])
        self.cluster.start_again(node)
        self.cluster.wait_until_whole()
        verdict = Verdict(self.deliveries, self.cluster.addresses(), [])
        verdict.check(self.cluster.nodes)
        self.assertEqual(verdict.lost + verdict.duplicated + verdict.wrong, [])
        self.assertEqual(len(self.deliveries.unknown), 0, "deliveries through the nodes that stayed")


if __name__ == "__main__":
    unittest.main(verbosity=2)
