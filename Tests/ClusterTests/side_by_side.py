"""Runs the modules of cluster tests, several at a time, each in a process of its own.

    python3 Tests/ClusterTests/side_by_side.py
    python3 Tests/ClusterTests/side_by_side.py --jobs 1 test_clients test_repair

Most of a cluster test is waiting: two at a time take little more than half as long. A module's output is printed when it
has ended, what failed again at the end. Ends with 1 when a module failed.
"""

import argparse
import pathlib
import re
import subprocess
import sys
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
# These take longest, and are begun first.
LONGEST_FIRST = ["test_faults", "test_repair", "test_clients", "test_memory", "test_crashes", "test_postfix"]
# That nobody campaigns, and that nobody pauses for long, is true of nodes that get the processor in time: these have the
# machine for themselves, at the end.
ALONE = ["test_elections", "test_nine_nodes"]


def modules():
    names = sorted(path.stem for path in HERE.glob("test_*.py"))
    return [name for name in LONGEST_FIRST if name in names] + [name for name in names if name not in LONGEST_FIRST]


class Runs:
    """Modules that wait, and what came of those that ended."""

    def __init__(self, names):
        self._lock = threading.Lock()
        self._waiting = list(names)
        self.failed = {}
        self.tests = 0

    def work(self):
        while True:
            with self._lock:
                if not self._waiting:
                    return
                name = self._waiting.pop(0)
            self.run(name)

    def run(self, name):
        started = time.monotonic()
        print(f"==> {name} begins", flush=True)
        done = subprocess.run(
            [sys.executable, "-m", "unittest", "-v", name], cwd=HERE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True, check=False, errors="replace",
        )
        with self._lock:
            count = re.search(r"^Ran (\d+) test", done.stdout, re.MULTILINE)
            self.tests += int(count.group(1)) if count else 0
            if done.returncode != 0 or not count:
                self.failed[name] = done.stdout
            word = "FAILED" if name in self.failed else "passed"
            print(f"==> {name} {word} after {time.monotonic() - started:.0f} s\n{done.stdout}", flush=True)


def failures(output):
    """Each test that failed, and the error itself: the last line of its traceback that is not indented."""
    found = []
    report = re.compile(r"^((?:FAIL|ERROR): [^\n]*)\n-+\n(.*?)(?=^[=-]{70})", re.MULTILINE | re.DOTALL)
    for name, text in report.findall(output):
        errors = re.findall(r"^[\w.]+(?:Error|Exception|Abort|Expired|abort)\b.*$", text, re.MULTILINE)
        found.append(f"{name}: {errors[-1] if errors else 'see its output'}"[:400])
    return found


def main():
    parser = argparse.ArgumentParser(description="Runs the modules of cluster tests side by side.")
    parser.add_argument("--jobs", type=int, default=2, help="modules at a time")
    parser.add_argument("modules", nargs="*", help="all of them by default")
    words = parser.parse_args()
    started = time.monotonic()
    names = words.modules or modules()
    runs = Runs([name for name in names if name not in ALONE])
    threads = [threading.Thread(target=runs.work) for _ in range(max(1, words.jobs))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for name in ALONE:
        if name in names:
            runs.run(name)
    for name, output in runs.failed.items():
        for line in failures(output) or [f"ERROR: {name} did not run"]:
            print(line)
    print(f"Ran {runs.tests} tests in {time.monotonic() - started:.0f} s")
    sys.exit(1 if runs.failed else 0)


if __name__ == "__main__":
    main()
