"""How good the packaged coach is, and how quick: on the own corpus' test part, on plain messages in which nothing hurts, and
beside six encoders of the shape of the published EPITOME model.

Nothing is tuned here. The scores on public sets were taken when the model was made, on what it never saw, and lie in its
manifest; their texts are not in this repository.

Run with `make bench-coach`. Prints one table and writes bench/out/coach.json and bench/out/coach-calibration.svg. The six
encoders need the training extra; without it their lines are left out, and say so.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "src")]

from bench.common import OUT, machine, percentile, say, table, write  # noqa: E402
from closeknit.coach import corpus  # noqa: E402
from closeknit.coach.heads import OWN  # noqa: E402
from closeknit.coach.labels import HURT, Label, Risk  # noqa: E402
from closeknit.coach.reader import PACKAGED, Reader  # noqa: E402
from closeknit.coach.reading import Reading  # noqa: E402
from closeknit.coach.training import judge  # noqa: E402

#: Fifty words, as members write them, and what they answer.
FIFTY = (
    "I know you were tired on Friday, and I should have said it then, not three days later by text. When you left the table "
    "while I was still talking I felt small, as if what I had to say could wait for ever. Could we try again tonight, after "
    "the washing up?"
)
ANSWERED = "You have been odd with me since the weekend. What is it?"
TIMES = 200


def _wanted(messages: Sequence[corpus.Message], name: Label | Risk) -> judge.Numbers:
    return np.array([float(one.decided.holds(name)) for one in messages])


def _said(readings: Sequence[Reading], name: Label | Risk) -> judge.Numbers:
    return np.array([float(one.holds(name)) for one in readings])


def _macro(messages: Sequence[corpus.Message], readings: Sequence[Reading]) -> float:
    """Macro-F1 over the labels of which these messages have any."""
    names = [name for name in OWN if _wanted(messages, name).sum()]
    return float(np.mean([judge.f1(_wanted(messages, name), _said(readings, name)) for name in names]))


def _length(words: int) -> str:
    return "1 to 8 words" if words <= 8 else "9 to 29 words" if words < 30 else "30 to 80 words"


def quality(reader: Reader) -> dict[str, Any]:
    """Scores on the test part, for each label and by length, register and bond kind."""
    messages = corpus.load(ROOT / "corpus" / "en" / "test.jsonl")
    readings = reader.read_all([(one.text, one.reply_to) for one in messages])
    found: dict[str, Any] = {"messages": len(messages), "macro-F1": _macro(messages, readings), "labels": {}}
    for name in (*Label, *Risk):
        wanted, said = _wanted(messages, name), _said(readings, name)
        p = np.array([one.p.get(name, np.nan) for one in readings])
        found["labels"][str(name)] = {
            "positives": int(wanted.sum()),
            "F1": judge.f1(wanted, said),
            "precision": judge.precision(wanted, said),
            "calibration error": None if np.isnan(p).any() else judge.calibration_error(wanted, p),
        }
    hurt = [_wanted(messages, name) for name in HURT], [_said(readings, name) for name in HURT]
    found["hurt precision, together"] = judge.precision(np.concatenate(hurt[0]), np.concatenate(hurt[1]))
    found["by"] = {}
    cuts: dict[str, Callable[[corpus.Message], str]] = {
        "length": lambda one: _length(len(one.text.split())),
        "register": lambda one: one.register,
        "kind": lambda one: one.kind,
    }
    for cut, of in cuts.items():
        for value in sorted({of(one) for one in messages}):
            chosen = [at for at, one in enumerate(messages) if of(one) == value]
            part = [messages[at] for at in chosen], [readings[at] for at in chosen]
            found["by"][f"{cut}: {value}"] = {"messages": len(chosen), "macro-F1": _macro(*part)}
    p = np.concatenate([[one.p[name] for one in readings] for name in OWN])
    wanted = np.concatenate([_wanted(messages, name) for name in OWN])
    found["calibration error, all labels"] = judge.calibration_error(wanted, p)
    found["reliability"] = reliability(wanted, p)
    return found


def reliability(wanted: judge.Numbers, p: judge.Numbers, bins: int = 10) -> list[dict[str, float]]:
    """For each tenth of probability: how many, how sure on average, and how often it was so."""
    places = np.minimum((p * bins).astype(int), bins - 1)
    parts = [(places == one) for one in range(bins)]
    return [
        {"count": int(part.sum()), "sure": float(p[part].mean()), "so": float(wanted[part].mean())}
        for part in parts
        if part.any()
    ]


def picture(points: list[dict[str, float]]) -> str:
    """The reliability picture as SVG: on the line, what is said with 70 % holds in 70 of 100."""
    dots = "".join(
        f'<circle cx="{20 + 200 * one["sure"]:.1f}" cy="{220 - 200 * one["so"]:.1f}"'
        f' r="{2 + min(8, one["count"] ** 0.5 / 8):.1f}">'
        f"<title>{one['count']} times: said {one['sure']:.2f}, held {one['so']:.2f}</title></circle>"
        for one in points
    )
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 240 240" font-family="sans-serif" font-size="9">'
        '<path d="M20 20V220H220" fill="none" stroke="#555"/><path d="M20 220L220 20" stroke="#aaa" stroke-dasharray="3"/>'
        f'<g fill="#0a6b66">{dots}</g><text x="120" y="236" text-anchor="middle">said</text>'
        '<text x="10" y="120" text-anchor="middle" transform="rotate(-90 10 120)">held</text></svg>\n'
    )


def false_alarms(reader: Reader) -> dict[str, Any]:
    """Hurt labels and risks on plain, warm, playful and heated messages in which none holds."""
    path = ROOT / "corpus" / "en" / "plain.jsonl"
    rows = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    readings = reader.read_all([(one["text"], one["reply_to"]) for one in rows])
    hurt = [bool(set(one.labels) & HURT) for one in readings]
    found: dict[str, Any] = {"messages": len(rows), "hurt": float(np.mean(hurt))}
    for sort in sorted({one["sort"] for one in rows}):
        found[f"hurt, {sort}"] = float(np.mean([yes for yes, one in zip(hurt, rows, strict=True) if one["sort"] == sort]))
    found["risk"] = float(np.mean([bool(one.risks) for one in readings]))
    return found


def _timed(run: Callable[[], object], times: int) -> tuple[float, float]:
    taken = []
    for _time in range(times):
        since = time.perf_counter()
        run()
        taken.append(1000 * (time.perf_counter() - since))
    return percentile(taken, 0.5), percentile(taken, 0.99)


_FRESH = """
import resource, sys, time
since = time.perf_counter()
sys.path.insert(0, {src!r})
from closeknit.coach.reader import Reader
Reader().read({text!r}, {reply!r})
started = time.perf_counter() - since
reader = Reader()
for _time in range(50): reader.read({text!r}, {reply!r})
print(started, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""


def speed(reader: Reader) -> dict[str, float]:
    """Milliseconds for fifty words on one thread, texts a second in batches, seconds to start, MiB in use."""
    reader.read(FIFTY, ANSWERED)
    p50, p99 = _timed(lambda: reader.read(FIFTY, ANSWERED), TIMES)
    many = [(FIFTY, ANSWERED)] * 256
    since = time.perf_counter()
    reader.read_all(many)
    rate = len(many) / (time.perf_counter() - since)
    code = _FRESH.format(src=str(ROOT / "src"), text=FIFTY, reply=ANSWERED)
    started, memory = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    return {"p50 ms": p50, "p99 ms": p99, "texts a second": rate, "start s": float(started), "memory MiB": float(memory)}


def six_encoders() -> dict[str, float] | None:
    """The same fifty words through six RoBERTa-base encoders with random weights on one thread: the shape of the published
    EPITOME model, which has one for the seeker and one for the response, for each of three ways of empathy."""
    try:
        import torch
        from transformers import RobertaConfig, RobertaModel
    except ImportError:
        return None
    torch.set_num_threads(1)
    shape = RobertaConfig(vocab_size=50_265, max_position_embeddings=514, type_vocab_size=1)
    models = [RobertaModel(shape).eval() for _number in range(6)]
    ids = torch.randint(10, 50_000, (1, 64))

    def run() -> None:
        with torch.no_grad():
            for model in models:
                model(ids)

    run()
    p50, p99 = _timed(run, 15)
    return {"p50 ms": p50, "p99 ms": p99}


def main() -> None:
    reader = Reader(threads=1)
    say("quality")
    found = quality(reader)
    say("false alarms")
    found["false alarms"] = false_alarms(reader)
    say("speed")
    found["speed"] = speed(reader)
    found["six encoders"] = six_encoders()
    manifest = json.loads((PACKAGED / "manifest.json").read_text("utf-8"))
    found["on public sets, when it was made"] = {
        name: value for name, value in manifest["scores"].items() if not name.startswith("own ")
    }
    rows = []
    for name, one in found["labels"].items():
        rows.append([name, f"{one['positives']}", f"{one['F1']:.2f}", f"{one['precision']:.2f}"])
    table(["label", "positives", "F1", "precision"], rows)
    rows = [["macro-F1, test", f"{found['macro-F1']:.3f}"], ["hurt precision", f"{found['hurt precision, together']:.3f}"]]
    rows += [[f"false alarms, {name}", f"{value:.3f}"] for name, value in found["false alarms"].items() if name != "messages"]
    rows += [[f"macro-F1, {name} ({one['messages']})", f"{one['macro-F1']:.2f}"] for name, one in found["by"].items()]
    rows += [["calibration error, all labels", f"{found['calibration error, all labels']:.3f}"]]
    rows += [[name, f"{value:.3f}"] for name, value in found["on public sets, when it was made"].items()]
    rows += [[f"50 words, one thread: {name}", f"{value:.1f}"] for name, value in found["speed"].items()]
    if found["six encoders"] is None:
        rows.append(["six RoBERTa-base encoders", "not measured: the training extra is not installed"])
    else:
        ratio = found["six encoders"]["p50 ms"] / found["speed"]["p50 ms"]
        rows.append(["six RoBERTa-base encoders, p50 ms", f"{found['six encoders']['p50 ms']:.0f} (×{ratio:.0f})"])
    table(["what", "value"], rows)
    OUT.mkdir(parents=True, exist_ok=True)
    (OUT / "coach-calibration.svg").write_text(picture(found["reliability"]), "utf-8")
    write("coach", {"machine": machine(), **found})


if __name__ == "__main__":
    main()
