"""After learning: what the network's scores are worth. Calibration and thresholds come from what was kept for tuning, and
scores from what was never seen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from closeknit.coach.heads import EMPATHY, GROUPS, LEVELS, PLACE
from closeknit.coach.labels import HURT

from . import judge
from .judge import Numbers
from .sets import Example, quarters

#: Labels that hurt speak only where they are right about this often, all together and each; a false alarm costs trust. What
#: is asked is more than what comes of it: on halves of the own dev part .94 gave .91 on the other half, and .92 gave .87.
HURT_PRECISION, EACH_PRECISION = 0.94, 0.8
BINARY = (*GROUPS["own"], *GROUPS["support"], *GROUPS["advised"], *GROUPS["emotions"], *GROUPS["needs"])


def column(examples: Sequence[Example], name: str) -> Numbers:
    """One target of many examples."""
    return np.array([one.targets[name] for one in examples], dtype=float)


def _levels(scores: Numbers, task: str) -> Numbers:
    first = PLACE[f"{task}:0"]
    return scores[:, first : first + LEVELS]


def _who_knows(name: str, parts: dict[str, list[Example]]) -> list[str]:
    return [part for part, examples in sorted(parts.items()) if examples and name in examples[0].targets]


def settle_marks(wanted: dict[str, list[Numbers]], marks: dict[str, list[Numbers]]) -> dict[str, float]:
    """For each way of empathy the score from which a token counts as showing it: best by token-F1.
    wanted, marks: for each text a 0 or 1, and a score, for each of its own tokens."""
    found = {}
    for task in EMPATHY:
        tried = np.linspace(-3, 3, 49)
        scores = [judge.token_f1(wanted[task], [(one >= least).astype(float) for one in marks[task]]) for least in tried]
        found[task] = float(tried[int(np.argmax(scores))])
    return found


def marks_table(
    wanted: dict[str, list[Numbers]], marks: dict[str, list[Numbers]], settled: dict[str, Any]
) -> dict[str, float]:
    """How well the words that show empathy are found, as token-F1 for each way of it."""
    return {
        f"EPITOME {task} rationale token-F1": judge.token_f1(
            wanted[task], [(one >= settled["marks"][task]).astype(float) for one in marks[task]]
        )
        for task in EMPATHY
    }


def settle(tune: dict[str, list[Example]], scores: dict[str, Numbers]) -> dict[str, Any]:
    """For each yes-no output slope, shift and threshold; for each way of empathy a temperature and shifts.
    scores: for each set (examples, len(NAMES)), as the network gave them."""
    found: dict[str, Any] = {"binary": {}, "levels": {}}
    hurt: dict[str, tuple[Numbers, Numbers]] = {}
    for name in BINARY:
        sets = _who_knows(name, tune)
        wanted = np.concatenate([column(tune[one], name) for one in sets])
        raw = np.concatenate([scores[one][:, PLACE[name]] for one in sets]).astype(float)
        slope, shift = judge.platt(wanted, raw)
        p = judge.sigmoid(slope * raw + shift)
        threshold = 1.0
        if name in HURT:
            hurt[name] = (wanted, p)
        elif name in GROUPS["support"]:
            # Published, and asked, as the mean over yes and no; for yes alone one would say yes to nearly everything.
            threshold = judge.best_threshold(wanted, p, both=True)
        else:
            threshold = judge.best_threshold(wanted, p)
        found["binary"][name] = {"slope": slope, "shift": shift, "threshold": threshold}
    held, chances = zip(*hurt.values(), strict=True)
    for name, threshold in zip(hurt, judge.sure_thresholds(held, chances, HURT_PRECISION, EACH_PRECISION), strict=True):
        found["binary"][name]["threshold"] = threshold
    for task in EMPATHY:
        wanted_levels = column(tune["epitome"], task).astype(int)
        raw = _levels(scores["epitome"], task).astype(float)
        found["levels"][task] = {
            "temperature": judge.temperature(wanted_levels, raw),
            "shifts": judge.best_shifts(wanted_levels, raw),
        }
    return found


def settle_emotions(settled: dict[str, Any], examples: Sequence[Example], scores: Numbers) -> None:
    """Put the thresholds of feelings anew into `settled`, from these examples; what is calibrated stays."""
    for name in GROUPS["emotions"]:
        p, _yes = said(settled, scores, name)
        settled["binary"][name]["threshold"] = judge.best_threshold(column(examples, name), p)


def crossed_emotions(examples: Sequence[Example], scores: Numbers, parts: int = 5) -> float:
    """Macro-F1 over the 28 feelings, each part with thresholds from the others (the examples' order decides the parts)."""
    turn = np.arange(len(examples)) % parts
    found = []
    for name in GROUPS["emotions"]:
        wanted, score = column(examples, name), scores[:, PLACE[name]].astype(float)
        yes = np.zeros(len(examples))
        for part in range(parts):
            yes[turn == part] = score[turn == part] >= judge.best_threshold(wanted[turn != part], score[turn != part])
        found.append(judge.f1(wanted, yes))
    return float(np.mean(found))


def said(settled: dict[str, Any], scores: Numbers, name: str) -> tuple[Numbers, Numbers]:
    """The calibrated probability of a yes-no output, and whether it is over its threshold (0 or 1)."""
    how = settled["binary"][name]
    p = judge.sigmoid(how["slope"] * scores[:, PLACE[name]].astype(float) + how["shift"])
    return p, (p >= how["threshold"]).astype(float)


def _macro(names: Sequence[str], examples: list[Example], scores: Numbers, settled: dict[str, Any]) -> float:
    return float(np.mean([judge.f1(column(examples, name), said(settled, scores, name)[1]) for name in names]))


def _own(examples: list[Example], scores: Numbers, settled: dict[str, Any]) -> dict[str, float]:
    found = {}
    for name in GROUPS["own"]:
        wanted, (p, yes) = column(examples, name), said(settled, scores, name)
        found[f"own {name} F1"] = judge.f1(wanted, yes)
        found[f"own {name} calibration error"] = judge.calibration_error(wanted, p)
        if name in HURT:
            found[f"own {name} precision"] = judge.precision(wanted, yes)
    found["own macro-F1"] = _macro(GROUPS["own"], examples, scores, settled)
    return found


def table(held: dict[str, list[Example]], scores: dict[str, Numbers], settled: dict[str, Any]) -> dict[str, float]:
    """How good it is on what was never seen: the figures that docs and bench print, by name."""
    found: dict[str, float] = {}
    for task in EMPATHY:
        wanted = column(held["epitome"], task).astype(int)
        chosen = (_levels(scores["epitome"], task) + np.array(settled["levels"][task]["shifts"])).argmax(1)
        found[f"EPITOME {task} macro-F1"] = judge.macro_f1(wanted, chosen, LEVELS)
    intimacy = scores["intimacy"][:, PLACE["intimacy"]].astype(float)
    found["question intimacy r"] = judge.pearson(column(held["intimacy"], "intimacy"), intimacy)
    found["GoEmotions macro-F1"] = _macro(GROUPS["emotions"], held["emotions"], scores["emotions"], settled)
    for forum in ("needadvice", "askparents"):
        found[f"{forum} F1"] = _macro(("advised",), held[f"advice-{forum}"], scores[f"advice-{forum}"], settled)
    for name in GROUPS["support"]:
        wanted, yes = column(held["offmychest"], name), said(settled, scores["offmychest"], name)[1]
        found[f"CL-Aff {name} macro-F1"] = judge.macro_f1(wanted.astype(int), yes.astype(int), 2)
    for place in ("wikipedia", "stack-exchange"):
        examples = held[f"politeness-{place}"]
        polite = scores[f"politeness-{place}"][:, PLACE["politeness"]]
        score = {one.text: float(got) for one, got in zip(examples, polite, strict=True)}
        outer = quarters(examples)
        got = np.array([score[one.text] for one in outer])
        # Half of them are polite, so the middle of what the network gives parts them; the published task is balanced, too.
        right = (got > np.median(got)) == (column(outer, "polite") == 1)
        found[f"politeness {place} accuracy"] = float(right.mean())
    return found | _own(held["own"], scores["own"], settled)
