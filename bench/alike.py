"""Whether time tells what a mate keeps to themselves: Today, a waiting moment and a question for a talk, as the other one
loads them.

In each of many bonds, with the same history and the same names, one member has answered and waits, and the mate does one
thing that is nobody's business: nothing at all, rests, lets it pass, writes a draft, says yes to an end, and so on. One
browser asks for all pages in an order that chance makes anew each round, over one connection, and compares the bytes too.
Where somebody asks for a talk, the mate does nothing, lays it aside or goes through the private check, which opens or not.
"nothing, again" is the same as "nothing" in bonds of its own: what differs there is noise.

Run with `make bench-alike`. Prints one table and writes bench/out/alike.json.
"""

from __future__ import annotations

import argparse
import http.client
import json
import random
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "src")]

from bench.common import machine, say, table, write  # noqa: E402
from tests.services import Postgres, Server  # noqa: E402

HISTORY = 12
DRAWS = 2000


# -- the bonds, made in a process of its own --------------------------------------------------------------------------


def make_people(data: str, url: str, bonds: int) -> None:
    """Bonds for each thing a mate may do, printed as JSON: which, the paths and the session of who waits."""
    from bench.people import make_pair, set_up

    set_up(Path(data), url)
    from closeknit.web.dialogues import gate, library
    from closeknit.web.dialogues import services as dialogues
    from closeknit.web.moments import services as moments
    from tests.alike import ACTS, ASKED

    acts, found = {"nothing": ACTS["nothing"], "nothing, again": ACTS["nothing"], **ACTS}, []
    asked = {"nothing": ASKED["nothing"], "nothing, again": ASKED["nothing"], **ASKED}
    for number in range(bonds):
        # One of each, then the next of each: none of them all lie together in the store.
        for cause in acts:
            one, mate = make_pair("Ana", "Jonas", username=f"{number}x{len(found)}")
            for past in range(HISTORY):
                moment = moments.moment_open(one.bond(), {"text": f"What did you leave out on day {past}?"})
                for person in (one, mate):
                    moments.answer_share(person.bond(), moment.id, "It was quiet in the kitchen. " * 8)
            moment = moments.moment_open(one.bond(), {"text": "What did you leave out today?"})
            moments.answer_share(one.bond(), moment.id, "It was quiet in the kitchen. " * 8)
            mate.cookies()
            acts[cause](mate, moment)
            base = f"/b/{moment.bond_id}/"
            pages = {"today": base, "moment": f"{base}m/{moment.id}/"}
            found.append({"cause": cause, "pages": pages, "cookies": one.cookies()})
        for cause, act in asked.items():
            one, mate = make_pair("Ana", "Jonas", username=f"{number}t{len(found)}")
            gate.write(one.bond(), passed=True)
            script, topic = library.the_scripts()["understood"], "the kitchen at night"
            row = dialogues.dialogue_ask(one.bond(), script, members=[mate.member.pk], topic=topic)
            mate.cookies()
            act(mate, row)
            base = f"/b/{row.bond_id}/"
            pages = {"talk": f"{base}talk/", "question": f"{base}d/{row.id}/"}
            found.append({"cause": cause, "pages": pages, "cookies": one.cookies()})
        say(f"{len(found)} bonds")
    print(json.dumps(found))


# -- the measurement --------------------------------------------------------------------------------------------------

_ITS_OWN = re.compile(
    r'[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|(?<=value=")[A-Za-z0-9]{64}(?=")|(?<=nonce=")[^"]+'
    r'|(?<=look-again=")\d+|(?<=/talk/start/)[0-9a-f]{16}|\d{13}'
)


def ask(line: http.client.HTTPConnection, path: str, cookies: dict[str, str]) -> tuple[float, bytes]:
    """(milliseconds, page)"""
    headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in cookies.items())}
    started = time.perf_counter()
    line.request("GET", path, headers=headers)
    answer = line.getresponse()
    page = answer.read()
    took = (time.perf_counter() - started) * 1000
    if answer.status != 200:
        raise RuntimeError(f"{path}: {answer.status}")
    return took, page


def bare(page: bytes) -> str:
    """A page without the tokens, nonces, ids and times that differ between any two."""
    text = re.sub(r"<span data-time.*?</span>", "", page.decode())
    return _ITS_OWN.sub("", text)


def measure(port: int, known: list[dict[str, Any]], rounds: int) -> dict[str, dict[str, list[list[float]]]]:
    """page: cause: for each of its bonds, the milliseconds. Raises RuntimeError if the pages of two causes differ."""
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    dice = random.Random(1)
    jobs = [(index, name) for index, one in enumerate(known) for name in one["pages"]]
    times: dict[tuple[int, str], list[float]] = {job: [] for job in jobs}
    like: dict[str, str] = {}
    for number in range(rounds + 3):
        dice.shuffle(jobs)
        for index, name in jobs:
            took, page = ask(line, known[index]["pages"][name], known[index]["cookies"])
            if number >= 3:
                times[index, name].append(took)
            elif number == 2 and (text := bare(page)) != like.setdefault(name, text):
                at = next(n for n, (a, b) in enumerate(zip(text, like[name], strict=False)) if a != b)
                here, there = (one[max(0, at - 60) : at + 60] for one in (text, like[name]))
                raise RuntimeError(f"{name} tells: {known[index]['cause']}: {here!r} instead of {there!r}")
        if number % 20 == 0:
            say(f"round {number} of {rounds}")
    line.close()
    found: dict[str, dict[str, list[list[float]]]] = {}
    for (index, name), taken in times.items():
        found.setdefault(name, {}).setdefault(known[index]["cause"], []).append(taken)
    return found


def middle(bonds: list[list[float]]) -> float:
    return statistics.median(took for one in bonds for took in one)


def compare(by_cause: dict[str, list[list[float]]]) -> dict[str, Any]:
    """Each cause's median and how far it lies from that of nothing; ranges by drawing bonds, then their requests."""
    dice = random.Random(1)

    def drawn(bonds: list[list[float]]) -> list[list[float]]:
        return [dice.choices(one, k=len(one)) for one in dice.choices(bonds, k=len(bonds))]

    result: dict[str, Any] = {"causes": {}}
    nothing = by_cause["nothing"]
    for cause, bonds in by_cause.items():
        spread = sorted(middle(drawn(bonds)) - middle(drawn(nothing)) for _draw in range(DRAWS))
        result["causes"][cause] = {
            "requests": sum(map(len, bonds)),
            "median_ms": round(middle(bonds), 3),
            "to_nothing_ms": round(middle(bonds) - middle(nothing), 3),
            "range_ms": [round(spread[int(DRAWS * share)], 3) for share in (0.025, 0.975)],
        }
    others = {cause: row for cause, row in result["causes"].items() if not cause.startswith("nothing")}
    most = max(others, key=lambda cause: abs(others[cause]["to_nothing_ms"]))
    result["largest"] = {"cause": most, **others[most]}
    # How large the largest would be if no cause made a difference: the same bonds, handed out to causes by chance.
    pool = [bond for bonds in by_cause.values() for bond in bonds]
    chance = []
    for _draw in range(DRAWS // 4):
        dice.shuffle(pool)
        size = len(nothing)
        groups = [middle(pool[start : start + size]) for start in range(0, len(pool), size)]
        chance.append(max(abs(one - groups[0]) for one in groups[1 : len(others) + 1]))
    result["largest_by_chance_ms"] = round(sorted(chance)[int(len(chance) * 0.95)], 3)
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--bonds", type=int, default=6, help="for each cause")
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--store", default="sqlite", choices=["sqlite", "postgresql"])
    wanted = parser.parse_args()
    result: dict[str, Any] = {"machine": machine(), "asked": vars(wanted), "pages": {}}
    with tempfile.TemporaryDirectory(prefix="closeknit-bench-") as name:
        data = Path(name) / "data"
        store = Postgres.start(fsync="on") if wanted.store == "postgresql" else None
        try:
            url = store.url("closeknit") if store else ""
            command = [sys.executable, __file__, "people", str(data), url, str(wanted.bonds)]
            made = subprocess.run(
                command, check=True, stdout=subprocess.PIPE, env=Server.environment(), cwd=ROOT, timeout=900
            )
            server = Server.start(data, **({"database_url": url} if url else {}))
            try:
                found = measure(server.port, json.loads(made.stdout), wanted.rounds)
            finally:
                server.stop()
        finally:
            if store:
                store.stop()
    cells = []
    for page, by_cause in found.items():
        row = result["pages"][page] = compare(by_cause)
        for cause, one in row["causes"].items():
            low, high = one["range_ms"]
            cells.append([page, cause, one["requests"], one["median_ms"], one["to_nothing_ms"], f"{low} to {high}"])
    table(["page", "the mate", "requests", "median ms", "to nothing, ms", "95 %"], cells)
    for page, row in result["pages"].items():
        most = row["largest"]
        low, high = most["range_ms"]
        print(
            f"{page}: the largest difference is {most['to_nothing_ms']} ms ({low} to {high}), {most['cause']};"
            f" by chance alone up to {row['largest_by_chance_ms']} ms"
        )
    write("alike", result)


if __name__ == "__main__":
    if sys.argv[1:2] == ["people"]:
        make_people(sys.argv[2], sys.argv[3], int(sys.argv[4]))
    else:
        main()
