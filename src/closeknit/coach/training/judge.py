"""Scores, thresholds and calibration: numbers in, numbers out. numpy alone, so that bench and tests can use it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]


def f1(wanted: Numbers, said: Numbers) -> float:
    """F1 of a yes-no question: 0 to 1; 0 where nothing was right. wanted, said: 0 or 1."""
    right = float((wanted * said).sum())
    return float(2 * right / (wanted.sum() + said.sum())) if right else 0.0


def precision(wanted: Numbers, said: Numbers) -> float:
    """Of what was said, how much was right; 1 where nothing was said."""
    return float((wanted * said).sum() / said.sum()) if said.sum() else 1.0


def macro_f1(wanted: NDArray[np.int_], said: NDArray[np.int_], classes: int) -> float:
    """The mean F1 over classes 0 to classes - 1 of one choice."""
    return float(np.mean([f1((wanted == one).astype(float), (said == one).astype(float)) for one in range(classes)]))


def sigmoid(score: Numbers) -> Numbers:
    """1 / (1 + e^-score), without overflow."""
    return np.exp(-np.logaddexp(0, -score))


def softmax(scores: Numbers) -> Numbers:
    """Over the last axis."""
    powers = np.exp(scores - scores.max(-1, keepdims=True))
    return np.asarray(powers / powers.sum(-1, keepdims=True))


def best_threshold(wanted: Numbers, p: Numbers, *, both: bool = False) -> float:
    """The threshold on p with the best F1 of yes, or, with `both`, of yes and no in the mean. Between two values it takes the
    middle, so that a hair's breadth does not decide. Only values in reach of at least three positives count, since fewer
    say little."""
    order = np.argsort(-p)
    hits = np.cumsum(wanted[order])
    said = np.arange(1, len(p) + 1)
    score = 2 * hits / (said + wanted.sum())
    if both:
        unsaid, no = len(p) - said, len(p) - wanted.sum()
        score = (score + 2 * (no - (said - hits)) / np.maximum(unsaid + no, 1)) / 2
    score = np.where(hits >= min(3, wanted.sum()), score, -1)
    return _between(p[order], int(np.argmax(score)))


@dataclass(frozen=True, slots=True)
class _Ways:
    """Where one label may begin to speak: thresholds, and for each the F1, how much is said, and how much of that is right;
    positives: how much there was to be said."""

    thresholds: Numbers
    f1: Numbers
    said: Numbers
    right: Numbers
    positives: float


def _ways(wanted: Numbers, p: Numbers, least: float, speaks: float) -> _Ways:
    order = np.argsort(-p)
    falling, hits, said = p[order], np.cumsum(wanted[order]), np.arange(1.0, len(p) + 1)
    # How often it is right is half what was seen and half what p promises: a few dozen positives alone say too little, and
    # speak too rarely or too soon (measured on halves of the own dev part).
    share = (np.cumsum(falling) / said + (hits + 1) / (said + 2)) / 2
    # Equal values are said together or not at all. What speaks for the two surest texts alone says nothing of the plainest
    # insult.
    last = np.append(falling[:-1] > falling[1:], True) & (hits >= speaks * wanted.sum())
    fits = np.flatnonzero((share >= least) & last)
    if not len(fits):
        fits = np.array([int(np.argmax(np.where(last, share, -1)))])
    thresholds = np.array([_between(falling, int(at)) for at in fits])
    score = 2 * hits / (said + wanted.sum())
    return _Ways(thresholds, score[fits], said[fits], (share * said)[fits], float(wanted.sum()))


def sure_thresholds(
    wanted: Sequence[Numbers], p: Sequence[Numbers], least: float, each: float, speaks: float = 0.1
) -> list[float]:
    """Thresholds of several labels, on calibrated p, with the best F1 in the mean among those with which all of what they
    say together is right in `least` of all cases (0 to 1), and what each says in `each` of them; each finds at least the part
    `speaks` of its positives. A label that is never right so often speaks where it is right most often. So one that is hard
    to read stays quiet, and one that is read well says what it can, instead of both being held to the same."""
    ways = [_ways(one, chance, each, speaks) for one, chance in zip(wanted, p, strict=True)]
    chosen: list[int] = []
    # What a wrong word costs rises until they are right often enough together.
    for price in (0.0, *np.geomspace(0.01, 100, 200)):
        chosen = [
            int(np.argmax(one.f1 + price * (one.right - least * one.said) / max(one.positives, 1))) for one in ways
        ]
        right = sum(one.right[at] for one, at in zip(ways, chosen, strict=True))
        if right >= least * sum(one.said[at] for one, at in zip(ways, chosen, strict=True)):
            break
    return [float(one.thresholds[at]) for one, at in zip(ways, chosen, strict=True)]


def _between(falling: Numbers, at: int) -> float:
    following = falling[at + 1] if at + 1 < len(falling) else 0.0
    return float((falling[at] + following) / 2)


def platt(wanted: Numbers, score: Numbers) -> tuple[float, float]:
    """(slope, shift) for which sigmoid(slope * score + shift) is calibrated on what was given, with a light pull towards
    (1, 0) (Platt 1999, Newton's method). Too few positives (under 8) leave the scores as they are."""
    if wanted.sum() < 8 or wanted.sum() > len(wanted) - 8:
        return 1.0, 0.0
    design = np.stack([score, np.ones_like(score)], axis=1)
    found, pull = np.array([1.0, 0.0]), 1.0
    for _round in range(50):
        p = sigmoid(design @ found)
        gradient = design.T @ (p - wanted) + pull * (found - np.array([1.0, 0.0]))
        bend = (design * (p * (1 - p))[:, None]).T @ design + pull * np.eye(2)
        step = np.linalg.solve(bend, gradient)
        found = found - np.clip(step, -2, 2)
        if np.abs(step).max() < 1e-8:
            break
    return max(float(found[0]), 0.05), float(found[1])


def temperature(wanted: NDArray[np.int_], scores: Numbers) -> float:
    """What to divide the scores of one choice by, so that its probabilities are calibrated (Guo et al. 2017)."""
    tried = np.geomspace(0.4, 4, 60)
    rows = np.arange(len(wanted))
    losses = [-np.log(softmax(scores / one)[rows, wanted] + 1e-12).mean() for one in tried]
    return float(tried[int(np.argmin(losses))])


def best_shifts(wanted: NDArray[np.int_], scores: Numbers) -> list[float]:
    """What to add to the scores of one choice before taking the largest, for the best macro-F1; the first stays 0."""
    classes = scores.shape[1]
    shifts = np.zeros(classes)
    steps = np.linspace(-2, 2, 41)
    for _round in range(2):
        for one in range(1, classes):
            tried = []
            for step in steps:
                candidate = shifts.copy()
                candidate[one] = step
                tried.append(macro_f1(wanted, (scores + candidate).argmax(1), classes) - 0.01 * abs(step))
            shifts[one] = steps[int(np.argmax(tried))]
    return [float(one) for one in shifts]


def calibration_error(wanted: Numbers, p: Numbers, bins: int = 10) -> float:
    """Expected calibration error over `bins` equally wide bins (Guo et al. 2017): 0 is perfect."""
    places = np.minimum((p * bins).astype(int), bins - 1)
    parts = [(places == one) for one in range(bins)]
    return float(sum(part.mean() * abs(p[part].mean() - wanted[part].mean()) for part in parts if part.any()))


def pearson(a: Numbers, b: Numbers) -> float:
    """Pearson's r."""
    return float(np.corrcoef(a, b)[0, 1])


def token_f1(wanted: Sequence[Numbers], said: Sequence[Numbers]) -> float:
    """The mean over texts of the F1 over their words, as EPITOME's authors count rationales: a text in which both marked
    nothing counts 1."""
    scores = []
    for want, got in zip(wanted, said, strict=True):
        scores.append(1.0 if not want.sum() and not got.sum() else f1(want, got))
    return float(np.mean(scores))
