"""What the verbs of an admin cost: how long each takes, the longest delivery meanwhile, and how fast lost copies are made
again. Prints a table; tests nothing.

Deliveries come at a pace that leaves the machine time: where all nodes share processors that have none left, whatever
else is done is a pause.

    python3 verbs.py [MESSAGES]

loads a cluster of nine nodes on loopback with so many messages of 10 KB (20,000), and runs each verb in turn.
"""

import json
import subprocess
import sys
import time

from support.cluster import PROGRAMS, Cluster, wait_until
from support.oracle import Workload

SEED = 51
NODES = 9
ACCOUNTS = 48
# Seconds between two deliveries of a session, and between two looks of a reader; one of each for each node.
INTERVAL = 0.1


class Bench:
    def __init__(self, cluster, load):
        self.cluster, self.load = cluster, load

    def ctl(self, *words):
        return self.cluster.live_nodes()[0].ctl(*words)

    def is_quiet(self):
        report = self.ctl("scheduler", "show")
        return not report.get("movesUnderWay", 0) and not report.get("waiting", 0)

    def settle(self):
        for _ in range(3):
            wait_until(self.is_quiet, 300, "a cluster at rest")
            time.sleep(1)

    def measure(self, name, *words, act=None, until=None, through=None):
        """Does something, waits until what it is for has come about, and tells what deliveries noticed."""
        self.settle()
        began = time.monotonic()
        if act:
            act()
        if words:
            done = self.cluster.live_nodes()[0].run_ctl(*words)
            if done.returncode != 0:
                print(f"{name}: {done.stderr.strip()}", flush=True)
                return 0
        if until:
            wait_until(until, 300, name)
        took = time.monotonic() - began
        # What comes of it may show a moment later.
        time.sleep(2)
        deliverers = self.load.through(*through) if through else self.load.deliverers
        pauses = sorted(deliverer.longest_delivery(began, time.monotonic()) for deliverer in deliverers)
        print(f"| {name} | {took:.1f} s | {pauses[len(pauses) // 2]:.3f} s | {pauses[-1]:.3f} s |", flush=True)
        return took

    def voters(self, group):
        found = self.ctl("group", "describe", str(group))
        return sorted(int(replica["node"]) for replica in found["replicas"] if replica["role"] == "voter")

    def has_voters(self, number):
        return any(int(replica["node"]) == number for group in self.ctl("group", "list")["groups"]
                   for replica in group["replicas"] if replica["role"] == "voter")

    def bytes_of(self, number):
        """What would be copied if the node left."""
        planned = self.ctl("node", "decommission", str(number), "--dry-run")
        return int(planned["preview"].get("bytesToCopy", 0))

    def replace(self, number, how):
        """A node leaves, and comes back."""
        node = self.cluster.node(number)
        others = [other for other in self.cluster.nodes if other is not node]
        self.settle()
        size = self.bytes_of(number)
        took = self.measure(f"node decommission {number}{how}", "node", "decommission", str(number), "--wait", through=others)
        print(f"| ... {size / 1e6:.0f} MB copied | {size / 1e6 / took:.0f} MB/s | | |", flush=True)
        wait_until(lambda: not node.is_alive(), 60, f"the end of node {number}")

        def take_back():
            self.ctl("node", "recommission", str(number))
            node.start_again()

        self.measure(f"node recommission {number}, until it has replicas{how}", act=take_back,
                     until=lambda: self.has_voters(number), through=others)

    def lose(self, number):
        node = self.cluster.node(number)
        others = [other for other in self.cluster.nodes if other is not node]
        self.settle()
        size = self.bytes_of(number)
        took = self.measure(f"kill -9 of node {number}, until all is redundant (dead after 3 s)", act=node.kill,
                            until=lambda: not self.has_voters(number), through=others)
        print(f"| ... {size / 1e6:.0f} MB copied | {size / 1e6 / took:.0f} MB/s | | |", flush=True)


def fill(cluster, messages):
    servers = ",".join(f"127.0.0.1:{node.lmtp}" for node in cluster.nodes[:1])
    subprocess.run(
        [str(PROGRAMS / "staffetta-bench"), "deliver", "--server", servers, "--sessions", "16",
         "--messages", str(messages), "--size", "10240", "--accounts", str(ACCOUNTS)], check=True)


def main():
    messages = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000
    with Cluster(nodes=NODES, accounts=ACCOUNTS) as cluster:
        fill(cluster, messages)
        # The bytes of groups are counted now and then.
        time.sleep(25)
        with Workload(cluster, SEED, per_node=1, interval=INTERVAL) as load:
            bench = Bench(cluster, load)
            print("| verb | time | longest delivery: median of the sessions | of all |\n|---|---|---|---|", flush=True)
            bench.measure("nothing, for a second", until=lambda: time.sleep(1) or True)
            for group in (1, 2, 3):
                leader = int(bench.ctl("group", "describe", str(group))["leaderNode"])
                other = next(node for node in bench.voters(group) if node != leader)
                bench.measure(f"group transfer-leader {group}", "group", "transfer-leader", str(group), "--to", str(other))
            bench.measure("node drain 2", "node", "drain", "2", "--wait")
            bench.measure("node undrain 2", "node", "undrain", "2")
            bench.measure("node label 3", "node", "label", "3", "rack=r1")
            bench.measure("node cordon 3", "node", "cordon", "3")
            bench.measure("node uncordon 3", "node", "uncordon", "3")
            held = bench.voters(4)
            target = next(node for node in range(1, NODES + 1) if node not in held)
            bench.measure("group move-replica 4", "group", "move-replica", "4", "--from", str(held[0]),
                          "--to", str(target), "--allow-majority", "--wait")
            bench.measure("group add", "group", "add")
            bench.measure("rebalance", "rebalance", "--wait")
            for copy_mib in (0, 8):
                bench.ctl("scheduler", "limits", "--copy-mib", str(copy_mib))
                bench.replace(5, f", copies at {copy_mib} MiB/s at most" if copy_mib else "")
            bench.ctl("scheduler", "limits", "--copy-mib", "0", "--dead-after", "3s")
            bench.lose(7)
            load.stop()
            print(json.dumps({"acknowledged": load.acknowledged(), "failures": load.ledger.failures}))


if __name__ == "__main__":
    main()
