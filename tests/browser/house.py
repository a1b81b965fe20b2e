"""A server of its own with people who know each other, made over HTTP: how one signs up and invites, other tests show."""

from __future__ import annotations

import re
import signal
import sqlite3
import time
import uuid
from contextlib import closing
from pathlib import Path
from typing import Any

from tests import boot
from tests.http import PASSPHRASE, Browser
from tests.services import Server

NAMES = ("Ana", "Jonas", "Cleo", "Mira")
THREADS = ("madder", "woad", "moss", "plum")
#: A bond is made this old: in its first week talks with a check open only after a while.
DAYS_BEFORE = 9


class House:
    """Four people, their bonds, and the server they use, whose clock and life are the tests' to set."""

    def __init__(self, folder: Path, **settings: str) -> None:
        self.data = folder / "data"
        self.settings = {"debug": "true", **settings}
        if boot.POSTGRES is not None and "database_url" not in settings:
            self.settings["database_url"] = boot.POSTGRES.create(f"house_{uuid.uuid4().hex}")
        self.ahead = 0
        self.server = Server.start(self.data, **self._at())
        host = Browser(self.server)
        host.sign_up("host")
        self.people = {name: Browser(self.server) for name in NAMES}
        for name, browser in self.people.items():
            browser.sign_up(name.lower())

    def _at(self) -> dict[str, str]:
        return {**self.settings, "clock_ahead_seconds": str(self.ahead)}

    @property
    def url(self) -> str:
        return self.server.url

    # -- bonds ----------------------------------------------------------------------------------------------------------

    def bond(self, *names: str, kind: str = "partners") -> str:
        """The address of a new bond with these people in it; the first one starts it."""
        first, *others = names
        for name in names:
            self.cookies(name)
        starter = self.people[first]
        rule = "stay" if kind == "circle" else "leave"
        form = {"kind": kind, "name": "Us", "own_name": first, "thread": THREADS[0], "leave_rule": rule}
        _status, where = starter.form("/bonds/new/", "/bonds/new/", **form)
        for index, name in enumerate(others, 1):
            if index > 1:
                starter.form(where, where)
            _status, _headers, page = starter.ask("GET", where)
            words = re.search(r'class="words serif" translate="no">([^<]+)<', page).group(1)
            path = re.search(r"(/join/[0-9a-f-]+/)", page).group(1)
            guest = self.people[name]
            guest.form(path, path, secret=words)
            status, said = guest.form(path + "accept/", path, own_name=name, thread=THREADS[index])
            assert status == 302, said
            guest.ask("GET", path + "finish/")
            base = where.replace("invite/", "")
            starter.ask("GET", base)
        base = where.replace("invite/", "")
        self._made_before(uuid.UUID(base.split("/")[2]))
        return self.url + base

    def _made_before(self, bond: uuid.UUID) -> None:
        """As if it had been made nine days ago: the one thing here that no member could do."""
        if "database_url" in self.settings:
            import psycopg

            with psycopg.connect(self.settings["database_url"], autocommit=True) as connection:
                change = "UPDATE bonds_bond SET created_at = created_at - make_interval(days => %s) WHERE id = %s"
                done = connection.execute(change, [DAYS_BEFORE, bond]).rowcount
        else:
            change = "UPDATE bonds_bond SET created_at = datetime(created_at, ?) WHERE id = ?"
            with closing(sqlite3.connect(self.data / "closeknit.sqlite3", timeout=20)) as connection, connection:
                done = connection.execute(change, [f"-{DAYS_BEFORE} days", bond.hex]).rowcount
        assert done == 1

    # -- time, and trouble -------------------------------------------------------------------------------------------------

    def kill(self) -> None:
        """As a power cut does."""
        self.server.process.send_signal(signal.SIGKILL)
        self.server.process.wait(10)

    def start(self) -> None:
        self.server.process = Server.start(self.data, port=self.server.port, **self._at()).process

    def later(self, seconds: int) -> None:
        """Stop, and start again so much later."""
        if self.server.process.poll() is None:
            self.server.stop()
        self.ahead += seconds
        self.start()

    # -- browsers ------------------------------------------------------------------------------------------------------

    def cookies(self, name: str) -> list[dict[str, Any]]:
        """What a browser of this person holds, signed in and unlocked."""
        browser = self.people[name]
        if browser.ask("GET", "/you/")[0] != 200:
            status, said = browser.form("/unlock/", "/you/", passphrase=PASSPHRASE)
            assert status == 302, said
        return [{"name": k, "value": v, "url": self.url} for k, v in self.people[name].cookies.items()]


def until(condition: Any, what: str, seconds: float = 8.0) -> None:
    """Wait for something that no page shows."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return
        time.sleep(0.05)
    raise AssertionError(f"not so in time: {what}")
