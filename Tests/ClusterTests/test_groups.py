"""Groups are added to a cluster at work, and removed from it."""

import unittest

from support.cluster import Cluster, wait_until


def identity(node):
    lines = (node.data / "identity").read_text().splitlines()
    return dict(line.split(" ", 1) for line in lines)


class GroupsTests(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.cluster = Cluster(nodes=3, accounts=0, settings=["cluster.groups=3"])
        cls.cluster.start()
        cls.cluster.wait_for_leaders()

    @classmethod
    def tearDownClass(cls):
        cls.cluster.stop()

    def ctl(self, *words):
        return self.cluster.node(1).ctl(*words)

    def refusal(self, *words):
        """What a command that is refused says."""
        done = self.cluster.node(1).run_ctl(*words)
        self.assertEqual(done.returncode, 1, done.stdout)
        return done.stderr

    def leader(self, group):
        """The node that leads a group, when all three nodes say the same; else 0."""
        views = [(node.groups(check=False) or {}).get(group, {}) for node in self.cluster.nodes]
        leaders = {int(view.get("leaderNode", 0)) for view in views}
        return leaders.pop() if len(leaders) == 1 else 0

    def wait_for_leader(self, group):
        wait_until(lambda: self.leader(group) > 0, 60, f"all nodes see a leader of group {group}")

    def test_a_group_comes_and_goes(self):
        added = self.ctl("group", "add", "--pool", "paid", "--node", "1", "--node", "2", "--node", "3",
                         "--preferred-leader", "2")
        group = added["group"]
        self.assertEqual(group, 4)
        self.assertEqual((added["pool"], added["nodes"], added["preferredLeader"]), ("paid", ["1", "2", "3"], "2"))
        self.wait_for_leader(group)
        leader = self.cluster.node(self.leader(group))
        described = leader.ctl("group", "describe", str(group))
        self.assertEqual(sorted(int(replica["node"]) for replica in described["replicas"]), [1, 2, 3])
        self.assertEqual({replica["role"] for replica in described["replicas"]}, {"voter"})
        replicas = {replica["node"]: replica["id"] for replica in described["replicas"]}
        for node in self.cluster.nodes:
            self.assertEqual(identity(node)["added-up-to"], str(group))

        # Its replicas are what they were when all nodes come back at once.
        for node in self.cluster.nodes:
            node.kill()
        for node in self.cluster.nodes:
            node.start_again()
        self.wait_for_leader(group)
        described = self.cluster.node(self.leader(group)).ctl("group", "describe", str(group))
        self.assertEqual({replica["node"]: replica["id"] for replica in described["replicas"]}, replicas)

        self.assertIn("group 1 serves", self.refusal("group", "remove", "1"))
        self.assertIn("the directory", self.refusal("group", "remove", "0"))
        third = self.cluster.node(3)
        third.kill()
        self.ctl("group", "remove", str(group))
        self.assertIn(f"there is no group {group}", self.refusal("group", "remove", str(group)))
        third.start_again()
        for node in self.cluster.nodes:
            wait_until(lambda node=node: set(node.groups(check=False) or {}) == {0, 1, 2, 3}, 60,
                       f"node {node.number} has dropped the group")
        # Its number is not used again, and without nodes the planner chooses some.
        added = self.ctl("group", "add")
        self.assertEqual((added["group"], added["pool"], added["nodes"]), (group + 1, "default", ["1", "2", "3"]))
        self.wait_for_leader(group + 1)

    def test_nodes_that_cannot_hold_a_group_are_refused(self):
        self.assertIn("there is no node 9", self.refusal("group", "add", "--node", "9", "--node", "1"))
        self.assertIn("Nodes 1, 2, 3 would do better", self.refusal("group", "add", "--node", "1"))
        said = self.refusal("group", "add", "--node", "1", "--node", "2", "--node", "3", "--preferred-leader", "4")
        self.assertIn("none of those named", said)


if __name__ == "__main__":
    unittest.main(verbosity=2)
