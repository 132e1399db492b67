"""A cluster of node processes on this machine, in a directory and on ports of its own."""

import contextlib
import ctypes
import fcntl
import json
import os
import pathlib
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[3]
# Where the programs are; CLUSTER_TESTS_PROGRAMS names another build.
PROGRAMS = pathlib.Path(os.environ.get("CLUSTER_TESTS_PROGRAMS", ROOT / ".build" / "debug"))
PASSWORD = "pass"
PR_SET_PDEATHSIG = 1


def wait_until(condition, seconds, what):
    """Polls until the condition gives something true, and returns that; fails after the deadline."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"{what}: not within {seconds} s")
        time.sleep(0.05)


def _ends_with_parent():
    """In the child: a test that is killed takes its cluster with it."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def are_free(ports):
    """Whether all the ports can be bound on loopback, tried all at once."""
    sockets = []
    try:
        for port in ports:
            bound = socket.socket()
            sockets.append(bound)
            bound.bind(("127.0.0.1", port))
        return True
    except OSError:
        return False
    finally:
        for bound in sockets:
            bound.close()


# Held as long as this process lives.
_reserved = []


def reserve(blocks):
    """Keeps other processes of these tests from blocks of ten ports, all of them or none. Returns whether it could."""
    held = []
    for block in blocks:
        file = open(pathlib.Path(tempfile.gettempdir()) / f"staffetta-test-ports-{block}", "w", encoding="ascii")
        held.append(file)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            for other in held:
                other.close()
            return False
    _reserved.extend(held)
    return True


def free_port_base(nodes, ports_per_node=6):
    """A port base whose ports are free now, and nobody else's; below what the kernel gives to outgoing connections."""
    for _ in range(500):
        base = random.SystemRandom().randrange(1_100, 3_200) * 10
        ports = [base + 10 * node + offset for node in range(1, nodes + 1) for offset in range(ports_per_node)]
        if reserve(sorted({port // 10 for port in ports})) and are_free(ports):
            return base
    raise AssertionError("no free ports")


class Node:
    """One node of a cluster: its ports, files and process."""

    def __init__(self, cluster, number):
        self.cluster = cluster
        self.number = number
        base = cluster.port_base + 10 * number
        self.peer, self.admin, self.imap, self.imaps, self.lmtp = base, base + 1, base + 3, base + 4, base + 5
        self.data = cluster.directory / f"node-{number}"
        self.log = cluster.directory / f"node-{number}.log"
        self.script = cluster.directory / f"node-{number}.sh"
        self.pid_file = cluster.directory / f"node-{number}.pid"
        # The network that it lives in; nil for this machine's.
        self.namespace = None

    def inside(self):
        """Whoever wants to reach the node by loopback opens the connection within this."""
        return self.namespace.entered() if self.namespace else contextlib.nullcontext()

    @property
    def pid(self):
        return int(self.pid_file.read_text())

    def is_alive(self):
        """Whether the process runs (a process that nobody has waited for yet does not)."""
        try:
            stat = pathlib.Path(f"/proc/{self.pid}/stat").read_text()
        except (FileNotFoundError, ProcessLookupError, ValueError):
            return False
        return stat.rsplit(")", 1)[1].split()[0] not in "ZX"

    def memory_bytes(self):
        """Resident memory of the process."""
        for line in pathlib.Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024
        raise AssertionError(f"node {self.number} does not run")

    def signal(self, number):
        os.kill(self.pid, number)

    def kill(self):
        """kill -9, and waits for the end."""
        pid = self.pid
        os.kill(pid, signal.SIGKILL)
        for child in self.cluster.children:
            if child.pid == pid:
                child.wait()
        wait_until(lambda: not self.is_alive(), 30, f"end of node {self.number}")

    def pause(self):
        self.signal(signal.SIGSTOP)

    def resume(self):
        self.signal(signal.SIGCONT)

    def start_again(self):
        """Starts the node by its script, and waits until it answers on all its ports."""
        self.cluster.children.append(subprocess.Popen(["/bin/sh", str(self.script)], start_new_session=True))
        self.wait_for_ports()

    def start_again_in_vain(self, seconds=60):
        """Starts the node by its script, and waits until it has ended by itself."""
        child = subprocess.Popen(["/bin/sh", str(self.script)], start_new_session=True)
        self.cluster.children.append(child)
        child.wait(timeout=seconds)
        wait_until(lambda: not self.is_alive(), seconds, f"end of node {self.number}")

    def wait_for_ports(self, seconds=120):
        for port in (self.admin, self.imap, self.lmtp):
            wait_until(lambda: self.answers(port), seconds, f"node {self.number} on port {port}")

    def answers(self, port):
        try:
            with self.inside():
                socket.create_connection(("127.0.0.1", port), timeout=5).close()
            return True
        except OSError:
            return False

    def ctl(self, *words, check=True, stdin=""):
        """The JSON that staffettactl gives for a command, asked of this node."""
        done = self.run_ctl(*words, stdin=stdin)
        if done.returncode != 0:
            if check:
                raise AssertionError(f"staffettactl {' '.join(words)}: {done.returncode} {done.stderr}")
            return None
        return json.loads(done.stdout)

    def run_ctl(self, *words, stdin=""):
        """What staffettactl ends with and says for a command, asked of this node."""
        with self.inside():
            return subprocess.run(
                [str(PROGRAMS / "staffettactl"), *words, "--format", "json", "--endpoint", f"127.0.0.1:{self.admin}"],
                input=stdin, capture_output=True, text=True, timeout=120, check=False,
            )

    def status(self):
        """What `cluster status` gives, whose exit status is 1 when there are problems; nil without an answer."""
        done = self.run_ctl("cluster", "status")
        return json.loads(done.stdout) if done.stdout else None

    def groups(self, check=True):
        """What the node knows of its groups, by number; nil while it does not answer."""
        answer = self.ctl("group", "list", check=check)
        if answer is None:
            return None
        return {int(group.get("id", 0)): group for group in answer.get("groups", []) if group.get("isHosted")}


class Cluster:
    """`staffetta dev` in a temporary directory. Use it in `with`, or call `start` and `stop`."""

    def __init__(self, nodes=3, accounts=10, settings=()):
        self.size = nodes
        self.accounts = accounts
        self.settings = list(settings)
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="staffetta-test-"))
        # With room for what a test puts between the nodes.
        self.port_base = free_port_base(nodes, ports_per_node=10)
        self.nodes = [Node(self, number) for number in range(1, nodes + 1)]
        self.children = []
        self.output = []
        self.process = None
        # How long its nodes and accounts may take to be there, in seconds.
        self.patience = 180

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()

    def node(self, number):
        return self.nodes[number - 1]

    def addresses(self):
        return [f"user{number}@example.org" for number in range(1, self.accounts + 1)]

    def start(self):
        """Starts all nodes, and waits until `staffetta dev` says that they are ready."""
        command = [
            str(PROGRAMS / "staffetta"), "dev", "--nodes", str(self.size), "--data", str(self.directory),
            "--port-base", str(self.port_base), "--accounts", str(self.accounts),
        ]
        for setting in self.settings:
            command += ["--set", setting]
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True,
            preexec_fn=_ends_with_parent,
        )
        threading.Thread(target=self._read_output, daemon=True).start()
        try:
            wait_until(self._is_ready, self.patience, "a ready cluster")
        except AssertionError as error:
            logs = [node.log.read_text()[-1_000:] for node in self.nodes if node.log.exists()]
            self.stop()
            raise AssertionError("\n".join([str(error), *self.output, *logs])) from None

    def _read_output(self):
        for line in self.process.stdout:
            self.output.append(line.rstrip("\n"))

    def _is_ready(self):
        if self.process.poll() is not None:
            raise AssertionError(f"staffetta dev ended with {self.process.returncode}")
        return any(line.startswith("The cluster is ready") for line in self.output)

    def stop(self):
        """Stops every process of this cluster, by its ID, and removes the directory."""
        for node in self.nodes:
            if node.pid_file.exists() and node.is_alive():
                node.resume()
        if self.process is not None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(timeout=60)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
            self.process.stdout.close()
        for child in self.children:
            if child.poll() is None:
                child.kill()
            child.wait()
        if not os.environ.get("CLUSTER_TESTS_KEEP"):
            shutil.rmtree(self.directory, ignore_errors=True)

    def live_nodes(self):
        return [node for node in self.nodes if node.is_alive()]

    def wait_for_leaders(self, seconds=60):
        """Until every live node knows a live leader of every group."""
        alive = {node.number for node in self.live_nodes()}

        def all_led():
            for node in self.live_nodes():
                groups = node.groups(check=False)
                if groups is None or any(int(group.get("leaderNode", 0)) not in alive for group in groups.values()):
                    return False
            return True

        wait_until(all_led, seconds, "leaders of all groups")

    def leaders(self):
        """How many groups each node leads, as the first live node sees it."""
        counts = dict.fromkeys(range(1, self.size + 1), 0)
        for group in self.live_nodes()[0].groups().values():
            counts[int(group.get("leaderNode", 0))] = counts.get(int(group.get("leaderNode", 0)), 0) + 1
        return counts

    def wait_for_equal_digests(self, seconds=120):
        """Until all nodes report the same digest at the same index for every group; returns them."""
        seen = {}

        def equal():
            reports = [node.groups(check=False) for node in self.nodes]
            if any(report is None for report in reports):
                return False
            seen.clear()
            for group in reports[0]:
                seen[group] = {(report[group].get("digestIndex"), report[group].get("digest")) for report in reports}
            for group, states in seen.items():
                if len({index for index, _ in states}) == 1 and len(states) > 1:
                    raise AssertionError(f"group {group}: different digests at one index: {states}")
            return all(len(states) == 1 for states in seen.values())

        try:
            wait_until(equal, seconds, "equal digests")
        except AssertionError as error:
            raise AssertionError(f"{error}: {seen}") from None
        return seen

    def assert_alive(self):
        for node in self.nodes:
            assert node.is_alive(), f"node {node.number} ended:\n{node.log.read_text()[-2000:]}"
