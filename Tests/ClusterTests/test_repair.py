"""Disks that forget: emptied, put back in time, or with a bit that is not what it was."""

import imaplib
import shutil
import signal
import subprocess
import unittest

from support import imap
from support.cluster import Cluster, wait_until
from support.lmtp import LMTP
from support.oracle import body

GIVEN_UP = "is given up, does not vote any more, and is built anew"
ADMITTED = "has caught up and votes"


class RepairTests(unittest.TestCase):
    """One cluster for all: each test leaves it whole, which is what it is about."""

    @classmethod
    def setUpClass(cls):
        cls.cluster = Cluster(nodes=3, accounts=4)
        cls.cluster.start()
        cls.delivered = []

    @classmethod
    def tearDownClass(cls):
        cls.cluster.stop()

    def deliver(self, node, count):
        with LMTP(node.lmtp, timeout=60) as lmtp:
            for _ in range(count):
                number = len(self.delivered) + 1
                replies = lmtp.deliver(self.cluster.addresses(), body(number, 200))
                self.assertEqual([reply.code for reply in replies], [250] * len(replies))
                self.delivered.append(number)

    def restart_with(self, node, harm):
        """Kills the node, harms its disk, starts it again, and gives back what it logs from then on."""
        node.kill()
        harm()
        already = len(node.log.read_text())
        node.start_again()
        return lambda: node.log.read_text()[already:]

    def wait_until_whole(self):
        def whole():
            answers = [node.status() for node in self.cluster.nodes]
            return all(answer is not None and not answer.get("problems") for answer in answers)

        wait_until(whole, 120, "a cluster without problems")
        self.cluster.wait_for_equal_digests()

    def check_everything(self):
        for node in self.cluster.nodes:
            for account in self.cluster.addresses():
                found = sorted(int(subject) for subject in imap.subjects(node, account))
                self.assertEqual(found, self.delivered, f"{account} on node {node.number}")

    def check_that_it_votes(self, node, other):
        """With the other node away, nothing is committed without this one."""
        other.kill()
        self.cluster.wait_for_leaders()
        self.deliver(node, 3)
        other.start_again()
        self.wait_until_whole()
        self.check_everything()

    def wait_until_admitted(self, log):
        """The log says so a moment after it is so."""
        wait_until(
            lambda: self.groups_with(log, ADMITTED) == self.groups_with(log, GIVEN_UP), 30, "votes for what was given up"
        )

    def groups_with(self, log, text):
        return sorted(
            int(line.split("group ", 1)[1].split(":")[0]) for line in log().splitlines() if text in line
        )

    def test_an_empty_disk(self):
        node = self.cluster.node(3)
        self.deliver(node, 20)
        log = self.restart_with(node, lambda: shutil.rmtree(node.data))
        every_group = list(range(0, 9))
        wait_until(lambda: self.groups_with(log, ADMITTED) == every_group, 120, "votes for all groups")
        self.assertEqual(self.groups_with(log, GIVEN_UP), every_group)
        self.wait_until_whole()
        self.check_everything()
        self.check_that_it_votes(node, self.cluster.node(1))

    def test_an_earlier_disk(self):
        node = self.cluster.node(2)
        image = self.cluster.directory / "image"
        self.deliver(node, 5)
        node.kill()
        shutil.copytree(node.data, image)
        node.start_again()
        self.wait_until_whole()
        self.deliver(node, 20)
        self.cluster.wait_for_equal_digests()

        def put_back():
            shutil.rmtree(node.data)
            image.rename(node.data)

        log = self.restart_with(node, put_back)
        wait_until(lambda: self.groups_with(log, "it is that of an earlier time"), 60, "groups that are given up")
        self.wait_until_whole()
        self.wait_until_admitted(log)
        self.check_everything()
        self.check_that_it_votes(node, self.cluster.node(3))

    def test_a_flipped_bit_in_the_log(self):
        node = self.cluster.node(1)
        self.deliver(node, 20)
        self.cluster.wait_for_equal_digests()

        def flip():
            # In the first half of what was written: a torn end would be nobody's fault.
            segment = max((node.data / "log").iterdir(), key=lambda path: len(path.read_bytes().rstrip(b"\0")))
            data = bytearray(segment.read_bytes())
            written = len(bytes(data).rstrip(b"\0"))
            position = next(index for index in range(written // 2, written) if data[index])
            data[position] ^= 0x10
            segment.write_bytes(data)

        log = self.restart_with(node, flip)
        wait_until(lambda: self.groups_with(log, GIVEN_UP), 60, "groups that are given up")
        self.wait_until_whole()
        self.wait_until_admitted(log)
        self.check_everything()
        self.check_that_it_votes(node, self.cluster.node(2))

    def test_a_damaged_state(self):
        node = self.cluster.node(3)
        self.deliver(node, 20)
        self.cluster.wait_for_equal_digests()
        # A planned end leaves all of the state in files.
        node.signal(signal.SIGTERM)
        wait_until(lambda: not node.is_alive(), 60, "the end of the node")
        tables = sorted((node.data / "state").glob("*.sst"), key=lambda path: path.stat().st_size)
        for table in tables:
            data = bytearray(table.read_bytes())
            # Blocks of rows come first, what says where they are at the end.
            for position in range(0, len(data) // 2, 97):
                data[position] ^= 0x55
            table.write_bytes(data)
        already = len(node.log.read_text())

        def is_given_up():
            """Reading is what finds it: at the start, or when somebody asks. Then the node ends, and starts again."""
            if "the state of this node is given up, and built anew" in node.log.read_text()[already:]:
                return True
            if not node.is_alive():
                self.cluster.children.append(subprocess.Popen(["/bin/sh", str(node.script)], start_new_session=True))
                wait_until(node.is_alive, 10, "a start")
            try:
                imap.subjects(node, "user1@example.org")
            except (OSError, AssertionError, imaplib.IMAP4.error):
                pass
            return False

        wait_until(is_given_up, 60, "a state that is given up")
        node.wait_for_ports()
        self.wait_until_whole()
        self.check_everything()
        self.check_that_it_votes(node, self.cluster.node(1))


class LostFounderTests(unittest.TestCase):
    """Who began the cluster knows the others who did, by its settings. The directory may be led by none of them."""

    def test_a_founder_whose_disk_is_emptied_finds_the_directory(self):
        with Cluster(nodes=4, accounts=4) as cluster:
            first, other = cluster.node(1), cluster.node(2)
            other.ctl("scheduler", "pause", "--ttl", "10m")
            moved = other.run_ctl(
                "group", "move-replica", "0", "--from", "3", "--to", "4", "--allow-majority", "--wait")
            self.assertEqual(moved.returncode, 0, moved.stderr)
            other.ctl("group", "transfer-leader", "0", "--to", "4")
            first.kill()
            shutil.rmtree(first.data)
            self.assertEqual(int(other.ctl("group", "describe", "0")["leaderNode"]), 4)
            first.start_again()

            def is_back():
                roles = {int(r["node"]): r["role"] for r in other.ctl("group", "describe", "0")["replicas"]}
                status = first.status()
                return roles.get(1) == "voter" and status is not None and not status.get("problems")

            wait_until(is_back, 60, "a vote of node 1 on the directory")
            for account in cluster.addresses():
                self.assertEqual(imap.subjects(first, account), [])


if __name__ == "__main__":
    unittest.main(verbosity=2)
