"""Networks of this machine's own: a namespace for each node, and a switch that can lose one without a word.

Namespaces have no names here. They are open files of the test's process and the homes of the nodes' processes, so they go
with both, however those end, and runs side by side have nothing in common.
"""

import contextlib
import ctypes
import os
import pathlib
import socket
import struct
import subprocess
import threading

from .rig import Rig

CLONE_NEWNET = 0x40000000
TCP_ESTABLISHED = 1
_libc = ctypes.CDLL(None, use_errno=True)


class NetworkRefused(Exception):
    """This machine lets no networks be made (that needs root, and a container that allows it)."""


def _call(function, *arguments):
    if function(*arguments) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def _own_namespace():
    """The network namespace of this thread, as an open file."""
    return os.open(f"/proc/self/task/{threading.get_native_id()}/ns/net", os.O_RDONLY | os.O_CLOEXEC)


class Namespace:
    """A network that nobody else is in."""

    def __init__(self):
        home = _own_namespace()
        try:
            _call(_libc.unshare, CLONE_NEWNET)
            try:
                self.file = _own_namespace()
            finally:
                _call(_libc.setns, home, CLONE_NEWNET)
        except OSError as error:
            raise NetworkRefused(f"no network namespace can be made here ({error.strerror}): run this as root") from None
        finally:
            os.close(home)
        self.ip("link", "set", "lo", "up")

    @contextlib.contextmanager
    def entered(self):
        """What this thread opens or starts meanwhile belongs to this network: sockets stay in it, processes as well."""
        home = _own_namespace()
        try:
            _call(_libc.setns, self.file, CLONE_NEWNET)
            try:
                yield
            finally:
                _call(_libc.setns, home, CLONE_NEWNET)
        finally:
            os.close(home)

    @property
    def path(self):
        """What `ip` takes for the name of a network."""
        return f"/proc/{os.getpid()}/fd/{self.file}"

    def ip(self, *words):
        with self.entered():
            done = subprocess.run(["ip", *words], capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"ip {' '.join(words)}: {done.stderr.strip()}"

    def close(self):
        os.close(self.file)


class Switch:
    """A network with a bridge, and one network for each number, with an address on that bridge."""

    def __init__(self, numbers):
        self.hosts = {}
        self.namespace = Namespace()
        self.namespace.ip("link", "add", "switch", "type", "bridge")
        self.namespace.ip("link", "set", "switch", "up")
        for number in numbers:
            self.hosts[number] = host = Namespace()
            self.namespace.ip(
                "link", "add", self._port(number), "type", "veth",
                "peer", "name", "uplink", "address", self._hardware_address(number), "netns", host.path,
            )
            self.plug_in(number)
            self.namespace.ip("link", "set", self._port(number), "up")
            host.ip("address", "add", f"{self.address(number)}/24", "dev", "uplink")
            host.ip("link", "set", "uplink", "up")
            # Otherwise a host would soon notice that nobody answers for the others' addresses, and say so to its
            # connections: across a router it would notice nothing.
            for other in numbers:
                if other != number:
                    host.ip("neighbor", "add", self.address(other), "lladdr", self._hardware_address(other),
                            "dev", "uplink", "nud", "permanent")

    @staticmethod
    def address(number):
        return f"10.0.0.{number}"

    @staticmethod
    def _hardware_address(number):
        return f"02:00:00:00:00:{number:02x}"

    @staticmethod
    def _port(number):
        return f"port{number}"

    def unplug(self, number):
        """Nothing gets to or from the host any more. Its own end of the cable stays up: it is told nothing."""
        self.namespace.ip("link", "set", self._port(number), "nomaster")

    def plug_in(self, number):
        self.namespace.ip("link", "set", self._port(number), "master", "switch")

    def close(self):
        for namespace in [self.namespace, *self.hosts.values()]:
            namespace.close()


class SwitchedRig(Rig):
    """Nodes that have a network each, and reach each other through a switch alone; clients reach each by its loopback."""

    def __init__(self, nodes=3, accounts=16, settings=()):
        super().__init__(nodes, accounts, settings, linked=False)
        self.switch = None

    def start(self):
        try:
            self.switch = Switch([node.number for node in self.nodes])
            for node in self.nodes:
                node.namespace = self.switch.hosts[node.number]
        except BaseException:
            self.stop()
            raise
        super().start()

    def _peer_address(self, node, other):
        return f"{Switch.address(other.number)}:{other.peer}"

    def stop(self):
        super().stop()
        if self.switch is not None:
            self.switch.close()
            self.switch = None

    def links_between_nodes(self):
        """The connections that are open at either end: those that both ends know of, and those that only one does.

        Each is named by who opened it and to whom, and by the port that it was opened from."""
        ends = [self._peer_connections(node) for node in self.nodes]
        known = [connection for end in ends for connection in end]
        both = {connection for connection in known if known.count(connection) == 2}
        return both, set(known) - both

    def _peer_connections(self, node):
        """proc(5): the table of a process's network, with addresses as the machine keeps them."""
        by_address = {Switch.address(other.number): other for other in self.nodes}
        found = []
        for line in pathlib.Path(f"/proc/{node.pid}/net/tcp").read_text().splitlines()[1:]:
            local, remote, state = line.split()[1:4]
            if int(state, 16) != TCP_ESTABLISHED:
                continue
            (here, here_port), (there, there_port) = map(_endpoint, (local, remote))
            if here not in by_address or there not in by_address:
                continue
            if there_port == by_address[there].peer:
                found.append((node.number, by_address[there].number, here_port))
            elif here_port == node.peer:
                found.append((by_address[there].number, node.number, there_port))
        return found


def _endpoint(text):
    address, port = text.split(":")
    return socket.inet_ntoa(struct.pack("=I", int(address, 16))), int(port, 16)
