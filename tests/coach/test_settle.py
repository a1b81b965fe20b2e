"""From scores to what is said, on sets that are made up and scores that are known."""

from __future__ import annotations

import numpy as np

from closeknit.coach.heads import EMOTIONS, EMPATHY, GROUPS, NAMES, PLACE, SUPPORT
from closeknit.coach.training import judge
from closeknit.coach.training.sets import Example
from closeknit.coach.training.settle import (
    BINARY,
    HURT_PRECISION,
    column,
    crossed_emotions,
    said,
    settle,
    settle_emotions,
    table,
)

SETS = {
    "epitome": EMPATHY,
    "own": GROUPS["own"],
    "offmychest": SUPPORT,
    "advice-needadvice": ("advised",),
    "advice-askparents": ("advised",),
    "emotions": tuple(f"emotion:{name}" for name in EMOTIONS),
    "intimacy": ("intimacy",),
    "politeness-wikipedia": ("politeness",),
    "politeness-stack-exchange": ("politeness",),
    "needs": ("self_need", "asks_need"),
}


def made_up(noise: float, seed: int = 5) -> tuple[dict[str, list[Example]], dict[str, np.ndarray]]:
    """Sets of 200, and scores that are right but for noise."""
    draw = np.random.default_rng(seed)
    sets, scores = {}, {}
    for kind, names in SETS.items():
        rows, raw = [], draw.normal(0, noise, (200, len(NAMES)))
        for at in range(200):
            targets = {}
            for name in names:
                if name in EMPATHY:
                    targets[name] = float(draw.integers(3))
                    raw[at, PLACE[f"{name}:{int(targets[name])}"]] += 2
                elif name in ("intimacy", "politeness"):
                    targets[name] = float(draw.normal())
                    raw[at, PLACE[name]] += targets[name]
                else:
                    targets[name] = float(draw.random() < 0.25)
                    raw[at, PLACE[name]] += 2 * targets[name] - 1
            rows.append(Example(f"{kind} {at}", str(at), targets))
        sets[kind], scores[kind] = rows, raw
    return sets, scores


def test_what_is_never_wrong_scores_one():
    sets, scores = made_up(0.0)
    found = table(sets, scores, settle(sets, scores))
    off = {name: value for name, value in found.items() if not name.endswith("calibration error") and value < 0.999}
    assert not off and len(found) > 50
    assert found["own macro-F1"] == 1


def test_noise_shows_in_the_figures():
    sets, scores = made_up(0.9)
    others, other_scores = made_up(0.9, seed=6)
    found = table(others, other_scores, settle(sets, scores))
    figures = {name: value for name, value in found.items() if name.endswith(("F1", "accuracy", " r"))}
    assert all(0.2 < value < 0.99 for value in figures.values()), figures
    assert 0.5 < np.mean(list(figures.values())) < 0.85


def test_hurt_speaks_only_where_it_is_right():
    sets, scores = made_up(0.9)
    settled = settle(sets, scores)
    for name in ("criticism", "contempt", "invalidation"):
        wanted, yes = column(sets["own"], name), said(settled, scores["own"], name)[1]
        assert yes.sum() and (wanted * yes).sum() / yes.sum() >= HURT_PRECISION - 0.04
    generous = said(settled, scores["own"], "feeling")[1]
    assert generous.sum() > said(settled, scores["own"], "criticism")[1].sum()


def test_every_yes_no_output_is_settled():
    sets, scores = made_up(0.5)
    settled = settle(sets, scores)
    assert settled["binary"].keys() == set(BINARY) and settled["levels"].keys() == set(EMPATHY)
    assert all(0 <= how["threshold"] <= 1 and how["slope"] > 0 for how in settled["binary"].values())
    p, _yes = said(settled, scores["own"], "feeling")
    assert p.min() >= 0 and p.max() <= 1


def test_feelings_are_judged_with_thresholds_that_did_not_see_them():
    sets, scores = made_up(0.0)
    assert crossed_emotions(sets["emotions"], scores["emotions"]) == 1
    # Of scores that know nothing, thresholds that saw what they judge still find something; others do not.
    blind = np.random.default_rng(3).normal(size=scores["emotions"].shape)
    settled = settle(sets, scores)
    settle_emotions(settled, sets["emotions"], blind)
    names = GROUPS["emotions"]
    kind = np.mean([judge.f1(column(sets["emotions"], name), said(settled, blind, name)[1]) for name in names])
    assert crossed_emotions(sets["emotions"], blind) < kind - 0.01


def test_support_is_told_by_yes_and_no_alike():
    sets, scores = made_up(2.5)
    settled = settle(sets, scores)
    for name in SUPPORT:
        wanted, p = column(sets["offmychest"], name), said(settled, scores["offmychest"], name)[0]
        got = (p >= settled["binary"][name]["threshold"]).astype(int)
        alone = (p >= judge.best_threshold(wanted, p)).astype(int)
        assert judge.macro_f1(wanted.astype(int), got, 2) >= judge.macro_f1(wanted.astype(int), alone, 2)
        assert got.sum() <= alone.sum()
