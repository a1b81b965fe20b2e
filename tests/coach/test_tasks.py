"""What is learnt from is cut so that nothing judged was learnt."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from closeknit.coach.training import sets, tasks
from closeknit.coach.training.sets import Example
from tests.coach import CORPUS


def some(task: str, count: int, of: str = "") -> list[Example]:
    """Two examples a group."""
    return [Example(f"{of}{task} {one}", f"group {one // 2}", {task: float(one % 2)}) for one in range(count)]


@pytest.fixture
def data(monkeypatch):
    empathy = [replace(one, targets=dict.fromkeys(sets.EMPATHY, 1.0)) for one in some("empathy", 200)]
    monkeypatch.setattr(sets, "epitome", lambda folder: empathy)
    monkeypatch.setattr(sets, "offmychest", lambda folder: some("emotional_support", 200))
    monkeypatch.setattr(sets, "politeness", lambda folder, place: some("politeness", 200, place))
    # Of the published parts, the judged one holds a text of the other, too.
    monkeypatch.setattr(sets, "emotions", lambda folder, part: some("emotion:joy", 40, part))
    monkeypatch.setattr(sets, "intimacy", lambda folder, part: some("intimacy", 60 if part == "train" else 4))
    monkeypatch.setattr(sets, "advice", lambda folder, forum, part: some("advice", 60, f"{forum} {part} "))
    monkeypatch.setattr(sets, "needs", lambda folder, part: some("self_need", 60, part))
    return Path("nowhere")


def test_no_group_is_on_both_sides_and_every_fifth_comes_up_once(data):
    held = []
    for fold in range(tasks.FOLDS):
        parts = tasks.gather(data, CORPUS, fold=fold)
        for name in ("epitome", "offmychest", "politeness-wikipedia"):
            cut = [{one.group for one in part[name]} for part in (parts.train, parts.tune, parts.held)]
            assert all(cut) and not (cut[0] & cut[1] or cut[0] & cut[2] or cut[1] & cut[2])
        held += [one.text for one in parts.held["epitome"]]
    assert sorted(held) == sorted(one.text for one in some("empathy", 200))


def test_a_text_that_is_judged_leaves_what_is_learnt(data):
    parts = tasks.gather(data, CORPUS)
    judged = {one.text for one in parts.held["intimacy"]}
    assert len(judged) == 4
    assert not judged & {one.text for part in (parts.train, parts.tune) for one in part["intimacy"]}
    assert len(parts.train["intimacy"]) + len(parts.tune["intimacy"]) == 56


def test_the_forums_advice_is_another_question_than_ours(data):
    parts = tasks.gather(data, CORPUS)
    assert {key for one in parts.train["advice-needadvice"] for key in one.targets} == {"advised"}
    assert {"advice", "criticism", "self_harm"} <= parts.train["own"][0].targets.keys()


def test_the_own_corpus_knows_how_deep_a_reflection_goes():
    examples = tasks.own(CORPUS / "en" / "dev.jsonl")
    assert all(any(one.targets.get(depth) == 1 for one in examples) for depth in ("simple", "complex"))
    for one in examples:
        assert ("simple" in one.targets) == bool(one.targets["reflection"])
        if "simple" in one.targets:
            assert one.targets["simple"] + one.targets["complex"] == 1
