"""One node becomes three, nine, and three again, while mail is delivered and read without an end."""

import pathlib
import shutil
import tempfile
import time
import unittest

from support.cluster import wait_until
from support.oracle import Workload
from support.server import Server

SEED = 139
PROMISED_PAUSE_SECONDS = 3.0
VENDORS = ["alfa", "beta", "gamma"]
DATACENTERS = ["milano", "roma", "torino"]


class GrowingCluster:
    """What a workload has to know of it: the nodes that it goes through, and the accounts."""

    def __init__(self, accounts):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="staffetta-test-"))
        self.accounts = accounts
        self.nodes = []

    def addresses(self):
        return [f"user{number}@example.org" for number in range(1, self.accounts + 1)]

    def add(self, place, *flags):
        """A node whose labels are those of its place in a square of vendors and data centers."""
        vendor, datacenter = VENDORS[(place // 3 + place) % 3], DATACENTERS[place % 3]
        node = Server(self.directory, f"node-{place + 1}")
        self.nodes.append(node)
        node.start("--node-labels", f"datacenter={datacenter},vendor={vendor}", *flags)
        node.wait_until_ready()
        return node

    def stop(self):
        for node in self.nodes:
            node.stop()
        shutil.rmtree(self.directory, ignore_errors=True)


class GrowingTests(unittest.TestCase):
    def setUp(self):
        self.cluster = GrowingCluster(accounts=24)
        self.addCleanup(self.cluster.stop)
        self.first = self.cluster.add(0)
        for address in self.cluster.addresses():
            self.first.ctl("account", "create", address, "--password-stdin", stdin="pass\n")
        self.phases = []

    def voters(self):
        return {int(group.get("id", 0)): sorted(int(r["node"]) for r in group["replicas"] if r["role"] == "voter")
                for group in self.first.ctl("group", "list")["groups"]}

    def is_settled(self, voters, nodes):
        """Whether each group has so many voters, all of the nodes some, and nothing is under way."""
        report = self.first.ctl("scheduler", "show")
        if report.get("movesUnderWay", 0) or report.get("waiting", 0):
            return False
        held = self.voters()
        used = {node for holders in held.values() for node in holders}
        return all(len(holders) == voters for holders in held.values()) and len(used) == nodes

    def phase(self, name, load, work):
        """Does something, and notes how long it took and the longest pause of each who delivers."""
        began = time.monotonic()
        before = load.acknowledged()
        work()
        took = time.monotonic() - began
        wait_until(lambda: load.acknowledged() >= before + 50, 60, "mail that flows")
        end = time.monotonic()
        pauses = sorted(deliverer.longest_pause(began, end) for deliverer in load.deliverers)
        self.phases.append(
            f"{name}: {took:.1f} s, {load.acknowledged() - before} deliveries, "
            f"longest pauses {', '.join(f'{pause:.3f}' for pause in pauses)} s")
        self.assertLess(max(pauses), PROMISED_PAUSE_SECONDS, name)

    def join(self, places):
        secret = self.first.ctl("node", "token", "create", "--uses", str(len(places)), "--ttl", "10m")["secret"]
        joined = ",".join(node.place for node in self.cluster.nodes[:3])
        for place in places:
            self.cluster.add(place, "--join", joined, "--join-token", secret)

    def grow(self, places, voters):
        self.join(places)
        wait_until(lambda: self.is_settled(voters, places[-1] + 1), 120, f"{places[-1] + 1} nodes that share the replicas")

    def leave(self, node):
        done = self.first.run_ctl("node", "decommission", str(node.number), "--wait")
        self.assertEqual(done.returncode, 0, done.stderr)
        wait_until(lambda: node.process.poll() is not None, 60, f"the end of {node.directory.name}")
        self.assertIn("was decommissioned", node.log.read_text())

    def test_one_becomes_three_and_nine_and_three_again(self):
        with Workload(self.cluster, SEED, per_node=3) as load:
            wait_until(lambda: load.acknowledged() >= 50, 60, "mail that flows")
            self.phase("alone", load, lambda: wait_until(lambda: load.acknowledged() >= 500, 60, "mail"))
            self.phase("1 to 3 nodes", load, lambda: self.grow([1, 2], voters=3))
            # Whoever comes next finds the directory led by another node than the one that began the cluster.
            self.first.run_ctl("group", "transfer-leader", "0", "--to", str(self.cluster.nodes[1].number))
            self.phase("3 to 9 nodes", load, lambda: self.grow(list(range(3, 9)), voters=3))
            for node in self.cluster.nodes[3:]:
                self.phase(f"{node.directory.name} leaves", load, lambda node=node: self.leave(node))
            load.stop()
            print("\n" + "\n".join(self.phases))
            self.assertEqual(load.ledger.failures, [])
            for node in self.cluster.nodes[:3]:
                total = load.ledger.check(node, self.cluster.addresses())
            print(f"{load.acknowledged()} acknowledged, {len(load.ledger.unknown)} unknown, {total} there")


if __name__ == "__main__":
    unittest.main(verbosity=2)
