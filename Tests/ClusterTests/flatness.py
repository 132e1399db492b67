"""Whether what a delivery and a command cost stays the same, whatever there is of accounts, messages, groups and sessions;
and how soon, and in how little memory. Prints tables, and draws a picture of each; tests nothing.

    python3 flatness.py [--only NAME ...] [--quick] [--most N] [--pictures DIRECTORY]

accounts   deliveries to 10, 100, 1,000 and 10,000 accounts (the passwords of 10,000 take eight minutes to make)
groups     deliveries with 8, 64 and 512 groups
sessions   deliveries by 16, 100, 300 and 1,000 sessions
messages   one mailbox with 1,000 to 1,000,000 messages: deliveries to it and to others, and single commands in it; then
           how long the node takes to start with them, after a stop and after a kill -9
latency    deliveries at half of what one node and three nodes can, and three nodes with 10 ms on each way between them
idle       memory of sessions in IDLE

All on one node, but for latency. What is compared is measured in turn, in several rounds; figures are medians.
"""

import argparse
import json
import os
import pathlib
import resource
import signal
import socket
import statistics
import subprocess
import time

from support.cluster import PASSWORD, PROGRAMS, Cluster, wait_until
from support.rig import Rig

ROUNDS = 5
DELIVERIES = 8_000
DELAY_SECONDS = 0.010


def bench(*words):
    """What staffetta-bench measured."""
    command = [str(PROGRAMS / "staffetta-bench"), *map(str, words), "--format", "json"]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
    # Sessions that are cut off are errors of the run, not of the program.
    measured = json.loads(done.stdout)
    if measured.get("errors"):
        raise AssertionError(f"{' '.join(command)}: {measured['errors']} errors, {measured['first_error']}")
    return measured


def deliver(cluster, count, *words, accounts=None, prefix="user", sessions=16):
    servers = ",".join(f"127.0.0.1:{node.lmtp}" for node in cluster.nodes)
    pids = ",".join(str(node.pid) for node in cluster.nodes)
    return bench(
        "deliver", "--server", servers, "--cpu-of", pids, "--accounts", accounts or cluster.accounts,
        "--prefix", prefix, "--sessions", sessions, *(("--messages", count) if count else ()), *words,
    )


def milliseconds(seconds):
    return f"{seconds * 1_000:.2f} ms"


def table(title, heads, rows):
    print(f"\n{title}\n")
    print("| " + " | ".join(heads) + " |")
    print("|" + "---|" * len(heads))
    for row in rows:
        print("| " + " | ".join(str(cell) for cell in row) + " |", flush=True)


class Picture:
    """Lines over a logarithmic axis, each as a share of its first value: what is flat lies on 1."""

    WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 880, 320, 60, 280, 40, 50
    COLOURS = ["#1b6ca8", "#c8553d", "#588157", "#6d597a", "#b08900", "#444444"]

    def __init__(self, title, axis, lines):
        self.title, self.axis, self.lines = title, axis, lines

    def svg(self):
        places = [x for x, _ in self.lines[0][1]]
        most = max(2.0, max(y / line[1][0][1] for line in self.lines for _, y in line[1]) * 1.1)
        width, height = self.WIDTH - self.LEFT - self.RIGHT, self.HEIGHT - self.BOTTOM - self.TOP

        def across(x):
            return self.LEFT + width * places.index(x) / max(1, len(places) - 1)

        def up(share):
            return self.TOP + height * (1 - share / most)

        def text(x, y, words, anchor="middle", colour="#333"):
            return f'<text x="{x:.0f}" y="{y:.0f}" text-anchor="{anchor}" fill="{colour}">{words}</text>'

        parts = [
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{self.WIDTH}" height="{self.HEIGHT}" font-family="sans-serif" '
            'font-size="12">', f'<rect width="{self.WIDTH}" height="{self.HEIGHT}" fill="white"/>',
            text(self.LEFT, 20, self.title, "start"),
        ]
        step = 0.5 if most <= 4 else float(round(most / 5))
        share = 0.0
        while share <= most:
            colour = "#999" if share == 1 else "#e4e4e4"
            parts.append(f'<path d="M{self.LEFT} {up(share):.1f}h{width}" stroke="{colour}"/>')
            parts.append(text(self.LEFT - 8, up(share) + 4, f"× {share:g}", "end"))
            share += step
        for x in places:
            parts.append(text(across(x), self.HEIGHT - self.BOTTOM + 18, f"{x:,}"))
        parts.append(text(self.LEFT + width / 2, self.HEIGHT - 10, self.axis))
        for number, (name, values) in enumerate(self.lines):
            colour = self.COLOURS[number % len(self.COLOURS)]
            way = " ".join(f"{across(x):.1f},{up(y / values[0][1]):.1f}" for x, y in values)
            parts.append(f'<polyline points="{way}" fill="none" stroke="{colour}" stroke-width="2"/>')
            parts += [f'<circle cx="{across(x):.1f}" cy="{up(y / values[0][1]):.1f}" r="3" fill="{colour}"/>'
                      for x, y in values]
            parts.append(text(self.WIDTH - self.RIGHT + 40, self.TOP + 20 + 20 * number, name, "start", colour))
        return "\n".join([*parts, "</svg>", ""])


class Session:
    """One IMAP session that says a command and waits for its end."""

    def __init__(self, node, account="user1@example.org"):
        self.socket = socket.create_connection(("127.0.0.1", node.imap), timeout=120)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.file = self.socket.makefile("rb")
        self.file.readline()
        self.command(f"LOGIN {account} {PASSWORD}")

    def command(self, text):
        """Returns how long it took."""
        began = time.perf_counter()
        self.socket.sendall(f"a {text}\r\n".encode())
        while True:
            line = self.file.readline()
            if line.startswith(b"a "):
                assert line.startswith(b"a OK"), (text, line)
                return time.perf_counter() - began
            assert line, f"the connection was closed after {text}"

    def close(self):
        self.file.close()
        self.socket.close()


class Flatness:
    def __init__(self, pictures, is_quick, most):
        self.pictures, self.is_quick, self.most = pictures, is_quick, most
        self.rounds = 1 if is_quick else ROUNDS
        self.deliveries = 1_000 if is_quick else DELIVERIES

    def up_to(self, values):
        return [value for value in values if value <= self.most]

    def draw(self, name, title, axis, lines):
        if self.pictures:
            (self.pictures / f"flat-{name}.svg").write_text(Picture(title, axis, lines).svg(), encoding="utf-8")

    # Deliveries

    def compare(self, name, axis, clusters):
        """Deliveries to several clusters in turn. `clusters`: by what is compared, the cluster and words for it."""
        costs = {x: [] for x in clusters}
        for round_number in range(self.rounds + 1):
            for x, (cluster, options) in clusters.items():
                measured = deliver(cluster, self.deliveries, **options)
                # The first round warms up: each account gets its first message, and each body of code runs once.
                if round_number > 0 or self.is_quick:
                    costs[x].append(measured["cpu_seconds_per_1000"])
        medians = {x: statistics.median(values) for x, values in costs.items()}
        first = next(iter(medians.values()))
        table(
            f"Deliveries of 10 KB: processor time by {axis}", [axis, "CPU s per 1,000 (each)", "ratio"],
            [(f"{x:,}", f"{medians[x]:.3f} ({', '.join(f'{v:.3f}' for v in costs[x])})", f"{medians[x] / first:.2f}")
             for x in clusters],
        )
        self.draw(name, f"CPU of a delivery by {axis}", axis, [("delivery of 10 KB", list(medians.items()))])

    def clusters(self, name, axis, settings):
        """The same for clusters of one node each: by what is compared, accounts and settings."""
        clusters = {}
        try:
            for x, (accounts, words) in settings.items():
                # Not started as others are: a password takes 50 ms to make.
                clusters[x] = (Cluster(nodes=1, accounts=accounts, settings=words), {})
                clusters[x][0].patience = 1_200
                clusters[x][0].start()
            self.compare(name, axis, clusters)
        finally:
            for cluster, _ in clusters.values():
                cluster.stop()

    def accounts(self):
        counts = self.up_to([10, 100] if self.is_quick else [10, 100, 1_000, 10_000])
        self.clusters("accounts", "accounts", {count: (count, []) for count in counts})

    def groups(self):
        counts = [8, 64] if self.is_quick else [8, 64, 512]
        self.clusters("groups", "groups", {count: (16, [f"cluster.groups={count}"]) for count in counts})

    def sessions(self):
        counts = [16, 100] if self.is_quick else [16, 100, 300, 1_000]
        with Cluster(nodes=1, accounts=16, settings=["lmtp.max-sessions-per-address=0"]) as cluster:
            self.compare("sessions", "sessions", {count: (cluster, {"sessions": count}) for count in counts})

    # A large mailbox

    def messages(self):
        sizes = self.up_to([100, 1_000] if self.is_quick else [1_000, 10_000, 100_000, 1_000_000])
        measured = {}
        with Cluster(nodes=1, accounts=20) as cluster:
            node, there = cluster.node(1), 0
            for size in sizes:
                deliver(cluster, size - there, "--size", 1_024, accounts=1, sessions=32)
                # What is on its way into files is no matter of the size.
                time.sleep(0 if self.is_quick else 35)
                measured[size] = self.commands(cluster)
                there = size + measured[size].pop("added")
                print(f"{size:,} messages: " + ", ".join(f"{k} {v:.5f}" for k, v in measured[size].items()), flush=True)
            starts = self.starts(node, there)
        names = list(measured[sizes[0]])
        table(
            "One mailbox: by how many messages it has", ["", *(f"{size:,}" for size in sizes), "last to first"],
            [(name, *(f"{measured[s][name]:.3f} s" if "CPU" in name else milliseconds(measured[s][name]) for s in sizes),
              f"{measured[sizes[-1]][name] / measured[sizes[0]][name]:.2f}") for name in names],
        )
        table(f"Until a node with {there:,} messages gives the first answer about them", ["", "s"], starts)
        lines = [(name, [(size, measured[size][name]) for size in sizes]) for name in names if "first" not in name]
        self.draw("messages", "Deliveries and commands by messages in the mailbox", "messages", lines)

    def commands(self, cluster):
        node, times = cluster.node(1), {}
        session, second = Session(node), Session(node)
        times["first SELECT on the node"] = session.command("SELECT INBOX")
        many = 20 if self.is_quick else 200
        times["SELECT"] = statistics.median(session.command("SELECT INBOX") for _ in range(many))
        second.command("SELECT INBOX")
        times["NOOP"] = statistics.median(second.command("NOOP") for _ in range(many))
        stores, noticed = [], []
        for number in range(many):
            stores.append(session.command(f"STORE {number + 1} +FLAGS (\\Flagged)"))
            noticed.append(second.command("NOOP"))
            session.command(f"STORE {number + 1} -FLAGS.SILENT (\\Flagged)")
            second.command("NOOP")
        times["STORE of one flag"] = statistics.median(stores)
        times["NOOP after another session's STORE"] = statistics.median(noticed)
        session.close()
        second.close()
        times["added"] = self.deliveries // 4
        times["delivery to it, CPU s per 1,000"] = deliver(cluster, times["added"], accounts=1)["cpu_seconds_per_1000"]
        # user11 to user19
        others = [deliver(cluster, self.deliveries, accounts=9, prefix="user1") for _ in range(self.rounds)]
        times["deliveries to others, CPU s per 1,000"] = statistics.median(m["cpu_seconds_per_1000"] for m in others)
        return times

    def starts(self, node, count):
        rows = []
        for name, end in [("after a stop (SIGTERM)", signal.SIGTERM), ("after a kill -9", signal.SIGKILL)]:
            deliver(node.cluster, self.deliveries)
            node.signal(end)
            wait_until(lambda: not node.is_alive(), 60, "the node's end")
            began = time.monotonic()
            node.start_again()
            session = wait_until(lambda: self.answers(node), 120, "an answer")
            rows.append((name, f"{time.monotonic() - began:.2f}"))
            session.close()
        return rows

    @staticmethod
    def answers(node):
        try:
            session = Session(node)
            session.command("STATUS INBOX (MESSAGES)")
            return session
        except (AssertionError, OSError):
            return None

    # Time

    def latency(self):
        seconds = 5 if self.is_quick else 20
        rows = []
        for name, cluster in [
            ("one node", Cluster(nodes=1, accounts=16)), ("three nodes", Cluster(nodes=3, accounts=16)),
            ("three nodes, 10 ms between them", Rig(nodes=3, accounts=16)),
        ]:
            with cluster:
                if isinstance(cluster, Rig):
                    # On each way: an answer takes twice as long.
                    for pair in cluster.links.pairs:
                        cluster.links.slow(pair, DELAY_SECONDS / 2)
                most = deliver(cluster, self.deliveries, sessions=32)["rate"]
                half = deliver(cluster, None, "--seconds", seconds, "--warm-up", 2, "--rate", int(most / 2), sessions=64)
                times = half["latency_ms"]
                rows.append((name, f"{most:.0f}", f"{half['rate']:.0f}", *(f"{times[k]:.1f}" for k in
                                                                           ("p50", "p99", "p999", "max"))))
        table("Deliveries of 10 KB at half of what is possible",
              ["", "most per second", "per second", "p50, ms", "p99, ms", "p99.9, ms", "longest, ms"], rows)

    # Memory

    def idle(self):
        count = 200 if self.is_quick else 10_000
        settings = ["imap.max-sessions=20000", "imap.max-sessions-per-account=0", "imap.max-sessions-per-address=0"]
        with Cluster(nodes=1, accounts=100, settings=settings) as cluster:
            node = cluster.node(1)
            measured = bench(
                "watch", "--imap", f"127.0.0.1:{node.imap}", "--lmtp", f"127.0.0.1:{node.lmtp}", "--sessions", count,
                "--messages", 20, "--accounts", 100, "--cpu-of", node.pid,
            )
            delay = measured["after_answer_ms"]
            table(f"{count:,} sessions in IDLE", ["", ""], [
                ("resident memory of the node for each, KiB", f"{measured['resident_bytes_per_session'] / 1_024:.1f}"),
                ("from the answer to a delivery until they hear of it: p50, p99", f"{delay['p50']:.1f}, {delay['p99']:.1f} ms"),
            ])


def main():
    names = ["accounts", "groups", "sessions", "messages", "latency", "idle"]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", action="append", choices=names, help="nothing else; may be given again")
    parser.add_argument("--quick", action="store_true", help="a few minutes less of everything, to try it")
    parser.add_argument("--most", type=int, default=1 << 62, help="accounts and messages at most")
    parser.add_argument("--pictures", type=pathlib.Path, help="where to put the pictures (SVG)")
    words = parser.parse_args()
    # Each session is an open file here, and there.
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    print(f"{os.cpu_count()} cores, Linux {os.uname().release}; rounds of {DELIVERIES:,} deliveries")
    flatness = Flatness(words.pictures, words.quick, words.most)
    for name in words.only or names:
        getattr(flatness, name)()


if __name__ == "__main__":
    main()
