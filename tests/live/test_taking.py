"""A copy through a real server: sent in pieces, brought back whole, with a limit for each body."""

from __future__ import annotations

import http.client
import io
import re
import socket
import time
import zipfile
from urllib.parse import urlencode

import pytest

from tests.http import PASSPHRASE, Browser
from tests.services import Server

pytestmark = [
    pytest.mark.live,
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


@pytest.fixture
def ana(tmp_path):
    server = Server.start(tmp_path / "data")
    browser = Browser(server)
    browser.sign_up("ana")
    fields = {"kind": "friends", "name": "Us", "own_name": "Ana", "thread": "madder", "leave_rule": "leave"}
    status, where = browser.form("/bonds/new/", "/bonds/new/", **fields)
    assert status == 302, where
    _status, _headers, page = browser.ask("GET", where.replace("invite/", ""))
    share = re.search(r'action="(/b/[^"]+/share/)"', page).group(1)
    assert browser.form(share, share.replace("share/", ""), text="a heron on the roof")[0] == 302
    assert browser.form("/confirm/", "/confirm/", passphrase=PASSPHRASE)[0] == 302
    yield browser
    server.stop()


def token(browser: Browser, path: str) -> str:
    status, headers, page = browser.ask("GET", path)
    assert status == 200, (status, headers, page)
    return re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page).group(1)


def ask(browser: Browser, path: str, body: bytes, kind: str) -> http.client.HTTPResponse:
    connection = http.client.HTTPConnection("127.0.0.1", browser.server.port, timeout=60)
    cookies = "; ".join(f"{k}={v}" for k, v in browser.cookies.items())
    connection.request("POST", path, body=body, headers={"Cookie": cookies, "Content-Type": kind})
    return connection.getresponse()


def download(browser: Browser) -> http.client.HTTPResponse:
    body = urlencode({"csrfmiddlewaretoken": token(browser, "/you/export/")}).encode()
    return ask(browser, "/you/export/", body, "application/x-www-form-urlencoded")


def upload(browser: Browser, content: bytes) -> http.client.HTTPResponse:
    fields = (
        b'--part\r\nContent-Disposition: form-data; name="csrfmiddlewaretoken"\r\n\r\n'
        + token(browser, "/you/import/").encode()
        + b'\r\n--part\r\nContent-Disposition: form-data; name="file"; filename="copy.zip"\r\n'
        b"Content-Type: application/zip\r\n\r\n"
    )
    return ask(browser, "/you/import/", fields + content + b"\r\n--part--\r\n", "multipart/form-data; boundary=part")


def test_out_and_in_again(ana, tmp_path):
    answer = download(ana)
    assert answer.status == 200 and answer.getheader("Transfer-Encoding") == "chunked"
    assert answer.getheader("Cache-Control") == "no-store" and answer.getheader("X-Accel-Buffering") == "no"
    raw = answer.read()
    archive = zipfile.ZipFile(io.BytesIO(raw))
    assert archive.testzip() is None and "heron" in archive.read("data/words-0001.json").decode()
    large = io.BytesIO(raw)
    with zipfile.ZipFile(large, "a", zipfile.ZIP_STORED) as more:
        more.writestr("pages/large.html", b"x" * (20 * 1024 * 1024))
    assert upload(ana, large.getvalue()).status == 302
    page = ana.ask("GET", "/you/import/")[2]
    assert "Nothing that is not here already" in page
    assert upload(ana, b"x" * (65 * 1024 * 1024)).status == 413
    assert ask(ana, "/you/export/", b"x" * (2 * 1024 * 1024), "text/plain").status == 413
    log = next(tmp_path.glob("server-*.log")).read_text()
    assert "heron" not in log and "Traceback" not in log


def test_whoever_goes_away_in_the_middle_gives_the_place_back(ana):
    for _again in range(6):
        body = urlencode({"csrfmiddlewaretoken": token(ana, "/you/export/")}).encode()
        cookies = "; ".join(f"{k}={v}" for k, v in ana.cookies.items())
        gone = socket.create_connection(("127.0.0.1", ana.server.port))
        head = (
            f"POST /you/export/ HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: {cookies}\r\nContent-Length: {len(body)}\r\n"
            "Content-Type: application/x-www-form-urlencoded\r\n\r\n"
        )
        gone.sendall(head.encode() + body)
        gone.close()
    for _try in range(50):
        answer = download(ana)
        if answer.status == 200:
            break
        time.sleep(0.1)
    assert answer.status == 200 and zipfile.ZipFile(io.BytesIO(answer.read())).testzip() is None
