"""How deep a prompt is: two readers say it, and a measure of how intimate a question is has a third of the say."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

#: How well the depths of a deck have to follow the measure (rank correlation), and from how many prompts on that tells.
LEAST_ORDER, ENOUGH = 0.6, 100


@dataclass(frozen=True, slots=True)
class Voices:
    """What was said of a prompt. written, read: the depth (1 to 5) that its writer gave, and a reader who did not know that;
    measured: how intimate it is by the measure, in any unit."""

    component: str
    written: int
    read: int
    measured: float


def ranks(values: Sequence[float]) -> list[float]:
    """The place of each value, from 0 on; equal values share the middle of their places."""
    found = [0.0] * len(values)
    before = 0
    for _value, same in groupby(sorted(range(len(values)), key=values.__getitem__), key=values.__getitem__):
        places = list(same)
        for at in places:
            found[at] = before + (len(places) - 1) / 2
        before += len(places)
    return found


def rank_correlation(first: Sequence[float], second: Sequence[float]) -> float:
    """Spearman's rank correlation, -1 to 1 (Spearman 1904); 0 where all values of one are equal."""
    one, two = ranks(first), ranks(second)
    middle = (len(one) - 1) / 2
    together = sum((a - middle) * (b - middle) for a, b in zip(one, two, strict=True))
    alone = sum((a - middle) ** 2 for a in one) * sum((b - middle) ** 2 for b in two)
    return float(together / alone**0.5) if alone else 0.0


def settled(deck: Mapping[str, Voices]) -> dict[str, int]:
    """The depth of each prompt, 1 to 5: the mean of three voices, in the order of which each component keeps as many prompts
    at each depth as its writers gave it. The measure alone makes nothing lighter than both readers found it, since a hard
    question that comes too soon does more harm than a light one that comes late, and nothing deeper than one step more."""
    measured = dict(zip(deck, _as_depths(list(deck.values())), strict=True))
    components = defaultdict(list)
    for name, voices in deck.items():
        components[voices.component].append(name)
    found = {}
    for names in components.values():
        # Where the mean is the same, the writer decides, and after that the name, so that it comes out alike each time.
        means = {name: (deck[name].written + deck[name].read + measured[name]) / 3 for name in names}
        order = sorted(names, key=lambda name: (means[name], deck[name].written, name))
        for name, depth in zip(order, sorted(deck[name].written for name in names), strict=True):
            both = (deck[name].written, deck[name].read)
            found[name] = min(max(depth, min(both)), max(both) + 1, 5)
    return found


def _as_depths(deck: list[Voices]) -> list[float]:
    """The measure as depths, 0.5 to 5.5, spread as the writers' depths are."""
    places = ranks([voices.measured for voices in deck])
    below = [sum(voices.written <= depth for voices in deck) / max(len(deck), 1) for depth in range(6)]
    found = []
    for place in places:
        share = (place + 0.5) / len(deck)
        depth = next(depth for depth in range(1, 6) if share <= below[depth])
        found.append(depth - 0.5 + (share - below[depth - 1]) / (below[depth] - below[depth - 1]))
    return found
