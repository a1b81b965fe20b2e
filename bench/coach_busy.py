"""Whether the web stays quick while the coach is busy: Today's time with and without members who press "How might this
land?" again and again, by turns on one server.

Run with `make bench-coach-busy`. Prints one table and writes bench/out/coach-busy.json. The aim: p99 at most 1.5 times.
"""

from __future__ import annotations

import argparse
import http.client
import os
import sys
import tempfile
import threading
import time
import urllib.parse
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "src")]

from bench.common import interval, machine, percentile, say, table, write  # noqa: E402
from tests.services import Server  # noqa: E402

WORDS = "I know you were tired, and I felt small when you left while I was still talking. Could we try again tonight? " * 3


class Line:
    """One browser's connection."""

    def __init__(self, server: Server, cookies: dict[str, str], token: str = "") -> None:
        self.server, self.token = server, token
        self.headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in cookies.items()), "X-Land": "1"}
        self.connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)

    def ask(self, method: str, path: str, **fields: str) -> tuple[int, str]:
        body = urllib.parse.urlencode({"csrfmiddlewaretoken": self.token, **fields}) if method == "POST" else None
        more = {"Content-Type": "application/x-www-form-urlencoded"} if body else {}
        self.connection.request(method, path, body=body, headers=self.headers | more)
        answer = self.connection.getresponse()
        return answer.status, answer.read().decode()


def members(data: Path, count: int) -> tuple[list[dict[str, str]], str]:
    """Sessions of as many pairs' first members, and the path of the first one's bond; all have chosen tips."""
    from bench.people import make_pair, set_up

    set_up(data)
    from closeknit import vault
    from closeknit.web.members.services import member_row_write
    from closeknit.web.moments import services as moments

    found, bond = [], ""
    for number in range(count):
        one, mate = make_pair("Ana", "Jonas", username=f"m{number}")
        for past in range(10):
            moment = moments.moment_open(one.bond(), {"text": f"What did you leave out on day {past}?"})
            for person in (one, mate):
                moments.answer_share(person.bond(), moment.id, "It was quiet in the kitchen. " * 8)
        member_row_write(one.keyring, one.member, vault.Place.COACH, {"use": "tips"})
        found.append({**one.cookies(), "bond": str(one.bond().id)})
        bond = bond or f"/b/{one.bond().id}/"
    return found, bond


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--pages", type=int, default=120, help="pages in a round")
    parser.add_argument("--pressing", type=int, default=12, help="members who press at once")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="closeknit-bench-") as folder:
        data = Path(folder) / "data"
        Server.start(data).stop()
        os.environ["CLOSEKNIT_DATA"] = str(data)
        people, path = members(data, options.pressing + 1)
        server = Server.start(data, coach="true")
        try:
            measure(server, people, path, options)
        finally:
            server.stop()


def measure(server: Server, people: list[dict[str, str]], path: str, options: argparse.Namespace) -> None:
    bonds = [one.pop("bond") for one in people]
    reader = Line(server, people[0])
    assert reader.ask("GET", path)[0] == 200
    pressing = [Line(server, {**one, "ck-csrf": "x" * 32}, "x" * 32) for one in people[1:]]
    busy, ends = threading.Event(), threading.Event()
    counts = {"answered": 0, "not now": 0}

    def press(line: Line, bond: str) -> None:
        while not ends.is_set():
            if not busy.wait(0.05):
                continue
            status, page = line.ask("POST", f"/b/{bond}/land/", text=WORDS, situation="prompt")
            assert status == 200, status
            counts["not now" if "Not now" in page else "answered"] += 1

    threads = [threading.Thread(target=press, args=pair) for pair in zip(pressing, bonds[1:], strict=True)]
    for one in threads:
        one.start()
    times: dict[bool, list[float]] = {False: [], True: []}
    try:
        for number in range(2 * options.rounds):
            with_coach = bool(number % 2)
            (busy.set if with_coach else busy.clear)()
            time.sleep(1.0)
            for _page in range(options.pages):
                since = time.perf_counter()
                assert reader.ask("GET", path)[0] == 200
                times[with_coach].append(1000 * (time.perf_counter() - since))
            say(f"round {number + 1} of {2 * options.rounds}")
    finally:
        ends.set()
        busy.set()
        for one in threads:
            one.join(30)
    rows, found = [], {}
    for name, share in (("p50", 0.5), ("p99", 0.99)):
        quiet, under = (percentile(times[one], share) for one in (False, True))
        found[name] = {"quiet ms": quiet, "busy ms": under, "ratio": under / quiet}
        rows.append([f"Today, {name}", f"{quiet:.1f}", f"{under:.1f}", f"×{under / quiet:.2f}"])
    found["quiet p50, 95 % range"] = interval(times[False])
    table(["page", "quiet, ms", "coach busy, ms", "ratio"], rows)
    table(["presses", "count"], [[name, str(count)] for name, count in counts.items()])
    write("coach-busy", {"machine": machine(), "pressing": options.pressing, "presses": counts, **found})


if __name__ == "__main__":
    main()
