"""What was acknowledged is there exactly once, byte for byte, on every node; what was refused is not; the rest whole or
not at all. Each recipient is judged by its own answer."""

import re

from . import imap

BATCH = 500


class Verdict:
    """Compares what is there with what was delivered, and with what the owners of mailboxes know."""

    def __init__(self, deliveries, accounts, owners):
        self.deliveries = deliveries
        self.accounts = accounts
        self.owners = owners
        self.lost = []
        self.duplicated = []
        self.wrong = list(deliveries.failures)
        self.there = 0

    def check(self, nodes):
        promised = {}
        for number, account in self.deliveries.acknowledged:
            promised.setdefault(account, set()).add(number)
        # Somebody for whom all was refused has a mailbox as well.
        for account in self.accounts:
            promised.setdefault(account, set())
        for node in nodes:
            for account, numbers in sorted(promised.items()):
                self._check_account(node, account, numbers)
        for owner in self.owners:
            for node in nodes:
                owner.check_on(node)
            self.lost += owner.lost
            self.duplicated += owner.duplicated
            self.wrong += owner.failures

    def _check_account(self, node, account, promised):
        seen = set()
        where = f"{account} on node {node.number}"
        for number, stored in self._messages(node, account):
            if number in seen:
                self.duplicated.append(f"{where}: {number} twice")
            seen.add(number)
            delivery = number, account
            if delivery in self.deliveries.refused:
                self.wrong.append(f"{where}: {number}, which was refused")
            elif delivery not in self.deliveries.acknowledged and delivery not in self.deliveries.unknown:
                self.wrong.append(f"{where}: {number}, which is not theirs")
            elif imap.without_trace(stored) != self.deliveries.message(number):
                self.wrong.append(f"{where}: {number} has other bytes than were delivered")
        self.lost += [f"{where}: {number}" for number in sorted(promised - seen)]
        self.there += len(seen)

    @staticmethod
    def _messages(node, account):
        # One session: to check a password takes long on purpose.
        with imap.logged_in(node, account, mailbox=None) as session:
            count = int(imap.check(session.select("INBOX", readonly=True))[0])
            for first in range(1, count + 1, BATCH):
                last = min(first + BATCH - 1, count)
                for answer in imap.check(session.fetch(f"{first}:{last}", "(BODY.PEEK[])")):
                    if isinstance(answer, tuple):
                        yield int(re.search(rb"^Subject: (\d+)", answer[1], re.MULTILINE).group(1)), answer[1]
