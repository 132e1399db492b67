"""A cluster that can be harmed: links that can be cut, disks that fill up, syncs that fail, hang or take long."""

import contextlib
import os
import shutil
import signal
import subprocess
import time

from . import preload
from .cluster import PASSWORD, PROGRAMS, Cluster, wait_until
from .links import Links

GROUPS = range(0, 9)
# What a node ends with when its storage fails.
FATAL_STATUS = 70


def site_of(number):
    """Where a node stands: two in each data center."""
    return (number + 1) // 2


class MountRefused(Exception):
    """This machine lets no file systems be mounted (that needs root, and a container that allows it)."""


class Rig(Cluster):
    """Nodes that reach each other through proxies, each with a file that makes its syncs fail.

    A node in `small_disks` (number → bytes) has its data on a file system of that size.
    """

    def __init__(self, nodes=3, accounts=16, settings=(), small_disks=None, linked=True):
        super().__init__(nodes, accounts, settings)
        self.small_disks = small_disks or {}
        self.linked = linked
        self.links = None
        # Whether the directory stays when it is over.
        self.keeps = bool(os.environ.get("CLUSTER_TESTS_KEEP"))
        self.mounted = []
        self.processes = {}
        self.group_of = {}

    def start(self):
        try:
            shim = preload.build("sync_faults", self.directory)
            for number, size in self.small_disks.items():
                self._mount(self.node(number), size)
            pairs = [(start, end) for start in self.nodes for end in self.nodes if start is not end]
            ports = {(start.number, end.number): (self._link_port(start, end), end.peer) for start, end in pairs}
            if self.linked and ports:
                self.links = Links(ports)
            for node in self.nodes:
                self._write_script(node, shim)
                self.launch(node)
            for node in self.nodes:
                node.wait_for_ports()
            self.wait_until_whole()
            self._create_accounts()
        except BaseException:
            self.stop()
            raise

    def _mount(self, node, size):
        node.data.mkdir()
        done = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={size},mode=0700", "staffetta-test", str(node.data)],
            capture_output=True, text=True, check=False,
        )
        if done.returncode != 0:
            raise MountRefused(f"no small disk can be mounted here: {done.stderr.strip()}")
        self.mounted.append(node.data)

    def _link_port(self, start, end):
        # Behind the node's own ports.
        return start.peer + 5 + end.number

    def _peer_address(self, node, other):
        """Where a node looks for another one; where it listens itself, for itself."""
        return f"127.0.0.1:{self._link_port(node, other) if self.links and other is not node else other.peer}"

    def _write_script(self, node, shim):
        peers = ",".join(f"{other.number}={self._peer_address(node, other)}" for other in self.nodes)
        flags = {
            "node-id": node.number, "cluster-name": "rig", "cluster-peers": peers, "data-directory": node.data,
            "peer-listen": self._peer_address(node, node), "admin-listen": f"127.0.0.1:{node.admin}",
            "imap-listen": f"127.0.0.1:{node.imap}", "lmtp-listen": f"127.0.0.1:{node.lmtp}",
            "imap-plaintext-login": "true", "node-labels": f"datacenter=site-{site_of(node.number)}",
        } | {key.replace(".", "-"): value for key, value in (setting.split("=", 1) for setting in self.settings)}
        words = " ".join(f"--{name} '{value}'" for name, value in flags.items())
        # The node ends with the test, however that ends.
        node.script.write_text(
            f"#!/bin/sh\necho $$ > '{node.pid_file}'\n"
            f"export SYNC_FAULTS='{self.sync_faults(node)}' LD_PRELOAD='{shim}'\n"
            f"exec setpriv --pdeathsig KILL '{PROGRAMS / 'staffetta'}' serve {words} >> '{node.log}' 2>&1\n"
        )

    def _create_accounts(self):
        for address in self.addresses():
            created = self.node(1).ctl("account", "create", address, "--password-stdin", stdin=PASSWORD + "\n")
            self.group_of[address] = int(created["group"])

    # Processes

    def launch(self, node):
        """Starts the process, and does not wait."""
        with node.inside():
            process = subprocess.Popen(["/bin/sh", str(node.script)], start_new_session=True)
        self.children.append(process)
        self.processes[node.number] = process
        # The script writes the ID before it becomes the node.
        wait_until(lambda: node.pid_file.exists() and node.pid_file.read_text().strip() == str(process.pid)
                   or process.poll() is not None, 30, f"the process of node {node.number}")

    def start_again(self, node):
        self.launch(node)
        node.wait_for_ports()

    def wait_for_end(self, node, seconds=60):
        """Until the process has ended; returns its exit status."""
        process = self.processes[node.number]
        wait_until(lambda: process.poll() is not None, seconds, f"the end of node {node.number}")
        return process.returncode

    def stop_in_order(self, node):
        """As an operator stops it; returns the exit status."""
        node.signal(signal.SIGTERM)
        return self.wait_for_end(node)

    # Disks

    def sync_faults(self, node):
        return self.directory / f"node-{node.number}.sync"

    def fail_one_sync(self, node, part=""):
        self._set_sync_fault(node, f"fail {part}")

    def hang_syncs(self, node):
        self._set_sync_fault(node, "hang")

    def slow_syncs(self, node):
        self._set_sync_fault(node, "slow")

    def _set_sync_fault(self, node, text):
        new = self.directory / f"node-{node.number}.sync.new"
        new.write_text(text + "\n")
        new.rename(self.sync_faults(node))

    def heal_syncs(self, node):
        self.sync_faults(node).unlink(missing_ok=True)

    def fill_disk(self, node, leaving_bytes):
        """Takes all of a small disk but so much."""
        while (taken := self._free_bytes(node) - leaving_bytes) > 64 << 10:
            with self._ballast(node).open("ab") as ballast, contextlib.suppress(OSError):
                # The node may have taken some of it in between: then there is less to take.
                os.posix_fallocate(ballast.fileno(), ballast.tell(), taken)

    @staticmethod
    def _free_bytes(node):
        status = os.statvfs(node.data)
        return status.f_bavail * status.f_frsize

    def empty_disk(self, node):
        self._ballast(node).unlink(missing_ok=True)

    @staticmethod
    def _ballast(node):
        return node.data / "ballast"

    def wipe(self, node):
        """A new disk in the place of the old one."""
        for entry in node.data.iterdir():
            if entry.is_dir():
                shutil.rmtree(entry)
            else:
                entry.unlink()

    # How the cluster is

    def reports(self):
        """What each node knows of its groups; nil where one does not answer."""
        reports = {}
        for node in self.nodes:
            reports[node.number] = node.groups(check=False) if node.is_alive() else None
            if reports[node.number] is None:
                return None
        return reports

    def wait_until_whole(self, seconds=180):
        """Until every node has a voting replica of every group, all know one leader, and none lacks what was there.

        Returns what was lacking last, with the seconds since when."""
        targets = {}
        last = time.monotonic(), "nothing"

        def lacking():
            reports = self.reports()
            if reports is None:
                return "a node does not answer"
            for group in GROUPS:
                views = [report.get(group) for report in reports.values()]
                if None in views:
                    return f"group {group} has no replica somewhere"
                leaders = {int(view.get("leaderNode", 0)) for view in views}
                if len(leaders) > 1 or 0 in leaders:
                    return f"group {group} has leaders {leaders}"
                leader_view = reports[leaders.pop()][group]
                replicas = leader_view.get("replicas", [])
                if len(replicas) != self.size or any(replica.get("role") != "voter" for replica in replicas):
                    return f"group {group} has replicas {[(r.get('node'), r.get('role')) for r in replicas]}"
                if not all(replica.get("isActive") for replica in replicas):
                    return f"group {group}: a replica does not answer its leader"
                targets.setdefault(group, int(leader_view.get("commitIndex", 0)))
                applied = [int(view.get("appliedIndex", 0)) for view in views]
                if min(applied) < targets[group]:
                    return f"group {group} has applied {applied} of {targets[group]}"
            return ""

        deadline = time.monotonic() + seconds
        while what := lacking():
            kind = what.partition(" {")[0].partition(" [")[0]
            if not last[1].startswith(kind):
                last = time.monotonic(), what
            assert time.monotonic() < deadline, f"not whole within {seconds} s: {what}"
            # Each look starts a process for each node.
            time.sleep(0.2)
        return time.monotonic() - last[0], last[1]

    def terms(self, node=None):
        """The term of every group, as a node sees it."""
        return {group: int(view.get("term", 0)) for group, view in (node or self.live_nodes()[0]).groups().items()}

    def led_by(self, node):
        """The groups that a node leads, by its own word."""
        return sorted(
            group for group, view in node.groups().items() if int(view.get("leaderNode", 0)) == node.number
        )

    def pause_scheduler(self):
        """What is moved by hand is not moved back."""
        self.live_nodes()[0].ctl("scheduler", "pause", "--ttl", "1h")

    def move_leaderships_away(self, node):
        """Hands what the node leads to the others, in turn."""
        others = [other for other in self.nodes if other is not node]
        self.pause_scheduler()

        def moved():
            led = self.led_by(node)
            for group in led:
                target = others[group % len(others)].number
                node.ctl("group", "transfer-leader", str(group), "--to", str(target), check=False)
            return not led

        wait_until(moved, 60, f"node {node.number} without leaderships")

    def move_leaderships_to(self, node, count):
        """Hands leaderships to the node until it leads so many groups; returns which."""
        self.pause_scheduler()

        def leads_enough():
            led = self.led_by(node)
            if len(led) >= count:
                return led
            for other in self.nodes:
                for group in self.led_by(other)[:1] if other is not node else []:
                    other.ctl("group", "transfer-leader", str(group), "--to", str(node.number), check=False)
            return None

        return wait_until(leads_enough, 120, f"{count} leaderships of node {node.number}")

    # The end

    def stop(self):
        for node in self.nodes:
            self.heal_syncs(node)
        for process in self.processes.values():
            if process.poll() is None:
                process.send_signal(signal.SIGCONT)
                process.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + 30
        for process in self.processes.values():
            try:
                process.wait(timeout=max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        if self.links is not None:
            self.links.stop()
        for place in self.mounted:
            if self.keeps:
                shutil.copytree(place, place.with_name(place.name + "-kept"), ignore=shutil.ignore_patterns("ballast"))
            subprocess.run(["umount", str(place)], check=True)
        self.mounted = []
        if not self.keeps:
            shutil.rmtree(self.directory, ignore_errors=True)
