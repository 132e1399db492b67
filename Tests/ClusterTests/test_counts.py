"""What one node allocates, and asks of the kernel, for each delivery and for each command. Times differ from machine
to machine, counts do not: they grow when work is added that nobody meant to add.

Counted are
- the calls of malloc and its relatives in the whole process, RocksDB's included, with the bytes that were asked for, by
  a library that is preloaded (support/count_allocations.c). What is mapped without malloc is not counted.
- the system calls of all threads, by strace, in rounds of their own. What works without one is not counted (clocks),
  nor what the kernel does by itself. Half of them, where something is written, are futexes, by which threads sleep and
  wake each other; who gets the processor first changes their number a little.

So that a count is a property of the program,
- one connection does one thing at a time: nothing shares a sync or a wake-up with something else;
- the node is started anew for each kind of work: what was there before is in files, and the changes stay in memory,
  which the node writes to files after half a minute. No message is changed twice;
- the node has as many threads as on two processors, and two processors are all that it gets;
- what it does without work is measured as well, and taken off;
- the count is the median of several rounds.

A limit is 1.2 times what was measured when it was set, or one or two calls more where that is little. Between runs, and
beside other load, the medians differ less: Docs/performance.md says by how much. Once a change makes counts smaller,
set the limits by what the test prints, here and in Docs/performance.md.
"""

import dataclasses
import itertools
import os
import pathlib
import shutil
import statistics
import tempfile
import time
import unittest

from support import imap
from support.cluster import PASSWORD, PROGRAMS
from support.counts import Allocations, SystemCalls
from support.lmtp import LMTP
from support.server import Server


@dataclasses.dataclass
class Limit:
    """What one operation may take, and took when the limit was set."""

    name: str
    allocations: float
    measured_allocations: float
    system_calls: float
    measured_system_calls: float


LIMITS = {limit.name: limit for limit in [
    Limit("delivery", 280, 231, 28, 22),
    Limit("FETCH of one message's flags", 24, 20, 4, 3),
    Limit("FETCH of the flags of 1,000 messages", 1_240, 1_027, 5, 3),
    Limit("FETCH of four header fields of 20 messages", 780, 648, 12, 9),
    Limit("STORE of one flag", 305, 250, 33, 26),
]}

ACCOUNT = "user1@example.org"
MESSAGES = 1_000
# Each kind of work is done in so many rounds for each of the two counts.
ROUNDS = 5
IDLE_SECONDS = 0.5
# So many names of system calls are shown.
NAMES = 8
SETTINGS = ["--threads-io", "2", "--threads-loops", "1", "--threads-appliers", "1"]
HEADER = (b"Date: Mon, 30 Nov 2026 12:00:00 +0000\r\nFrom: Sender <sender@example.net>\r\n"
          b"To: User <user1@example.org>\r\nSubject: What a delivery takes\r\n"
          b"Message-ID: <1@example.net>\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n")
MESSAGE = (HEADER + (b"x" * 70 + b"\r\n") * 150)[:10_000 - 2] + b"\r\n"


@dataclasses.dataclass
class Counts:
    """What an operation took."""

    allocations: float
    bytes: float
    system_calls: float
    # The system calls that were most frequent, by name.
    names: dict


@unittest.skipIf(PROGRAMS.resolve().name == "debug", "counts are those of an optimised build: see CONTRIBUTING.md")
class CountTests(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        # The node and strace inherit it.
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:2])

    def setUp(self):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="staffetta-test-"))
        self.addCleanup(shutil.rmtree, self.directory, ignore_errors=True)
        self.allocations = Allocations(self.directory)
        self.addCleanup(self.allocations.close)
        self.node = Server(self.directory, "node")
        self.addCleanup(self.node.stop)
        # What one second without work takes.
        self.idle = Counts(0, 0, 0, {})

    def start_again(self):
        """A planned end leaves everything in files: from here on the node holds in memory only what it reads."""
        self.node.stop()
        self.node.start(*SETTINGS, environment=self.allocations.environment)
        self.node.wait_until_ready()

    # The work: each is a function that does it once, given how often it was done before.

    def deliveries(self):
        lmtp = LMTP(self.node.lmtp)
        self.addCleanup(lmtp.close)

        def deliver(_):
            reply = lmtp.deliver_pipelined([ACCOUNT], MESSAGE)[0]
            self.assertEqual(reply.code, 250, reply)

        return deliver

    def commands(self, command, lines=0):
        """Commands in INBOX, each with the number that follows the last one's, and with so many lines before its OK."""
        session = imap.RawIMAP(self.node.imap)
        self.addCleanup(session.socket.close)
        session.login(ACCOUNT)
        session.command(b"SELECT INBOX")

        def run(index):
            answer = session.command(command.replace(b"NUMBER", b"%d" % (index + 1)))
            self.assertIn(b" OK", answer[-1], answer[-1])
            self.assertEqual(len(answer), lines + 1, answer)

        return run

    # Counting

    def measure(self, work, times, warm_up=5):
        """The counts of one operation, which is done `times` in each round, after some that are not counted."""
        numbers = itertools.count()
        for _ in range(warm_up):
            work(next(numbers))

        def seconds_of_round():
            started = time.monotonic()
            for _ in range(times):
                work(next(numbers))
            return time.monotonic() - started

        allocated = []
        for _ in range(ROUNDS):
            before, seconds, after = self.allocations.read(), seconds_of_round(), self.allocations.read()
            idle = [self.idle.allocations * seconds, self.idle.bytes * seconds]
            allocated.append([(new - old - rest) / times for new, old, rest in zip(after, before, idle)])
        called = []
        for _ in range(ROUNDS):
            with SystemCalls(self.node.process.pid, self.directory) as calls:
                seconds = seconds_of_round()
            total = (calls.counts.total() - self.idle.system_calls * seconds) / times
            called.append((total, {name: count / times for name, count in calls.counts.most_common(NAMES)}))
        print("    each round:", *(f"{round[0]:.2f}" for round in allocated), "allocations;",
              *(f"{total:.2f}" for total, _ in called), "system calls")
        allocations, size = (statistics.median(column) for column in zip(*allocated))
        called.sort(key=lambda round: round[0])
        return Counts(allocations, size, *called[ROUNDS // 2])

    def measure_idle(self):
        """The counts of a second in which nobody asks for anything, with connections as there are later."""
        self.deliveries()
        self.commands(b"NOOP")
        each = self.measure(lambda _: time.sleep(IDLE_SECONDS), 1, warm_up=1)
        return Counts(each.allocations / IDLE_SECONDS, each.bytes / IDLE_SECONDS, each.system_calls / IDLE_SECONDS,
                      {name: count / IDLE_SECONDS for name, count in each.names.items()})

    def test_counts(self):
        self.start_again()
        self.node.ctl("account", "create", ACCOUNT, "--password-stdin", stdin=PASSWORD + "\n")
        deliver = self.deliveries()
        for number in range(MESSAGES):
            deliver(number)
        # As messages are that lie in a mailbox: read once, and recent to nobody any more.
        self.commands(b"STORE 1:* +FLAGS (\\Seen)", lines=MESSAGES)(0)
        self.start_again()
        self.idle = self.measure_idle()
        self.show("a second without work", self.idle)
        kinds = [
            ("delivery", self.deliveries, 50),
            ("FETCH of one message's flags",
             lambda: self.commands(b"UID FETCH NUMBER (FLAGS)", lines=1), 50),
            ("FETCH of the flags of 1,000 messages",
             lambda: self.commands(b"FETCH 1:1000 (FLAGS)", lines=1_000), 4),
            ("FETCH of four header fields of 20 messages",
             # Of each message the answer, the four fields, the empty line and a parenthesis.
             lambda: self.commands(b"FETCH 981:1000 (BODY.PEEK[HEADER.FIELDS (DATE FROM SUBJECT TO)])", lines=20 * 7),
             20),
            ("STORE of one flag",
             lambda: self.commands(b"STORE NUMBER +FLAGS (\\Flagged)", lines=1), 50),
        ]
        self.assertEqual({name for name, _, _ in kinds}, set(LIMITS))
        above = []
        for name, work, times in kinds:
            self.start_again()
            counts = self.measure(work(), times)
            # A node with an allocator of its own would look like one that allocates nothing; and each asks the kernel
            # to wait, to read and to write.
            self.assertGreater(counts.allocations, 1, f"{name}: allocations are not counted")
            self.assertGreater(counts.system_calls, 1, f"{name}: system calls are not counted")
            limit = LIMITS[name]
            self.show(name, counts, limit)
            for kind, count, highest in [("allocations", counts.allocations, limit.allocations),
                                         ("system calls", counts.system_calls, limit.system_calls)]:
                if count > highest:
                    above.append(f"{name}: {count:.1f} {kind}, the limit is {highest:,}")
        if above:
            self.fail("\n".join(["more than the limits:", *above]))

    @staticmethod
    def show(name, counts, limit=None):
        allocations, calls = f"{counts.allocations:.1f}", f"{counts.system_calls:.1f}"
        if limit:
            allocations += f" (limit {limit.allocations:,}, was {limit.measured_allocations:,})"
            calls += f" (limit {limit.system_calls:,}, was {limit.measured_system_calls:,})"
        names = ", ".join(f"{name} {count:.1f}" for name, count in counts.names.items() if count >= 0.05)
        print(f"{name}: {allocations} allocations of {counts.bytes / 1000:.1f} KB; {calls} system calls: {names}")


if __name__ == "__main__":
    unittest.main(verbosity=2)
