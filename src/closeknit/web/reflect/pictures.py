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


@dataclass(frozen=True, slots=True)
class Dot:
    """A name on its ring, in a drawing of 360 by 360 around its middle."""

    name: str
    ring: str
    x: float
    y: float


def rings(places: Sequence[tuple[str, str]]) -> list[Dot]:
    """(name, ring) of each place, spread evenly over its ring; each ring begins a little later than the one within."""
    dots = []
    for number, (ring, radius) in enumerate(RINGS.items()):
        names = [name for name, where in places if where == ring]
        for index, name in enumerate(names):
            angle = 2 * math.pi * index / len(names) - math.pi / 2 + number * 1.05
            dots.append(Dot(name, ring, round(180 + radius * math.cos(angle), 1), round(180 + radius * math.sin(angle), 1)))
    return dots
