"""Rehearsals: a made-up person answers what a reply does."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from closeknit.coach.books import load_rehearsals, problems
from closeknit.coach.rehearsal import TURNS, Move, Practice, answer, move_of
from closeknit.coach.tips import RulesError
from tests.coach.made import read
from tests.words import grade

CONTENT = Path(__file__).resolve().parents[2] / "content"
ALL = load_rehearsals(CONTENT)


@pytest.mark.parametrize(
    "labels, listen, say",
    [
        (("reflection", "criticism"), Move.HURT, Move.HURT),
        (("reflection", "feeling"), Move.HEARD, Move.TOLD),
        (("open_question", "advice"), Move.ASKED, Move.ASKED),
        (("advice", "feeling"), Move.ADVISED, Move.TOLD),
        (("request",), Move.TOLD, Move.TOLD),
        (("closed_question",), Move.PLAIN, Move.PLAIN),
        ((), Move.PLAIN, Move.PLAIN),
    ],
)
def test_what_a_reply_does(labels, listen, say):
    reading = read("Whatever it is.", *labels)
    assert move_of(reading, Practice.LISTEN) is listen and move_of(reading, Practice.SAY) is say


@pytest.mark.parametrize("one", ALL, ids=lambda one: one.id)
def test_every_person_has_a_line_for_whatever_is_said(one):
    for number in range(TURNS):
        lines = {move: one.turns[number].line(move) for move in Move}
        assert len(set(lines.values())) == len(Move)
        assert answer(one, number, read("Hm."))[1] == lines[Move.PLAIN]
    with pytest.raises(IndexError):
        answer(one, TURNS, read("Hm."))


def test_the_people_are_many_and_different():
    assert len(ALL) >= 24 and len({one.person for one in ALL}) == len(ALL)
    assert min(Counter(one.practice for one in ALL).values()) >= 12
    assert {one.component for one in ALL} == {"vulnerability", "empathy", "trust", "authenticity", "acceptance"}
    assert {kind for one in ALL for kind in one.kinds} == {"partners", "friends", "family", "siblings", "circle"}
    assert {one.level for one in ALL} == {1, 2, 3}
    lines = [line for one in ALL for turn in one.turns for line in turn.model_dump().values()]
    assert len(set(lines)) == len(lines)


def test_what_they_say_is_easy_to_read_and_calm():
    for one in ALL:
        lines = [one.about, one.aim, one.opening, *(line for turn in one.turns for line in turn.model_dump().values())]
        assert not any(mark in line for line in lines for mark in "!—[]"), one.id
        assert grade(" ".join(lines)) <= 7, one.id


def test_a_pack_that_does_not_hold_together_is_named(tmp_path):
    folder = tmp_path / "en" / "rehearsals"
    folder.mkdir(parents=True)
    (folder / "one.yaml").write_text("language: en\nauthor: a\nlicence: b\nrehearsals:\n  - id: x\n", "utf-8")
    assert problems(tmp_path)[0][0] == "en/rehearsals/one.yaml"
    with pytest.raises(RulesError, match="title"):
        load_rehearsals(tmp_path)
