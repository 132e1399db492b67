"""Everything that can go wrong with real processes, one thing after the other, while mail comes and is read.

    python3 Tests/ClusterTests/test_faults.py --seconds 600 --seed 7
    python3 Tests/ClusterTests/test_faults.py --seconds 900 --kinds kill
    python3 Tests/ClusterTests/test_faults.py --seconds 160 --nodes 5

The seed decides which faults happen to whom, in which order; what the processes make of it is theirs. The test in a
suite takes the same from CLUSTER_TESTS_SEED, CLUSTER_TESTS_SECONDS and CLUSTER_TESTS_KINDS.
"""

import argparse
import os
import random
import sys
import time
import traceback
import unittest

from support.faults import Faults, percentile
from support.owner import Owner
from support.rig import MountRefused, Rig
from support.traffic import MTA, Deliveries, GroupWriter
from support.verdict import Verdict

SEED = int(os.environ.get("CLUSTER_TESTS_SEED", "20260101"))
SECONDS = int(os.environ.get("CLUSTER_TESTS_SECONDS", "600"))
KINDS = os.environ.get("CLUSTER_TESTS_KINDS", "")
# Enough for one in each group, as their names fall.
ACCOUNTS = 22
OWNERS = 3
# Of more accounts, of which one is full at once, and one before long.
QUOTAS_BYTES = [10, 300_000]
# And of one that is suspended, which keeps no mail away.
SUSPENDED = 1
UNKNOWN = ["nobody@example.org", "no.one@example.org"]
MTAS = 4
SMALL_NODE = 3
SMALL_DISK_BYTES = 2 << 30
RESERVE_BYTES = 384 << 20
# Less than the reserve, and room for what the others send meanwhile.
LOW_SPACE_BYTES = 320 << 20


class FaultRun:
    """A cluster, its traffic, and faults until the time is nearly over; the rest is for looking at what is there."""

    def __init__(self, seed, seconds, kinds, nodes=3):
        self.started = time.monotonic()
        self.seed = seed
        # The end takes longer the more there is to look at.
        self.faults_end = self.started + seconds * 0.85 - 20
        self.nodes = nodes
        possible = Faults.kinds(nodes)
        self.kinds = kinds or possible
        unknown = set(self.kinds) - set(possible)
        assert not unknown, f"no such faults with {nodes} nodes: {unknown}; there are {possible}"
        self.chance = random.Random(f"order {seed}")
        self.deliveries = Deliveries(seed)
        self.cluster = self._start_cluster()
        self.cluster.low_space_bytes = LOW_SPACE_BYTES
        addresses = self.cluster.addresses()
        owned, rest = addresses[:OWNERS], addresses[OWNERS:]
        self.accounts = rest
        usual, others = rest[:ACCOUNTS], rest[ACCOUNTS:]
        self.suspended = others[len(QUOTAS_BYTES):]
        refusals = dict.fromkeys(UNKNOWN, 550) | dict.fromkeys(others[:len(QUOTAS_BYTES)], 552)
        self._restrict(others)
        self.owners = [Owner(self.cluster, account, f"{seed} {account}") for account in owned]
        self.mtas = [
            MTA(self.cluster, self.deliveries, usual + self.suspended, refusals, f"{seed} {n}") for n in range(MTAS)
        ]
        by_group = {self.cluster.group_of[account]: account for account in usual}
        self.writers = [GroupWriter(self.cluster, self.deliveries, a, f"{seed} {a}") for a in by_group.values()]
        self.faults = Faults(self.cluster, owned + usual, self.writers, f"faults {seed}")
        self.verdict = None

    def _start_cluster(self):
        settings = [f"disk.reserve-bytes={RESERVE_BYTES}"]
        accounts = OWNERS + ACCOUNTS + len(QUOTAS_BYTES) + SUSPENDED
        try:
            small_disks = {SMALL_NODE: SMALL_DISK_BYTES}
            cluster = Rig(self.nodes, accounts, settings, small_disks, linked=self.nodes == 3)
            cluster.start()
        except MountRefused as refused:
            print(f"without full disks: {refused}")
            self.kinds = [kind for kind in self.kinds if "space" not in kind]
            cluster = Rig(self.nodes, accounts, settings, linked=self.nodes == 3)
            cluster.start()
        return cluster

    def _restrict(self, accounts):
        """The first have little room, the others nobody can log in to."""
        for account, quota in zip(accounts, QUOTAS_BYTES):
            self.cluster.node(1).ctl("account", "set-quota", account, str(quota))
        for account in self.suspended:
            self.cluster.node(1).ctl("account", "suspend", account)

    def run(self):
        threads = self.owners + self.mtas + self.writers
        try:
            for thread in threads:
                thread.start()
            self._harm()
            for thread in threads:
                thread.stop()
            for thread in threads:
                thread.join(timeout=60)
            self.cluster.wait_until_whole()
            self.cluster.wait_for_equal_digests()
            for account in self.suspended:
                self.cluster.node(1).ctl("account", "resume", account)
            self.verdict = Verdict(self.deliveries, self.accounts, self.owners)
            self.verdict.check(self.cluster.nodes)
        finally:
            for thread in threads:
                thread.stop()
            self._print()

    def _harm(self):
        """All kinds in another order each time; one of each sort comes first, so that a short run has them all."""
        while True:
            order = sorted(self.chance.sample(self.kinds, len(self.kinds)), key=lambda kind: kind not in Faults.FIRST)
            fitting = [kind for kind in order if time.monotonic() + self.faults.seconds(kind) <= self.faults_end]
            if not fitting:
                return
            for kind in fitting:
                if time.monotonic() + self.faults.seconds(kind) > self.faults_end:
                    continue
                start = time.monotonic()
                said = self.faults.run(kind)
                print(f"{start - self.started:6.1f} s  {kind}: {said}; whole after {time.monotonic() - start:.1f} s",
                      flush=True)

    def _print(self):
        owners = self.owners
        acknowledged = len(self.deliveries.acknowledged) + sum(owner.acknowledged for owner in owners)
        unknown = len(self.deliveries.unknown) + sum(owner.unknown for owner in owners)
        print(f"seed {self.seed}, {time.monotonic() - self.started:.0f} s: {acknowledged} acknowledged "
              f"({len(self.deliveries.acknowledged)} deliveries), {unknown} unknown, "
              f"{len(self.deliveries.refused)} refused, "
              f"{sum(owner.looks for owner in owners)} looks meanwhile")
        if self.verdict:
            print(f"  {len(self.verdict.lost)} lost, {len(self.verdict.duplicated)} duplicated, "
                  f"{len(self.verdict.wrong)} wrong otherwise; {self.verdict.there} messages looked at in the end")
        counts = self.faults.counts
        print(f"  {sum(counts.values())} faults: " + ", ".join(f"{kind} {counts[kind]}" for kind in sorted(counts)))
        measured = {
            "kill -9 of its leader": self.faults.pauses,
            "kill -9 of its leader's data center": self.faults.site_pauses,
            "a planned stop of its leader": self.faults.restart_pauses,
        }
        for name, pauses in measured.items():
            if pauses:
                print(f"  pause of a group's acknowledgements after {name}: {len(pauses)} measured, "
                      f"p50 {percentile(pauses, 50):.3f} s, p99 {percentile(pauses, 99):.3f} s, "
                      f"longest {max(pauses):.3f} s")


class FaultTests(unittest.TestCase):
    def test_nothing_is_lost_whatever_happens(self):
        run_once(SEED, SECONDS, KINDS.split())


def run_once(seed, seconds, kinds, nodes=3):
    """Prints what happened; a failure leaves the directory as it is."""
    run = FaultRun(seed, seconds, kinds, nodes)
    try:
        run.run()
        found = run.verdict.lost + run.verdict.duplicated + run.verdict.wrong
        assert not found, "\n".join(found[:40])
        run.cluster.assert_alive()
    except BaseException:
        run.cluster.keeps = True
        print(f"FAILED with seed {seed}: the logs and disks are in {run.cluster.directory}", flush=True)
        raise
    finally:
        run.cluster.stop()


def main():
    parser = argparse.ArgumentParser(description="Harms a cluster while it works.")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--seconds", type=int, default=SECONDS, help="for all of it")
    parser.add_argument("--nodes", type=int, default=3, choices=(3, 5),
                        help="five, two to a data center, are only killed: by one and by data center")
    parser.add_argument("--kinds", nargs="+", default=KINDS.split(), metavar="KIND",
                        help=f"only these: {', '.join(Faults.kinds())}")
    words = parser.parse_args()
    try:
        run_once(words.seed, words.seconds, words.kinds, words.nodes)
    except AssertionError:
        traceback.print_exc()
        sys.exit(1)


if __name__ == "__main__":
    main()
