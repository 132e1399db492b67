"""A disk that fills up: below the reserve no new mail, and all else; without any room, the node ends, and it alone."""

import unittest

from support import imap
from support.cluster import wait_until
from support.faults import LOW_SPACE, SPACE_IS_BACK, Log
from support.lmtp import LMTP
from support.oracle import body
from support.rig import MountRefused, Rig

DISK_BYTES = 1 << 30
RESERVE_BYTES = 256 << 20
NO_SPACE = "No space left on device"


class FullDiskTests(unittest.TestCase):
    """Only node 1 has a small disk; each test leaves it as it was."""

    @classmethod
    def setUpClass(cls):
        cls.cluster = Rig(
            accounts=16, settings=[f"disk.reserve-bytes={RESERVE_BYTES}"], small_disks={1: DISK_BYTES}
        )
        try:
            cls.cluster.start()
        except MountRefused as refused:
            raise unittest.SkipTest(str(refused)) from None
        cls.full, cls.second, cls.third = cls.cluster.nodes
        cls.delivered = {account: [] for account in cls.cluster.addresses()}
        cls.number = 0

    @classmethod
    def tearDownClass(cls):
        cls.cluster.stop()

    def deliver(self, node, account, size=200):
        """Returns the reply."""
        type(self).number += 1
        with LMTP(node.lmtp) as lmtp:
            reply = lmtp.deliver(account, body(self.number, size))[0]
        if reply.code == 250:
            self.delivered[account].append(self.number)
        return reply

    def check_everything(self):
        self.cluster.wait_until_whole()
        self.cluster.wait_for_equal_digests()
        for node in self.cluster.nodes:
            for account, numbers in self.delivered.items():
                found = imap.subjects(node, account) if imap.exists(node, account) else []
                self.assertEqual(sorted(map(int, found)), sorted(numbers), f"{account} on node {node.number}")

    def test_below_the_reserve(self):
        accounts = self.cluster.addresses()
        for account in accounts:
            for _ in range(3):
                self.assertEqual(self.deliver(self.second, account).code, 250)
        log = Log(self.full)
        self.cluster.fill_disk(self.full, leaving_bytes=RESERVE_BYTES - (32 << 20))
        log.wait_for(LOW_SPACE, 30)

        for account in accounts:
            reply = self.deliver(self.full, account)
            self.assertEqual((reply.code, reply.enhanced), (451, "4.3.1"))
        for account in accounts:
            with imap.logged_in(self.full, account) as session:
                self.assertEqual(len(imap.check(session.fetch("1:*", "(BODY.PEEK[])"))), 6)
                imap.check(session.store("1", "+FLAGS", "(\\Flagged)"))
                imap.check(session.store("2", "+FLAGS", "(\\Deleted)"))
                imap.check(session.expunge())
                self.assertEqual(len(imap.search_uids(session, "FLAGGED")), 1)
                self.assertEqual(session.append("INBOX", None, None, body(0))[0], "NO")
                self.delivered[account].pop(1)
        # The others have room, and lead: they take mail, and the full disk takes its part of it.
        wait_until(lambda: not self.cluster.led_by(self.full), 30, "leaderships of the others")
        for account in accounts:
            self.assertEqual(self.deliver(self.third, account).code, 250)
        self.assertTrue(self.full.is_alive())
        self.check_everything()

        log = Log(self.full)
        self.cluster.empty_disk(self.full)
        log.wait_for(SPACE_IS_BACK, 30)
        for account in accounts:
            self.assertEqual(self.deliver(self.full, account).code, 250)
        self.check_everything()

    def test_no_room_at_all(self):
        log = Log(self.full)
        account = self.cluster.addresses()[0]
        self.assertEqual(self.deliver(self.second, account).code, 250)

        def has_ended():
            # What it makes room for by itself is taken too.
            self.cluster.fill_disk(self.full, leaving_bytes=0)
            self.deliver(self.second, account, size=100_000)
            return self.cluster.processes[self.full.number].poll()

        status = wait_until(has_ended, 120, "the end of the node")
        self.assertGreater(status, 0)
        self.assertIn(NO_SPACE, log.text())
        # The others go on, all of them led by somebody who has room.
        self.cluster.wait_for_leaders()
        for other in self.cluster.addresses():
            self.assertEqual(self.deliver(self.third, other).code, 250)

        # Still full: it says so, and forgets nothing.
        log = Log(self.full)
        self.cluster.launch(self.full)
        self.assertGreater(self.cluster.wait_for_end(self.full), 0)
        self.assertIn(NO_SPACE, log.text())
        log = Log(self.full)
        self.cluster.empty_disk(self.full)
        self.cluster.start_again(self.full)
        self.check_everything()
        self.assertNotIn("is given up", log.text())


if __name__ == "__main__":
    unittest.main(verbosity=2)
