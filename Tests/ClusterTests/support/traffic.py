"""Mail for a cluster that is being harmed: an MTA that never gives up, and writers who measure how long they wait."""

import hashlib
import random
import threading
import time

from .lmtp import LMTP, ConnectionEnded

# As Postfix writes it: what carries it is recognised when it is delivered again.
TRACE = (b"Received: from a.example.net (a.example.net [192.0.2.1])\r\n"
         b"\tby mx.example.net (Postfix) with ESMTPS id %s\r\n"
         b"\tfor <user@example.org>; Thu,  1 Jan 2026 00:00:00 +0000 (UTC)\r\n")
# Up to this many bytes, with how many in a hundred messages. The largest are uploaded in chunks.
SIZES = [(2_000, 85), (20_000, 12), (200_000, 2), (1_500_000, 1)]


def content(number, seed):
    """The message of that number: the same bytes each time it is asked for."""
    chance = random.Random(f"{seed}-{number}")
    limit = chance.choices([size for size, _ in SIZES], [weight for _, weight in SIZES])[0]
    line = hashlib.sha256(f"{seed}-{number}".encode()).hexdigest().encode() + b"\r\n"
    return b"Subject: %d\r\nFrom: a@example.net\r\n\r\n" % number + line * (chance.randrange(limit) // len(line) + 1)


def traced(number, seed):
    queue_id = hashlib.sha256(f"queue {seed} {number}".encode()).hexdigest()[:15].encode()
    return TRACE % queue_id + content(number, seed)


class Deliveries:
    """What was delivered to whom, how it ended for each recipient, and what may not happen at all."""

    def __init__(self, seed):
        self.seed = seed
        self._lock = threading.Lock()
        self._next = 0
        # Pairs of number and account.
        self.acknowledged = set()
        self.unknown = set()
        # For good, by the recipient's own answer, and never left open before.
        self.refused = set()
        self.by_mta = set()
        self.failures = []

    def begin(self, by_mta):
        with self._lock:
            self._next += 1
            if by_mta:
                self.by_mta.add(self._next)
            return self._next

    def end(self, number, account, outcome):
        """How it ended for one recipient: "acknowledged", "unknown" or "refused"."""
        with self._lock:
            getattr(self, outcome).add((number, account))

    def message(self, number):
        return traced(number, self.seed) if number in self.by_mta else content(number, self.seed)


class Sender(threading.Thread):
    """Delivers one message after the other, through any node that takes it."""

    def __init__(self, cluster, deliveries, seed, pause_seconds):
        super().__init__(daemon=True)
        self.cluster = cluster
        self.deliveries = deliveries
        self.chance = random.Random(seed)
        self.pause_seconds = pause_seconds
        # Nodes that it does not use.
        self.avoided = set()
        self.stopping = threading.Event()
        self.node = None
        self._session = None

    def stop(self):
        self.stopping.set()

    def try_once(self, recipients, message, pipelined):
        """One transaction. Returns each recipient's own reply; None: nobody knows how it ended for that one."""
        replies = [None] * len(recipients)
        try:
            if self._session is None or self.node.number in self.avoided:
                self._close()
                self.node = self.chance.choice([n for n in self.cluster.nodes if n.number not in self.avoided])
                with self.node.inside():
                    self._session = LMTP(self.node.lmtp, timeout=20)
            if pipelined:
                self._session.deliver_pipelined(recipients, message, replies=replies)
            else:
                replies[:] = self._session.deliver(recipients, message)
        except (OSError, ConnectionEnded, AssertionError):
            self._close()
        if any(reply is not None and 400 <= reply.code < 500 for reply in replies):
            # The next try goes somewhere else.
            self._close()
        return replies

    def _close(self):
        if self._session is not None:
            self._session.close()
        self._session = None


class MTA(Sender):
    """Delivers to several recipients at once, pipelined or not, and repeats what was not answered for good until it is,
    wherever, for those recipients alone.

    `refusals` says who may be refused, and how: address → code."""

    MOST_RECIPIENTS = 12

    def __init__(self, cluster, deliveries, accounts, refusals, seed):
        super().__init__(cluster, deliveries, seed, pause_seconds=0.1)
        self.accounts = accounts
        self.refusals = refusals

    def run(self):
        while not self.stopping.is_set():
            # Mostly one, as with most mail; otherwise some, of whom some are refused.
            count = 1 if self.chance.random() < 0.5 else self.chance.randint(2, self.MOST_RECIPIENTS)
            number = self.deliveries.begin(by_mta=True)
            self._deliver(number, self.chance.sample(self.accounts + list(self.refusals), count))
            self.stopping.wait(self.pause_seconds)
        self._close()

    def _deliver(self, number, recipients):
        message = self.deliveries.message(number)
        waiting, left_open = recipients, set()
        while True:
            replies = self.try_once(waiting, message, pipelined=self.chance.random() < 0.8)
            answers = dict(zip(waiting, replies))
            waiting = [account for account, reply in answers.items() if reply is None or 400 <= reply.code < 500]
            for account, reply in answers.items():
                if account in waiting:
                    # An earlier try may still come to its end, after a later one was refused.
                    left_open.add(account)
                else:
                    self._end(number, account, reply, account in left_open)
            if not waiting:
                return
            if self.stopping.wait(0.1):
                break
        for account in waiting:
            self.deliveries.end(number, account, "unknown")

    def _end(self, number, account, reply, was_left_open):
        if reply.code == 250:
            self.deliveries.end(number, account, "acknowledged")
            if self.refusals.get(account) == 550:
                self.deliveries.failures.append(f"{number} for {account}, who is not there: {reply}")
        else:
            self.deliveries.end(number, account, "unknown" if was_left_open else "refused")
            if reply.code != self.refusals.get(account):
                self.deliveries.failures.append(f"{number} for {account}: a permanent error that is not theirs: {reply}")


class GroupWriter(Sender):
    """Delivers to one account, and so to one group; notes when each delivery was acknowledged. Repeats nothing."""

    def __init__(self, cluster, deliveries, account, seed):
        super().__init__(cluster, deliveries, seed, pause_seconds=0.4)
        self.account = account
        self.group = cluster.group_of[account]
        self.acknowledgements = []
        # While it is set, one delivery follows the other at once.
        self.hurry = threading.Event()

    def run(self):
        while not self.stopping.is_set():
            number = self.deliveries.begin(by_mta=False)
            reply = self.try_once([self.account], self.deliveries.message(number), pipelined=False)[0]
            is_acknowledged = reply is not None and reply.code == 250
            self.deliveries.end(number, self.account, "acknowledged" if is_acknowledged else "unknown")
            if reply is not None and reply.code >= 500:
                self.deliveries.failures.append(f"a permanent error for a fault of the cluster: {reply}")
            if is_acknowledged:
                self.acknowledgements.append((time.monotonic(), self.node.number))
            if not is_acknowledged:
                self.stopping.wait(0.01)
            elif not self.hurry.is_set():
                self.hurry.wait(self.pause_seconds)
        self._close()

    def count_since(self, start):
        return sum(1 for at, node in self.acknowledgements[-1_000:] if at >= start and node not in self.avoided)

    def longest_pause(self, start):
        """Without an acknowledgement, from that time on."""
        times = [start] + [at for at, _ in self.acknowledgements if at >= start]
        return max((later - earlier for earlier, later in zip(times, times[1:])), default=None)
