"""What keeps a node from starting is said in one clear sentence, with a non-zero exit status."""

import os
import pathlib
import pwd
import re
import shutil
import socket
import subprocess
import tempfile
import unittest

from support.cluster import PROGRAMS, Cluster, free_port_base, wait_until


class StartupErrorTests(unittest.TestCase):
    def setUp(self):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="staffetta-test-"))
        # A user other than root must be able to reach it.
        self.directory.chmod(0o755)
        self.addCleanup(shutil.rmtree, self.directory, ignore_errors=True)
        base = free_port_base(1) + 10
        self.flags = {
            "data-directory": str(self.directory / "data"), "peer-listen": f"127.0.0.1:{base}",
            "admin-listen": f"127.0.0.1:{base + 1}", "imap-listen": f"127.0.0.1:{base + 3}",
            "lmtp-listen": f"127.0.0.1:{base + 5}", "log-level": "warning",
        }

    def command(self, **flags):
        settings = self.flags | {name.replace("_", "-"): value for name, value in flags.items()}
        words = [word for name, value in settings.items() if value is not None for word in (f"--{name}", value)]
        return [str(PROGRAMS / "staffetta"), "serve", *words]

    def refuse(self, *expected, environment=None, user=None, status=None, **flags):
        """The node does not start, and says why in a line that has all the words expected."""
        done = subprocess.run(
            self.command(**flags), capture_output=True, text=True, timeout=120, check=False,
            env=os.environ | (environment or {}), user=user,
        )
        self.assertNotEqual(done.returncode, 0, done.stderr)
        if status is not None:
            self.assertEqual(done.returncode, status, done.stderr)
        self.assertGreater(done.returncode, 0, f"ended by signal {-done.returncode}: {done.stderr}")
        # Bad usage is followed by a line or two on how to use the program.
        lines = [line for line in done.stderr.split("Usage: ")[0].splitlines() if line.strip()]
        self.assertEqual(len(lines), 1, f"not one sentence:\n{done.stderr}")
        for word in expected:
            self.assertIn(word, lines[0])
        for bad in ("Fatal error", "SettingError(", "StartupError(", "NIOSSLError", "IOError(", "bind(desc", "errno"):
            self.assertNotIn(bad, lines[0])
        print(f"  {done.returncode}: {lines[0]}")

    def start(self, **flags):
        """A node that runs until the end of the test."""
        log = self.directory / "node.log"
        with log.open("wb") as output:
            process = subprocess.Popen(self.command(log_level="info", **flags), stderr=output)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        wait_until(lambda: "ready:" in log.read_text() or process.poll() is not None, 120, "a ready node")
        self.assertIsNone(process.poll(), log.read_text())
        return process

    def make_data(self):
        """A data directory with a node's identity."""
        process = self.start()
        identity = self.directory / "data" / "identity"
        wait_until(lambda: "complete yes" in identity.read_text(), 60, "a cluster that has begun")
        process.terminate()
        self.assertEqual(process.wait(60), 0)

    # Places

    def test_port_busy(self):
        for setting, flag in [("peer.listen", "peer_listen"), ("admin.listen", "admin_listen"),
                              ("imap.listen", "imap_listen"), ("lmtp.listen", "lmtp_listen")]:
            with self.subTest(setting), socket.socket() as other:
                other.bind(("127.0.0.1", 0))
                other.listen()
                address = f"127.0.0.1:{other.getsockname()[1]}"
                self.refuse(setting, address, "another process", **{flag: address})

    def test_data_directory_that_cannot_be_written(self):
        closed = self.directory / "closed"
        closed.mkdir(mode=0o555)
        user = "nobody" if os.getuid() == 0 else None
        number = pwd.getpwnam(user).pw_uid if user else os.getuid()
        expected = [str(closed), "Permission denied", "data.directory", f"uid {number}", f"chown -R {number}:"]
        for directory in (closed / "data", closed):
            self.refuse(*expected, user=user, status=77, data_directory=str(directory))
        self.refuse("/proc/1/nothing", "data.directory", data_directory="/proc/1/nothing")

    def test_state_that_cannot_be_written(self):
        self.make_data()
        data = self.directory / "data"
        if os.getuid() == 0:
            for path in [data, *data.rglob("*")]:
                shutil.chown(path, "nobody")
            shutil.chown(data / "state", "root")
        (data / "state").chmod(0o555)
        self.refuse(str(data / "state"), "Permission denied", "chown -R", status=77,
                    user="nobody" if os.getuid() == 0 else None)

    def test_data_directory_that_is_a_file(self):
        file = self.directory / "file"
        file.write_text("a file")
        self.refuse(str(file), "Not a directory", "data.directory", status=1, data_directory=str(file))

    def test_foreign_directory(self):
        foreign = self.directory / "photos"
        foreign.mkdir()
        (foreign / "holiday.jpeg").write_text("not ours")
        self.refuse(str(foreign), "not Staffetta's", data_directory=str(foreign))
        self.assertEqual((foreign / "holiday.jpeg").read_text(), "not ours")

    def test_second_process_on_the_same_directory(self):
        self.start()
        base = free_port_base(1) + 10
        self.refuse(
            str(self.directory / "data"), "in use", peer_listen=f"127.0.0.1:{base}",
            admin_listen=f"127.0.0.1:{base + 1}", imap_listen=f"127.0.0.1:{base + 3}",
            lmtp_listen=f"127.0.0.1:{base + 5}",
        )

    # Identity

    def test_data_of_another_cluster_node_or_version(self):
        self.make_data()
        data = self.directory / "data"
        self.refuse("cluster \"staffetta\"", "\"other\"", str(data), cluster_name="other")
        self.refuse("belongs to node 1", "not 2", str(data), node_id="2")
        self.refuse("founded with 8 groups", "cluster.groups", "says 9", "set cluster.groups to 8", cluster_groups="9")
        identity = data / "identity"
        text = identity.read_text()
        identity.write_text(re.sub(r"^format \d+", "format 999", text, flags=re.MULTILINE))
        self.refuse("format 999", "newer", str(data))
        identity.write_text(re.sub(r"^format \d+", "format 1", text, flags=re.MULTILINE))
        self.refuse("format 1,", "before the first release", str(data))
        identity.write_text("cluster staffetta\n")
        self.refuse(str(identity))
        identity.write_text(text)
        self.start().terminate()

    # Settings

    def test_bad_setting_on_the_command_line(self):
        self.refuse("threads.read", "command line", "\"many\"", "a number from 1 to 256", threads_read="many")
        self.refuse("log.level", "command line", "\"loud\"", "debug", log_level="loud")
        self.refuse("imap.listen", "command line", "host:port", imap_listen="here")
        self.refuse("imap.plaintext-login", "command line", "true or false", imap_plaintext_login="maybe")
        self.refuse("--no-such-thing", no_such_thing="1")
        self.refuse("cluster.peers", "node=host:port", cluster_peers="1=nowhere")

    def test_bad_setting_in_the_environment(self):
        self.refuse("raft.tick-milliseconds", "environment", "\"0\"", "from 5 to 1000",
                    environment={"STAFFETTA_RAFT_TICK_MILLISECONDS": "0"})
        self.refuse("STAFFETTA_IMPA_LISTEN", environment={"STAFFETTA_IMPA_LISTEN": "127.0.0.1:14003"})

    def test_bad_setting_in_the_file(self):
        file = self.directory / "staffetta.yaml"
        file.write_text("threads:\n  read: 0\n")
        self.refuse("threads.read", str(file), "\"0\"", "from 1 to 256", config=str(file))
        file.write_text("message:\n  max-bytes: lots\n")
        self.refuse("message.max-bytes", str(file), "\"lots\"", config=str(file))
        file.write_text("threads:\n  reads: 4\n")
        self.refuse("threads.reads", str(file), config=str(file))
        file.write_text("just words\n")
        self.refuse(str(file), "no settings", config=str(file))
        file.write_text("# nothing yet\n")
        self.refuse("threads.read", "command line", config=str(file), threads_read="0")
        file.write_text("threads: [unclosed\n")
        self.refuse(str(file), config=str(file))
        self.refuse(str(self.directory / "none.yaml"), config=str(self.directory / "none.yaml"))

    # TLS

    def test_tls_files_that_are_not_there(self):
        certificate = self.directory / "tls.pem"
        self.refuse("tls.key", tls_certificate=str(certificate))
        self.refuse("tls.certificate", str(certificate), tls_certificate=str(certificate),
                    tls_key=str(self.directory / "missing.pem"))
        with Cluster(nodes=1, accounts=0) as cluster:
            shutil.copy(cluster.directory / "tls.pem", certificate)
        self.refuse("tls.key", "missing.pem", tls_certificate=str(certificate),
                    tls_key=str(self.directory / "missing.pem"))
        self.refuse("imaps.listen", "tls.certificate", imaps_listen="127.0.0.1:1")


if __name__ == "__main__":
    unittest.main(verbosity=2)
