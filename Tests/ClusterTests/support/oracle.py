"""What clients were promised: who delivered what, what was acknowledged when, and what must then be there."""

import random
import threading
import time

from . import imap
from .lmtp import LMTP, ConnectionEnded


class Ledger:
    """Every delivery that was tried, by a number that is its subject, and how it ended."""

    def __init__(self):
        self._lock = threading.Lock()
        self._next = 0
        self.acknowledged = {}  # number → account
        self.unknown = {}
        self.refused = {}
        self.failures = []

    def begin(self):
        with self._lock:
            self._next += 1
            return self._next

    def end(self, number, account, outcome):
        with self._lock:
            getattr(self, outcome)[number] = account

    def check(self, node, accounts):
        """Nothing acknowledged is lost, nothing is there twice, nothing refused is there. Returns how many are there."""
        total = 0
        for account in accounts:
            found = imap.subjects(node, account) if imap.exists(node, account) else []
            counts = {}
            for subject in found:
                counts[int(subject)] = counts.get(int(subject), 0) + 1
            total += len(counts)
            twice = [number for number, count in counts.items() if count > 1]
            assert not twice, f"{account} on node {node.number} has twice: {twice}"
            lost = [number for number, owner in self.acknowledged.items() if owner == account and number not in counts]
            assert not lost, f"{account} on node {node.number} lost, although acknowledged: {lost}"
            refused = [number for number, owner in self.refused.items() if owner == account and number in counts]
            assert not refused, f"{account} on node {node.number} has, although refused: {refused}"
        return total


def body(number, size=300):
    return b"Subject: %d\r\nFrom: a@example.net\r\n\r\n%s\r\n" % (number, b"x" * size)


class Deliverer(threading.Thread):
    """Delivers to one account after the other through one node, until stopped; connects again when it must.

    A delivery begins so many seconds after the one before has ended."""

    def __init__(self, node, accounts, ledger, seed, size=300, interval=0):
        super().__init__(daemon=True)
        self.node = node
        self.accounts = accounts
        self.ledger = ledger
        self.random = random.Random(seed)
        self.size = size
        self.interval = interval
        self.acknowledgements = []
        self._begun = []
        self._stopping = threading.Event()
        self._session = None
        self.answers = {}

    def stop(self):
        self._stopping.set()

    def run(self):
        while not self._stopping.is_set():
            account = self.random.choice(self.accounts)
            number = self.ledger.begin()
            began = time.monotonic()
            outcome = self._deliver(number, account)
            self.ledger.end(number, account, outcome)
            if outcome == "acknowledged":
                self._begun.append(began)
                self.acknowledgements.append(time.monotonic())
                if self.interval:
                    self._stopping.wait(self.interval)
            elif self._session is None:
                # Nobody listens there: do not turn in circles.
                self._stopping.wait(0.02)
        if self._session:
            self._session.close()

    def _deliver(self, number, account):
        sent = False
        try:
            if self._session is None:
                self._session = LMTP(self.node.lmtp, timeout=30)
            reply = self._session.mail()
            if reply.code == 250:
                reply = self._session.rcpt(account)
            if reply.code == 250:
                sent = True
                reply = self._session.data(body(number, self.size), 1)[0]
            self.answers[str(reply)] = self.answers.get(str(reply), 0) + 1
            if reply.code == 250:
                return "acknowledged"
            if reply.code >= 500:
                self.ledger.failures.append(f"permanent error for a fault of the cluster: {reply}")
            if not sent:
                self._session.command("RSET")
            # What 451 leaves open may have been done.
            return "unknown" if sent else "refused"
        except (OSError, ConnectionEnded, AssertionError):
            if self._session:
                self._session.close()
            self._session = None
            return "unknown" if sent else "refused"

    def longest_pause(self, start, end):
        """The longest time between two acknowledgements, of those that touch the interval."""
        times = [start] + [at for at in self.acknowledgements if start <= at <= end] + [end]
        return max(later - earlier for earlier, later in zip(times, times[1:]))

    def longest_delivery(self, start, end):
        """The longest time that an acknowledged delivery took, of those that touch the interval."""
        taken = [at - began for began, at in zip(self._begun, self.acknowledgements) if at >= start and began <= end]
        return max(taken, default=end - start)


class Reader(threading.Thread):
    """Looks again and again how many messages an account has; the number never falls within a session.

    So many seconds lie between two looks."""

    def __init__(self, node, account, ledger, interval=0):
        super().__init__(daemon=True)
        self.node = node
        self.account = account
        self.ledger = ledger
        self.interval = interval
        self.reads = 0
        self._stopping = threading.Event()

    def stop(self):
        self._stopping.set()

    def run(self):
        session = None
        count = 0
        while not self._stopping.is_set():
            try:
                if session is None:
                    session = imap.connect(self.node, self.account, timeout=30)
                seen = int(imap.check(session.select("INBOX", readonly=True))[0])
                if seen < count:
                    self.ledger.failures.append(f"{self.account} on node {self.node.number}: {seen} after {count}")
                count = seen
                if seen:
                    imap.check(session.fetch(str(seen), "(FLAGS BODY.PEEK[])"))
                self.reads += 1
                if self.interval:
                    self._stopping.wait(self.interval)
            except (OSError, AssertionError, imap.imaplib.IMAP4.error):
                if session:
                    session.shutdown()
                session = None
                self._stopping.wait(0.05)
        if session:
            session.shutdown()


class Workload:
    """Deliverers and readers on all nodes of a cluster; `with Workload(cluster, seed) as load`."""

    def __init__(self, cluster, seed, per_node=2, size=300, interval=0):
        self.ledger = Ledger()
        self.deliverers = [
            Deliverer(node, cluster.addresses(), self.ledger, f"{seed}-{node.number}-{index}", size, interval)
            for node in cluster.nodes for index in range(per_node)
        ]
        self.readers = [
            Reader(node, cluster.addresses()[index % cluster.accounts], self.ledger, interval)
            for index, node in enumerate(cluster.nodes)
        ]

    def __enter__(self):
        for thread in self.deliverers + self.readers:
            thread.start()
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        for thread in self.deliverers + self.readers:
            thread.stop()
        for thread in self.deliverers + self.readers:
            thread.join(timeout=90)

    def through(self, *nodes):
        return [deliverer for deliverer in self.deliverers if deliverer.node in nodes]

    def acknowledged(self):
        return len(self.ledger.acknowledged)
