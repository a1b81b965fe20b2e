"""Today, reveal and history of a bond with 10, 1,000 and 10,000 moments, as ratios to an empty signed-in page.

Run with `make bench`. Prints one table and writes bench/out/web.json. One server, one run, one machine: read the
ratios, not the milliseconds. COUNTS=10,1000 shortens it.
"""

from __future__ import annotations

import http.client
import json
import os
import re
import statistics
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "src")]

from bench.common import each_size, served, write  # noqa: E402

COUNTS = [int(n) for n in os.environ.get("COUNTS", "10,1000,10000").split(",")]
ROUNDS = 60


def build(count: int) -> tuple[object, str]:
    """(a cast, the path of its bond) with that many moments, answered by both and spread over the years."""
    from datetime import timedelta

    from django.db import transaction

    from closeknit.web import clock
    from closeknit.web.moments import services as moments
    from closeknit.web.moments.models import Moment
    from tests.cast import Cast

    cast = Cast()
    ana, jonas = cast.ana.bond(cast.pair), cast.jonas.bond(cast.pair)
    now = clock.now()
    for start in range(0, count, 200):
        with transaction.atomic():
            for number in range(start, min(start + 200, count)):
                card = {"text": f"Prompt {number}?", "level": 1 + number % 5, "component": "trust"}
                moment = moments.moment_open(ana, card)
                moments.answer_share(ana, moment.id, f"What I wrote on evening {number}, at the table.")
                moments.answer_share(jonas, moment.id, f"And what came back on evening {number}.")
                opened = now - timedelta(hours=6 * (count - number))
                Moment.objects.filter(pk=moment.id).update(opened_at=opened, revealed_at=opened)
        print(f"  {min(start + 200, count)} of {count}", end="\r", flush=True)
    return cast, f"/b/{cast.pair}/"


def sign_in(browser, name: str) -> None:  # type: ignore[no-untyped-def]
    from tests.http import PASSPHRASE

    status, where = browser.form("/sign-in/", "/sign-in/", login=name, password=PASSPHRASE)
    assert status == 302, where


def timed(server, cookies: dict[str, str], path: str, method: str = "GET", body: str = "") -> tuple[float, float, int]:  # type: ignore[no-untyped-def]
    """(p50 ms, p99 ms, bytes) over ROUNDS requests on one connection."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    headers = {"Cookie": "; ".join(f"{k}={v}" for k, v in cookies.items())}
    if body:
        headers["Content-Type"] = "application/x-www-form-urlencoded"
    times, size = [], 0
    rounds = ROUNDS if method == "GET" else 5
    for number in range(rounds + 3):
        started = time.perf_counter()
        connection.request(method, path, body=body or None, headers=headers)
        answer = connection.getresponse()
        size = len(answer.read())
        assert answer.status == 200, (path, answer.status)
        if number >= 3:
            times.append((time.perf_counter() - started) * 1000)
    connection.close()
    times.sort()
    return statistics.median(times), times[min(len(times) - 1, round(len(times) * 0.99))], size


def queries(cast, path: str) -> int:  # type: ignore[no-untyped-def]
    from django.conf import settings
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    if "testserver" not in settings.ALLOWED_HOSTS:
        settings.ALLOWED_HOSTS.append("testserver")
    cast.ana.client.get(path)
    with CaptureQueriesContext(connection) as captured:
        cast.ana.client.get(path)
    return len(captured)


def one(count: int) -> dict[str, object]:
    """Measure one size in a process of its own."""
    from tests.http import Browser

    with served(lambda: build(count)) as ((cast, base), server):
        browser = Browser(server)
        sign_in(browser, "ana")
        _status, _headers, page = browser.ask("GET", base + "thread/")
        moment = re.search(base + r"m/[0-9a-f-]+/", page).group(0)
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page).group(1)
        empty = timed(server, browser.cookies, "/host-can-see/")
        rows = {}
        for name, path in (("today", base), ("reveal", moment), ("history", base + "thread/")):
            p50, p99, size = timed(server, browser.cookies, path)
            rows[name] = {
                "p50_ratio": round(p50 / empty[0], 2),
                "p99_ratio": round(p99 / empty[1], 2),
                "queries": queries(cast, path),
                "bytes": size,
                "p50_ms": round(p50, 1),
            }
        body = f"csrfmiddlewaretoken={token}&words=evening"
        found = timed(server, browser.cookies, base + "thread/search/", "POST", body)
        return {
            "moments": count,
            "entries": 2 * count,
            "empty_ms": round(empty[0], 1),
            "pages": rows,
            "search_s": round(found[0] / 1000, 2),
        }


def weights() -> dict[str, int]:
    """Compressed bytes that a first visit loads besides the page: style, scripts, icon; and fonts apart."""
    import gzip

    folder = ROOT / "src" / "closeknit" / "web" / "static" / "closeknit"
    pressed = {p.name: len(gzip.compress(p.read_bytes(), 9)) for p in folder.iterdir() if p.is_file()}
    return {
        "style": pressed["look.css"],
        "script": sum(size for name, size in pressed.items() if name.endswith(".js")),
        "icon": pressed["icon.svg"],
        "fonts": sum(p.stat().st_size for p in (folder / "fonts").glob("*latin-wght*.woff2")),
    }


def main() -> None:
    if len(sys.argv) > 1:
        print(json.dumps(one(int(sys.argv[1]))))
        return
    results = []
    for result in each_size(__file__, COUNTS):
        results.append(result)
        print_row(result)
    weight = weights()
    print("compressed bytes of a first visit besides the page:", weight)
    write("web", {"results": results, "weights": weight})


def print_row(result: dict[str, object]) -> None:
    print(f"{result['moments']:>6} moments · empty page {result['empty_ms']} ms · search {result['search_s']} s", flush=True)
    for name, row in result["pages"].items():  # type: ignore[attr-defined]
        ratios = f"p50 ×{row['p50_ratio']:<5} p99 ×{row['p99_ratio']:<5}"
        print(f"       {name:<8} {ratios} {row['queries']} queries  {row['bytes']} bytes", flush=True)


if __name__ == "__main__":
    main()
