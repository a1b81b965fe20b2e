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


#: Of a name so many letters are drawn, each about so wide and high where they are largest, on a small screen; and how far
#: from left to right the drawing reaches.
MOST_LETTERS, LETTER, LINE, EDGES = 16, 9.2, 20.0, (-38.0, 398.0)
#: How far below (or above) its dot a name may stand, the usual place first.
_BESIDE = (22.0, -12.0, 30.0, -22.0, 40.0, -32.0, 52.0, -44.0)
#: Half of what a dot takes up, and how much less it matters to cover one than to cover letters.
_DOT, _LESS = 7.0, 0.3


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
    stand where they cover no other name and no dot, as far as there is room."""
    bare = []
    for number, (ring, radius) in enumerate(RINGS.items()):
        names = [name for name, where in places if where == ring]
        for index, name in enumerate(names):
            angle = 2 * math.pi * index / len(names) - math.pi / 2 + number * 1.05
            bare.append((name, ring, round(180 + radius * math.cos(angle), 1), round(180 + radius * math.sin(angle), 1)))
    taken = [((180 - 12, 180 - 12, 180 + 12, 180 + 12), 1.0)]
    taken += [((x - _DOT, y - _DOT, x + _DOT, y + _DOT), _LESS) for _name, _ring, x, y in bare]
    dots: list[Dot] = []
    for name, ring, x, y in bare:
        label = name if len(name) <= MOST_LETTERS else f"{name[: MOST_LETTERS - 1].rstrip()}…"
        half = len(label) * LETTER / 2
        ways = [(0.0, down) for down in _BESIDE] + [(side * (half + 10), 6.0) for side in (1, -1)]
        ways += [(side * half * 0.6, down) for down in _BESIDE for side in (1, -1)]
        tried = [
            Dot(name, ring, x, y, label, round(min(max(x + along, EDGES[0] + half), EDGES[1] - half), 1), y + down)
            for along, down in ways
        ]
        dots.append(min(tried, key=lambda one: sum(_covered(one.box, box) * bad for box, bad in taken)))
        taken.append((dots[-1].box, 1.0))
    return dots


def _covered(one: tuple[float, float, float, float], other: tuple[float, float, float, float]) -> float:
    """How much of a box another covers."""
    wide = min(one[2], other[2]) - max(one[0], other[0])
    high = min(one[3], other[3]) - max(one[1], other[1])
    return wide * high if wide > 0 and high > 0 else 0.0
