"""What a node keeps in memory for a follower that does not answer is bounded, however much is written meanwhile, and is
given back afterwards.

CLUSTER_TESTS_MEMORY_MIB says how much that is: 192 when not given.
"""

import os
import threading
import unittest

from support.cluster import Cluster, wait_until
from support.lmtp import LMTP

MIB = 1 << 20
WRITTEN = int(os.environ.get("CLUSTER_TESTS_MEMORY_MIB", "192")) * MIB
MESSAGE = MIB // 2
SESSIONS = 4
CACHE = 8 * MIB
WRITE_BUFFER = 8 * MIB
# What waits for one peer in a node, at most (Docs/reliability.md).
QUEUE = 64 * MIB
# What a leader sends ahead, for each group.
WINDOW = 16 * MIB
# Three write buffers of the state (one that fills, two that are being written) and a batch in each, sessions, and what
# malloc keeps back.
REST = 3 * WRITE_BUFFER + 48 * MIB
# 144 MiB, however much is written. It must be less than all that is: else the test would find nothing.
LIMIT = CACHE + QUEUE + REST
# What may be kept when all is over: caches that were empty before.
KEPT = 48 * MIB
assert WRITTEN >= LIMIT + 48 * MIB, "too little is written to tell"


class Peak:
    """The most memory that each of the nodes has while this is entered."""

    def __init__(self, nodes):
        self.nodes = nodes
        self.bytes = {node.number: 0 for node in nodes}
        self.done = threading.Event()
        self.watcher = threading.Thread(target=self.watch)

    def watch(self):
        while not self.done.wait(0.02):
            for node in self.nodes:
                self.bytes[node.number] = max(self.bytes[node.number], node.memory_bytes())

    def __enter__(self):
        self.watcher.start()
        return self

    def __exit__(self, *_):
        self.done.set()
        self.watcher.join()


class MemoryTests(unittest.TestCase):
    def test_a_stopped_follower_costs_bounded_memory(self):
        settings = [f"raft.cache-bytes={CACHE}", f"state.memory-bytes={WRITE_BUFFER}"]
        with Cluster(nodes=3, accounts=SESSIONS, settings=settings) as cluster:
            follower = cluster.node(3)
            others = [cluster.node(1), cluster.node(2)]
            # Everything that grows once has grown: threads, connections, buffers of the allocator.
            self.deliver(cluster, 32 * MIB)
            before = {node.number: node.memory_bytes() for node in cluster.nodes}
            follower.pause()
            with Peak(others) as peak:
                self.deliver(cluster, WRITTEN)
            self.compare(f"{WRITTEN // MIB} MiB written with a follower stopped", before, peak.bytes, LIMIT)
            with Peak(cluster.nodes) as peak:
                follower.resume()
                cluster.wait_for_leaders()
                cluster.wait_for_equal_digests(seconds=600)
            # What comes in is bounded by the leaders' windows, for each group.
            leaders = {node.number: peak.bytes[node.number] for node in others}
            self.compare("While the other catches up", before, leaders, LIMIT)
            received = {follower.number: peak.bytes[follower.number]}
            self.compare("While it catches up", before, received, LIMIT + SESSIONS * WINDOW)
            wait_until(lambda: all(node.memory_bytes() <= before[node.number] + KEPT for node in cluster.nodes), 120,
                       "memory that is given back")
            self.compare("At the end", before, {node.number: node.memory_bytes() for node in cluster.nodes}, KEPT)

    def compare(self, when, before, after, limit):
        growth = {number: bytes - before[number] for number, bytes in after.items()}
        text = ", ".join(f"node {number} {before[number] / MIB:.0f} {bytes / MIB:+.0f} MiB"
                         for number, bytes in growth.items())
        print(f"{when}: {text}")
        for number, bytes in growth.items():
            self.assertLessEqual(bytes, limit, f"{when}: node {number}")

    def deliver(self, cluster, total):
        """Large messages through nodes 1 and 2, in several sessions. A node that has lost its leader says so, and is
        asked again."""
        errors = []
        message = b"Subject: large\r\n\r\n" + os.urandom(MESSAGE // 2).hex().encode() + b"\r\n"
        count = max(1, total // MESSAGE // SESSIONS)

        def work(index):
            try:
                with LMTP(cluster.node(1 + index % 2).lmtp, timeout=120) as lmtp:
                    for _ in range(count):
                        wait_until(
                            lambda: lmtp.deliver(cluster.addresses()[index], message)[0].code == 250, 120, "a delivery"
                        )
            except Exception as error:  # pylint: disable=broad-exception-caught
                errors.append(error)

        workers = [threading.Thread(target=work, args=(index,)) for index in range(SESSIONS)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        self.assertEqual(errors, [])


if __name__ == "__main__":
    unittest.main(verbosity=2)
