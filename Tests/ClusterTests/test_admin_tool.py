"""What staffettactl tells scripts: exit statuses, refusals, options."""

import json
import subprocess
import unittest

from support.cluster import PROGRAMS, Cluster, wait_until


def ctl(*words):
    """The exit status of a command, and what it writes."""
    done = subprocess.run(
        [str(PROGRAMS / "staffettactl"), *words], capture_output=True, text=True, timeout=120, check=False
    )
    return done.returncode, done.stdout, done.stderr


class AdminToolTests(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.cluster = Cluster(nodes=3, accounts=0, settings=["cluster.groups=3"])
        cls.cluster.start()
        cls.cluster.wait_for_leaders()

    @classmethod
    def tearDownClass(cls):
        cls.cluster.stop()

    def endpoint(self, number):
        return f"127.0.0.1:{self.cluster.node(number).admin}"

    def wait_for_status(self, expected, *words):
        wait_until(lambda: ctl(*words)[0] == expected, 60, f"exit status {expected} of {' '.join(words)}")

    def test_common_options_may_stand_before_the_verb(self):
        endpoint = self.endpoint(2)
        for words in (
            ["cluster", "status", "--endpoint", endpoint, "--format", "json"],
            ["--endpoint", endpoint, "--format", "json", "cluster", "status"],
            ["--format=json", "cluster", f"--endpoint={endpoint}", "status"],
            ["--format", "json", "cluster", "status", "--endpoint", endpoint],
        ):
            with self.subTest(words):
                status, output, error = ctl(*words)
                self.assertEqual(status, 0, error)
                self.assertEqual(json.loads(output)["node"], "2")
        status, output, _ = ctl("--format", "json", "--endpoint", endpoint, "group", "describe", "1")
        self.assertEqual((status, json.loads(output)["id"]), (0, 1))

    def test_wrong_options_are_bad_usage_wherever_they_stand(self):
        for words in (
            ["--endpoint", "nowhere", "cluster", "status"], ["--format", "xml", "cluster", "status"],
            ["--nonsense", "cluster", "status"], ["cluster", "--nonsense", "status"],
            ["cluster", "status", "--endpoint"],
        ):
            with self.subTest(words):
                self.assertEqual(ctl(*words)[0], 2)

    def test_a_refusal_is_the_answer_although_the_next_node_is_silent(self):
        leader = int(self.cluster.node(1).groups()[1]["leaderNode"])
        other = next(number for number in (1, 2, 3) if number != leader)
        endpoints = f"{self.endpoint(other)},127.0.0.1:1"
        status, _, error = ctl("group", "transfer-leader", "1", "--endpoint", endpoints)
        self.assertEqual(status, 1)
        self.assertIn("does not lead group 1", error)
        self.assertNotIn("not answer", error)
        status, _, error = ctl("cluster", "status", "--endpoint", "127.0.0.1:1")
        self.assertEqual(status, 1)
        self.assertIn("127.0.0.1:1 does not answer", error)


if __name__ == "__main__":
    unittest.main(verbosity=2)
