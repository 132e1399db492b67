"""The simulator as a program: the same seed is the same run, in another process too."""

import subprocess
import unittest

from support.cluster import PROGRAMS


def run(*words):
    return subprocess.run(
        [str(PROGRAMS / "staffetta-sim"), *words], capture_output=True, text=True, timeout=300, check=False
    )


class SimulatorTests(unittest.TestCase):
    def test_two_processes_do_the_same(self):
        words = ["--seeds", "21..24", "--seconds", "5", "--verbose"]
        first, second = run(*words), run(*words)
        self.assertEqual(first.returncode, 0, first.stdout + first.stderr)
        digests = [line for line in first.stdout.splitlines() if line.startswith("seed 2")]
        self.assertEqual(len(digests), 4)
        self.assertEqual(len(set(line.split(": ", 1)[1] for line in digests)), 4)
        self.assertEqual(digests, [line for line in second.stdout.splitlines() if line.startswith("seed 2")])

    def test_a_seed_that_fails_says_how_to_repeat_it(self):
        done = run("--seeds", "1..20", "--seconds", "10", "--mutant", "stale-reads", "--stop-at-first")
        self.assertEqual(done.returncode, 1)
        repeat = next(line for line in done.stdout.splitlines() if line.startswith("repeat with: "))
        again = run(*repeat.removeprefix("repeat with: staffetta-sim ").split())
        self.assertEqual(again.returncode, 1)
        violation = next(line for line in done.stdout.splitlines() if "VIOLATED" in line)
        self.assertIn(violation, again.stdout)

    def test_bad_usage(self):
        for words in (["--seeds", "5"], ["--seeds", "9..1"], ["--mutant", "none"], ["--frobnicate"]):
            self.assertNotIn(run(*words).returncode, (0, 1), words)


if __name__ == "__main__":
    unittest.main(verbosity=2)
