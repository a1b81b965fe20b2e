"""What the measurements share: a line of progress, percentiles, memory of a process, one table, one JSON file."""

from __future__ import annotations

import json
import os
import platform
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
OUT = ROOT / "bench" / "out"


def say(text: str) -> None:
    """Progress, apart from the table, so that the table can be piped on."""
    print(f"  {text}", file=sys.stderr, flush=True)


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which `share` (0 to 1) of `values` lie; 0.0 of none."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else 0.0


def slope(points: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """(slope, half its 95 % range) of the straight line nearest to (x, y) points, taking each as independent."""
    count = len(points)
    middle_x, middle_y = (sum(axis) / count for axis in zip(*points, strict=True))
    spread = sum((x - middle_x) ** 2 for x, _y in points)
    rise = sum((x - middle_x) * (y - middle_y) for x, y in points) / spread
    left = sum((y - middle_y - rise * (x - middle_x)) ** 2 for x, y in points)
    return rise, 1.96 * (left / max(count - 2, 1) / spread) ** 0.5


def interval(values: Sequence[float], of: Callable[[Sequence[float]], float] = median) -> tuple[float, float]:
    """The 95 % range of a figure of `values` (their median), by drawing from them again and again (bootstrap)."""
    dice = random.Random(1)
    drawn = sorted(of(dice.choices(values, k=len(values))) for _time in range(2000))
    return drawn[49], drawn[1949]


def tree(pid: int) -> list[int]:
    """A process and all that it started."""
    found = [pid]
    for one in found:
        try:
            threads = list(Path(f"/proc/{one}/task").iterdir())
            found += [int(child) for thread in threads for child in (thread / "children").read_text().split()]
        except OSError:
            continue
    return found


def memory_kib(pid: int) -> int:
    """Resident memory of a process and all that it started, in KiB."""
    total = 0
    for one in tree(pid):
        try:
            lines = Path(f"/proc/{one}/status").read_text().splitlines()
        except OSError:
            continue
        total += sum(int(line.split()[1]) for line in lines if line.startswith("VmRSS:"))
    return total


def cpu_seconds(pid: int) -> float:
    """Processor time that a process and all that it started have used."""
    ticks = 0
    for one in tree(pid):
        try:
            fields = Path(f"/proc/{one}/stat").read_text().rsplit(") ", 1)[1].split()
        except OSError:
            continue
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def machine() -> dict[str, Any]:
    """On what, and how busy it was with other things."""
    return {
        "day": time.strftime("%Y-%m-%d"),
        "cores": len(os.sched_getaffinity(0)),
        "python": platform.python_version(),
        "load_before": round(os.getloadavg()[0], 1),
    }


def table(heads: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print one table, first column to the left, the others to the right."""
    cells = [list(heads), *[[("-" if cell is None else str(cell)) for cell in row] for row in rows]]
    widths = [max(len(row[column]) for row in cells) for column in range(len(heads))]
    for row in cells:
        first, *rest = (cell.rjust(width) for cell, width in zip(row, widths, strict=True))
        print("  ".join([first.strip().ljust(widths[0]), *rest]), flush=True)


@contextmanager
def served(build: Callable[[], Any]) -> Iterator[tuple[Any, Any]]:
    """(what `build` made in a new data folder, a server on that folder). Once a process, which belongs to it from then on."""
    from tests.services import Server

    with tempfile.TemporaryDirectory(prefix="closeknit-bench-") as folder:
        data = Path(folder) / "data"
        Server.start(data).stop()
        os.environ.update(CLOSEKNIT_DATA=str(data), DJANGO_SETTINGS_MODULE="closeknit.web.settings")
        import django

        django.setup()
        built = build()
        server = Server.start(data)
        try:
            yield built, server
        finally:
            server.stop()


def each_size(script: str, counts: Sequence[int]) -> Iterator[dict[str, Any]]:
    """What `script COUNT` prints last, as JSON, for each count, in a process of its own. Ends with its error if one fails."""
    for count in counts:
        done = subprocess.run([sys.executable, script, str(count)], capture_output=True, text=True, check=False)
        if done.returncode:
            sys.exit(done.stderr[-2000:])
        # Progress before it ends its lines with a return of the carriage.
        yield json.loads(done.stdout.splitlines()[-1].split("\r")[-1])


def write(name: str, result: Any) -> None:
    """bench/out/<name>.json"""
    OUT.mkdir(exist_ok=True)
    (OUT / f"{name}.json").write_text(json.dumps(result, indent=1) + "\n")
