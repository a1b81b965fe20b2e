"""Acknowledged writes a second, on SQLite and PostgreSQL, beside the same model without the vault in the same run.

A write is a member sharing an answer through the real service, answered only once the store has forced it to the disk; in
each moment one member answers, then the other, which opens it. The twin (bench/plain.py) makes the same transactions and
rows of the same bytes, in plain text; at the end both stores are counted, row by row and byte by byte, and a difference ends
the run. Blocks take turns, sealed and plain, and each pair of blocks gives one ratio: read those, not the figures.

Run with `make bench-store`. Prints one table and writes bench/out/store.json.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "src")]

from bench.common import interval, machine, percentile, say, table, write  # noqa: E402
from tests.services import Postgres  # noqa: E402

PROCESSES, THREADS = 4, 8
KINDS = ("sealed", "plain")
#: (name, processes, threads in each, whether each write opens its bond on a new connection first, as a request does)
CASES = (
    ("1 writer", 1, 1, False),
    ("1, as a request", 1, 1, True),
    ("8 threads", 1, 8, False),
    ("4 processes x 2", 4, 2, False),
)
LENGTHS = (40, 300, 1500)


# -- in a process of its own ------------------------------------------------------------------------------------------


class Writers:
    """The writers of one process: a pair of members for each thread."""

    def __init__(self, data: Path, url: str, kind: str, number: int) -> None:
        from bench.people import make_pair, set_up

        set_up(data, url)
        if kind == "plain":
            from bench.plain import without_vault

            without_vault()
        self.pairs = [make_pair(f"a{number}x{n}", f"b{number}x{n}") for n in range(THREADS)]
        self.ready: list[list[Any]] = [[] for _pair in self.pairs]

    def prepare(self, threads: int, count: int) -> dict[str, Any]:
        """Moments for `count` writes of each thread."""
        from closeknit.web.moments import services as moments

        for pair, ready in zip(self.pairs[:threads], self.ready, strict=False):
            opened = pair[0].bond()
            ready[:] = [moments.moment_open(opened, {"text": f"Prompt {n}?"}).id for n in range(count // 2)]
        return {}

    def write(self, threads: int, request: bool) -> dict[str, Any]:
        """Answer them all; when each thread began and ended, how long each write took, and the processor's time."""
        spans: list[tuple[int, int]] = []
        times: list[float] = []
        errors: list[BaseException] = []
        gate = threading.Barrier(threads)

        def work(index: int) -> None:
            try:
                mine = self._one(index, gate, request)
                times.extend(mine[1])
                spans.append(mine[0])
            except BaseException as error:
                errors.append(error)
                gate.abort()

        used = time.process_time()
        workers = [threading.Thread(target=work, args=(index,)) for index in range(threads)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        if errors:
            raise errors[0]
        begin, end = min(span[0] for span in spans), max(span[1] for span in spans)
        return {"begin": begin, "end": end, "times": times, "cpu_s": time.process_time() - used}

    def _one(self, index: int, gate: threading.Barrier, request: bool) -> tuple[tuple[int, int], list[float]]:
        from django.db import connections

        from closeknit.web.moments import services as moments

        pair, ids = self.pairs[index], self.ready[index]
        held = [person.bond() for person in pair]
        times = []
        gate.wait()
        begin = time.monotonic_ns()
        for number, moment in enumerate(ids):
            text = ("It was quiet in the kitchen. " * 60)[: LENGTHS[number % len(LENGTHS)]]
            for person, opened in zip(pair, held, strict=True):
                started = time.perf_counter()
                if request:
                    connections.close_all()
                    opened = person.bond()
                moments.answer_share(opened, moment, text)
                times.append((time.perf_counter() - started) * 1000)
        end = time.monotonic_ns()
        connections.close_all()
        return (begin, end), times

    def calls(self) -> dict[str, Any]:
        """What one write asks of libsodium: the mean of an answer and the one that opens the moment."""
        from bench.plain import count_calls

        self.prepare(1, 2)
        with count_calls() as counts:
            self._one(0, threading.Barrier(1), False)
        return {"calls": {name: count / 2 for name, count in counts.items()}}

    def weigh(self) -> dict[str, Any]:
        """Rows of each table, and bytes in its sealed bodies."""
        from django.apps import apps
        from django.db.models import Sum
        from django.db.models.functions import Length

        from closeknit.web.sealed.models import SealedRow

        found = {}
        for model in apps.get_models():
            if model.__module__.startswith("closeknit."):
                total = model.objects.aggregate(n=Sum(Length("body")))["n"] if issubclass(model, SealedRow) else 0
                found[model._meta.label] = [model.objects.count(), total or 0]
        return {"weighed": found}


def child(data: str, url: str, kind: str, number: str) -> None:
    """Takes one JSON command a line, answers each with one line."""
    writers = Writers(Path(data), url, kind, int(number))
    print("{}", flush=True)
    for line in sys.stdin:
        command = json.loads(line)
        print(json.dumps(getattr(writers, command.pop("do"))(**command)), flush=True)


# -- the measurement --------------------------------------------------------------------------------------------------


class Child:
    """One process of writers, seen from outside."""

    def __init__(self, data: Path, url: str, kind: str, number: int) -> None:
        command = [sys.executable, __file__, "child", str(data), url, kind, str(number)]
        environment = {k: v for k, v in os.environ.items() if not k.startswith("CLOSEKNIT_")}
        environment["PYTHONPATH"] = f"{ROOT}:{ROOT / 'src'}"
        self.process = subprocess.Popen(
            command, env=environment, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )

    def tell(self, do: str, **values: Any) -> None:
        assert self.process.stdin
        self.process.stdin.write(json.dumps({"do": do, **values}) + "\n")
        self.process.stdin.flush()

    def hear(self) -> dict[str, Any]:
        assert self.process.stdout
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError("a writer ended")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def close(self) -> None:
        assert self.process.stdin
        self.process.stdin.close()
        self.process.wait(20)


@contextmanager
def children(store: str) -> Iterator[dict[str, list[Child]]]:
    """The processes of both kinds, each kind with a store of its own: two files, or two databases of one server."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="closeknit-bench-")))
        server = Postgres.start(fsync="on") if store == "postgresql" else None
        if server is not None:
            stack.callback(server.stop)
        found: dict[str, list[Child]] = {kind: [] for kind in KINDS}
        for number in range(PROCESSES):
            for kind in KINDS:
                url = "" if server is None else (server.create(kind) if number == 0 else server.url(kind))
                one = Child(folder / kind, url, kind, number)
                stack.callback(one.close)
                one.hear()
                found[kind].append(one)
        yield found


def block(those: list[Child], threads: int, request: bool, count: int) -> dict[str, Any]:
    """One timed stretch of writes by some processes of one kind."""
    for step, values in (("prepare", {"count": count}), ("write", {"request": request})):
        for one in those:
            one.tell(step, threads=threads, **values)
        heard = [one.hear() for one in those]
    times = [taken for answer in heard for taken in answer["times"]]
    seconds = (max(answer["end"] for answer in heard) - min(answer["begin"] for answer in heard)) / 1e9
    cpu = sum(answer["cpu_s"] for answer in heard)
    return {"seconds": seconds, "writes": len(times), "cpu_ms": 1000 * cpu / len(times), "times": times}


def measure(all_of: dict[str, list[Child]], case: tuple[str, int, int, bool], rounds: int, count: int) -> dict[str, Any]:
    """One case: pairs of blocks, first one kind then the other, in turns."""
    name, processes, threads, request = case
    each = max(2, count // (processes * threads) // 2 * 2)
    blocks: dict[str, list[dict[str, Any]]] = {kind: [] for kind in KINDS}
    for number in range(rounds + 1):
        for kind in KINDS if number % 2 else KINDS[::-1]:
            blocks[kind].append(block(all_of[kind][:processes], threads, request, each))
    row: dict[str, Any] = {"case": name}
    for kind in KINDS:
        kept = blocks[kind] = blocks[kind][1:]  # the first warms up
        times = [taken for one in kept for taken in one["times"]]
        row[kind] = {
            "writes_a_second": round(statistics.median(one["writes"] / one["seconds"] for one in kept), 1),
            "p50_ms": round(percentile(times, 0.5), 2),
            "p99_ms": round(percentile(times, 0.99), 2),
            "cpu_ms": round(statistics.median(one["cpu_ms"] for one in kept), 2),
            "writes": len(times),
        }
    for figure in ("seconds", "cpu_ms"):
        ratios = [s[figure] / p[figure] for s, p in zip(*(blocks[kind] for kind in KINDS), strict=True)]
        row[f"{figure}_ratio"] = round(statistics.median(ratios), 3)
        row[f"{figure}_range"] = [round(end, 3) for end in interval(ratios)]
    return row


def same(all_of: dict[str, list[Child]]) -> dict[str, Any]:
    """What lies in both stores, which must be the same; and what each kind asks of libsodium."""
    weighed, calls = {}, {}
    for kind in KINDS:
        for step, into in (("calls", calls), ("weigh", weighed)):
            all_of[kind][0].tell(step)
            into[kind] = next(iter(all_of[kind][0].hear().values()))
    if weighed["sealed"] != weighed["plain"]:
        differ = {k: (v, weighed["plain"][k]) for k, v in weighed["sealed"].items() if v != weighed["plain"][k]}
        raise RuntimeError(f"the twin is none: {differ}")
    if any(calls["plain"].values()):
        raise RuntimeError(f"the twin uses the vault: {calls['plain']}")
    rows, size = (sum(column) for column in zip(*weighed["sealed"].values(), strict=True))
    return {"rows": rows, "bytes": size, "libsodium_calls_a_write": calls["sealed"]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--stores", nargs="+", default=["sqlite", "postgresql"], choices=["sqlite", "postgresql"])
    parser.add_argument("--rounds", type=int, default=9, help="pairs of blocks for each case")
    parser.add_argument("--count", type=int, default=240, help="writes in a block")
    wanted = parser.parse_args()
    result: dict[str, Any] = {"machine": machine(), "rounds": wanted.rounds, "count": wanted.count, "stores": {}}
    cells = []
    for store in wanted.stores:
        say(f"{store}: making members")
        with children(store) as all_of:
            rows = []
            for case in CASES:
                row = measure(all_of, case, wanted.rounds, wanted.count)
                rows.append(row)
                say(f"{store}, {row['case']}: sealed / plain {row['seconds_ratio']} {row['seconds_range']}")
                s, p = row["sealed"], row["plain"]
                low, high = row["seconds_range"]
                cells.append(
                    [
                        *(store, row["case"], s["writes_a_second"], p["writes_a_second"]),
                        *(f"{s['p50_ms']} / {s['p99_ms']}", f"{p['p50_ms']} / {p['p99_ms']}"),
                        *(row["seconds_ratio"], f"{low} to {high}", row["cpu_ms_ratio"]),
                    ]
                )
            result["stores"][store] = {"cases": rows, **same(all_of)}
    heads = ["store", "writers", "sealed /s", "plain /s", "sealed p50 / p99 ms", "plain p50 / p99 ms"]
    table([*heads, "time ratio", "95 %", "CPU ratio"], cells)
    result["load_after"] = round(os.getloadavg()[0], 1)
    write("store", result)


if __name__ == "__main__":
    if sys.argv[1:2] == ["child"]:
        child(*sys.argv[2:])
    else:
        main()
