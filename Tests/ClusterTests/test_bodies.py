"""Bodies that a disk has spoiled: served from another node, and put back."""

import base64
import os
import signal
import subprocess
import unittest

from support import imap
from support.cluster import PROGRAMS, Cluster, wait_until
from support.lmtp import LMTP

REPAIRED = "the bytes of a message were spoiled on this disk"
ACCOUNT = "user1@example.org"


def body(number, size):
    """A message like no other."""
    text = base64.encodebytes(os.urandom(size * 3 // 4)).replace(b"\n", b"\r\n")
    return b"Subject: %d\r\nFrom: a@example.net\r\n\r\n%s" % (number, text)


class BodyTests(unittest.TestCase):
    def test_spoiled_bodies(self):
        with Cluster(nodes=3, accounts=1, settings=["cluster.groups=1", "verify.interval-seconds=0"]) as cluster:
            messages = [body(number, size) for number, size in enumerate([30_000] * 8 + [600_000], 1)]
            with LMTP(cluster.node(1).lmtp, timeout=60) as lmtp:
                for message in messages:
                    self.assertEqual([reply.code for reply in lmtp.deliver([ACCOUNT], message)], [250])
            cluster.wait_for_equal_digests()
            node = cluster.node(2)
            # A planned end leaves everything in files.
            node.signal(signal.SIGTERM)
            wait_until(lambda: not node.is_alive(), 60, "the end of the node")
            spoiled = self.spoil(node)
            # The large one has three chunks.
            self.assertEqual(spoiled, 8 + 3)
            node.start_again()
            cluster.wait_for_leaders()
            already, pid = len(node.log.read_text()), node.pid
            for _ in range(2):
                for number, message in enumerate(messages, 1):
                    found = imap.message(node, str(number), ACCOUNT)
                    self.assertTrue(found.endswith(message), f"message {number} is not what was delivered")
            text = node.log.read_text()[already:]
            # What was put back is not asked for again.
            self.assertEqual(text.count(REPAIRED), spoiled, text)
            self.assertEqual(node.pid, pid)
            self.assertTrue(node.is_alive())
            self.assertNotIn("given up", text)
            cluster.wait_for_equal_digests()
            node.signal(signal.SIGTERM)
            wait_until(lambda: not node.is_alive(), 60, "the end of the node")
            node.start_again()
            cluster.wait_for_leaders()
            self.assertEqual(imap.message(node, "3", ACCOUNT), imap.message(cluster.node(1), "3", ACCOUNT))

    @staticmethod
    def spoil(node):
        """Changes a byte of every chunk of all bodies, behind the store's own checksums."""
        done = subprocess.run(
            [str(PROGRAMS / "harm-state"), str(node.data / "state"), "1", "--bodies"],
            capture_output=True, text=True, timeout=60, check=True,
        )
        return int(done.stdout)


if __name__ == "__main__":
    unittest.main(verbosity=2)
