"""Nodes are killed while clients deliver and read: short pauses, nothing lost, nothing twice."""

import random
import time
import unittest

from support.cluster import Cluster, wait_until
from support.oracle import Workload

SEED = 20230118
PROMISED_PAUSE_SECONDS = 3.0


class FailoverTests(unittest.TestCase):
    def test_each_node_is_killed_in_turn(self):
        chance = random.Random(SEED)
        with Cluster(nodes=3, accounts=12) as cluster, Workload(cluster, SEED) as load:
            order = [1, 2, 3]
            chance.shuffle(order)
            for number in order:
                victim = cluster.node(number)
                others = [node for node in cluster.nodes if node is not victim]
                self.grow(load, cluster, 60)
                led = cluster.leaders()[number]
                self.assertGreater(led, 0, "the node leads some groups before it is killed")
                killed = time.monotonic()
                victim.kill()
                # Long enough for many acknowledgements after the pause.
                self.grow(load, cluster, 60)
                time_of_check = max(time.monotonic(), killed + 2 * PROMISED_PAUSE_SECONDS)
                wait_until(lambda: time.monotonic() >= time_of_check, 60, "the time of the check")
                pauses = [d.longest_pause(killed, time_of_check) for d in load.through(*others)]
                print(f"node {number} (leader of {led} groups) killed: longest pauses "
                      + ", ".join(f"{pause:.2f} s" for pause in pauses))
                self.assertLess(max(pauses), PROMISED_PAUSE_SECONDS)
                victim.start_again()
                cluster.wait_for_leaders()
                self.wait_for_leadership(cluster, number)
                self.caught_up(load, victim)
            load.stop()
            cluster.assert_alive()
            cluster.wait_for_equal_digests()
            self.assertEqual(load.ledger.failures, [])
            for node in cluster.nodes:
                total = load.ledger.check(node, cluster.addresses())
            print(f"{load.acknowledged()} acknowledged, {len(load.ledger.unknown)} unknown, {total} there; "
                  f"{sum(reader.reads for reader in load.readers)} reads")

    def grow(self, load, cluster, count):
        """Waits for that many more acknowledgements."""
        before = load.acknowledged()
        wait_until(lambda: load.acknowledged() >= before + count, 120, f"{count} more acknowledgements")

    def wait_for_leadership(self, cluster, number):
        """Leaderships come back to the node that each group prefers; until then it has none that matter."""
        try:
            wait_until(lambda: cluster.leaders()[number] > 0, 30, f"leaderships of node {number}")
        except AssertionError:
            groups = cluster.node(number).groups()
            peer = next(node for node in cluster.nodes if node.number != number)
            peer.ctl("group", "transfer-leader", str(max(groups)), "--to", str(number), check=False)

    def caught_up(self, load, node):
        """What is acknowledged by the node itself shows that it takes part again."""
        counts = [len(deliverer.acknowledgements) for deliverer in load.through(node)]
        wait_until(
            lambda: any(len(d.acknowledgements) > before for d, before in zip(load.through(node), counts)),
            60, f"deliveries through node {node.number}, started again",
        )


if __name__ == "__main__":
    unittest.main(verbosity=2)
