"""IDLE on one node shows what came in through another."""

import time
import unittest

from support import imap
from support.cluster import Cluster
from support.lmtp import LMTP

PROMISED_SECONDS = 5


class IdleTests(unittest.TestCase):
    def test_idle_on_node_3_shows_what_node_1_took_in(self):
        with Cluster(nodes=3, accounts=3) as cluster:
            with imap.RawIMAP(cluster.node(3).imap, timeout=PROMISED_SECONDS) as client:
                client.login()
                client.command(b"SELECT INBOX")
                client.send(b"b IDLE\r\n")
                self.assertTrue(client.until(b"+")[-1].startswith(b"+"))
                for number in range(1, 6):
                    with LMTP(cluster.node(1).lmtp) as lmtp:
                        reply = lmtp.deliver("user1@example.org", b"Subject: %d\r\n\r\n" % number)[0]
                    delivered = time.monotonic()
                    self.assertEqual(reply.code, 250, reply)
                    expected = b"* %d EXISTS\r\n" % number
                    self.assertEqual(client.until(expected)[-1], expected)
                    waited = time.monotonic() - delivered
                    print(f"IDLE showed message {number} after {waited:.3f} s")
                    self.assertLess(waited, PROMISED_SECONDS)
                client.send(b"DONE\r\n")
                self.assertIn(b"OK", client.until(b"b ")[-1])


if __name__ == "__main__":
    unittest.main(verbosity=2)
