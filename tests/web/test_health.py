"""/healthz says one word, to anybody, and never waits long; also when the database is gone, behind, ahead or slow."""

from __future__ import annotations

import asyncio
import http.client
import threading
import time

import pytest
from django.db import connection, connections
from django.db.migrations.recorder import MigrationRecorder

from closeknit.web import health
from tests.services import Postgres, Server


def looked() -> str:
    """As the shell does it: in a thread of its own."""
    words: list[str] = []
    thread = threading.Thread(target=lambda: words.append(health.look()))
    thread.start()
    thread.join()
    return words[0]


def asked(one: health.Health, times: int = 1, method: str = "GET") -> list[tuple[int, dict[bytes, bytes], bytes]]:
    async def ask() -> tuple[int, dict[bytes, bytes], bytes]:
        sent = []

        async def send(message):
            sent.append(message)

        await one({"type": "http", "method": method, "path": "/healthz"}, None, send)
        return sent[0]["status"], dict(sent[0]["headers"]), sent[1]["body"]

    async def all_of_them():
        return await asyncio.gather(*(ask() for _ in range(times)))

    return asyncio.run(all_of_them())


@pytest.mark.django_db(transaction=True)
def test_ok_when_the_database_answers_and_the_tables_match():
    assert looked() == "ok"


@pytest.mark.django_db(transaction=True)
def test_tables_that_are_behind_or_ahead_are_named():
    recorder = MigrationRecorder(connection)
    recorder.record_unapplied("members", "0001_initial")
    assert looked() == "tables-behind"
    recorder.record_applied("members", "0001_initial")
    recorder.record_applied("members", "9999_from_a_later_program")
    assert looked() == "tables-ahead"
    recorder.record_unapplied("members", "9999_from_a_later_program")
    # An app that this program does not have is none of its business.
    recorder.record_applied("long_gone", "0001_initial")
    assert looked() == "ok"
    recorder.record_unapplied("long_gone", "0001_initial")


def test_a_missing_database_is_named_and_not_made(tmp_path, monkeypatch):
    monkeypatch.setitem(connections.settings["default"], "ENGINE", "django.db.backends.sqlite3")
    monkeypatch.setitem(connections.settings["default"], "NAME", tmp_path / "closeknit.sqlite3")
    monkeypatch.setitem(connections.settings["default"], "OPTIONS", {})
    assert looked() == "database-away" and not list(tmp_path.iterdir())


def test_a_slow_database_answers_in_time_and_many_askers_make_one_look(monkeypatch):
    looks, may_go = [], threading.Event()

    def slow() -> str:
        looks.append(1)
        may_go.wait(10)
        return "ok"

    monkeypatch.setattr(health, "look", slow)
    monkeypatch.setattr(health, "SECONDS", 0.2)
    threading.Timer(1.0, may_go.set).start()
    started = time.monotonic()
    answers = asked(health.Health(), times=50)
    assert [(status, body) for status, _headers, body in answers] == [(503, b"database-slow")] * 50
    assert len(looks) == 1 and time.monotonic() - started < 3


def test_the_answer_is_a_word_that_nobody_keeps(monkeypatch):
    monkeypatch.setattr(health, "look", lambda: "ok")
    ((status, headers, body),) = asked(health.Health())
    assert (status, body) == (200, b"ok") and headers[b"cache-control"] == b"no-store"
    assert b"set-cookie" not in headers and headers[b"x-content-type-options"] == b"nosniff"
    assert asked(health.Health(), method="HEAD")[0][::2] == (200, b"")
    assert asked(health.Health(), method="POST")[0][0] == 405


def asked_over_http(server: Server) -> tuple[int, str]:
    line = http.client.HTTPConnection("127.0.0.1", server.port, timeout=5)
    line.request("GET", "/healthz", headers={"Host": "proxy.internal"})
    answer = line.getresponse()
    word = answer.read().decode()
    line.close()
    return answer.status, word


@pytest.mark.live
def test_a_real_server_answers_any_host_and_notices_that_its_database_is_gone(tmp_path):
    data = tmp_path / "data"
    server = Server.start(data)
    try:
        assert asked_over_http(server) == (200, "ok")
        for file in data.glob("closeknit.sqlite3*"):
            file.rename(file.with_name(f"away-{file.name}"))
        assert asked_over_http(server) == (503, "database-away")
        for file in data.glob("away-*"):
            file.rename(file.with_name(file.name.removeprefix("away-")))
        assert asked_over_http(server) == (200, "ok")
    finally:
        server.stop()


@pytest.mark.live
def test_a_real_server_notices_that_postgresql_is_gone_and_is_back(tmp_path):
    postgres = Postgres.start()
    try:
        server = Server.start(tmp_path / "data", database_url=postgres.url("closeknit"))
        try:
            assert asked_over_http(server) == (200, "ok")
            postgres.down()
            started = time.monotonic()
            status, word = asked_over_http(server)
            assert status == 503 and word in {"database-away", "database-slow"}
            assert time.monotonic() - started < health.SECONDS + 1
            postgres.up()
            until = time.monotonic() + 60
            while asked_over_http(server) != (200, "ok"):
                assert time.monotonic() < until, "it never came back"
                time.sleep(0.5)
        finally:
            server.stop()
    finally:
        postgres.stop()
