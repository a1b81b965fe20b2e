"""A journal of 10, 1,000 and 10,000 entries: its newest month with the calendar, a day, writing, and searches.

Run with `make bench-journal`. Prints one table and writes bench/out/journal.json. COUNTS=10,1000 shortens it. One server, one
run, one machine: read the ratios to a plain signed-in page, not the milliseconds.
"""

from __future__ import annotations

import json
import os
import re
import sys
from datetime import timedelta
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "src")]

from bench.common import each_size, served, write  # noqa: E402

COUNTS = [int(n) for n in os.environ.get("COUNTS", "10,1000,10000").split(",")]
#: So many entries a day: ten years of three a day are 10,000.
A_DAY = 3
FEELINGS = ("sad", "tense", "calm", "glad")
#: Three hundred characters, as an entry is.
WORDS = "We sat by the window and said little, and it was enough for once. " * 4


def build(count: int):  # type: ignore[no-untyped-def]
    """A cast whose Ana keeps a journal of that many entries, the oldest of which alone says `hollyhock`."""
    from django.db import transaction

    from closeknit.web import clock
    from closeknit.web.bonds import private
    from tests.cast import Cast

    cast, now = Cast(), clock.now()

    def entry(number: int) -> tuple[None, dict[str, object]]:
        at = now - timedelta(hours=24 / A_DAY * (count - 1 - number))
        text = f"Evening {number}. {WORDS}" + ("The hollyhock." if not number else "")
        about = {"text": text, "kind": "journal", "at": at.isoformat(), "tags": ["Jonas" if number % 2 else "work"]}
        return None, {**about, "feelings": [FEELINGS[number % 4]], "prompt": ""}

    for start in range(0, count, 500):
        with transaction.atomic():
            some = (entry(number) for number in range(start, min(start + 500, count)))
            private.words_keep(cast.ana.member.pk, cast.ana.keyring, some)
    return cast


def one(count: int) -> dict[str, object]:
    """Measure one size in a process of its own."""
    from bench.web import queries, sign_in, timed
    from tests.http import Browser

    with served(lambda: build(count)) as (cast, server):
        browser = Browser(server)
        sign_in(browser, "ana")
        _status, _headers, page = browser.ask("GET", "/reflect/journal/")
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page).group(1)  # type: ignore[union-attr]
        day = re.search(r'href="(\?month=[\d-]+&amp;day=\d+)"', page).group(1).replace("&amp;", "&")  # type: ignore[union-attr]
        empty, _p99, _size = timed(server, browser.cookies, "/host-can-see/")
        found: dict[str, object] = {"entries": count, "empty_ms": round(empty, 1)}
        asked = {"newest month": "/reflect/journal/", "a day": f"/reflect/journal/{day}", "write": "/reflect/write/"}
        for name, path in asked.items():
            p50, p99, size = timed(server, browser.cookies, path)
            found[name] = {"ms": round(p50, 1), "p99_ms": round(p99, 1), "ratio": round(p50 / empty, 2), "bytes": size}
            found[name]["queries"] = queries(cast, path)  # type: ignore[index]
        searches = {"search, the oldest": "hollyhock", "search, in all": "window", "search, nothing": "zzz"}
        for name, words in searches.items():
            body = f"csrfmiddlewaretoken={token}&q={words}"
            p50, _p99, size = timed(server, browser.cookies, "/reflect/journal/", "POST", body)
            found[name] = {"ms": round(p50, 1), "ratio": round(p50 / empty, 2), "bytes": size}
        return found


def main() -> None:
    if len(sys.argv) > 1:
        print(json.dumps(one(int(sys.argv[1]))))
        return
    results = []
    for result in each_size(__file__, COUNTS):
        results.append(result)
        print(f"{result['entries']:>6} entries · empty page {result['empty_ms']} ms", flush=True)
        for name, row in result.items():
            if isinstance(row, dict):
                more = f"{row['queries']} queries" if "queries" in row else ""
                print(f"       {name:<20} {row['ms']:>8} ms  ×{row['ratio']:<6} {row['bytes']} bytes  {more}", flush=True)
    write("journal", results)


if __name__ == "__main__":
    main()
