"""The stitch and the thread: path data from state. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence

#: A knit stitch's left leg, in a box of 32 by 32; the right leg is its mirror image.
_LEG = (
    (15.2, 29.5),
    (6.5, 24.5, 1.8, 16.0, 3.2, 5.2),
    (3.3, 4.3, 4.2, 3.8, 5.0, 4.2),
    (11.5, 7.6, 15.4, 15.0, 15.4, 25.5),
)


def _number(value: float) -> str:
    return f"{value:.1f}".rstrip("0").rstrip(".")


def _leg(mirror: bool) -> str:
    def point(x: float, y: float) -> str:
        return f"{_number(32 - x if mirror else x)} {_number(y)}"

    start, *curves = _LEG
    path = f"M{point(*start)}"
    for curve in curves:
        path += "C" + " ".join(point(curve[i], curve[i + 1]) for i in (0, 2, 4))
    return path + "z"


def stitch(threads: Sequence[str]) -> list[tuple[str, str]]:
    """(thread, path) of a bond's mark in a box of 32 by 32: one stitch for two, a ring of legs for more.

    threads: names of the members' threads, in order; one alone gets a faint partner of slate.
    """
    pair = list(threads) if len(threads) > 1 else [*threads, "slate"]
    if len(pair) == 2:
        return [(pair[0], _leg(False)), (pair[1], _leg(True))]
    return [(thread, _petal(index, len(pair))) for index, thread in enumerate(pair)]


def _petal(index: int, count: int) -> str:
    """One leg of a ring: a leaf from near the middle outwards."""
    angle = 2 * math.pi * index / count - math.pi / 2
    half = min(math.pi / count * 0.92, 0.62)

    def at(radius: float, turn: float) -> str:
        return f"{_number(16 + radius * math.cos(angle + turn))} {_number(16 + radius * math.sin(angle + turn))}"

    return f"M{at(3.5, 0)}C{at(7, -half)} {at(12, -half)} {at(15, 0)}C{at(12, half)} {at(7, half)} {at(3.5, 0)}z"


def cell(count: int, crossing: bool, turned: bool = False) -> list[str]:
    """Path data for one row of history in a box of 48 by 100, one for each of `count` threads.

    At a crossing the threads change sides, otherwise they run side by side. turned: whether they came in changed, so
    that rows join without a break.
    """
    return [_strand(index, max(count, 2), crossing, turned) for index in range(count)]


def _strand(index: int, count: int, crossing: bool, turned: bool) -> str:
    left, right = 10.0, 38.0
    x = left + (right - left) * index / (count - 1)
    start = left + right - x if turned else x
    if not crossing:
        return f"M{_number(start)} 0V100"
    end = left + right - start
    if abs(end - start) < 1:
        # The middle thread of an odd number has no partner to change with: it sways.
        return f"M{_number(x)} 0C{_number(x - 9)} 30 {_number(x - 9)} 30 {_number(x)} 50S{_number(x + 9)} 70 {_number(x)} 100"
    return f"M{_number(start)} 0V18C{_number(start)} 48 {_number(end)} 52 {_number(end)} 82V100"
