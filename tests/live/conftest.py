"""Real servers, two people on them, and nothing left open behind a test."""

from __future__ import annotations

import gc
import os
import re
from collections.abc import Iterator

import pytest

from tests import boot
from tests.http import Browser
from tests.live.stream import Stream
from tests.services import Postgres, Redis, Server, free_port


@pytest.fixture(autouse=True)
def close_streams() -> Iterator[None]:
    """What a test leaves open is closed with it, so that no later test is blamed for it."""
    yield
    while Stream.opened:
        Stream.opened.pop().close()
    gc.collect()


@pytest.fixture(params=["one", "two"])
def servers(request, tmp_path) -> Iterator[tuple[Server, Server, Redis | None]]:
    """One process by itself, or two that share PostgreSQL and Redis."""
    if request.param == "one":
        server = Server.start(tmp_path / "data")
        yield server, server, None
        server.stop()
        return
    postgres = boot.POSTGRES or Postgres.start()
    redis = Redis.start()
    url = postgres.create(f"live_{os.getpid()}_{free_port()}")
    secret = "a-secret-for-tests-that-is-long-enough-to-be-accepted-here"
    shared = {"database_url": url, "redis_url": redis.url, "processes": "2", "secret_key": secret}
    one = Server.start(tmp_path / "one", **shared)
    two = Server.start(tmp_path / "two", **shared)
    yield one, two, redis
    one.stop()
    two.stop()
    redis.stop()
    if postgres is not boot.POSTGRES:
        postgres.stop()


@pytest.fixture
def pair(servers) -> tuple[Browser, Browser, str, str]:
    """(Ana on the first server, Jonas on the second, the path of their first moment, of Today)."""
    first, second, _redis = servers
    ana, jonas = Browser(first), Browser(second)
    ana.sign_up("ana")
    form = {"kind": "partners", "name": "Us", "own_name": "Ana", "thread": "madder", "leave_rule": "leave"}
    _status, where = ana.form("/bonds/new/", "/bonds/new/", **form)
    _status, _headers, page = ana.ask("GET", where)
    words = re.search(r'class="words serif" translate="no">([^<]+)<', page).group(1)
    path = re.search(r"(/join/[0-9a-f-]+/)", page).group(1)
    status, _where = jonas.form(path, path, secret=words)
    assert status == 302
    jonas.form(path + "accept/", path, own_name="Jonas", thread="woad")
    jonas.sign_up("jonas")
    jonas.ask("GET", path + "finish/")
    today = where.replace("invite/", "")
    _status, _headers, page = jonas.ask("GET", today)
    moment = re.search(r"/b/[0-9a-f-]+/m/[0-9a-f-]+/", page).group(0)
    return ana, jonas, moment, today
