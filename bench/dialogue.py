"""Guided conversations at once: from somebody's press to the other's page, for 1, 50 and 200 of them.

Every conversation has two signed-in people with a stream each, on a real `closeknit serve`; whoever can act does, at the
pace of a brisk talk, as their browser would: the form, then the page it leads to. The other page hears the poke and
fetches its fragment. Two delays are told: from just before the form is written, and from when it was answered. Three
real browsers are among the pages; theirs runs to the second frame after the repaint.

`make bench-dialogue` prints one table and writes bench/out/dialogue.json.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "src")]

from bench.common import cpu_seconds, machine, percentile, say, table, write  # noqa: E402
from tests.services import Server, program  # noqa: E402

STEPS = (1, 50, 200)
BROWSERS = 3
TOKEN = "a" * 32
#: What a browser of ours notes: when each version of the page had been painted.
WATCH = """addEventListener("DOMContentLoaded", () => {
  const note = () => {
    const version = document.getElementById("dialogue")?.dataset.version;
    requestAnimationFrame(() => requestAnimationFrame(() => {
      const painted = JSON.parse(sessionStorage.painted ?? "{}");
      painted[version] ??= Date.now();
      sessionStorage.painted = JSON.stringify(painted);
    }));
  };
  new MutationObserver(note).observe(document.body, { childList: true, subtree: true });
})"""


# -- people who talk, in a process of its own --------------------------------------------------------------------------


def make_talks(count: int) -> list[dict[str, Any]]:
    """That many understood loops that have begun, with the cookies of both sides. Keys are real; what a passphrase costs
    is left out, for nobody types one here."""
    from datetime import timedelta

    os.environ["DJANGO_SETTINGS_MODULE"] = "closeknit.web.settings"
    import django

    django.setup()
    from django.contrib.auth import login
    from django.contrib.sessions.backends.db import SessionStore
    from django.core.management import call_command
    from django.http import HttpRequest, HttpResponse

    from closeknit import vault
    from closeknit.method.dialogue import Event, Verb
    from closeknit.web import clock
    from closeknit.web.bonds import access
    from closeknit.web.bonds import services as bonds
    from closeknit.web.dialogues import gate, library
    from closeknit.web.dialogues import services as talks
    from closeknit.web.members import services as members
    from closeknit.web.members.keys import RequestKeys
    from closeknit.web.members.models import LOCK_MINUTES

    call_command("migrate", verbosity=0, interactive=False)
    members.passphrase_key = lambda *_args: vault.Key.new()  # type: ignore[assignment]
    members.make_password = lambda _passphrase: "!"

    def person(name: str) -> Any:
        made = members.member_create(username=name, passphrase="-", profile={"name": name, "zone": "UTC"})
        made.member.lock_minutes = LOCK_MINUTES[-1]
        made.member.save()
        return made

    def opened(one: Any, bond_id: Any) -> Any:
        for _round in range(2):
            found = next(b for b in access.bonds_load(one.member.pk, one.keyring) if b.id == bond_id)
            bonds.settle(found)
        return found

    def cookies(one: Any) -> dict[str, str]:
        request, answer = HttpRequest(), HttpResponse()
        request.session = SessionStore()
        request.user = one.member
        keys = RequestKeys(request)
        login(request, one.member, backend="django.contrib.auth.backends.ModelBackend")
        keys.unlock(one.keyring)
        members.session_note(request, one.member)
        request.session.save()
        keys.apply(answer)
        key = answer.cookies["ck-key"].value
        return {"ck-session": request.session.session_key or "", "ck-key": key, "ck-csrf": TOKEN}

    found, script = [], library.the_scripts()["understood"]
    for number in range(count):
        one, two = person(f"one{number}"), person(f"two{number}")
        with clock.shifted(timedelta(days=-9)):
            bond = bonds.bond_create(
                *(one.member, one.keyring),
                kind="partners",
                leave_rule="leave",
                name="Us",
                own_name="One",
                thread="madder",
            ).id
            invitation, secret = bonds.invitation_create(opened(one, bond))
            bonds.invitation_accept(two.member, two.keyring, invitation.id, secret, name="Two", thread="woad")
        sides = opened(one, bond), opened(two, bond)
        for side in sides:
            gate.write(side, passed=True)
        row = talks.dialogue_ask(sides[0], script, members=[two.member.pk])
        talks.accept(sides[1], row.id)
        for side, made in zip(sides, (one, two), strict=True):
            here = Event(verb=Verb.READY, by=str(made.member.pk), at=talks.second(), notes=False)
            talks.act(side, row.id, lambda _state, here=here: here)
        found.append({"path": f"/b/{bond}/d/{row.id}/", "sides": [cookies(one), cookies(two)]})
        print(f"  {number + 1} of {count}", end="\r", file=sys.stderr, flush=True)
    return found


def prepare(data: Path, count: int) -> list[dict[str, Any]]:
    script = "import sys, json; from bench.dialogue import make_talks; print(json.dumps(make_talks(int(sys.argv[1]))))"
    environment = {k: v for k, v in os.environ.items() if not k.startswith("CLOSEKNIT_")}
    environment |= {"CLOSEKNIT_DATA": str(data), "CLOSEKNIT_DEBUG": "true", "PYTHONPATH": f"{ROOT}:{ROOT / 'src'}"}
    command = [sys.executable, "-c", script, str(count)]
    done = subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE)
    return json.loads(done.stdout)  # type: ignore[no-any-return]


# -- their pages --------------------------------------------------------------------------------------------------------


class Line:
    """One kept-alive connection, one request at a time."""

    def __init__(self, port: int, cookies: dict[str, str]) -> None:
        self.port, self.cookie = port, "; ".join(f"{k}={v}" for k, v in cookies.items())
        self.reader: asyncio.StreamReader | None = None
        self.lock = asyncio.Lock()

    async def ask(self, method: str, path: str, body: str = "", poke: bool = False) -> tuple[int, str, str]:
        """(status, where it leads, the page)"""
        async with self.lock:
            for attempt in (1, 2):
                if self.reader is None or self.writer.is_closing():
                    self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.port, limit=2**20)
                head = f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\nCookie: {self.cookie}\r\n"
                head += "X-Poke: 1\r\n" if poke else ""
                if body:
                    head += f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(body)}\r\n"
                self.writer.write(f"{head}\r\n{body}".encode("latin-1"))
                try:
                    return await self._answer()
                except (asyncio.IncompleteReadError, ConnectionError):
                    # A connection that the server had closed meanwhile.
                    self.reader = None
                    if attempt == 2:
                        raise
            raise AssertionError

    async def _answer(self) -> tuple[int, str, str]:
        assert self.reader is not None
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        length = re.search(r"(?i)^content-length: (\d+)", head, re.MULTILINE)
        where = re.search(r"(?i)^location: (\S+)", head, re.MULTILINE)
        page = await self.reader.readexactly(int(length.group(1))) if length else b""
        return int(head.split(" ", 2)[1]), where.group(1) if where else "", page.decode()


@dataclass
class Result:
    """Of one step: delays in milliseconds."""

    pressed: list[float] = field(default_factory=list)
    answered: list[float] = field(default_factory=list)
    posts: list[float] = field(default_factory=list)
    painted: list[float] = field(default_factory=list)
    lost: int = 0
    refused: int = 0


class Side:
    """One person's page of one conversation."""

    def __init__(self, port: int, path: str, cookies: dict[str, str]) -> None:
        self.port, self.path, self.cookies = port, path, cookies
        self.line, self.pokes = Line(port, cookies), Line(port, cookies)
        self.page, self.version = "", 0
        self.changed = asyncio.Event()
        self.reader_task: asyncio.Task[None] | None = None

    def _keep(self, page: str) -> None:
        self.page = page
        found = re.search(r'data-version="(\d+)"', page)
        if found and int(found.group(1)) > self.version:
            self.version = int(found.group(1))
            self.changed.set()

    async def look(self, *, poke: bool) -> None:
        status, _where, page = await (self.pokes if poke else self.line).ask("GET", self.path, poke=poke)
        if status == 200:
            self._keep(page)

    async def open(self) -> None:
        """Open the page, and its stream."""
        await self.look(poke=False)
        reader, self.stream = await asyncio.open_connection("127.0.0.1", self.port)
        head = f"GET /live/ HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\nAccept: text/event-stream\r\n"
        self.stream.write(f"{head}Cookie: {self.line.cookie}\r\n\r\n".encode())
        while b"hello" not in await reader.readline():
            pass
        self.reader_task = asyncio.create_task(self._listen(reader))

    async def _listen(self, reader: asyncio.StreamReader) -> None:
        while line := await reader.readline():
            found = re.search(rb"dialogue:\S+ v(\d+)", line)
            if found and int(found.group(1)) > self.version:
                await self.look(poke=True)

    async def close(self) -> None:
        if self.reader_task is not None:
            self.reader_task.cancel()
            self.stream.close()

    def next_act(self) -> tuple[str, dict[str, str]] | None:
        """What this page offers that leads on, with as many pieces as there may be."""
        step = re.search(r'name="step" value="(\d+)"', self.page)
        if step is None:
            return None
        fields = {"step": step.group(1), "csrfmiddlewaretoken": TOKEN}
        words = "What I saw was the door, and what I felt was that nobody would come. It matters to me because of then."
        if 'id="write"' in self.page:
            verb = re.search(r'id="write".*?name="verb" value="([a-z]+)"', self.page, re.DOTALL)
            assert verb is not None
            return "do/", {**fields, "verb": verb.group(1), "how": "typed", "text": words}
        if 'name="verdict"' in self.page:
            return "do/", {**fields, "verb": "judged", "verdict": "yes"}
        if 'name="more"' in self.page:
            return "do/", {**fields, "verb": "more", "more": "yes"}
        if 'value="confirmed"' in self.page:
            return "do/", {**fields, "verb": "confirmed", "text": ""}
        if 'value="done"' in self.page:
            return "do/", {**fields, "verb": "done"}
        return None


class Talk:
    """Two sides; whoever can act does, about every `pace` seconds."""

    def __init__(self, port: int, made: dict[str, Any]) -> None:
        self.made = made
        self.sides = [Side(port, made["path"], cookies) for cookies in made["sides"]]
        self.sent: dict[int, tuple[int, float]] = {}

    async def go_on(self, result: Result, pace: float, until: float) -> None:
        await asyncio.sleep(random.uniform(0, pace))
        while time.monotonic() < until:
            who = next((index for index in (0, 1) if self.sides[index].next_act()), None)
            if who is None:
                result.lost += 1
                for side in self.sides:
                    await side.look(poke=False)
                await asyncio.sleep(pace)
                continue
            await self.act(self.sides[who], self.sides[1 - who], who, result)
            await asyncio.sleep(random.uniform(0.6, 1.4) * pace)

    async def act(self, side: Side, other: Side, who: int, result: Result) -> None:
        act = side.next_act()
        assert act is not None
        where, fields = act
        other.changed.clear()
        wanted, wall, started = other.version + 2, time.time() * 1000, time.monotonic()
        shown = asyncio.create_task(asyncio.wait_for(other.changed.wait(), 10))
        status, _leads, _page = await side.line.ask("POST", side.path + where, urlencode(fields))
        answered = time.monotonic()
        if status != 302:
            result.refused += 1
            shown.cancel()
            await side.look(poke=False)
            return
        self.sent[wanted] = (1 - who, wall)
        # As a browser follows.
        after = asyncio.create_task(side.look(poke=False))
        try:
            await shown
            seen = time.monotonic()
            result.pressed.append((seen - started) * 1000)
            result.answered.append(max(0.0, seen - answered) * 1000)
        except TimeoutError:
            result.lost += 1
        result.posts.append((answered - started) * 1000)
        await after


async def browsers(port: int, talks: list[Talk], chromium: Any) -> list[tuple[Talk, int, Any]]:
    """The second side of a few conversations, in a real browser beside its raw page."""
    found = []
    for talk in talks[:BROWSERS]:
        context = await chromium.new_context(viewport={"width": 360, "height": 740}, reduced_motion="reduce")
        url = f"http://127.0.0.1:{port}"
        await context.add_cookies([{"name": k, "value": v, "url": url} for k, v in talk.made["sides"][1].items()])
        page = await context.new_page()
        await page.add_init_script(WATCH)
        await page.goto(url + talk.made["path"])
        found.append((talk, 1, page))
    return found


async def step(
    server: Server, made: list[dict[str, Any]], pace: float, seconds: float, chromium: Any
) -> dict[str, Any]:
    """So many conversations at once, for so long."""
    result, talks = Result(), [Talk(server.port, one) for one in made]
    slots = asyncio.Semaphore(8)

    async def opened(side: Side) -> None:
        async with slots:
            await side.open()

    await asyncio.gather(*(opened(side) for talk in talks for side in talk.sides))
    pages = await browsers(server.port, talks, chromium) if chromium else []
    used, started = cpu_seconds(server.process.pid), time.monotonic()
    await asyncio.gather(*(talk.go_on(result, pace, started + seconds) for talk in talks))
    took = time.monotonic() - started
    used = cpu_seconds(server.process.pid) - used
    for talk, side, page in pages:
        painted = json.loads(await page.evaluate("sessionStorage.painted ?? '{}'"))
        for version, (to, wall) in talk.sent.items():
            if to == side and str(version) in painted:
                result.painted.append(painted[str(version)] - wall)
        await page.context.close()
    for talk in talks:
        for side in talk.sides:
            await side.close()
    row: dict[str, Any] = {"acts": len(result.pressed), "a_second": round(len(result.pressed) / took, 1)}
    for name in ("pressed", "answered", "posts", "painted"):
        delays = getattr(result, name)
        row[name] = {
            "count": len(delays),
            "p50_ms": round(percentile(delays, 0.5), 1),
            "p99_ms": round(percentile(delays, 0.99), 1),
        }
    return {**row, "lost": result.lost, "refused": result.refused, "cpu_share": round(used / took, 2)}


Job = Callable[[Any], Awaitable[None]]


async def with_chromium(wanted: bool, job: Job) -> None:
    if not wanted:
        await job(None)
        return
    from playwright.async_api import async_playwright

    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(
            executable_path=program("chromium"),
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
        )
        await job(chromium)
        await chromium.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--pace", type=float, default=20.0, help="seconds between two acts of one conversation")
    parser.add_argument("--seconds", type=float, default=60.0, help="of each step")
    parser.add_argument("--steps", type=int, nargs="+", default=list(STEPS))
    parser.add_argument("--no-browsers", action="store_true")
    wanted = parser.parse_args()
    result: dict[str, Any] = {"machine": machine(), "pace_s": wanted.pace, "seconds": wanted.seconds, "steps": {}}
    with tempfile.TemporaryDirectory(prefix="closeknit-bench-") as name:
        data = Path(name) / "data"
        say(f"making {max(wanted.steps)} conversations")
        made = prepare(data, max(wanted.steps))
        server = Server.start(data)

        async def measure(chromium: Any) -> None:
            for count in wanted.steps:
                say(f"{count} at once")
                # One alone goes on faster, so that there is something to count.
                pace = wanted.pace if count > 10 else min(wanted.pace, 2.0)
                row = await step(server, made[:count], pace, wanted.seconds, chromium)
                result["steps"][str(count)] = {"pace_s": pace, **row}

        try:
            asyncio.run(with_chromium(not wanted.no_browsers, measure))
        finally:
            server.stop()
    result["load_after"] = round(os.getloadavg()[0], 1)
    heads = [
        "at once",
        "acts",
        "a second",
        "press to page p50 / p99 ms",
        "answer to page",
        "painted in browser",
        "form",
    ]
    rows = []
    for count, row in result["steps"].items():
        cells = [f"{row[key]['p50_ms']} / {row[key]['p99_ms']}" for key in ("pressed", "answered", "painted", "posts")]
        rows.append([count, row["acts"], row["a_second"], *cells, row["lost"], row["refused"], row["cpu_share"]])
    table([*heads, "lost", "refused", "CPU share"], rows)
    write("dialogue", result)


if __name__ == "__main__":
    main()
