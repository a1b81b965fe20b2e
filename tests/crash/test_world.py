"""A broken world: what people see, what stays, and that it mends without help."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests import boot
from tests.http import PASSPHRASE, Browser
from tests.services import Postgres, Server, free_port

from .integrity import Checker, Report
from .people import Member, open_moment, pair
from .worlds import LOCKED_SECONDS, PostgresWorld, SqliteWorld, World

pytestmark = pytest.mark.live

LONG = "I did not say that I was glad you came, because Ines was there."
SHORT = "Ask me."


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres | None]:
    """One of their own: the others' tests need theirs to keep running."""
    one = Postgres.start() if boot.POSTGRES else None
    yield one
    if one is not None:
        one.stop()


@pytest.fixture
def world(tmp_path, postgres) -> Iterator[World]:
    one = PostgresWorld(tmp_path, postgres) if postgres else SqliteWorld(tmp_path)
    yield one
    one.close()


@dataclass
class Home:
    """Two people, a server, and a moment that is open."""

    world: World
    server: Server
    ana: Member
    jonas: Member
    moment: str

    def restart(self, **environment: str) -> None:
        self.server.stop()
        self.server = Server.start(self.world.data, port=self.server.port, **self.world.settings, **environment)

    def write(self, member: Member, act: str, text: str) -> tuple[int, str]:
        """(status, page) of a text that is sent with the form the member had open already."""
        status, _where, page = member.post(member.moment(self.moment, act), text=text)
        return status, page

    def read(self, member: Member, path: str = "") -> tuple[int, str]:
        return member.page(path or member.moment(self.moment))

    def report(self) -> Report:
        checker = Checker(self.world.data, self.world.settings.get("database_url", ""))
        try:
            return checker.check({one.name: one.kit for one in (self.ana, self.jonas)})
        finally:
            checker.close()


@pytest.fixture
def home(world) -> Iterator[Home]:
    server = Server.start(world.data, **world.settings)
    ana, jonas = pair(server, "ana", "jonas")
    moment = open_moment(ana)
    assert moment is not None
    one = Home(world, server, ana, jonas, moment)
    assert one.read(ana)[0] == one.read(jonas)[0] == 200
    assert one.write(jonas, "share/", "What Jonas had shared before.")[0] == 302
    one.read(jonas)
    yield one
    one.server.stop()


def kind(home: Home, status: int, page: str, *texts: str) -> None:
    """A page with the words in it, and nothing that could make it worse."""
    assert status in {503, 507}, page
    assert "What was shared before is safe" in page
    for text in texts:
        assert text in page
    assert "csrfmiddlewaretoken" not in page and "Traceback" not in page
    answer = home.ana.browser.ask("POST", home.ana.moment(home.moment, "draft/"), "text=x", Accept="application/json")
    assert answer[0] in {403, 503, 507} and answer[1]["cache-control"] == "no-store"


def care_works(home: Home) -> None:
    """Care and Quick exit, for someone who is signed in, whatever else is broken."""
    browser = Browser(home.server, dict(home.ana.browser.cookies))
    assert browser.ask("GET", "/care/")[0] == 200
    status, headers, _page = browser.ask("GET", "/leave/")
    assert status == 302 and browser.cookies["ck-key"] == '""'
    assert "storage" in headers["clear-site-data"]


def all_is_well(home: Home, answer: str) -> None:
    """Writing works again at once, everything from before is there, and nothing is half made."""
    assert home.read(home.ana)[0] == 200
    assert home.write(home.ana, "share/", answer)[0] == 302
    for member in (home.ana, home.jonas):
        page = home.read(member)[1]
        assert answer in page and "What Jonas had shared before." in page
    report = home.report()
    assert report.problems == []
    assert report.seen["jonas"][home.moment].others == {report.members["ana"]: answer}
    for text in (LONG, SHORT, answer):
        assert text not in home.server.log.read_text()


def test_a_full_disk_keeps_what_was_typed_and_lets_people_read(home):
    with home.world.full(home.server):
        for act in ("share/", "draft/"):
            status, page = home.write(home.ana, act, LONG)
            kind(home, status, page, LONG, "full" if status == 507 else "")
        assert status == 507 or not getattr(home.world, "mounts", True)
        status, page = home.write(home.ana, "draft/", SHORT)
        kind(home, status, page, SHORT)
        assert home.read(home.jonas)[0] == 200 and "What Jonas had shared before." in home.read(home.jonas)[1]
        status, page = home.read(home.ana)
        assert status == 200 and LONG not in page
    all_is_well(home, LONG)


def test_a_page_can_be_read_though_noting_the_visit_cannot_be_stored(home):
    """After a quiet minute each request writes down that somebody is here."""
    home.restart(clock_ahead_seconds="120")
    with home.world.full(home.server):
        assert home.read(home.jonas)[0] == 200
        status, page = home.write(home.jonas, "withdraw/", "")
        assert status in {503, 507} and "safe" in page
    all_is_well(home, LONG)


def test_a_read_only_disk_says_so_and_nothing_is_lost(home):
    with home.world.read_only():
        status, page = home.write(home.ana, "share/", LONG)
        kind(home, status, page, LONG)
        assert home.read(home.jonas)[0] in {200, 503}
        care_works(home)
    home.read(home.ana)
    all_is_well(home, LONG)


def test_a_database_that_goes_and_comes_back(home):
    started = time.monotonic()
    with home.world.away():
        status, page = home.write(home.ana, "share/", LONG)
        assert status == 503 and LONG in page and "What was shared before is safe" in page
        assert time.monotonic() - started < LOCKED_SECONDS + 5
        if boot.POSTGRES:
            assert home.read(home.jonas)[0] == 503
        else:
            assert "What Jonas had shared before." in home.read(home.jonas)[1]
        assert care_without_waiting(home) == 200
    assert home.server.process.poll() is None
    all_is_well(home, LONG)


def care_without_waiting(home: Home) -> int:
    """Care, for someone whose session cannot be looked up; not Quick exit, which would wait for SQLite's lock."""
    if boot.POSTGRES:
        care_works(home)
    return Browser(home.server, dict(home.ana.browser.cookies)).ask("GET", "/care/")[0]


def test_a_clock_that_jumps_a_day_and_back(home):
    assert home.write(home.ana, "draft/", LONG)[0] == 302
    home.restart(clock_ahead_seconds=str(86400))
    status, page = home.write(home.ana, "share/", "Typed before anybody knew that it was tomorrow.")
    assert status == 403 and "Passphrase" in page
    unlock(home.ana)
    page = home.read(home.ana)[1]
    assert "Typed before anybody knew" in page
    first, home.moment = home.moment, open_moment(home.ana) or ""
    assert home.read(home.ana)[0] == 200
    assert home.write(home.ana, "share/", "Written tomorrow.")[0] == 302
    stranger = Browser(home.server)
    for _try in range(6):
        stranger.form("/sign-in/", "/sign-in/", login="jonas", password="not the one at all")

    home.restart()
    # A session that was last seen tomorrow would stay open for a day: it locks instead.
    assert home.read(home.ana)[0] == 403
    unlock(home.ana)
    assert "Written tomorrow." in home.read(home.ana)[1]
    again = Browser(home.server)
    status, where = again.form("/sign-in/", "/sign-in/", login="jonas", password=PASSPHRASE)
    assert status == 302, where
    second, home.moment = home.moment, open_moment(home.ana) or ""
    assert home.read(home.ana, home.ana.bond)[0] == home.read(home.ana, home.ana.bond + "thread/")[0] == 200
    report = home.report()
    assert report.problems == []
    mine = report.seen["ana"]
    assert mine[first].draft == LONG and mine[second].mine == "Written tomorrow." and home.moment in mine


def unlock(member: Member) -> None:
    member.page("/unlock/")
    assert member.post("/unlock/", passphrase=PASSPHRASE)[0] == 302


def serve(world: World, port: int) -> subprocess.CompletedProcess[str]:
    """A start that is expected to end by itself."""
    return subprocess.run(
        [sys.executable, "-m", "closeknit.cli", "serve", "--port", str(port), "--data", str(world.data)],
        env=Server.environment(**world.settings),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_three_first_starts_at_once_make_one_schema(world):
    servers: list[Server] = []
    starts = [
        threading.Thread(target=lambda: servers.append(Server.start(world.data, port=free_port(), **world.settings)))
        for _one in range(3)
    ]
    for start in starts:
        start.start()
    for start in starts:
        start.join()
    assert len(servers) == 3
    applied = world.migrations()
    assert len(applied) == len(set(applied)) > 10
    ana, _jonas = pair(servers[0], "ana", "jonas")
    for server in servers:
        # One key signs for all: a session made at the first is known at the others.
        assert Browser(server, ana.browser.cookies).ask("GET", ana.bond)[0] == 200
        assert "Traceback" not in server.log.read_text()
    for server in servers:
        server.stop()


def test_a_first_start_that_is_killed_is_finished_by_the_next(world):
    for seconds in (0.4, 0.8, 1.2, 1.6, 2.0, 2.4):
        started = Server.spawn(world.data, **world.settings)
        time.sleep(seconds)
        started.process.kill()
        started.process.wait()
    server = Server.start(world.data, **world.settings)
    ana, _jonas = pair(server, "ana", "jonas")
    assert ana.page(ana.bond)[0] == 200
    applied = world.migrations()
    assert len(applied) == len(set(applied))
    server.stop()


RECORDED = """
import sys
from pathlib import Path
from closeknit.cli.ground import set_environment, start_django
set_environment(data=sys.argv[1])
start_django()
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
record, found = MigrationRecorder.record_applied, []
def watched(self, *names):
    found.append(connection.in_atomic_block)
    return record(self, *names)
MigrationRecorder.record_applied = watched
from closeknit.cli.prepare import prepare
prepare(Path(sys.argv[1]))
print(len(found), all(found))
"""


def test_each_change_of_the_tables_is_recorded_in_the_transaction_that_makes_it(world):
    """Or a kill between the two would leave tables that no later start gets past."""
    asked = [sys.executable, "-c", RECORDED, str(world.data)]
    environment = Server.environment(**world.settings)
    told = subprocess.run(asked, env=environment, capture_output=True, text=True, timeout=120, check=True)
    count, whole = told.stdout.split()
    assert int(count) == len(world.migrations()) > 10 and whole == "True"


def test_a_schema_from_the_future_is_left_alone(world):
    Server.start(world.data, **world.settings).stop()
    future = "('moments', '9999_from_the_future', '2040-01-01 00:00:00')"
    world.execute(f"INSERT INTO django_migrations (app, name, applied) VALUES {future}")
    before = world.migrations()
    refused = serve(world, free_port())
    assert refused.returncode == 2
    assert "newer-database" in refused.stderr and "Install that one" in refused.stderr
    assert "Traceback" not in refused.stderr and world.migrations() == before
    world.execute("DELETE FROM django_migrations WHERE name = '9999_from_the_future'")
    Server.start(world.data, **world.settings).stop()


def test_a_start_without_its_database_says_so(world):
    """PostgreSQL does not run; SQLite's folder cannot be written to, on the first start."""
    with world.away() if boot.POSTGRES else world.read_only():
        refused = serve(world, free_port())
    assert refused.returncode == 2, refused.stderr
    assert "Traceback" not in refused.stderr
    assert ("no-database" if boot.POSTGRES else "no-folder") in refused.stderr
    Server.start(world.data, **world.settings).stop()
