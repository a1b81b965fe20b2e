"""The same hostility against a real server: bursts, half requests, and streams that are not one's own."""

from __future__ import annotations

import re
import socket
import threading
import time
from collections.abc import Iterator

import pytest

from tests.http import Browser
from tests.services import Server

pytestmark = pytest.mark.live

BURST = 10_000
BURST_SECONDS = 15.0
CONNECTIONS = 5
PIPELINED = 50


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    one = Server.start(tmp_path_factory.mktemp("attack") / "data")
    yield one
    one.stop()


def raw(server: Server, request: bytes, seconds: float = 5.0) -> bytes:
    """What comes back for these bytes, read until the first answer's head is there."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=seconds) as line:
        line.sendall(request)
        found = b""
        while b"\r\n\r\n" not in found:
            try:
                more = line.recv(65536)
            except (TimeoutError, ConnectionResetError):
                break
            if not more:
                break
            found += more
        return found


class Flood(threading.Thread):
    """One hostile connection: asks for one page over and over, many requests at once in the line."""

    def __init__(self, server: Server, cookie: str, path: str, until: float, most: int) -> None:
        super().__init__(daemon=True)
        self.server, self.until, self.most, self.sent, self.errors = server, until, most, 0, 0
        self.request = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: {cookie}\r\n\r\n".encode() * PIPELINED

    def run(self) -> None:
        while self.sent < self.most and time.monotonic() < self.until:
            try:
                with socket.create_connection(("127.0.0.1", self.server.port), timeout=20) as line:
                    while self.sent < self.most and time.monotonic() < self.until:
                        line.sendall(self.request)
                        self.sent += PIPELINED
                        answered, rest = 0, b""
                        while answered < PIPELINED:
                            more = line.recv(1 << 20)
                            if not more:
                                raise ConnectionError
                            rest += more
                            answered += rest.count(b"HTTP/1.1 ")
                            self.errors += rest.count(b"HTTP/1.1 5")
                            rest = rest[-8:] if b"HTTP/1.1 " not in rest[-9:] else b""
            except OSError:
                continue


def test_a_burst_leaves_the_others_their_pages(server: Server) -> None:
    """Ten thousand requests to one page, as many as fit into fifteen seconds; meanwhile another member reads."""
    eve, ana = Browser(server), Browser(server)
    eve.sign_up("eve-burst")
    ana.sign_up("ana-burst")
    cookie = "; ".join(f"{name}={value}" for name, value in eve.cookies.items())
    until = time.monotonic() + BURST_SECONDS
    each = BURST // CONNECTIONS
    # One line is signed in, which costs the server most; the others are strangers.
    floods = [Flood(server, cookie if not one else "", "/start/x/", until, each) for one in range(CONNECTIONS)]
    for one in floods:
        one.start()
    waits = []
    while any(one.is_alive() for one in floods):
        started = time.monotonic()
        assert ana.ask("GET", "/you/")[0] == 200
        waits.append(time.monotonic() - started)
        time.sleep(0.1)
    sent = sum(one.sent for one in floods)
    waits.sort()
    middle, slowest = waits[len(waits) // 2], waits[-1]
    print(f"\nburst: {sent} requests; another's page meanwhile: median {middle:.2f} s, slowest {slowest:.2f} s")
    assert not any(one.errors for one in floods)
    # A slow machine answers fewer; what counts is that the other's pages come.
    assert sent >= BURST // 10 and slowest < 8
    assert ana.ask("GET", "/you/")[0] == 200


LIVE = {
    "no cookie": ("GET", "", {}),
    "a session that is none": ("GET", "ck-session=" + "x" * 32, {}),
    "a session with NUL": ("GET", 'ck-session="\\000aaaaaaaaaaaaaaa"', {}),
    "a session too long": ("GET", "ck-session=" + "a" * 8000, {}),
    "the key alone": ("GET", "KEY", {}),
    "another origin": ("GET", "ALL", {"Origin": "https://evil.example"}),
    "the null origin": ("GET", "ALL", {"Origin": "null"}),
    "an origin that ends like ours": ("GET", "ALL", {"Origin": "https://evil.example/127.0.0.1"}),
    "another host": ("GET", "ALL", {"Host": "evil.example"}),
    "another host with our port": ("GET", "ALL", {"Host": "127.0.0.1.evil.example"}),
    "a cross-site fetch": ("GET", "ALL", {"Sec-Fetch-Site": "cross-site"}),
    "a fetch from the same site": ("GET", "ALL", {"Sec-Fetch-Site": "same-site"}),
    "POST": ("POST", "ALL", {"Content-Length": "0"}),
    "DELETE": ("DELETE", "ALL", {}),
}


def test_streams_that_are_not_ones_own(server: Server) -> None:
    ana = Browser(server)
    ana.sign_up("ana-live")
    cookie = "; ".join(f"{name}={value}" for name, value in ana.cookies.items())
    given = {"ALL": cookie, "KEY": f"ck-key={ana.cookies['ck-key']}"}
    opened = []
    for said, (method, cookies, headers) in LIVE.items():
        sent = {"Host": "127.0.0.1", "Cookie": given.get(cookies, cookies), **headers}
        lines = "".join(f"{name}: {value}\r\n" for name, value in sent.items() if value)
        answer = raw(server, f"{method} /live/ HTTP/1.1\r\n{lines}Connection: close\r\n\r\n".encode())
        if not re.match(rb"HTTP/1\.1 4\d\d", answer):
            opened.append(f"{said}: {answer[:40]!r}")
    assert not opened, "\n".join(opened)
    good = raw(server, f"GET /live/ HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: {cookie}\r\n\r\n".encode())
    assert good.startswith(b"HTTP/1.1 200"), good[:200]


SMUGGLED = {
    "two lengths": b"POST /sign-in/ HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 5\r\nContent-Length: 50\r\n\r\nlogin",
    "a length and chunks": (
        b"POST /sign-in/ HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"0\r\n\r\nGET /you/ HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
    ),
    "a negative length": b"POST /sign-in/ HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: -1\r\n\r\n",
    "NUL in a header": b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: a=\0b\r\n\r\n",
    "a line without an end": b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
    "two hosts": b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nHost: evil.example\r\n\r\n",
    "an address in full": b"GET http://evil.example/ HTTP/1.1\r\nHost: evil.example\r\n\r\n",
    "CONNECT": b"CONNECT evil.example:443 HTTP/1.1\r\nHost: evil.example\r\n\r\n",
    "a bad length": b"POST /sign-in/ HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 5x\r\n\r\nlogin",
    "a session with NUL": b'GET /you/ HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: ck-session="\\000aaaaaaaaaaa"\r\n\r\n',
}


@pytest.mark.parametrize("said", SMUGGLED)
def test_requests_that_are_none(server: Server, said: str) -> None:
    """A 4xx, an ordinary page, or a closed line: never an error of ours, never another site's name."""
    answer = raw(server, SMUGGLED[said], seconds=3)
    assert b"evil.example" not in answer and not re.match(rb"HTTP/1\.1 5", answer), answer[:300]
    assert Browser(server).ask("GET", "/care/")[0] == 200
