"""Pokes between real server processes: one alone, and two with Redis; cut lines, duplicates, wrong order, restarts."""

from __future__ import annotations

import re
import socket
import time

import pytest

from tests.http import Browser
from tests.live.stream import Stream
from tests.services import Redis, Server

pytestmark = [
    pytest.mark.live,
    # Lines that are cut on purpose leave sockets for the collector to close.
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


def test_a_poke_crosses_and_says_nothing(pair):
    ana, jonas, moment, _today = pair
    stream = Stream(jonas)
    stream.wait("hello")
    ana.form(moment + "draft/", moment, text="drafts poke nobody")
    ana.form(moment + "share/", moment, text="the words themselves")
    poke = stream.wait("^moment:")
    assert re.fullmatch(r"moment:[0-9a-f-]{36} v\d+", poke)
    assert not any("words" in line for line in stream.lines)
    assert all(re.fullmatch(r"hello|resync v\d+|(moment|bond):[0-9a-f-]{36} v\d+", line) for line in stream.lines)
    assert sum(line.startswith("moment:") for line in stream.lines) == 1
    stream.close()


def test_an_untold_answer_pokes_nobody(pair):
    ana, jonas, moment, _today = pair
    stream = Stream(jonas)
    stream.wait("hello")
    before = len(stream.lines)
    ana.form(moment + "share/", moment, text="kept to myself", hush="on")
    time.sleep(1.0)
    assert [line for line in stream.lines[before:] if not line.startswith("resync")] == []
    jonas.form(moment + "share/", moment, text="mine")
    other = Stream(ana)
    other.wait("hello")
    stream.close()
    other.close()


def test_a_cut_line_and_a_restart_leave_the_page_right(pair, servers):
    ana, jonas, moment, _today = pair
    stream = Stream(jonas)
    stream.wait("hello")
    stream.close()
    ana.form(moment + "share/", moment, text="while the line was cut")
    again = Stream(jonas)
    again.wait("hello")  # on hello a page fetches, whatever it missed
    _status, _headers, page = jonas.ask("GET", moment)
    assert "has written something" in page
    second = servers[1]
    data = second.log.parent / ("data" if servers[2] is None else "two")
    second.process.terminate()
    again.wait("bye")
    second.process.wait(12)
    restarted = Server.start(data, port=second.port, **second.settings)
    second.process = restarted.process
    fresh = Stream(jonas)
    fresh.wait("hello")
    assert jonas.ask("GET", moment)[0] == 200
    fresh.close()


def test_the_broker_may_go_and_come_back(pair, servers):
    ana, jonas, moment, _today = pair
    redis = servers[2]
    if redis is None:
        stranger = Browser(servers[0])
        assert Stream(stranger).status == 404
        return
    stream = Stream(jonas)
    stream.wait("hello")
    redis.stop()
    status, _where = ana.form(moment + "share/", moment, text="written while the broker was away")
    assert status == 302
    back = Redis.start(redis.port)
    redis.process = back.process
    stream.wait("resync", seconds=15)
    assert "has written something" in jonas.ask("GET", moment)[2]
    stream.close()


def test_locking_ends_the_stream(pair):
    _ana, jonas, _moment, _today = pair
    stream = Stream(jonas)
    stream.wait("hello")
    jonas.form("/lock/", "/you/")
    stream.wait("bye")
    assert Stream(jonas).status == 404


def test_fifty_half_sent_bodies_do_not_stop_the_pages(tmp_path):
    server = Server.start(tmp_path / "data")
    held = []
    try:
        for _one in range(50):
            half = socket.create_connection(("127.0.0.1", server.port))
            half.sendall(b"POST /sign-in/ HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 5000\r\n\r\nlogin=")
            held.append(half)
        browser = Browser(server)
        assert all(browser.ask("GET", "/care/")[0] == 200 for _try in range(5))
        status, _headers, page = browser.ask("POST", "/sign-in/", "x" * (1024 * 1024 + 1))
        assert status == 413 and "still in the page" in page
    finally:
        for half in held:
            half.close()
        server.stop()


def test_the_first_start_says_where_it_is_and_nothing_else(tmp_path):
    server = Server.start(tmp_path / "data")
    server.stop()
    assert server.log.read_text().strip() == f"Closeknit is at {server.url}/"


def test_a_second_start_is_quick_and_the_key_is_private(tmp_path):
    data = tmp_path / "data"
    Server.start(data).stop()
    server = Server.start(data)
    assert (data / "secret_key").stat().st_mode & 0o077 == 0
    assert "Closeknit is at http://127.0.0.1" in server.log.read_text()
    server.stop()


def test_logs_hold_no_path_no_name_no_word(pair, servers):
    ana, _jonas, moment, _today = pair
    ana.ask("GET", "/care/")
    ana.ask("GET", moment + "nothing/?secret=kumquat")
    ana.form(moment + "share/", moment, text="kumquat")
    for server in servers[:2]:
        log = server.log.read_text()
        assert "kumquat" not in log and "/care" not in log and "ana" not in log.replace("Closeknit", "")
