"""Replicas that differ without knowing it: found by comparing digests, named by the row, given up, and built anew."""

import json
import signal
import subprocess
import unittest

from support import imap
from support.cluster import PROGRAMS, Cluster, wait_until
from support.lmtp import LMTP
from support.oracle import body

GROUP = 1


class VerifyTests(unittest.TestCase):
    """One cluster for all: each test leaves it whole."""

    @classmethod
    def setUpClass(cls):
        # One group for all accounts, and nothing by itself: what is asked for is what happens.
        cls.cluster = Cluster(nodes=3, accounts=4, settings=["cluster.groups=1", "verify.interval-seconds=0"])
        cls.cluster.start()
        with LMTP(cls.cluster.node(1).lmtp, timeout=60) as lmtp:
            for number in range(1, 31):
                replies = lmtp.deliver(cls.cluster.addresses(), body(number, 2_000))
                assert all(reply.code == 250 for reply in replies)
            # More than one chunk.
            lmtp.deliver(cls.cluster.addresses(), body(31, 700_000))

    @classmethod
    def tearDownClass(cls):
        cls.cluster.stop()

    def verify(self, *words, node=None):
        """The exit status of the command and the JSON that it gives, asked of any nodes as an admin does."""
        endpoints = ",".join(f"127.0.0.1:{each.admin}" for each in ([node] if node else self.cluster.live_nodes()))
        done = subprocess.run(
            [str(PROGRAMS / "staffettactl"), "group", "verify", *words, "--format", "json", "--endpoint", endpoints],
            capture_output=True, text=True, timeout=120, check=False,
        )
        return done.returncode, json.loads(done.stdout) if done.stdout else None, done.stderr

    def leader(self):
        self.cluster.wait_for_leaders()
        return self.cluster.node(int(self.cluster.node(1).groups()[GROUP]["leaderNode"]))

    def test_equal_replicas(self):
        for words in ([], ["--scrub"]):
            status, answer, _ = self.verify(str(GROUP), *words)
            self.assertEqual(status, 0, answer)
            self.assertEqual(answer["result"], "VERIFICATION_RESULT_EQUAL")
            self.assertEqual({replica["standing"] for replica in answer["replicas"]}, {"agrees"})
            self.assertEqual(len({replica["digest"] for replica in answer["replicas"]}), 1)
            if words:
                self.assertEqual({replica["scrub"] for replica in answer["replicas"]}, {"intact"})

        def is_noted():
            groups = [node.ctl("group", "describe", str(GROUP)) for node in self.cluster.nodes]
            return all(group.get("verifiedIndex") == answer["index"] for group in groups)

        wait_until(is_noted, 10, "a note on every node")
        # The directory is a group like any other.
        self.assertEqual(self.verify("0")[0], 0)

    def test_bad_questions(self):
        follower = next(node for node in self.cluster.nodes if node is not self.leader())
        status, _, error = self.verify(str(GROUP), node=follower)
        self.assertEqual(status, 1)
        self.assertIn(f"ask node {self.leader().number}, which leads it", error)
        status, _, error = self.verify("77")
        self.assertEqual(status, 1)
        self.assertIn("no replica of group 77", error)
        self.assertEqual(self.verify("x")[0], 2)
        self.assertEqual(self.verify(str(GROUP), "--deadline-seconds", "0")[0], 2)

    def test_a_node_that_is_down(self):
        node = next(node for node in self.cluster.nodes if node is not self.leader())
        node.kill()
        status, answer, _ = self.verify(str(GROUP))
        self.assertEqual(status, 1)
        self.assertEqual(answer["result"], "VERIFICATION_RESULT_INCOMPLETE")
        self.assertEqual([each["node"] for each in answer["replicas"] if each["standing"] == "silent"], [str(node.number)])
        node.start_again()
        self.wait_until_whole()
        self.assertEqual(self.verify(str(GROUP))[0], 0)

    def harm(self, node, *words):
        """Changes a row in the state of a node, which starts again with it; gives back the row's key."""
        node.signal(signal.SIGTERM)
        wait_until(lambda: not node.is_alive(), 60, "the end of the node")
        key = subprocess.run(
            [str(PROGRAMS / "harm-state"), str(node.data / "state"), str(GROUP), *words],
            capture_output=True, text=True, timeout=60, check=True,
        ).stdout.strip()
        node.start_again()
        self.wait_until_whole()
        return key

    def wait_until_whole(self):
        def whole():
            answers = [node.status() for node in self.cluster.nodes]
            return all(answer is not None and not answer.get("problems") for answer in answers)

        wait_until(whole, 120, "a cluster without problems")

    def check_found(self, node, key, *words):
        """It is named, given up and built anew; afterwards all is as it was."""
        log = len(node.log.read_text())
        status, answer, _ = self.verify(str(GROUP), *words)
        self.assertEqual(status, 1)
        self.assertEqual(answer["result"], "VERIFICATION_RESULT_DIFFERENT")
        found = {int(replica["node"]): replica for replica in answer["replicas"]}
        self.assertEqual(found[node.number]["standing"], "given up")
        self.assertEqual((found[node.number]["table"], found[node.number]["key"]), ("messages", key))
        for other in self.cluster.nodes:
            if other is not node:
                self.assertEqual(found[other.number]["standing"], "agrees")
        wait_until(lambda: "has caught up and votes" in node.log.read_text()[log:], 60, "a new replica that votes")
        text = node.log.read_text()[log:]
        self.assertIn("is given up, does not vote any more, and is built anew from the others", text)
        self.wait_until_whole()
        self.cluster.wait_for_equal_digests()
        status, answer, _ = self.verify(str(GROUP), "--scrub")
        self.assertEqual(status, 0, answer)
        for each in self.cluster.nodes:
            self.assertNotIn("user1", each.log.read_text().split("differs first in", 1)[-1].split("\n")[0])
            for account in self.cluster.addresses():
                self.assertEqual(len(imap.subjects(each, account)), 31, f"{account} on node {each.number}")

    def test_a_row_that_only_a_scrub_sees(self):
        node = next(node for node in self.cluster.nodes if node is not self.leader())
        key = self.harm(node)
        status, answer, _ = self.verify(str(GROUP))
        self.assertEqual(status, 0, answer)
        self.check_found(node, key, "--scrub")

    def test_a_replica_that_went_another_way(self):
        node = next(node for node in self.cluster.nodes if node is not self.leader())
        key = self.harm(node, "--with-digest")
        self.check_found(node, key)

    def test_a_leader_that_went_another_way(self):
        """It finds that it is the one that is wrong, hands over, and gives itself up."""
        node = self.leader()
        key = self.harm(node, "--with-digest")
        if self.leader() is not node:
            self.leader().ctl("group", "transfer-leader", str(GROUP), "--to", str(node.number))
            wait_until(lambda: self.leader() is node, 30, "the leadership of the replica that is wrong")
        self.check_found(node, key)
        self.assertIsNot(self.leader(), node)


if __name__ == "__main__":
    unittest.main(verbosity=2)
