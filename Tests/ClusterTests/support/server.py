"""One node that `staffetta serve` runs with a directory and ports of its own: it comes to a cluster, or begins one."""

import contextlib
import json
import os
import subprocess

from .cluster import PROGRAMS, free_port_base, wait_until


def identity(node):
    lines = (node.data / "identity").read_text().splitlines()
    return dict(line.split(" ", 1) for line in lines)


class Server:
    def __init__(self, parent, name):
        base = free_port_base(1, ports_per_node=10) + 10
        self.directory = parent / name
        self.peer, self.admin, self.imap, self.lmtp = base, base + 1, base + 3, base + 5
        self.data = self.directory / "data"
        self.log = parent / f"{name}.log"
        self.process = None
        self.read_from = 0

    @property
    def number(self):
        return int(identity(self)["node"])

    @property
    def place(self):
        """Where other nodes reach it."""
        return f"127.0.0.1:{self.peer}"

    def start(self, *flags, environment=None):
        """Starts the process, with the environment besides its own, and does not wait."""
        words = [
            str(PROGRAMS / "staffetta"), "serve", "--data-directory", str(self.data),
            "--peer-listen", self.place, "--admin-listen", f"127.0.0.1:{self.admin}",
            "--imap-listen", f"127.0.0.1:{self.imap}", "--lmtp-listen", f"127.0.0.1:{self.lmtp}",
            "--imap-plaintext-login", "true", *flags,
        ]
        self.directory.mkdir(exist_ok=True)
        self.read_from = len(self.log.read_text()) if self.log.exists() else 0
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(words, stdout=log, stderr=log, env=os.environ | (environment or {}))

    def inside(self):
        """It lives in this machine's network."""
        return contextlib.nullcontext()

    def is_ready(self):
        if self.process.poll() is not None:
            raise AssertionError(f"the node ended with {self.process.returncode}: {self.log.read_text()[-2_000:]}")
        return " ready: peers " in self.log.read_text()[self.read_from:]

    def is_running(self):
        return self.process.poll() is None and (self.data / "identity").exists()

    def wait_until_ready(self, seconds=60):
        wait_until(self.is_ready, seconds, "the node is ready")

    def run_ctl(self, *words, stdin=""):
        """What staffettactl ends with and says for a command, asked of this node."""
        return subprocess.run(
            [str(PROGRAMS / "staffettactl"), *words, "--format", "json", "--endpoint", f"127.0.0.1:{self.admin}"],
            input=stdin, capture_output=True, text=True, timeout=120, check=False)

    def ctl(self, *words, stdin=""):
        """The JSON that staffettactl gives for a command, asked of this node."""
        done = self.run_ctl(*words, stdin=stdin)
        assert done.returncode == 0, f"staffettactl {' '.join(words)}: {done.returncode} {done.stderr}"
        return json.loads(done.stdout)

    def groups(self):
        """What the node says of the groups that it has a replica of, by number; empty while it does not answer."""
        done = self.run_ctl("group", "list")
        if done.returncode != 0:
            return {}
        return {int(group.get("id", 0)): group for group in json.loads(done.stdout).get("groups", [])
                if group.get("isHosted")}

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            self.process.wait(timeout=30)
