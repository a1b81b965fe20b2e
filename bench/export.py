"""A copy of everything with 1,000 and 50,000 entries: seconds, bytes, and the server's memory while it is sent.

Run `python bench/export.py`. Prints one table and writes bench/out/export.json. COUNTS=1000 shortens it. One server, one
run, one machine: read how the figures grow, not the figures.
"""

from __future__ import annotations

import http.client
import io
import json
import os
import re
import sys
import threading
import time
import zipfile
from pathlib import Path
from urllib.parse import urlencode

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "src")]

from bench.common import each_size, served, write  # noqa: E402

COUNTS = [int(n) for n in os.environ.get("COUNTS", "1000,10000,50000").split(",")]


def memory(pid: int) -> float:
    """Resident megabytes of a process."""
    text = Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+)", text).group(1)) / 1024


class Watch:
    """The most and the last memory of a process, and how long its other pages took meanwhile."""

    def __init__(self, pid: int, port: int) -> None:
        self.pid, self.port, self.start = pid, port, memory(pid)
        self.most, self.waits, self._over = self.start, [], threading.Event()
        self._threads = [threading.Thread(target=one) for one in (self._watch, self._ask)]
        for thread in self._threads:
            thread.start()

    def _watch(self) -> None:
        while not self._over.wait(0.05):
            self.most = max(self.most, memory(self.pid))

    def _ask(self) -> None:
        while not self._over.wait(0.2):
            began = time.perf_counter()
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
            connection.request("GET", "/sign-in/")
            connection.getresponse().read()
            connection.close()
            self.waits.append(time.perf_counter() - began)

    def done(self) -> dict[str, float]:
        self._over.set()
        for thread in self._threads:
            thread.join()
        waits = sorted(self.waits) or [0.0]
        return {
            "before_mb": round(self.start),
            "most_mb": round(self.most),
            "after_mb": round(memory(self.pid)),
            "other_pages_ms": round(1000 * waits[len(waits) // 2]),
            "other_pages_worst_ms": round(1000 * waits[-1]),
        }


def ask(browser, path: str, body: bytes, kind: str) -> http.client.HTTPResponse:  # type: ignore[no-untyped-def]
    connection = http.client.HTTPConnection("127.0.0.1", browser.server.port, timeout=600)
    cookies = "; ".join(f"{k}={v}" for k, v in browser.cookies.items())
    connection.request("POST", path, body=body, headers={"Cookie": cookies, "Content-Type": kind})
    return connection.getresponse()


def token(browser, path: str) -> str:  # type: ignore[no-untyped-def]
    return re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', browser.ask("GET", path)[2]).group(1)


def export(browser, watch: Watch) -> tuple[bytes, dict[str, object]]:  # type: ignore[no-untyped-def]
    body = urlencode({"csrfmiddlewaretoken": token(browser, "/you/export/")}).encode()
    began = time.perf_counter()
    answer = ask(browser, "/you/export/", body, "application/x-www-form-urlencoded")
    assert answer.status == 200, answer.status
    parts = [answer.read(65536)]
    first = time.perf_counter() - began
    while part := answer.read(65536):
        parts.append(part)
    raw = b"".join(parts)
    seconds = time.perf_counter() - began
    sizes = {"seconds": round(seconds, 1), "first_byte_s": round(first, 2), "zip_mb": round(len(raw) / 1e6, 1)}
    return raw, {**sizes, **watch.done()}


def bring(browser, raw: bytes, pid: int) -> dict[str, object]:  # type: ignore[no-untyped-def]
    body = (
        b'--part\r\nContent-Disposition: form-data; name="csrfmiddlewaretoken"\r\n\r\n'
        + token(browser, "/you/import/").encode()
        + b'\r\n--part\r\nContent-Disposition: form-data; name="file"; filename="copy.zip"\r\n'
        b"Content-Type: application/zip\r\n\r\n" + raw + b"\r\n--part--\r\n"
    )
    watch, began = Watch(pid, browser.server.port), time.perf_counter()
    answer = ask(browser, "/you/import/", body, "multipart/form-data; boundary=part")
    assert answer.status == 302, (answer.status, answer.read()[-3000:])
    looked = time.perf_counter() - began
    body = urlencode({"csrfmiddlewaretoken": token(browser, "/you/import/"), "do": "bring"}).encode()
    began = time.perf_counter()
    answer = ask(browser, "/you/import/", body, "application/x-www-form-urlencoded")
    assert answer.status == 200 and b"It is here" in answer.read()
    return {"look_s": round(looked, 1), "bring_s": round(time.perf_counter() - began, 1), **watch.done()}


def one(entries: int) -> dict[str, object]:
    """Measure one size in a process of its own: half as many moments, answered by both."""
    from bench.web import build, sign_in
    from tests.http import PASSPHRASE, Browser

    with served(lambda: build(entries // 2)) as (_cast, server):
        people = {}
        for name in ("ana", "eve"):
            people[name] = Browser(server)
            sign_in(people[name], name)
            status, _where = people[name].form("/confirm/", "/confirm/", passphrase=PASSPHRASE)
            assert status == 302
        raw, taken = export(people["ana"], Watch(server.process.pid, server.port))
        archive = zipfile.ZipFile(io.BytesIO(raw))
        assert archive.testzip() is None
        taken["files"] = len(archive.namelist())
        result: dict[str, object] = {"entries": entries, "export": taken}
        # Only one's own words come: half of the entries.
        result["import"] = bring(people["eve"], raw, server.process.pid)
        return result


def main() -> None:
    if len(sys.argv) > 1:
        print(json.dumps(one(int(sys.argv[1]))))
        return
    results = []
    for result in each_size(__file__, COUNTS):
        results.append(result)
        print(json.dumps(result), flush=True)
    write("export", results)


if __name__ == "__main__":
    main()
