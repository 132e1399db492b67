"""What a process asks of its allocator and of the kernel, counted."""

import collections
import mmap
import signal
import struct
import subprocess

from . import preload

# The calls, then the bytes: see count_allocations.c.
LAYOUT = struct.Struct("=QQ")
UNTRACEABLE = """strace may not trace the node: {error}
System calls are counted by ptrace, which has to be allowed: in a container by --cap-add SYS_PTRACE, or a seccomp
profile with ptrace in it; elsewhere by kernel.yama.ptrace_scope below 2. And nobody else may trace the node."""


class Allocations:
    """The allocations of every process that is started with `environment`."""

    def __init__(self, directory):
        path = directory / "allocations"
        path.write_bytes(bytes(mmap.PAGESIZE))
        with path.open("r+b") as file:
            self._counts = mmap.mmap(file.fileno(), mmap.PAGESIZE)
        library = preload.build("count_allocations", directory)
        self.environment = {"ALLOCATION_COUNTS": str(path), "LD_PRELOAD": str(library)}

    def read(self):
        """How many there were so far, and of how many bytes."""
        return LAYOUT.unpack_from(self._counts)

    def close(self):
        self._counts.close()


class SystemCalls:
    """The system calls that all threads of a process end while this is entered, by name in `counts` afterwards."""

    def __init__(self, pid, directory):
        self._output = directory / "system-calls"
        self._command = ["strace", "-f", "-c", "-U", "calls,name", "-o", str(self._output), "-p", str(pid)]
        self._tracer = None
        self.counts = collections.Counter()

    def __enter__(self):
        try:
            # pylint: disable-next=consider-using-with
            self._tracer = subprocess.Popen(self._command, stderr=subprocess.PIPE, text=True)
        except FileNotFoundError:
            raise AssertionError("strace is not there: install the package strace, as Deploy/test does") from None
        # "Process 1 attached with 20 threads", or why not.
        said = self._tracer.stderr.readline()
        if "attached" not in said:
            said += self._tracer.communicate()[1]
            raise AssertionError(UNTRACEABLE.format(error=said.strip()))
        return self

    def __exit__(self, *_):
        # It lets go of the process, and writes its summary.
        self._tracer.send_signal(signal.SIGINT)
        self._tracer.communicate(timeout=60)
        for line in self._output.read_text(encoding="ascii").splitlines():
            words = line.split()
            # What was interrupted when the trace began is begun again, which the process itself would not do.
            if len(words) == 2 and words[0].isdigit() and words[1] not in ("total", "restart_syscall"):
                self.counts[words[1]] += int(words[0])
