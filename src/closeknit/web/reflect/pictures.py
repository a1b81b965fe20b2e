"""Drawings of Reflect: how hard a thing was before and after, and the rings of people and places. A table is beside each."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from closeknit.method.ladder import MOST, Ladder

#: Below this many, a chart says less than the sentences beside it.
LEAST_DRAWN = 2
WIDTH, TOP, ROW = 320, 14, 30


@dataclass(frozen=True, slots=True)
class Pair:
    """One told rung: how hard it seemed, and how hard it would be now, 0 to 10; and where both stand in the drawing."""

    thing: str
    before: int
    after: int
    y: float
    x_before: float
    x_after: float


@dataclass(frozen=True, slots=True)
class Chart:
    """Told rungs in order. easier: how many are easier to say now than they seemed."""

    pairs: tuple[Pair, ...]
    height: int
    easier: int


def before_and_after(ladder: Ladder) -> Chart | None:
    """The drawing of a ladder's told rungs, or None below two of them."""
    told = [one for one in ladder.done if one.outcome is not None]
    if len(told) < LEAST_DRAWN:
        return None
    pairs = tuple(
        Pair(one.thing, one.hard, one.outcome.hard, TOP + number * ROW, _x(one.hard), _x(one.outcome.hard))
        for number, one in enumerate(told)
        if one.outcome is not None
    )
    return Chart(pairs, TOP * 2 + (len(pairs) - 1) * ROW, sum(one.after < one.before for one in pairs))


def _x(hard: int) -> float:
    return round(12 + (WIDTH - 24) * hard / MOST, 1)


RINGS = {"1": 62.0, "2": 108.0, "3": 152.0}


#: Of a name so many letters are drawn, each about so wide and high; and how far from left to right the drawing reaches.
MOST_LETTERS, LETTER, LINE, EDGES = 18, 7.6, 16.0, (-36.0, 396.0)
#: Where a name may stand below (or above) its dot, the usual place first.
_BESIDE = (20.0, -11.0, 36.0, -27.0, 52.0, -43.0)


@dataclass(frozen=True, slots=True)
class Dot:
    """A name on its ring, in a drawing of 360 by 360 around its middle. label: as it is drawn, in the middle over
    (label_x, label_y), which is the line that its letters stand on."""

    name: str
    ring: str
    x: float
    y: float
    label: str
    label_x: float
    label_y: float

    @property
    def box(self) -> tuple[float, float, float, float]:
        """(left, top, right, bottom) of the label, about."""
        half = len(self.label) * LETTER / 2
        return self.label_x - half, self.label_y - LINE * 0.8, self.label_x + half, self.label_y + LINE * 0.2


def rings(places: Sequence[tuple[str, str]]) -> list[Dot]:
    """(name, ring) of each place, spread evenly over its ring; each ring begins a little later than the one within. Names
    stand where they cover no other name, as far as there is room."""
    bare = []
    for number, (ring, radius) in enumerate(RINGS.items()):
        names = [name for name, where in places if where == ring]
        for index, name in enumerate(names):
            angle = 2 * math.pi * index / len(names) - math.pi / 2 + number * 1.05
            bare.append((name, ring, round(180 + radius * math.cos(angle), 1), round(180 + radius * math.sin(angle), 1)))
    dots: list[Dot] = []
    for name, ring, x, y in bare:
        label = name if len(name) <= MOST_LETTERS else f"{name[: MOST_LETTERS - 1].rstrip()}…"
        half = len(label) * LETTER / 2
        label_x = round(min(max(x, EDGES[0] + half), EDGES[1] - half), 1)
        tried = [Dot(name, ring, x, y, label, label_x, y + down) for down in _BESIDE]
        dots.append(min(tried, key=lambda one: sum(_covered(one.box, other.box) for other in dots)))
    return dots


def _covered(one: tuple[float, float, float, float], other: tuple[float, float, float, float]) -> float:
    """How much of a box another covers."""
    wide = min(one[2], other[2]) - max(one[0], other[0])
    high = min(one[3], other[3]) - max(one[1], other[1])
    return wide * high if wide > 0 and high > 0 else 0.0
