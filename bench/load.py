"""200 members who write and 1,000 open streams, for five minutes, against a real `closeknit serve` on this machine.

Each member has a signed-in session of the real kind and works through steps with pauses of `--think` seconds on average:
look at a page, write a draft, share, take back, respond, say, over real forms on a kept connection. Each has five streams,
as five devices would; one of them looks again after a poke, as an open page does. Only 127.0.0.1 is talked to, and everything
ends by itself.

Run with `make bench-load`. Prints a series and a table and writes bench/out/load.json.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter, deque
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import uvloop

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "src")]

from bench.common import cpu_seconds, machine, memory_kib, percentile, say, slope, table, write  # noqa: E402
from tests.services import Postgres, Server  # noqa: E402

_TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="([^"]+)"')
_MOMENT = re.compile(r"/m/([0-9a-f-]+)/")
LENGTHS = (40, 300, 1500)
HISTORY = 20
PATIENCE = 60.0


# -- the people, made in a process of its own -------------------------------------------------------------------------


def make_people(data: str, url: str, count: int) -> None:
    """Pairs of members with a history as long as pages look at, so that pages weigh the same from beginning to end; each with
    a prompt of their own and a session. Printed as JSON."""
    from bench.people import make_pair, set_up

    set_up(Path(data), url)
    from django.db import transaction

    from closeknit.web.moments import services as moments

    found = []
    for number in range(count // 2):
        pair = make_pair(f"a{number}", f"b{number}")
        with transaction.atomic():
            held = [one.bond() for one in pair]
            for past in range(HISTORY):
                moment = moments.moment_open(held[0], {"text": f"What was it like on day {past}?"})
                for opened in held:
                    moments.answer_share(opened, moment.id, "It was quiet in the kitchen. " * 8)
        for one, mate in (pair, pair[::-1]):
            opened = one.bond()
            prompt = moments.own_prompt_write(opened, f"What did you leave out today, {number}?")
            about = {"bond": str(opened.id), "id": str(one.member.pk), "mate": str(mate.member.pk)}
            found.append({**about, "prompt": str(prompt.id), "cookies": one.cookies()})
        if number % 20 == 19:
            say(f"{2 * number + 2} members")
    print(json.dumps(found))


# -- a browser --------------------------------------------------------------------------------------------------------


@dataclass
class Count:
    """What was seen, since the people were settled."""

    started: float = 0.0
    took: dict[str, list[tuple[float, float]]] = field(default_factory=lambda: {"page": [], "look": [], "write": []})
    errors: Counter[str] = field(default_factory=Counter)
    pokes: int = 0
    steps: Counter[str] = field(default_factory=Counter)

    def note(self, kind: str, began: float) -> None:
        if self.started and began >= self.started:
            self.took[kind].append((began - self.started, (time.monotonic() - began) * 1000))


class Line:
    """One kept connection of a member's browser."""

    def __init__(self, port: int, cookies: dict[str, str]) -> None:
        self.port, self.cookies = port, cookies
        self.line: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self.used = 0.0
        self.alone = asyncio.Lock()

    async def ask(self, method: str, path: str, body: str = "", **headers: str) -> tuple[int, str, str]:
        """(status, where it sends us, page)."""
        async with self.alone, asyncio.timeout(PATIENCE):
            # The server ends a line that was idle for thirty seconds; a browser opens a new one before that matters.
            if self.line is None or self.line[1].is_closing() or time.monotonic() - self.used > 20:
                self.close()
                self.line = await asyncio.open_connection("127.0.0.1", self.port)
            try:
                return await self._ask(*self.line, method, path, body, headers)
            except BaseException:
                self.close()
                raise
            finally:
                self.used = time.monotonic()

    async def _ask(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, method: str, path: str, body: str,
        headers: dict[str, str],
    ) -> tuple[int, str, str]:  # fmt: skip
        cookie = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        sent = {"Host": f"127.0.0.1:{self.port}", "Cookie": cookie, "Accept-Encoding": "identity", **headers}
        if body:
            sent |= {"Content-Type": "application/x-www-form-urlencoded", "Content-Length": str(len(body))}
        head = "".join(f"{name}: {value}\r\n" for name, value in sent.items())
        writer.write(f"{method} {path} HTTP/1.1\r\n{head}\r\n{body}".encode("latin-1"))
        first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        where, length, chunked, closes = "", 0, False, False
        for line in lines:
            name, _, value = line.partition(":")
            match name.lower(), value.strip():
                case "set-cookie", cookie:
                    key, _, rest = cookie.partition("=")
                    self.cookies[key] = rest.split(";")[0]
                case "location", where:
                    pass
                case "content-length", size:
                    length = int(size)
                case "transfer-encoding", "chunked":
                    chunked = True
                case "connection", "close":
                    closes = True
        page = await (self._chunks(reader) if chunked else reader.readexactly(length))
        if closes:
            self.close()
        return int(first.split(" ")[1]), where, page.decode()

    async def _chunks(self, reader: asyncio.StreamReader) -> bytes:
        parts = []
        while size := int(await reader.readline(), 16):
            parts.append(await reader.readexactly(size))
            await reader.readexactly(2)
        await reader.readexactly(2)
        return b"".join(parts)

    def close(self) -> None:
        if self.line is not None:
            self.line[1].close()
            self.line = None


class Stream(asyncio.Protocol):
    """One open page's stream. It should stay open to the end."""

    def __init__(self, member: Member, looks: bool) -> None:
        self.member, self.looks, self.open, self.over = member, looks, asyncio.get_running_loop().create_future(), False

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        cookie = "; ".join(f"{name}={value}" for name, value in self.member.line.cookies.items())
        host = f"Host: 127.0.0.1:{self.member.line.port}\r\nAccept: text/event-stream\r\nCookie: {cookie}"
        transport.write(f"GET /live/ HTTP/1.1\r\n{host}\r\n\r\n".encode("latin-1"))

    def data_received(self, data: bytes) -> None:
        if not self.open.done():
            self.open.set_result(data.startswith(b"HTTP/1.1 200"))
        if b"data: bond:" in data and not self.over:
            self.member.count.pokes += 1
            if self.looks:
                self.member.look.set()
        if b"data: bye" in data and not self.over:
            self.member.count.errors["a stream was ended"] += 1

    def connection_lost(self, _error: Exception | None) -> None:
        if not self.open.done():
            self.open.set_result(False)
        elif not self.over:
            self.member.count.errors["a stream broke"] += 1

    def close(self) -> None:
        self.over = True
        self.transport.abort()


# -- a member at work -------------------------------------------------------------------------------------------------


@dataclass
class Own:
    """What a member has in one moment."""

    answered: bool = False
    acted: bool = False


class Member:
    """Somebody with a browser, who works through steps and gives the mate theirs."""

    def __init__(self, port: int, known: dict[str, Any], count: Count, think: float) -> None:
        self.base, self.id, self.prompt = f"/b/{known['bond']}/", known["id"], known["prompt"]
        self.line, self.eyes = Line(port, known["cookies"]), Line(port, known["cookies"])
        self.count, self.think = count, think
        self.random = random.Random(self.id)
        self.steps: deque[tuple[str, str]] = deque()
        self.own: dict[str, Own] = {}
        self.mate: Member
        self.look = asyncio.Event()

    async def open(self, streams: int) -> list[Stream]:
        """Open pages' streams."""
        loop, made = asyncio.get_running_loop(), []
        for number in range(streams):
            _transport, one = await loop.create_connection(
                lambda number=number: Stream(self, number == 0), "127.0.0.1", self.line.port
            )
            made.append(one)
            if not await one.open:
                self.count.errors["a stream did not open"] += 1
        return made

    async def look_again(self) -> None:
        """An open page of Today: fetch the fragment after a poke."""
        while True:
            await self.look.wait()
            self.look.clear()
            began = time.monotonic()
            if await self._get(self.eyes, self.base, "look", **{"X-Poke": "1"}):
                self.count.note("look", began)

    async def work(self) -> None:
        await asyncio.sleep(self.random.uniform(0, self.think))
        while True:
            await self._turn()
            await asyncio.sleep(self.random.expovariate(1 / self.think))

    async def _get(self, line: Line, path: str, what: str, **headers: str) -> str:
        try:
            status, _where, page = await line.ask("GET", path, **headers)
        except (OSError, EOFError, TimeoutError) as error:
            self.count.errors[f"{what}: {type(error).__name__}"] += 1
            return ""
        if status != 200:
            self.count.errors[f"{what}: {status}"] += 1
            return ""
        return page

    async def _turn(self) -> None:
        """One step: the page, the form, the page it leads to."""
        act, moment = self.steps.popleft() if self.steps else ("open", "")
        path = f"{self.base}m/{moment}/" if moment else f"{self.base}prompts/"
        began = time.monotonic()
        page = await self._get(self.line, path, "page")
        if not page:
            return
        self.count.note("page", began)
        began = time.monotonic()
        where = await self._post(page, path, act)
        if not where:
            return
        self.count.note("write", began)
        self.count.steps[act] += 1
        if act != "draft":
            began = time.monotonic()
            if await self._get(self.line, where, "page"):
                self.count.note("page", began)
        self._next(act, moment, where)

    async def _post(self, page: str, path: str, act: str) -> str:
        """Where the form leads; empty if it was not taken."""
        fields = {"csrfmiddlewaretoken": _TOKEN.search(page)[1]}
        headers: dict[str, str] = {}
        if act in {"draft", "share", "say"}:
            fields["text"] = ("It was quiet in the kitchen. " * 60)[: self.random.choice(LENGTHS)]
        if act in {"respond", "say"}:
            fields["to"] = self.mate.id
        if act == "respond":
            fields["choice"] = "thanks"
        if act == "draft":
            headers["Accept"] = "application/json"
        target = f"{path}{self.prompt}/open/" if act == "open" else f"{path}{act}/"
        try:
            status, where, _page = await self.line.ask("POST", target, urlencode(fields), **headers)
        except (OSError, EOFError, TimeoutError) as error:
            self.count.errors[f"{act}: {type(error).__name__}"] += 1
            return ""
        if status != (200 if act == "draft" else 302):
            self.count.errors[f"{act}: {status}"] += 1
            return ""
        return where or path

    def _next(self, act: str, moment: str, where: str) -> None:
        mine = self.own.setdefault(moment, Own())
        if act == "open":
            self.steps.extend((step, _MOMENT.search(where)[1]) for step in ("draft", "share"))
        elif act == "share":
            mine.answered = True
            theirs = self.mate.own.setdefault(moment, Own())
            if theirs.answered:
                for one in (self, self.mate):
                    if not one.own[moment].acted:
                        one.own[moment].acted = True
                        one.steps.extend((step, moment) for step in ("respond", "say"))
            elif self.random.random() < 0.1:
                self.steps.append(("withdraw", moment))
            elif not any(step[1] == moment for step in self.mate.steps):
                self.mate.steps.extend((step, moment) for step in ("draft", "share"))
        elif act == "withdraw":
            mine.answered = False
            self.steps.append(("share", moment))


# -- the run ----------------------------------------------------------------------------------------------------------


async def run(server: Server, known: list[dict[str, Any]], wanted: argparse.Namespace, database: Path) -> dict[str, Any]:
    count = Count()
    members = [Member(server.port, one, count, wanted.think) for one in known]
    for first, second in zip(members[::2], members[1::2], strict=True):
        first.mate, second.mate = second, first
    pid, streams = server.process.pid, wanted.streams // len(members)
    say(f"before anybody came: {memory_kib(pid) / 1024:.0f} MiB")
    began = time.monotonic()
    opened: list[Stream] = []
    for start in range(0, len(members), 20):
        for some in await asyncio.gather(*(one.open(streams) for one in members[start : start + 20])):
            opened += some
    say(f"{len(opened)} streams open after {time.monotonic() - began:.1f} s")
    tasks = [asyncio.create_task(job) for one in members for job in (one.work(), one.look_again())]
    await asyncio.sleep(wanted.warm)
    count.started, used = time.monotonic(), cpu_seconds(pid)
    points: list[tuple[float, float]] = []
    while (at := time.monotonic() - count.started) < wanted.seconds:
        points.append((at, memory_kib(pid)))
        if len(points) % 12 == 1:
            done = sum(map(len, count.took.values()))
            say(f"{at:4.0f} s: {points[-1][1] / 1024:.1f} MiB, {done} requests, {sum(count.errors.values())} errors")
        if broken := next((task for task in tasks if task.done()), None):
            broken.result()
        await asyncio.sleep(min(2.5, wanted.seconds - at))
    seconds, used = time.monotonic() - count.started, cpu_seconds(pid) - used
    points.append((seconds, memory_kib(pid)))
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    still = sum(not one.transport.is_closing() for one in opened)
    for one in opened:
        one.close()
    for member in members:
        member.line.close()
        member.eyes.close()
    rise, about = slope([(at / 60, kib) for at, kib in points])
    every = max(1, len(points) // 10)
    return {
        "seconds": round(seconds),
        "members": len(members),
        "streams_at_the_end": still,
        "errors": dict(count.errors),
        "steps": dict(count.steps),
        "pokes": count.pokes,
        "server_cpu": round(used / seconds, 2),
        "requests_a_second": round(sum(map(len, count.took.values())) / seconds, 1),
        "kinds": {kind: figures(taken, seconds) for kind, taken in count.took.items()},
        "memory_mib": [[round(at), round(kib / 1024, 1)] for at, kib in points[::every]],
        "slope_kib_a_minute": [round(rise), round(about)],
        "later_slope_kib_a_minute": [
            round(part) for part in slope([(at / 60, kib) for at, kib in points if at > seconds / 2])
        ],
        "database_mib": round(sum(f.stat().st_size for f in database.glob("closeknit.sqlite3*")) / 2**20, 1),
    }


def figures(taken: list[tuple[float, float]], seconds: float) -> dict[str, Any]:
    """Percentiles over all, and of the first and last fifth, which tell whether it gets slower."""
    first = [ms for at, ms in taken if at < seconds / 5]
    last = [ms for at, ms in taken if at > seconds * 4 / 5]
    return {
        "count": len(taken),
        **{f"p{p}_ms": round(percentile([ms for _at, ms in taken], p / 100), 1) for p in (50, 99)},
        "max_ms": round(max((ms for _at, ms in taken), default=0)),
        "p50_first_last_ms": [round(percentile(part, 0.5), 1) for part in (first, last)],
    }


def report(result: dict[str, Any]) -> None:
    rows = [
        [kind, one["count"], one["p50_ms"], one["p99_ms"], one["max_ms"], " / ".join(map(str, one["p50_first_last_ms"]))]
        for kind, one in result["kinds"].items()
    ]
    table(["", "requests", "p50 ms", "p99 ms", "most ms", "p50 of the first / last fifth"], rows)
    rise, about = result["slope_kib_a_minute"]
    later = " ± ".join(map(str, result["later_slope_kib_a_minute"]))
    print("memory, MiB:", ", ".join(f"{mib} at {at} s" for at, mib in result["memory_mib"]))
    print(f"slope {rise} ± {about} KiB a minute, of the second half {later}; database {result['database_mib']} MiB")
    print(f"server's processor {result['server_cpu']} of a core, {result['requests_a_second']} requests a second")
    print("errors:", result["errors"] or "none", "; steps:", result["steps"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--members", type=int, default=200)
    parser.add_argument("--streams", type=int, default=1000)
    parser.add_argument("--seconds", type=float, default=300)
    parser.add_argument("--warm", type=float, default=30, help="seconds before anything is counted")
    parser.add_argument("--think", type=float, default=15, help="seconds between two steps of a member, on average")
    parser.add_argument("--store", default="sqlite", choices=["sqlite", "postgresql"])
    wanted = parser.parse_args()
    result: dict[str, Any] = {"machine": machine(), "asked": vars(wanted)}
    with tempfile.TemporaryDirectory(prefix="closeknit-bench-") as name:
        data = Path(name) / "data"
        store = Postgres.start(fsync="on") if wanted.store == "postgresql" else None
        try:
            url = store.url("closeknit") if store else ""
            command = [sys.executable, __file__, "people", str(data), url, str(wanted.members)]
            made = subprocess.run(
                command, check=True, stdout=subprocess.PIPE, env=Server.environment(), cwd=ROOT, timeout=900
            )
            server = Server.start(data, **({"database_url": url} if url else {}))
            try:
                with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                    limit = wanted.seconds + wanted.warm + 180
                    result |= runner.run(
                        asyncio.wait_for(run(server, json.loads(made.stdout), wanted, data), limit)
                    )
                # What the server itself had to say: codes, never words.
                result["log"] = Counter(line.split(" ")[-1][:80] for line in server.log.read_text().splitlines()[:5000])
            finally:
                server.stop()
        finally:
            if store:
                store.stop()
    report(result)
    write("load", result)


if __name__ == "__main__":
    if sys.argv[1:2] == ["people"]:
        make_people(sys.argv[2], sys.argv[3], int(sys.argv[4]))
    else:
        main()
