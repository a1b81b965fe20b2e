"""The drill: members write, the program is killed with SIGKILL at any moment, starts again, and nothing may be missing.

Each member is a thread that works through steps (open, draft, share, take back, respond, say) over real forms. A step
whose answer came is acknowledged: it counts from then on. A step whose answer never came is uncertain: afterwards it
must have happened wholly or not at all, and the ledger takes on whichever it was.
"""

from __future__ import annotations

import http.client
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tests.services import ROOT, Postgres, Server, free_port

from .integrity import Checker, Report, Seen
from .people import Member, open_moment, pair

#: Stands in every text, so that a look at the log tells whether words of members got into it.
MARK = "kumquat"
CHOICES = ("understand", "thanks", "tell-more", "with-you")
MOMENTS_AT_ONCE = 3


@dataclass(frozen=True)
class Step:
    """One thing that a member does in one moment."""

    act: str
    moment: str = ""
    text: str = ""


@dataclass
class Own:
    """What the ledger says one member has in one moment."""

    mine: str | None = None
    draft: str = ""
    choice: str = ""
    words: tuple[str, ...] = ()

    def after(self, step: Step) -> Own:
        """The same once this step has happened."""
        match step.act:
            case "draft":
                return Own(self.mine, step.text, self.choice, self.words)
            case "share":
                return Own(step.text, "", self.choice, self.words)
            case "withdraw":
                return Own(None, self.mine or "", self.choice, self.words)
            case "respond":
                return Own(self.mine, self.draft, step.text, self.words)
            case "say":
                return Own(self.mine, self.draft, self.choice, (*self.words, step.text))
            case _:
                return self


@dataclass
class Result:
    store: str
    seed: int
    kills: int = 0
    while_starting: int = 0
    worker_kills: int = 0
    acknowledged: Counter[str] = field(default_factory=Counter)
    uncertain: Counter[str] = field(default_factory=Counter)
    lost: list[str] = field(default_factory=list)
    half_made: list[str] = field(default_factory=list)
    odd: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0

    @property
    def found(self) -> int:
        return sum(self.acknowledged.values()) - len(self.lost)


class Writer(threading.Thread):
    """One member at work. A step that is done may give the mate their next one."""

    def __init__(self, drill: Drill, member: Member, mate: Member, seed: int) -> None:
        super().__init__(daemon=True)
        self.drill, self.member, self.mate = drill, member, mate
        self.random = random.Random(seed)
        self.steps: deque[Step] = deque()
        self.ledger: dict[str, Own] = {}
        self.moments: set[str] = set()
        self.unsure: Step | None = None
        #: Held during a step; whoever holds it while `Drill.go` is down knows that this member rests.
        self.busy = threading.Lock()
        self.count = 0

    def text(self) -> str:
        self.count += 1
        length = self.random.choice((3, 30, 300))
        return f"{MARK} {self.member.name} {self.count} " + " ".join(["said at the table"] * length)

    def own(self, moment: str) -> Own:
        return self.ledger.setdefault(moment, Own())

    def run(self) -> None:
        while not self.drill.ended.is_set():
            with self.busy:
                if self.drill.go.is_set() and self.unsure is None:
                    self._turn()
                    continue
            time.sleep(0.01)

    def _turn(self) -> None:
        step = self.steps.popleft() if self.steps else Step("open")
        try:
            status = self._do(step)
        except (OSError, http.client.HTTPException):
            # The line broke: perhaps it was stored, perhaps not. Wait until somebody has looked.
            self.unsure = step
            return
        if status == 302:
            self.happened(step)
            return
        self.drill.result.odd[f"{step.act} {status}"] += 1
        if status >= 500:
            self.steps.appendleft(step)
            time.sleep(0.05)

    def _do(self, step: Step) -> int:
        me = self.member
        if step.act == "open":
            me.page(me.bond + "prompts/")
            moment = open_moment(me)
            if moment is None:
                return 500
            self.moments.add(moment)
            self.steps.extend((Step("draft", moment, self.text()), Step("share", moment, self.text())))
            return 302
        status, _page = me.page(me.moment(step.moment))
        if status != 200:
            return status
        fields = {"text": step.text}
        if step.act == "respond":
            fields = {"choice": step.text, "to": self.mate.id}
        elif step.act == "say":
            fields |= {"to": self.mate.id}
        return me.post(me.moment(step.moment, step.act + "/"), **fields)[0]

    def happened(self, step: Step, *, acknowledged: bool = True) -> None:
        """Note a step and think of what comes next."""
        if acknowledged:
            self.drill.result.acknowledged[step.act] += 1
        if step.act == "open":
            return
        self.ledger[step.moment] = self.own(step.moment).after(step)
        mate = self.drill.writers[self.mate.name]
        if step.act == "share":
            if mate.own(step.moment).mine is None:
                if self.random.random() < 0.25:
                    self.steps.append(Step("withdraw", step.moment))
                else:
                    mate.steps.extend((Step("draft", step.moment, mate.text()), Step("share", step.moment, mate.text())))
            else:
                for one in (self, mate):
                    one.steps.extend(
                        (
                            Step("respond", step.moment, one.random.choice(CHOICES)),
                            Step("say", step.moment, one.text()),
                        )
                    )
        elif step.act == "withdraw":
            self.steps.append(Step("share", step.moment, self.text()))


class Drill:
    """One store, one server, one worker, four members, and many ends."""

    def __init__(self, store: str, kills: int, *, seed: int, progress: Callable[[Result], None] | None = None) -> None:
        self.result = Result(store, seed)
        self.kills, self.progress = kills, progress
        self.random = random.Random(seed)
        self.go, self.ended = threading.Event(), threading.Event()
        self.writers: dict[str, Writer] = {}

    # -- the whole ------------------------------------------------------------------------------------------------

    def run(self) -> Result:
        """Kill as often as asked, then stop kindly and look once more."""
        self.started = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="closeknit-drill-") as folder:
            self.postgres = Postgres.start() if self.result.store == "postgresql" else None
            try:
                self._run(Path(folder) / "data", self.postgres.url("closeknit") if self.postgres else "")
            finally:
                self.ended.set()
                if self.postgres is not None:
                    self.postgres.stop()
        return self.result

    def _run(self, data: Path, url: str) -> None:
        self.data, self.port = data, free_port()
        self.environment = {"database_url": url} if url else {}
        self.server, self.worker = self._spawn_server(), None
        self.server.wait()
        checker = Checker(data, url)
        try:
            self._people(self.server)
            self._ids(checker)
            for writer in self.writers.values():
                writer.start()
            self.worker = self._spawn_worker()
            while self.result.kills < self.kills:
                self._one(checker)
                self.result.seconds = time.monotonic() - self.started
                if self.progress is not None:
                    self.progress(self.result)
            self._log()
        finally:
            self.ended.set()
            for process in (self.server.process, self.worker):
                if process is not None and process.poll() is None:
                    process.kill()
                    process.wait()
            checker.close()
            for writer in self.writers.values():
                if writer.is_alive():
                    writer.join(30)

    def _one(self, checker: Checker) -> None:
        """Let them write, kill, look, start again."""
        self.go.set()
        time.sleep(self.random.uniform(0.05, 1.2))
        self._kill()
        if self.random.random() < 0.2 and self.worker is not None:
            self.worker.kill()
            self.worker.wait()
            self.result.worker_kills += 1
            self.worker = None
        self.go.clear()
        for writer in self.writers.values():
            with writer.busy:
                pass
        if self.postgres is not None:
            # It may still be carrying out what it was asked to in the last moment.
            self.postgres.settle()
        look_first = self.random.random() < 0.5
        if look_first:
            self._look(checker)
        self.server = self._spawn_server()
        if self.random.random() < 0.15:
            # Not even started yet: making tables, laying out files, opening the database.
            time.sleep(self.random.uniform(0.0, 1.5))
            self._kill()
            self.result.while_starting += 1
            self.server = self._spawn_server()
        self.server.wait()
        if not look_first:
            self._look(checker)
        self._read()
        self.worker = self.worker or self._spawn_worker()

    def _kill(self) -> None:
        self.server.process.kill()
        self.server.process.wait()
        self.result.kills += 1

    def _spawn_server(self) -> Server:
        return Server.spawn(self.data, port=self.port, **self.environment)

    def _spawn_worker(self) -> subprocess.Popen[str]:
        environment = Server.environment(data=str(self.data), **self.environment)
        with (self.data.parent / "worker.log").open("a") as out:
            return subprocess.Popen(
                [sys.executable, "-m", "closeknit.cli", "worker"],
                stdout=out,
                stderr=out,
                text=True,
                env=environment,
                cwd=ROOT,
            )

    # -- the people -----------------------------------------------------------------------------------------------

    def _people(self, server: Server) -> None:
        for number, names in enumerate((("ana", "jonas"), ("cleo", "dina"))):
            both = pair(server, *names)
            for index, member in enumerate(both):
                writer = Writer(self, member, both[1 - index], self.result.seed * 10 + number * 2 + index)
                writer.steps.extend([Step("open")] * MOMENTS_AT_ONCE)
                self.writers[member.name] = writer
        self.kits = {name: writer.member.kit for name, writer in self.writers.items()}

    def _ids(self, checker: Checker) -> None:
        """Ids of members, as forms name them."""
        report = checker.check(self.kits)
        self.result.half_made += report.problems
        for name, member_id in report.members.items():
            self.writers[name].member.id = member_id

    # -- looking --------------------------------------------------------------------------------------------------

    def _look(self, checker: Checker) -> None:
        """Open everything; hold it against what was acknowledged; settle what was uncertain."""
        report = checker.check(self.kits)
        self.result.half_made += report.problems
        for writer in self.writers.values():
            self._settle(writer, report.seen[writer.member.name])
        for writer in self.writers.values():
            self._compare(writer, report)

    def _settle(self, writer: Writer, seen: dict[str, Seen]) -> None:
        step, writer.unsure = writer.unsure, None
        if step is None:
            return
        if step.act == "open":
            self.result.uncertain["open"] += 1
            return
        page = seen.get(step.moment)
        before = writer.own(step.moment)
        happened = page is not None and before != before.after(step) and self._is(writer, page, before.after(step))
        self.result.uncertain[f"{step.act}: {'stored' if happened else 'not stored'}"] += 1
        if happened:
            writer.happened(step, acknowledged=False)
        else:
            writer.steps.appendleft(step)

    def _is(self, writer: Writer, page: Seen, own: Own) -> bool:
        """Whether a member's page says what the ledger says."""
        me, mate = writer.member.id, writer.mate.id
        choice = next((choice for by, to, choice in page.responses if by == me and to == mate), "")
        words = tuple(text for by, text in page.words if by == me)
        return (page.mine, page.draft, choice, words) == (own.mine, own.draft, own.choice, own.words)

    def _compare(self, writer: Writer, report: Report) -> None:
        name, mate = writer.member.name, writer.mate.name
        for moment in writer.moments - report.seen[name].keys():
            self.result.lost.append(f"{name}: moment {moment}")
        for moment, own in writer.ledger.items():
            page = report.seen[name].get(moment)
            if page is None or not self._is(writer, page, own):
                self.result.lost.append(f"{name}: {moment} {own} {page}")
                continue
            theirs = report.seen[mate][moment]
            if page.revealed and own.mine is not None:
                shown = (theirs.others.get(writer.member.id), tuple(t for by, t in theirs.words if by == writer.member.id))
                if shown != (own.mine, own.words):
                    self.result.lost.append(f"{mate} does not read {name}: {moment} {own} {theirs}")
            elif theirs.others:
                self.result.half_made.append(f"{mate} reads {name} too early: {moment}")

    def _read(self) -> None:
        """The same through the pages of the program that has started again: one moment each, the sessions still good."""
        for writer in self.writers.values():
            shared = [moment for moment, own in writer.ledger.items() if own.mine is not None]
            if not shared:
                continue
            moment = self.random.choice(shared)
            status, page = writer.member.page(writer.member.moment(moment))
            if status != 200 or (writer.own(moment).mine or "")[:40] not in page:
                self.result.lost.append(f"{writer.member.name} cannot read {moment}: {status} {page[:3000]}")

    def _log(self) -> None:
        for log in (self.server.log, self.data.parent / "worker.log"):
            if MARK in log.read_text():
                self.result.half_made.append(f"words of members in {log.name}")
