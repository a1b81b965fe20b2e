"""Thousands of open pages in one process of their own: opens streams, sends pokes, notes when each arrives.

Takes one JSON command a line on standard input and answers each with one line of JSON. Between commands nothing is read;
the kernel keeps what comes.
"""

from __future__ import annotations

import asyncio
import json
import random
import re
import sys
import time
from collections import deque
from typing import Any

import uvloop

OPEN_SECONDS = 60.0
RETRY_SECONDS = 1.0
_STAMP = re.compile(rb"v(\d{12,20})")


class Page(asyncio.Protocol):
    """One open stream. A poke carries the moment it was sent; both ends read the same clock of this machine."""

    __slots__ = ("crowd", "ready", "request", "transport")

    def __init__(self, crowd: Crowd, request: bytes, ready: asyncio.Future[bool]) -> None:
        self.crowd, self.request, self.ready = crowd, request, ready

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        transport.write(self.request)

    def data_received(self, data: bytes) -> None:
        now = time.monotonic_ns()
        if not self.ready.done():
            self.ready.set_result(data.startswith(b"HTTP/1.1 200"))
        for stamp in _STAMP.findall(data):
            self.crowd.delays.append((now - int(stamp)) / 1e6)

    def connection_lost(self, _error: Exception | None) -> None:
        self.crowd.pages.discard(self)
        if not self.ready.done():
            self.ready.set_result(False)


class Line(asyncio.Protocol):
    """A kept-alive connection for pokes, one request at a time."""

    def __init__(self, crowd: Crowd) -> None:
        self.crowd, self.busy = crowd, False

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def send(self, request: str) -> None:
        self.busy = True
        self.transport.write(request.replace("{v}", f"v{time.monotonic_ns():019d}").encode("latin-1"))

    def data_received(self, data: bytes) -> None:
        if data.startswith(b"HTTP/1.1 ") and data[9:10] != b"2":
            self.crowd.refused += 1
        if self.busy:
            self.busy = False
            self.crowd.free.append(self)


class Crowd:
    """All pages of this process, and the one who pokes them."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.pages: set[Page] = set()
        self.free: deque[Line] = deque()
        self.delays: list[float] = []
        self.refused = 0

    async def _open(self, request: bytes) -> int:
        """Open one page, trying again as a browser does. Returns how many tries failed."""
        loop = asyncio.get_running_loop()
        failed = 0
        while True:
            ready: asyncio.Future[bool] = loop.create_future()
            try:
                _transport, page = await loop.create_connection(
                    lambda ready=ready: Page(self, request, ready), "127.0.0.1", self.port
                )
                if await ready:
                    self.pages.add(page)
                    return failed
                page.transport.abort()
            except OSError:
                pass
            failed += 1
            await asyncio.sleep(RETRY_SECONDS)

    async def open(self, requests: list[str], at_once: int) -> dict[str, Any]:
        """Open a page for each request; `at_once` of them may be under way."""
        slots = asyncio.Semaphore(at_once)
        failed = 0

        async def one(request: str) -> None:
            nonlocal failed
            async with slots:
                failed += await self._open(request.encode("latin-1"))

        started = time.monotonic()
        tasks = [asyncio.create_task(one(request)) for request in requests]
        _done, left = await asyncio.wait(tasks, timeout=OPEN_SECONDS)
        took = time.monotonic() - started
        for task in left:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        return {"seconds": took, "open": len(self.pages), "failed_tries": failed, "never": len(left)}

    async def abort(self, count: int) -> dict[str, Any]:
        """Tear that many pages down without a word, as a lost network does."""
        for page in list(self.pages)[:count]:
            page.transport.abort()
        await asyncio.sleep(0.1)
        return {"open": len(self.pages)}

    def _free_line(self) -> Line | None:
        return self.free.popleft() if self.free else None

    async def poke(self, requests: list[str], rate: float, seconds: float, each: int) -> dict[str, Any]:
        """Send one of `requests` at random, `rate` times a second; each should reach `each` pages."""
        loop = asyncio.get_running_loop()
        self.delays.clear()
        self.refused = 0
        sent, start = 0, loop.time()
        while (due := start + sent / rate) < start + seconds:
            if (wait := due - loop.time()) > 0:
                await asyncio.sleep(wait)
            line = next((one for one in iter(self._free_line, None) if not one.transport.is_closing()), None)
            if line is None:
                _transport, line = await loop.create_connection(lambda: Line(self), "127.0.0.1", self.port)
            line.send(random.choice(requests))
            sent += 1
        took = loop.time() - start
        await asyncio.sleep(1.5)
        lost = sent * each - len(self.delays)
        return {"sent": sent, "seconds": took, "refused": self.refused, "lost": lost, "delays": self.delays}

    async def rest(self, seconds: float) -> dict[str, Any]:
        """Read along for a while."""
        await asyncio.sleep(seconds)
        return {"open": len(self.pages)}


def main() -> None:
    loop = uvloop.new_event_loop()
    asyncio.set_event_loop(loop)
    crowd = Crowd(int(sys.argv[1]))
    for line in sys.stdin:
        command = json.loads(line)
        answer = loop.run_until_complete(getattr(crowd, command.pop("do"))(**command))
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
