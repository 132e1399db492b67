"""Nodes join a cluster that is at work, are given replicas, and lose them again."""

import re
import unittest

from support.cluster import wait_until
from support.rig import Rig
from support.server import Server, identity
from support.traffic import Deliveries, GroupWriter
from support.verdict import Verdict

SEED = 71
SECRET = re.compile(r"^[0-9a-f]{16}\.[0-9a-f]{64}$")


class JoiningTests(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.cluster = Rig(accounts=24, linked=False)
        cls.cluster.start()
        # What moves here, the tests move.
        cls.cluster.node(1).ctl("scheduler", "pause", "--ttl", "2h")
        cls.accounts = {cls.cluster.group_of[account]: account for account in cls.cluster.addresses()}
        cls.newcomers = []

    @classmethod
    def tearDownClass(cls):
        for newcomer in cls.newcomers:
            newcomer.stop()
        cls.cluster.stop()

    def ctl(self, *words, check=True):
        return self.cluster.node(1).ctl(*words, check=check)

    def make_token(self, uses=1, ttl="10m"):
        secret = self.ctl("node", "token", "create", "--uses", str(uses), "--ttl", ttl)["secret"]
        self.assertRegex(secret, SECRET)
        return secret

    def newcomer(self, name, *flags):
        node = Server(self.cluster.directory, name)
        self.newcomers.append(node)
        node.start(*flags)
        return node

    def places(self):
        return ",".join(f"127.0.0.1:{node.peer}" for node in self.cluster.nodes)

    def nodes(self):
        return {int(node["id"]): node for node in self.ctl("node", "list")["nodes"]}

    def members(self, group):
        """The nodes that have a replica, as the group's leader sees it: no step is under way, and all vote."""
        views = [(node.number, node.groups(check=False) or {}) for node in self.cluster.nodes]
        views += [(int(identity(node)["node"]), node.groups()) for node in self.newcomers if node.is_running()]
        for number, groups in views:
            view = groups.get(group)
            if view and int(view.get("leaderNode", 0)) == number:
                return sorted(int(replica["node"]) for replica in view["replicas"] if replica["role"] == "voter")
        return []

    def test_a_node_joins_and_takes_replicas_while_mail_flows(self):
        deliveries = Deliveries(SEED)
        writers = [GroupWriter(self.cluster, deliveries, account, f"{SEED} {account}")
                   for account in self.accounts.values()]
        for writer in writers:
            writer.start()
        try:
            newcomer = self.newcomer("joins", "--join", self.places(), "--join-token", self.make_token(),
                                     "--node-labels", "datacenter=napoli,vendor=delta")
            newcomer.wait_until_ready()
            number = int(identity(newcomer)["node"])
            self.assertGreater(number, 3)
            wait_until(lambda: self.nodes().get(number, {}).get("state") == "active", 30, "the node is active")
            self.assertEqual(self.nodes()[number]["labels"], {"datacenter": "napoli", "vendor": "delta"})
            # Every node has the directory, and nothing else by itself.
            wait_until(lambda: list(newcomer.groups()) == [0], 30, "the node has the directory")
            moved = sorted(self.accounts)[:3]
            for group in moved:
                self.ctl("group", "move-replica", str(group), "--from", "1", "--to", str(number))
            for group in moved:
                wait_until(lambda group=group: self.members(group) == [2, 3, number], 60, f"group {group} has moved")
            wait_until(lambda: not self.ctl("operation", "list").get("operations"), 30, "the end of the moves")
            wait_until(lambda: set(newcomer.groups()) == {0, *moved}, 30, "the node has what was moved")
            # The node that gave them away keeps nothing of them.
            first = self.cluster.node(1)
            wait_until(lambda: not set(first.groups()) & set(moved), 30, "node 1 has nothing of them")
            # Nodes 1 and 2 are in one data center, which must not hold two of three voters again.
            refused = first.run_ctl("group", "move-replica", str(moved[0]), "--from", str(number), "--to", "1")
            self.assertEqual(refused.returncode, 1)
            self.assertIn("datacenter site-1 holds 2 of 3 voters", refused.stderr)
            for group in moved:
                self.ctl("group", "move-replica", str(group), "--from", "2", "--to", "1")
            for group in moved:
                wait_until(lambda group=group: self.members(group) == [1, 3, number], 60, f"group {group} has moved")
        finally:
            for writer in writers:
                writer.stop()
            for writer in writers:
                writer.join(timeout=60)
        verdict = Verdict(deliveries, self.cluster.addresses(), [])
        verdict.check(self.cluster.nodes)
        self.assertEqual(verdict.lost + verdict.duplicated + verdict.wrong, [])
        self.assertGreater(len(deliveries.acknowledged), 20)

        # It comes back under its number, whatever its settings say of tokens by then.
        newcomer.stop()
        newcomer.start()
        newcomer.wait_until_ready()
        self.assertEqual(int(identity(newcomer)["node"]), number)
        wait_until(lambda: set(newcomer.groups()) == {0, *moved}, 30, "the node has what it had")

    def test_a_token_lets_in_as_many_as_it_says(self):
        token = self.make_token(uses=1)
        first = self.newcomer("first", "--join", self.places(), "--join-token", token)
        first.wait_until_ready()
        second = self.newcomer("second", "--join", self.places(), "--join-token", token)
        self.assertEqual(second.process.wait(timeout=60), 1)
        self.assertIn("does not let this node join: the token has ended", second.log.read_text())
        # With another token, the same directory is let in.
        second.start("--join", self.places(), "--join-token", self.make_token())
        second.wait_until_ready()
        self.assertNotEqual(identity(first)["node"], identity(second)["node"])
        listed = self.ctl("node", "token", "list")["tokens"]
        self.assertEqual([entry.get("usesLeft", 0) for entry in listed if entry["id"] == token.split(".")[0]], [0])

    def test_a_token_is_revoked(self):
        token = self.make_token(uses=5)
        self.ctl("node", "token", "revoke", token.split(".")[0])
        node = self.newcomer("revoked", "--join", self.places(), "--join-token", token)
        self.assertEqual(node.process.wait(timeout=60), 1)
        self.assertIn("the token has ended, was revoked", node.log.read_text())
        self.assertNotIn(token.split(".")[1], node.log.read_text())
        self.assertIsNone(self.ctl("node", "token", "revoke", "0" * 16, check=False), "there is none")


if __name__ == "__main__":
    unittest.main(verbosity=2)
