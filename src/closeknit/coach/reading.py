"""A reading: what the coach saw in one text, in calibrated probabilities, and as the contract of `coach read` has it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .cues import Cue
from .heads import EMOTIONS, EMPATHY, GROUPS, LEVELS, PLACE, SUPPORT
from .labels import HURT, Label, Risk

Scores = NDArray[np.float32]
#: Outputs with a threshold of their own that answer a public set's question.
DECIDED = ("advised", *SUPPORT, *GROUPS["emotions"])


class Silence(StrEnum):
    """Why the coach says nothing of a text."""

    EMPTY = "empty"
    NO_WORDS = "no_words"
    LANGUAGE = "language"


@dataclass(frozen=True, slots=True)
class Level:
    """How far one way of empathy goes: 0 none, 1 weak, 2 strong. spans: the words that show it, in characters."""

    level: int
    p: tuple[float, ...]
    spans: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Reading:
    """What was seen. Every p is a calibrated probability, of a label, a risk or a public set's question by name."""

    p: Mapping[str, float]
    labels: tuple[Label, ...]
    risks: tuple[Risk, ...]
    decided: tuple[str, ...]
    empathy: Mapping[str, Level]
    complex: float
    intimacy: float
    politeness: float
    cues: tuple[Cue, ...]
    silence: Silence | None = None

    def holds(self, name: Label | Risk) -> bool:
        """Whether the coach is sure enough to speak of it."""
        return name in self.labels or name in self.risks

    def emotions(self, most: int = 3) -> list[str]:
        """The likeliest emotions by name, likeliest first, neutral left out."""
        named = [name for name in EMOTIONS if name != "neutral"]
        return sorted(named, key=lambda name: -self.p[f"emotion:{name}"])[:most]

    def as_json(self) -> dict[str, Any]:
        """As `closeknit coach read` writes it; the shape is described in docs/coach.md."""
        p = {name: round(value, 4) for name, value in self.p.items()}
        reflects = self.p[Label.REFLECTION]
        asks = _question(self.p[Label.OPEN_QUESTION], self.p[Label.CLOSED_QUESTION])
        return {
            "labels": [str(one) for one in self.labels],
            "decided": ["advice" if name == "advised" else name for name in self.decided],
            "empathy": {
                task: {
                    "level": one.level,
                    "p": [round(value, 4) for value in one.p],
                    "spans": [list(span) for span in one.spans],
                }
                for task, one in self.empathy.items()
            },
            "listening": {
                "reflection": {
                    "none": round(1 - reflects, 4),
                    "simple": round(reflects * (1 - self.complex), 4),
                    "complex": round(reflects * self.complex, 4),
                },
                "question": {name: round(value, 4) for name, value in asks.items()},
                **{name: p[name] for name in ("advice", "validation", "reassurance")},
            },
            "hurt": {str(name): p[name] for name in Label if name in HURT},
            "opening": {
                "intimacy": round(self.intimacy, 4),
                "emotional_disclosure": p["emotional_disclosure"],
                "informational_disclosure": p["informational_disclosure"],
                "i_statement": {
                    "observation": p["i_statement"],
                    **{name: p[name] for name in ("feeling", "need", "request")},
                },
            },
            "support": {"emotional": p["emotional_support"], "informational": p["informational_support"]},
            "emotions": {name: p[f"emotion:{name}"] for name in EMOTIONS},
            "politeness": round(self.politeness, 4),
            "risk": {str(name): p[name] for name in Risk},
            "cues": [{"label": str(one.label), "start": one.start, "end": one.end, "text": one.words} for one in self.cues],
            "silence": str(self.silence) if self.silence else None,
        }


def _question(opens: float, closed: float) -> dict[str, float]:
    """Two yes-no probabilities as one choice of three."""
    none, either = (1 - opens) * (1 - closed), max(opens + closed, 1e-9)
    return {"none": none, "open": (1 - none) * opens / either, "closed": (1 - none) * closed / either}


def _sigmoid(value: float) -> float:
    return float(np.exp(-np.logaddexp(0.0, -value)))


def joined(rows: Scores, sizes: Sequence[int]) -> Scores:
    """The scores of a long text's pieces as one row: what is said anywhere is said, and scales are means over words."""
    if len(rows) == 1:
        return np.asarray(rows[0])
    weights = np.maximum(np.array(sizes, dtype=float), 1)
    found = rows.max(0)
    for name in ("intimacy", "politeness", "emotion:neutral"):
        found[PLACE[name]] = np.average(rows[:, PLACE[name]], weights=weights)
    for task in EMPATHY:
        first = PLACE[f"{task}:0"]
        levels = rows[:, first : first + LEVELS]
        found[first : first + LEVELS] = levels[int(np.argmax(levels[:, 1:].max(1) - levels[:, 0]))]
    return np.asarray(found)


def make(
    row: Scores,
    settled: Mapping[str, Any],
    *,
    spans: Mapping[str, tuple[tuple[int, int], ...]],
    cues: Sequence[Cue],
    silence: Silence | None = None,
) -> Reading:
    """A reading out of one row of scores (len(NAMES)) and what `training.settle` found: slope, shift and threshold of each
    yes-no output; temperature and shifts of each way of empathy. A silent reading has no labels and no
    risks, and decides nothing: of what it cannot read it knows nothing."""
    p, over = {}, set()
    for name, how in settled["binary"].items():
        p[name] = _sigmoid(how["slope"] * float(row[PLACE[name]]) + how["shift"])
        if p[name] >= how["threshold"]:
            over.add(name)
    empathy = {}
    for task in EMPATHY:
        first, how = PLACE[f"{task}:0"], settled["levels"][task]
        raw = row[first : first + LEVELS].astype(float)
        powers = np.exp((raw - raw.max()) / how["temperature"])
        level = 0 if silence else int((raw + np.array(how["shifts"])).argmax())
        chances = tuple(float(one) for one in powers / powers.sum())
        empathy[task] = Level(level, chances, spans.get(task, ()) if level else ())
    labels = tuple(name for name in Label if name in over) or (Label.NEUTRAL,)
    return Reading(
        p=p,
        labels=() if silence else labels,
        risks=() if silence else tuple(name for name in Risk if name in over),
        decided=() if silence else tuple(name for name in DECIDED if name in over),
        empathy=empathy,
        complex=_sigmoid(float(row[PLACE["complex"]] - row[PLACE["simple"]])),
        intimacy=float(np.clip(row[PLACE["intimacy"]], -1, 1)),
        politeness=float(np.clip(row[PLACE["politeness"]], -1, 1)),
        cues=tuple(cues),
        silence=silence,
    )
