"""The commands that Docs/operations.md shows for nodes, rules and moves are run as they stand, in a cluster of nine."""

import re
import shlex
import subprocess
import unittest

from support.cluster import PROGRAMS, ROOT, Cluster, wait_until

# What a page shows whose replicas are where it happens: node and group are those that fit.
REPLICA = re.compile(r"group move-replica 3 --from \d+ --to \d+")


class OperationsTests(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.cluster = Cluster(nodes=9, accounts=10)
        cls.cluster.start()
        wait_until(cls.is_quiet, 90, "a cluster at rest")

    @classmethod
    def tearDownClass(cls):
        cls.cluster.stop()

    @classmethod
    def is_quiet(cls):
        first = cls.cluster.node(1)
        report = first.ctl("scheduler", "show")
        voters = {int(r["node"]) for g in first.ctl("group", "list")["groups"]
                  for r in g["replicas"] if r["role"] == "voter"}
        return report.get("movesUnderWay", 0) == 0 and len(voters) == 9

    def commands(self):
        text = (ROOT / "Docs" / "operations.md").read_text()
        section = text[text.index("## Where replicas are"):text.index("## What is fixed")]
        return re.findall(r"^    (staffettactl .*)$", section, re.MULTILINE)

    def fitting(self, command):
        """The same with nodes for which the move makes sense: one that holds a voter, and one with the same labels or
        at least without a majority."""
        if not REPLICA.search(command):
            return [command]
        group = self.cluster.node(1).ctl("group", "describe", "3")
        held = [int(r["node"]) for r in group["replicas"] if r["role"] == "voter"]
        pairs = [(old, new) for old in held for new in range(1, 10) if new not in held]
        return [REPLICA.sub(f"group move-replica 3 --from {old} --to {new}", command) + " --allow-majority"
                for old, new in pairs[:1]]

    def test_every_command_does_what_the_page_says(self):
        commands = self.commands()
        self.assertGreater(len(commands), 35)
        endpoints = ",".join(f"127.0.0.1:{node.admin}" for node in self.cluster.nodes[:3])
        for command in commands:
            for fitting in self.fitting(command):
                words = shlex.split(fitting)
                if words[1:3] == ["node", "recommission"]:
                    node = self.cluster.node(int(words[3]))
                    wait_until(lambda node=node: not node.is_alive(), 60, "the end of a decommissioned node")
                done = subprocess.run(
                    [str(PROGRAMS / "staffettactl"), *words[1:], "--endpoint", endpoints],
                    capture_output=True, text=True, timeout=120, check=False)
                # That a loss is not survived, or that a leader's disk is slow just now, is an answer too.
                allowed = [0, 1] if words[1] == "survive" or words[1:3] == ["rule", "check"] else [0]
                self.assertIn(done.returncode, allowed, f"{fitting}: {done.stdout} {done.stderr}")
                self.assertTrue(done.stdout, fitting)
                if words[1:3] == ["node", "recommission"]:
                    node.start_again()
                if words[1:3] == ["rule", "set"] and "--dry-run" not in words:
                    self.wait_for_rules()

    def wait_for_rules(self):
        first = self.cluster.node(1)
        wait_until(lambda: first.run_ctl("rule", "check").returncode == 0, 90, "rules that are kept")


if __name__ == "__main__":
    unittest.main(verbosity=2)
