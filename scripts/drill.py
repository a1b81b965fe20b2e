"""`make drill`: kill the running program with SIGKILL again and again, on both stores, and count what is missing.

Prints progress and one table; writes bench/out/drill-STORE.json. KILLS=20 shortens it; SEED= repeats one. Talks to this
machine only and ends only what it started.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "src")]

from tests.crash.drill import Drill, Result  # noqa: E402

KILLS = int(os.environ.get("KILLS", "200"))
SEED = int(os.environ.get("SEED", "0")) or int.from_bytes(os.urandom(3), "big")
OUT = ROOT / "bench" / "out"
STORES = os.environ.get("STORES", "sqlite,postgresql").split(",")


HEAD = "store        kills  acknowledged   found   half made  uncertain  seconds"


def line(result: Result) -> str:
    written = sum(result.acknowledged.values())
    return (
        f"{result.store:<11} {result.kills:>6} {written:>13} {result.found:>7} {len(result.half_made):>11}"
        f" {sum(result.uncertain.values()):>10} {result.seconds:>8.0f}"
    )


shown: set[str] = set()


def progress(result: Result) -> None:
    for problem in [*result.lost, *result.half_made]:
        if problem not in shown:
            shown.add(problem)
            print(f"  {problem}", flush=True)
    if result.kills % 10 == 0 or result.kills >= KILLS:
        print(line(result), flush=True)


def main() -> None:
    OUT.mkdir(parents=True, exist_ok=True)
    print(f"seed {SEED}; {KILLS} kills for each store\n{HEAD}", flush=True)
    results = []
    for store in STORES:
        result = Drill(store, KILLS, seed=SEED, progress=progress).run()
        (OUT / f"drill-{store}.json").write_text(json.dumps({**vars(result), "found": result.found}, indent=1))
        results.append(result)
    print(f"\n{HEAD}")
    for result in results:
        print(line(result))
    sys.exit(1 if any(one.lost or one.half_made for one in results) else 0)


if __name__ == "__main__":
    main()
