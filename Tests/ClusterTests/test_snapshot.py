"""A follower that missed more than the log keeps catches up by snapshot."""

import threading
import unittest

from support.cluster import Cluster, wait_until
from support.lmtp import LMTP
from support.oracle import Ledger, body

MESSAGES = 5_000
RECIPIENTS = 10


class SnapshotTests(unittest.TestCase):
    def test_a_follower_catches_up_by_snapshot(self):
        with Cluster(nodes=3, accounts=RECIPIENTS, settings=["log.retain-entries=100"]) as cluster:
            follower = cluster.node(3)
            before = {group: int(status["lastIndex"]) for group, status in follower.groups().items()}
            follower.kill()
            cluster.wait_for_leaders()
            ledger = self.deliver(cluster)
            # Logs are cut behind what the state has flushed, which it does every half minute.
            cut = wait_until(lambda: self.cut(cluster, before), 120, "a log cut beyond what the follower has")
            follower.start_again()
            cluster.wait_for_leaders()
            digests = cluster.wait_for_equal_digests(seconds=300)
            self.assertTrue(digests)
            jumped = [group for group, status in follower.groups().items()
                      if int(status.get("firstIndex", 0)) > before[group] + 1]
            self.assertEqual(sorted(cut), sorted(group for group in jumped if group in cut))
            log = follower.log.read_text()
            for group in cut:
                self.assertIn(f"group {group}: snapshot installed", log)
            print(f"groups {cut} came by snapshot; digests are equal")
            for node in cluster.nodes:
                ledger.check(node, cluster.addresses())

    def cut(self, cluster, before):
        """The groups that grew by far more than is kept, once their logs are cut on both nodes that are up."""
        reports = [cluster.node(number).groups() for number in (1, 2)]
        grown = [group for group, status in reports[0].items() if int(status["lastIndex"]) > before[group] + 300]
        done = all(int(report[group].get("firstIndex", 0)) > before[group] + 1 for report in reports for group in grown)
        return grown if done else []

    def deliver(self, cluster):
        """`MESSAGES` small deliveries through the first two nodes, several recipients at a time."""
        ledger = Ledger()
        errors = []

        def work(node, transactions):
            try:
                with LMTP(node.lmtp, timeout=120) as lmtp:
                    for _ in range(transactions):
                        numbers = [ledger.begin() for _ in cluster.addresses()]
                        # One message to all: its subject stands for it in every mailbox.
                        replies = lmtp.deliver(cluster.addresses(), body(numbers[0], 50))
                        bad = [reply for reply in replies if reply.code != 250]
                        if bad:
                            errors.append(bad[0])
                            return
                        ledger.end(numbers[0], None, "acknowledged")
            except Exception as error:  # pylint: disable=broad-exception-caught
                errors.append(error)

        workers = [
            threading.Thread(target=work, args=(cluster.node(1 + index % 2), MESSAGES // RECIPIENTS // 4))
            for index in range(4)
        ]
        for worker in workers:
            worker.start()
        for worker in workers:
            wait_until(lambda: not worker.is_alive(), 600, "the deliveries")
        self.assertEqual(errors, [])
        return AllAccounts(ledger)


class AllAccounts:
    """A ledger whose messages every account has."""

    def __init__(self, ledger):
        self.numbers = sorted(ledger.acknowledged)

    def check(self, node, accounts):
        from support import imap

        for account in accounts:
            found = sorted(int(subject) for subject in imap.subjects(node, account))
            assert found == self.numbers, f"{account} on node {node.number}: {len(found)} of {len(self.numbers)}"


if __name__ == "__main__":
    unittest.main(verbosity=2)
