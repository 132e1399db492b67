"""What staffettactl tells scripts and health checks: exit statuses, refusals, options, addresses."""

import concurrent.futures
import json
import pathlib
import shutil
import socket
import subprocess
import tempfile
import unittest

from support.cluster import PROGRAMS, Cluster, free_port_base, wait_until


def ctl(*words):
    """The exit status of a command, and what it writes."""
    done = subprocess.run(
        [str(PROGRAMS / "staffettactl"), *words], capture_output=True, text=True, timeout=120, check=False
    )
    return done.returncode, done.stdout, done.stderr


def stream(endpoint, method, request, seconds):
    """The messages of a streaming call by gRPC, as bytes, and whether the node has ended it in time."""
    frame = b"\0" + len(request).to_bytes(4, "big") + request
    done = subprocess.run(
        ["curl", "--silent", "--http2-prior-knowledge", "--max-time", str(seconds), "--data-binary", "@-",
         "-H", "content-type: application/grpc", "-H", "te: trailers",
         f"http://{endpoint}/staffetta.admin.v1.{method}"],
        input=frame, capture_output=True, timeout=seconds + 30, check=False)
    messages, rest = [], done.stdout
    while len(rest) >= 5:
        size = int.from_bytes(rest[1:5], "big")
        messages.append(rest[5:5 + size])
        rest = rest[5 + size:]
    return messages, done.returncode == 0


class AdminToolTests(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.cluster = Cluster(nodes=3, accounts=0, settings=["cluster.groups=3"])
        cls.cluster.start()
        cls.cluster.wait_for_leaders()

    @classmethod
    def tearDownClass(cls):
        cls.cluster.stop()

    def endpoint(self, number):
        return f"127.0.0.1:{self.cluster.node(number).admin}"

    def wait_for_status(self, expected, *words):
        wait_until(lambda: ctl(*words)[0] == expected, 60, f"exit status {expected} of {' '.join(words)}")

    def test_common_options_may_stand_before_the_verb(self):
        endpoint = self.endpoint(2)
        for words in (
            ["cluster", "status", "--endpoint", endpoint, "--format", "json"],
            ["--endpoint", endpoint, "--format", "json", "cluster", "status"],
            ["--format=json", "cluster", f"--endpoint={endpoint}", "status"],
            ["--format", "json", "node", "ready", "--endpoint", endpoint],
        ):
            with self.subTest(words):
                status, output, error = ctl(*words)
                self.assertEqual(status, 0, error)
                self.assertEqual(json.loads(output)["node"], "2")
        status, output, _ = ctl("--format", "json", "--endpoint", endpoint, "group", "describe", "1")
        self.assertEqual((status, json.loads(output)["id"]), (0, 1))

    def test_programs_follow_operations_and_events(self):
        endpoint = self.endpoint(1)
        status, output, error = ctl("node", "drain", "3", "--endpoint", endpoint, "--format", "json")
        self.assertEqual(status, 0, error)
        operation = json.loads(output)["operation"]["id"].encode()
        messages, has_ended = stream(endpoint, "Operations/WatchOperation", b"\x0a" + bytes([len(operation)]) + operation, 60)
        self.assertTrue(has_ended, "a watch ends with the operation")
        self.assertTrue(all(operation in message for message in messages))
        self.assertIn(b"succeeded", messages[-1])
        self.assertEqual(ctl("node", "undrain", "3", "--endpoint", endpoint)[0], 0)
        # All that was, and what comes, until the caller goes.
        messages, has_ended = stream(endpoint, "Cluster/FollowEvents", b"", 3)
        self.assertFalse(has_ended)
        self.assertGreater(len(messages), 5)
        unknown, _ = stream(endpoint, "Operations/WatchOperation", b"\x0a\x100000000000000000", 10)
        self.assertEqual(unknown, [])

    def test_a_shell_completes_its_words(self):
        status, script, error = ctl("--generate-completion-script", "bash")
        self.assertEqual(status, 0, error)
        asked = 'COMP_WORDS=(staffettactl node de); COMP_CWORD=2; COMP_LINE="staffettactl node de"; ' \
                'COMP_POINT=${#COMP_LINE}; _staffettactl; echo "${COMPREPLY[@]}"'
        done = subprocess.run(["bash", "-c", f"{script}\n{asked}"], capture_output=True, text=True, timeout=30, check=False)
        self.assertIn("decommission", done.stdout.split(), done.stderr)
        for shell in ("zsh", "fish"):
            status, script, error = ctl("--generate-completion-script", shell)
            self.assertEqual((status, "decommission" in script), (0, True), error)

    def test_wrong_options_are_bad_usage_wherever_they_stand(self):
        for words in (
            ["--endpoint", "nowhere", "cluster", "status"], ["--format", "xml", "cluster", "status"],
            ["--nonsense", "cluster", "status"], ["cluster", "--nonsense", "status"],
            ["cluster", "status", "--endpoint"],
        ):
            with self.subTest(words):
                self.assertEqual(ctl(*words)[0], 2)

    def test_a_refusal_is_the_answer_although_the_next_node_is_silent(self):
        endpoints = f"{self.endpoint(1)},127.0.0.1:1"
        status, _, error = ctl("group", "transfer-leader", "1", "--to", "99", "--endpoint", endpoints)
        self.assertEqual(status, 1)
        self.assertIn("there is no node 99; there are 1, 2, 3", error)
        self.assertNotIn("not answer", error)
        status, _, error = ctl("cluster", "status", "--endpoint", "127.0.0.1:1")
        self.assertEqual(status, 1)
        self.assertIn("127.0.0.1:1 does not answer", error)

    def test_the_next_node_answers_where_one_hangs(self):
        """One endpoint takes connections and nothing else; a node is stopped and takes no more than its system does."""
        hanging, asked = self.cluster.node(1), self.endpoint(2)
        for name in ("anna", "berta"):
            status, _, error = ctl("account", "create", f"{name}@example.org", "--endpoint", asked)
            self.assertEqual(status, 0, error)
        with socket.create_server(("127.0.0.1", 0)) as listener, concurrent.futures.ThreadPoolExecutor() as pool:
            silent = f"127.0.0.1:{listener.getsockname()[1]}"
            hanging.pause()
            self.addCleanup(hanging.resume)
            # Each waits for its deadlines: all at once.
            reads = pool.submit(
                ctl, "node", "list", "--format", "json", "--endpoint", f"{silent},{self.endpoint(1)},{asked}"
            )
            repeats = pool.submit(
                ctl, "account", "suspend", "anna@example.org", "--endpoint", f"{self.endpoint(1)},{asked}"
            )
            changes = [
                pool.submit(ctl, "account", *words, "--endpoint", f"{silent},{asked}")
                for words in (["create", "carla@example.org"], ["delete", "berta@example.org", "--yes"])
            ]
            lives = pool.submit(ctl, "node", "live", "--endpoint", f"{silent},{asked}")
            status, output, error = reads.result()
            self.assertEqual(status, 0, error)
            self.assertEqual([node["id"] for node in json.loads(output)["nodes"] if node.get("isThisNode")], ["2"])
            status, output, error = repeats.result()
            self.assertEqual(status, 0, error)
            self.assertIn("suspended", output)
            for change in changes:
                status, output, error = change.result()
                self.assertEqual((status, output), (1, ""))
                self.assertIn(f"{silent} did not answer in time: the outcome is unknown", error)
                self.assertIn("staffettactl account show", error)
            status, _, error = lives.result()
            self.assertEqual(status, 1)
            self.assertIn(f"{silent} does not answer in time", error)
            _, output, _ = ctl("account", "list", "--endpoint", asked)
            self.assertIn("berta@example.org", output)
            self.assertNotIn("carla@example.org", output)
        hanging.resume()
        self.wait_for_status(0, "cluster", "status", "--endpoint", self.endpoint(1))

    def test_statuses_tell_of_a_lost_quorum(self):
        verbs = {verb: [*verb.split(), "--endpoint", self.endpoint(1)]
                 for verb in ("cluster status", "node ready", "node live")}
        for words in verbs.values():
            self.wait_for_status(0, *words)
        for number in (2, 3):
            self.cluster.node(number).kill()
        self.wait_for_status(1, *verbs["node ready"])
        status, output, _ = ctl(*verbs["node ready"])
        self.assertEqual(status, 1)
        self.assertIn("no leader that this node knows", output)
        self.assertEqual(ctl(*verbs["cluster status"])[0], 1)
        self.assertEqual(ctl(*verbs["node live"])[0], 0)
        self.assertEqual(ctl("node", "live", "--endpoint", f"{self.endpoint(2)},{self.endpoint(1)}")[0], 1)
        for number in (2, 3):
            self.cluster.node(number).start_again()
        for words in verbs.values():
            self.wait_for_status(0, *words)


class LonelyNodeTests(unittest.TestCase):
    """A node whose cluster has not begun."""

    def test_it_is_alive_and_not_ready_and_has_the_address_that_others_use(self):
        directory = pathlib.Path(tempfile.mkdtemp(prefix="staffetta-test-"))
        self.addCleanup(shutil.rmtree, directory, ignore_errors=True)
        base = free_port_base(1) + 10
        log = directory / "node.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                [str(PROGRAMS / "staffetta"), "serve", "--data-directory", str(directory / "data"),
                 "--peer-listen", f"0.0.0.0:{base}", "--cluster-peers", f"1=localhost:{base},2=localhost:{base + 2}",
                 "--admin-listen", f"127.0.0.1:{base + 1}", "--imap-listen", "", "--lmtp-listen", ""],
                stderr=output,
            )
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        wait_until(lambda: "ready:" in log.read_text() or process.poll() is not None, 120, "a node")
        endpoint = f"127.0.0.1:{base + 1}"
        self.assertEqual(ctl("node", "live", "--endpoint", endpoint)[0], 0)
        status, output, _ = ctl("node", "ready", "--endpoint", endpoint)
        self.assertEqual(status, 1)
        self.assertIn("the cluster has not begun", output)
        self.assertEqual(ctl("cluster", "status", "--endpoint", endpoint)[0], 1)
        _, output, _ = ctl("node", "list", "--endpoint", endpoint)
        self.assertIn(f"localhost:{base}", output)
        self.assertNotIn("0.0.0.0", output)


if __name__ == "__main__":
    unittest.main(verbosity=2)
