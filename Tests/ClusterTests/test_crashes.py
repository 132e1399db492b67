"""Crashes in the middle of writes, many in a row: nothing that was acknowledged is lost."""

import unittest

from support.cluster import Cluster, wait_until
from support.oracle import Workload

SEED = 4711
CRASHES = 20


class CrashTests(unittest.TestCase):
    def test_one_node_alone(self):
        self.crash_again_and_again(nodes=1, victim=1)

    def test_one_node_of_three(self):
        self.crash_again_and_again(nodes=3, victim=2)

    def crash_again_and_again(self, nodes, victim):
        with Cluster(nodes=nodes, accounts=6) as cluster:
            with Workload(cluster, SEED, size=4_000) as load:
                node = cluster.node(victim)
                for _ in range(CRASHES):
                    before = sum(len(deliverer.acknowledgements) for deliverer in load.through(node))
                    wait_until(
                        lambda: sum(len(d.acknowledgements) for d in load.through(node)) >= before + 10,
                        120, "ten more deliveries through the node",
                    )
                    node.kill()
                    node.start_again()
            cluster.assert_alive()
            cluster.wait_for_leaders()
            cluster.wait_for_equal_digests()
            self.assertEqual(load.ledger.failures, [])
            for node in cluster.nodes:
                total = load.ledger.check(node, cluster.addresses())
            print(f"{nodes} nodes, {CRASHES} crashes: {load.acknowledged()} acknowledged, "
                  f"{len(load.ledger.unknown)} unknown, {total} there")


if __name__ == "__main__":
    unittest.main(verbosity=2)
