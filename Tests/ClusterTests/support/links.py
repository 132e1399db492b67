"""The links between nodes: every ordered pair has a TCP proxy of its own, so that each direction can be cut by itself.

A node opens a connection to each other one and says on it what it has to say; nothing but the first answer comes back.
So a cut of what node 1 says to node 2 is a cut of the connections that node 1 opens to node 2. The proxies run in a
process of their own (this file as a program), which does not wait for the threads of a test.
"""

import asyncio
import os
import pathlib
import socket
import struct
import subprocess
import sys

CHUNK_BYTES = 65_536
# What a slow link holds before it stops taking more, as a router would.
HELD_CHUNKS = 64


class Links:
    """Proxies for all ordered pairs, controlled from the test."""

    def __init__(self, ports):
        """`ports`: for each pair (from, to), the port to listen on and the port behind it."""
        words = [f"{start}-{end}:{listen}:{target}" for (start, end), (listen, target) in sorted(ports.items())]
        self.pairs = sorted(ports)
        # It ends when its input ends, however the test ends.
        self.process = subprocess.Popen(
            [sys.executable, str(pathlib.Path(__file__).resolve()), *words],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )
        self._expect("ready")

    def _expect(self, word):
        line = self.process.stdout.readline().strip()
        assert line == word, f"the proxies say {line!r} instead of {word!r}"

    def _say(self, pair, *words):
        self.process.stdin.write(f"{pair[0]}-{pair[1]} {' '.join(map(str, words))}\n")
        self.process.stdin.flush()
        self._expect("done")

    def freeze(self, pair):
        """Nothing gets through, and nobody is told: what was sent meanwhile arrives when the link opens again."""
        self._say(pair, "freeze")

    def refuse(self, pair):
        """Connections are reset, and so are new ones."""
        self._say(pair, "refuse")

    def slow(self, pair, delay_seconds, bytes_per_second=0):
        """Everything is late, and no more than that gets through (0: without limit)."""
        self._say(pair, "slow", delay_seconds, bytes_per_second)

    def open(self, pair):
        self._say(pair, "open")

    def open_all(self):
        for pair in self.pairs:
            self.open(pair)

    def stop(self):
        self.process.stdin.close()
        self.process.wait(timeout=30)
        self.process.stdout.close()


class Proxy:
    """One link: what one node says to another."""

    def __init__(self, target):
        self.target = target
        self.passable = asyncio.Event()
        self.passable.set()
        self.refuses = False
        self.delay_seconds = 0.0
        self.bytes_per_second = 0.0
        self.transports = set()

    def set(self, word, *numbers):
        self.delay_seconds, self.bytes_per_second = (float(number) for number in numbers or (0, 0))
        self.refuses = word == "refuse"
        if word == "freeze":
            self.passable.clear()
        else:
            self.passable.set()
        if self.refuses:
            for transport in list(self.transports):
                reset(transport)

    async def accept(self, reader, writer):
        if self.refuses:
            return reset(writer.transport)
        self.transports.add(writer.transport)
        other = None
        try:
            await self.passable.wait()
            behind, other = await asyncio.open_connection("127.0.0.1", self.target)
            self.transports.add(other.transport)
            await asyncio.gather(self.pump(reader, other), self.pump(behind, writer))
        except OSError:
            pass
        finally:
            for end in (writer, other):
                if end is not None:
                    self.transports.discard(end.transport)
                    end.close()

    async def pump(self, reader, writer):
        """Carries one direction, until it ends; then both end, as nobody here uses half a connection."""
        queue = asyncio.Queue(HELD_CHUNKS)
        carrier = asyncio.create_task(self.carry(queue, writer))
        try:
            while data := await reader.read(CHUNK_BYTES):
                await queue.put((asyncio.get_running_loop().time() + self.delay_seconds, data))
        except OSError:
            pass
        await queue.put((0, b""))
        await carrier

    async def carry(self, queue, writer):
        loop = asyncio.get_running_loop()
        failed = False
        while True:
            due, data = await queue.get()
            if not failed:
                await asyncio.sleep(max(0.0, due - loop.time()))
                await self.passable.wait()
            if not data:
                return writer.close()
            try:
                if not failed:
                    writer.write(data)
                    await writer.drain()
                    if self.bytes_per_second:
                        await asyncio.sleep(len(data) / self.bytes_per_second)
            except OSError:
                # The reader must not wait for room in the queue for ever.
                failed = True


def reset(transport):
    """Ends a connection so that the other side hears of it as an error."""
    connection = transport.get_extra_info("socket")
    if connection is not None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()


async def serve(words):
    proxies = {}
    for word in words:
        pair, listen, target = word.split(":")
        proxies[pair] = Proxy(int(target))
        await asyncio.start_server(proxies[pair].accept, "127.0.0.1", int(listen))
    commands = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(commands), sys.stdin)
    print("ready", flush=True)
    while line := (await commands.readline()).decode():
        pair, *command = line.split()
        proxies[pair].set(*command)
        print("done", flush=True)
    # What is still open ends with the process.
    os._exit(0)


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1:]))
