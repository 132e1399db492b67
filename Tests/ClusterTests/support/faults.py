"""Faults, one at a time: each method harms one node or its links, and leaves the cluster on its way to being whole."""

import imaplib
import random
import signal
import time

from . import imap
from .cluster import wait_until
from .rig import FATAL_STATUS, site_of

GIVEN_UP = "the state of this node is given up, and built anew"
LOW_SPACE = "no new mail is taken in until there is room"
SPACE_IS_BACK = "new mail is taken in again"
HANGS = "leaderships are given up"
SLOW = "the disk is slow: others lead"
QUICK = "the disk is quick again"


class Log:
    """What a node logs from now on."""

    def __init__(self, node):
        self.node = node
        self.start = len(node.log.read_bytes())

    def text(self):
        return self.node.log.read_bytes()[self.start:].decode("utf-8", "replace")

    def has(self, words):
        return words in self.text()

    def wait_for(self, words, seconds):
        wait_until(lambda: self.has(words), seconds, f"\"{words}\" in the log of node {self.node.number}")


class Faults:
    """The kinds of faults, by name: `run(kind)` does one of them, to a node that chance picks."""

    # Seconds that a fault and the time until the cluster is whole may take: none is begun too late.
    USUAL_SECONDS = 12
    LONG_SECONDS = 8
    SECONDS = {"long-pause": 25, "hanging-sync": 30, "rolling-restart": 30, "damaged-state": 20, "wiped-disk": 20}
    # What even the shortest run does: processes, links, disks that are full, fail, forget, or are empty.
    FIRST = {"kill", "pause", "cut-one-way", "no-space", "failed-sync", "flipped-bit", "wiped-disk", "rolling-restart"}

    def __init__(self, cluster, accounts, writers, seed):
        self.cluster = cluster
        # Whose mail can be read.
        self.accounts = accounts
        self.writers = writers
        self.chance = random.Random(seed)
        self.pauses = []
        self.restart_pauses = []
        self.site_pauses = []
        self.counts = {}

    @classmethod
    def kinds(cls, nodes=3):
        """All that can be done to three nodes, or to more: their links have no proxies."""
        if nodes > 3:
            return ["kill", "kill-site"]
        names = (name.removeprefix("do_").replace("_", "-") for name in dir(cls) if name.startswith("do_"))
        return sorted(name for name in names if name != "kill-site")

    def seconds(self, kind):
        return self.SECONDS.get(kind, self.USUAL_SECONDS)

    def run(self, kind):
        """Does it, and waits until the cluster is whole again: only then may anything else be harmed."""
        node = self.chance.choice(self.cluster.nodes)
        said = getattr(self, "do_" + kind.replace("-", "_"))(node)
        seconds, lacking = self.cluster.wait_until_whole()
        self.counts[kind] = self.counts.get(kind, 0) + 1
        said = said or f"node {node.number}"
        # Worth a look: what is it that takes so long?
        return said if seconds < self.LONG_SECONDS else f"{said}; for {seconds:.1f} s {lacking}"

    def _let_run(self, low, high):
        """What is wrong stays wrong for so long: the time is the fault."""
        time.sleep(self.chance.uniform(low, high))

    def _others(self, node):
        return [other for other in self.cluster.nodes if other is not node]

    # Processes

    def do_kill(self, _):
        node = self._leader()
        led = self.cluster.led_by(node)
        pause = self.measured([node], node.kill, led)
        self.pauses += pause
        self.cluster.start_again(node)
        return f"node {node.number}, leader of {len(led)}: pauses " + ", ".join(f"{p:.2f} s" for p in pause)

    def do_kill_site(self, _):
        """All nodes of a data center at once."""
        site = site_of(self._leader().number)
        nodes = [node for node in self.cluster.nodes if site_of(node.number) == site]
        led = [group for node in nodes for group in self.cluster.led_by(node)]

        def kill_all():
            for node in nodes:
                node.signal(signal.SIGKILL)
            for node in nodes:
                self.cluster.wait_for_end(node)

        pause = self.measured(nodes, kill_all, led)
        self.site_pauses += pause
        for node in nodes:
            self.cluster.start_again(node)
        return f"site {site}, leader of {len(led)}: pauses " + ", ".join(f"{p:.2f} s" for p in pause)

    def do_restart(self, node):
        led = self.cluster.led_by(node)
        pause = self.measured([node], lambda: self._stop_in_order(node), led)
        self.restart_pauses += pause
        self.cluster.start_again(node)
        return f"node {node.number}, leader of {len(led)}: pauses " + ", ".join(f"{p:.3f} s" for p in pause)

    def _leader(self):
        """A node that leads something, as any does after a while."""
        leading = [node for node in self.cluster.nodes if any(group for group in self.cluster.led_by(node))]
        return self.chance.choice(leading)

    def do_rolling_restart(self, _):
        for node in self.cluster.nodes:
            self._stop_in_order(node)
            self.cluster.start_again(node)
            self.cluster.wait_until_whole()
        return "all nodes"

    def _stop_in_order(self, node):
        status = self.cluster.stop_in_order(node)
        assert status == 0, f"node {node.number} ended with {status} when it was stopped"

    def measured(self, nodes, harm, groups):
        """For each of the groups, how long nothing was acknowledged after nodes were harmed, through the others."""
        concerned = [writer for writer in self.writers if writer.group in groups]
        for writer in self.writers:
            writer.avoided = {node.number for node in nodes}
            if writer in concerned:
                writer.hurry.set()
        before = time.monotonic()
        self._wait_for_acknowledgements(concerned, before, 5)
        # The others do not hurry, and may still be in the middle of a delivery through a node that is to be harmed.
        self._wait_for_acknowledgements([writer for writer in self.writers if writer not in concerned], before, 1)
        start = time.monotonic()
        harm()
        # What is acknowledged until here may still come from before.
        self._wait_for_acknowledgements(concerned, time.monotonic() + 0.2, 10)
        pauses = [writer.longest_pause(start) for writer in concerned]
        for writer in self.writers:
            writer.hurry.clear()
            writer.avoided = set()
        return pauses

    def _wait_for_acknowledgements(self, writers, start, count):
        for writer in writers:
            wait_until(lambda: writer.count_since(start) >= count, 60, f"deliveries to group {writer.group}")

    def do_pause(self, node):
        return self._pause(node, 1.5, 4)

    def do_long_pause(self, node):
        return self._pause(node, 10, 11)

    def _pause(self, node, low, high):
        node.pause()
        self._let_run(low, high)
        node.resume()

    # Links

    def do_cut_node(self, node):
        """Nobody hears it, and it hears nobody."""
        pairs = [pair for pair in self.cluster.links.pairs if node.number in pair]
        return self._cut(f"node {node.number}", pairs)

    def do_cut_pair(self, node):
        other = self.chance.choice(self._others(node))
        return self._cut(
            f"nodes {node.number} and {other.number}", [(node.number, other.number), (other.number, node.number)]
        )

    def do_cut_one_way(self, node):
        """It hears another node, or all others, which do not hear it."""
        others = self.chance.choice([self._others(node), [self.chance.choice(self._others(node))]])
        return self._cut(f"from node {node.number}", [(node.number, other.number) for other in others])

    def do_deafen(self, node):
        """All others hear it, and it hears none of them."""
        return self._cut(f"to node {node.number}", [(other.number, node.number) for other in self._others(node)])

    def _cut(self, name, pairs):
        links = self.cluster.links
        refuses = self.chance.random() < 0.3
        for pair in pairs:
            (links.refuse if refuses else links.freeze)(pair)
        self._let_run(2, 6)
        links.open_all()
        return name + (" refused" if refuses else " frozen")

    def do_slow_links(self, node):
        """Late, and sometimes narrow, in one direction or both."""
        pairs = [pair for pair in self.cluster.links.pairs if node.number in pair]
        pairs = self.chance.choice([pairs, [pair for pair in pairs if pair[0] == node.number]])
        delay = self.chance.uniform(0.02, 0.4)
        rate = self.chance.choice([0, 200_000])
        for pair in pairs:
            self.cluster.links.slow(pair, delay, rate)
        self._let_run(3, 6)
        self.cluster.links.open_all()
        return f"node {node.number} by {delay:.2f} s"

    # Disks that refuse

    def _small(self):
        return next((node for node in self.cluster.nodes if node.number in self.cluster.small_disks), None)

    def do_low_space(self, _):
        """Less than the reserve: no new mail, and all else."""
        node = self._small()
        log = Log(node)
        self.cluster.fill_disk(node, leaving_bytes=self.cluster.low_space_bytes)
        log.wait_for(LOW_SPACE, 30)
        self._let_run(2, 4)
        self.cluster.empty_disk(node)
        log.wait_for(SPACE_IS_BACK, 30)
        return f"node {node.number}"

    def do_no_space(self, _):
        """Not a byte is left: the node ends, and says why, as soon as it needs one."""
        node = self._small()
        log = Log(node)
        process = self.cluster.processes[node.number]
        end = time.monotonic() + self.chance.uniform(4, 8)
        while process.poll() is None and time.monotonic() < end:
            # What it makes room for by itself is taken too.
            self.cluster.fill_disk(node, leaving_bytes=0)
            self._let_run(0.1, 0.1)
        wait_until(lambda: process.poll() is not None or log.has(LOW_SPACE), 30, "a node that sees that it is full")
        self.cluster.empty_disk(node)
        wait_until(lambda: process.poll() is not None or log.has(SPACE_IS_BACK), 30, "room, or the end of the node")
        status = process.poll()
        if status is None:
            return f"node {node.number}, which held out"
        assert status > 0 and log.has("No space left on device"), f"{status} without space: {log.text()[-500:]}"
        self.cluster.start_again(node)
        return f"node {node.number}, which ended"

    def do_failed_sync(self, node):
        """The first failure is final: the node ends, and starts again."""
        part = self.chance.choice(["/log/", "/log/", ""])
        log = Log(node)
        self.cluster.fail_one_sync(node, part)
        status = self.cluster.wait_for_end(node)
        assert status == FATAL_STATUS and log.has("ending: "), f"{status} after a failed sync: {log.text()[-500:]}"
        self._let_run(0, 2)
        self.cluster.start_again(node)

    def do_hanging_sync(self, node):
        """Long enough to lose its leaderships, not long enough to end."""
        log = Log(node)
        self.cluster.hang_syncs(node)
        log.wait_for(HANGS, 60)
        self._let_run(1, 3)
        self.cluster.heal_syncs(node)

    # Disks that forget

    def do_wiped_disk(self, node):
        node.kill()
        self.cluster.wipe(node)
        self.cluster.start_again(node)

    def do_flipped_bit(self, node):
        """Anywhere in what the log holds."""
        node.kill()
        segments = sorted((node.data / "log").iterdir())
        segment = self.chance.choice(segments)
        data = bytearray(segment.read_bytes())
        written = len(bytes(data).rstrip(b"\0"))
        position = self.chance.randrange(written)
        while not data[position]:
            position = self.chance.randrange(written)
        data[position] ^= 1 << self.chance.randrange(8)
        segment.write_bytes(data)
        self.cluster.start_again(node)
        return f"node {node.number}, {segment.name} at {position} of {written}"

    def do_damaged_state(self, node):
        """So much of it that whoever reads finds it: damage that nobody has found must not wait for the next fault."""
        self._stop_in_order(node)
        tables = [path for path in sorted((node.data / "state").iterdir()) if path.suffix == ".sst"]
        for table in tables:
            data = bytearray(table.read_bytes())
            for position in range(0, len(data) // 2, 97):
                data[position] ^= 1 << self.chance.randrange(8)
            table.write_bytes(data)
        log = Log(node)
        self.cluster.launch(node)
        wait_until(lambda: self._is_given_up(node, log), 60, "a state that is given up")
        node.wait_for_ports()

    def _is_given_up(self, node, log):
        """Reading finds it: at the start, or when somebody asks. Then the node ends, and starts again."""
        if log.has(GIVEN_UP):
            return True
        if self.cluster.processes[node.number].poll() is not None:
            self.cluster.launch(node)
        try:
            imap.subjects(node, self.chance.choice(self.accounts))
        except (OSError, AssertionError, imaplib.IMAP4.error):
            pass
        return False


def percentile(values, share):
    """The smallest value that so many of a hundred do not exceed."""
    return sorted(values)[max(0, -(-len(values) * share // 100) - 1)]


