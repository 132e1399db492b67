"""A Postfix of the test's own: Debian's programs with a directory, ports and processes apart from the machine's."""

import email
import json
import os
import pathlib
import pwd
import shutil
import smtplib
import socket
import subprocess
import tempfile

from .cluster import free_port_base, wait_until

PROGRAM = "/usr/sbin/postfix"
# Where the senders of the test live: what could not be delivered comes back there.
SENDERS = "senders.test"
BOUNCE_OWNER = "nobody"

MAIN = """\
compatibility_level = 3.6
queue_directory = {directory}/queue
data_directory = {directory}/data
maillog_file = {directory}/log
maillog_file_prefixes = {directory}
mail_owner = postfix
setgid_group = postdrop
multi_instance_enable = no
myhostname = mx.example.net
myorigin = mx.example.net
mydestination =
alias_maps =
alias_database =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
smtpd_peername_lookup = no
local_recipient_maps =
relay_domains = example.org
relay_recipient_maps =
relay_transport = {relay_transport}
default_transport = error:no mail leaves this machine
smtpd_relay_restrictions = permit_mynetworks, reject
virtual_mailbox_domains = {senders}
virtual_mailbox_base = {directory}
virtual_mailbox_maps = static:bounces/
virtual_uid_maps = static:{uid}
virtual_gid_maps = static:{gid}
virtual_minimum_uid = 1
# What is put off comes again at once, so that a test need not wait.
queue_run_delay = 1s
minimal_backoff_time = 1s
maximal_backoff_time = 2s
lmtp_connect_timeout = 5s
lmtp_lhlo_timeout = 20s
lmtp_data_done_timeout = 20s
"""

# Nothing runs in a changed root: the test's directory has no libraries.
MASTER = """\
127.0.0.1:{port} inet n - n - - smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
virtual unix - n n - - virtual
lmtp unix - - n - - lmtp
anvil unix - - n - 1 anvil
postlog unix-dgram n - n - 1 postlogd
"""


def lacking():
    """Why Postfix cannot be run here; empty where it can."""
    if not os.access(PROGRAM, os.X_OK):
        return "postfix is not installed; Deploy/test installs it"
    return "" if os.geteuid() == 0 else "Postfix is started as root"


class Postfix:
    """Relays mail for example.org over LMTP to the first of the ports that answers; `with Postfix(ports) as mta`."""

    def __init__(self, lmtp_ports):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="staffetta-postfix-"))
        self.configuration = self.directory / "etc"
        self.port = free_port_base(1) + 10
        self.lmtp_ports = lmtp_ports

    def __enter__(self):
        try:
            self._write_configuration()
            self._run("start")
            wait_until(self._answers, 30, "Postfix")
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_):
        self.stop()

    def _write_configuration(self):
        # Postfix's own user goes through it.
        self.directory.chmod(0o755)
        for name in ("etc", "queue", "data", "bounces"):
            (self.directory / name).mkdir()
        owner = pwd.getpwnam("postfix")
        os.chown(self.directory / "data", owner.pw_uid, owner.pw_gid)
        reader = pwd.getpwnam(BOUNCE_OWNER)
        os.chown(self.directory / "bounces", reader.pw_uid, reader.pw_gid)
        destinations = "inet:" + ", ".join(f"[127.0.0.1]:{port}" for port in self.lmtp_ports)
        (self.configuration / "main.cf").write_text(MAIN.format(
            directory=self.directory, senders=SENDERS, uid=reader.pw_uid, gid=reader.pw_gid,
            relay_transport=f"lmtp:{destinations}",
        ))
        (self.configuration / "master.cf").write_text(MASTER.format(port=self.port))

    def _run(self, verb, check=True):
        done = subprocess.run([PROGRAM, "-c", str(self.configuration), verb], capture_output=True, text=True,
                              timeout=60, check=False)
        assert done.returncode == 0 or not check, f"postfix {verb}: {done.returncode} {done.stderr} {self.log()}"

    def _answers(self):
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=5).close()
            return True
        except OSError:
            return False

    def stop(self):
        # Asks the master process whose ID is in this queue directory, which ends its children.
        self._run("stop", check=False)
        if not os.environ.get("CLUSTER_TESTS_KEEP"):
            shutil.rmtree(self.directory, ignore_errors=True)

    def log(self):
        """The end of what Postfix has logged."""
        log = self.directory / "log"
        return log.read_text(errors="replace")[-4_000:] if log.exists() else ""

    # Mail

    def hand_over(self, sender, recipients, message):
        """One message for all of the recipients, over SMTP."""
        with smtplib.SMTP("127.0.0.1", self.port, timeout=30) as session:
            refused = session.sendmail(f"{sender}@{SENDERS}", recipients, message)
            assert not refused, refused

    def flush(self):
        """Tries again at once what is in the queue."""
        subprocess.run(["/usr/sbin/postqueue", "-c", str(self.configuration), "-f"], check=True, timeout=60)

    def queue(self):
        """Who waits for a message, by its sender's name: (those put off, with a reason each; all those in the queue)."""
        done = subprocess.run(["/usr/sbin/postqueue", "-c", str(self.configuration), "-j"], capture_output=True,
                              text=True, check=True, timeout=60)
        deferred, all_waiting = {}, {}
        for line in done.stdout.splitlines():
            entry = json.loads(line)
            name = entry["sender"].partition("@")[0]
            for recipient in entry["recipients"]:
                all_waiting.setdefault(name, []).append(recipient["address"])
                if entry["queue_name"] == "deferred":
                    deferred.setdefault(name, {})[recipient["address"]] = recipient.get("delay_reason", "")
        return deferred, all_waiting

    def bounces(self):
        """The recipients that each sender was told of: (address, status code of RFC 3463), by the sender's name."""
        found = {}
        for file in sorted((self.directory / "bounces").glob("new/*")):
            report = email.message_from_bytes(file.read_bytes())
            name = report["To"].strip("<>").partition("@")[0]
            for part in report.walk():
                if "Final-Recipient" in part:
                    address = part["Final-Recipient"].partition(";")[2].strip()
                    found.setdefault(name, []).append((address, part["Status"]))
        return found
