"""What the coach says: rules that do what their examples claim, two tips at most, and never a member's message."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from closeknit.coach.books import load_tips
from closeknit.coach.labels import HURT, Label
from closeknit.coach.reading import Silence
from closeknit.coach.tips import MOST_TIMES, Book, RulesError, Situation, TipKind, certain, feedback, wrong_examples
from tests.coach.made import read
from tests.words import grade

CONTENT = Path(__file__).resolve().parents[2] / "content"
BOOK = load_tips(CONTENT)


def given(text: str, *labels: str, situation: Situation = Situation.RESPOND, about: str | None = "I was ashamed.", **rest):
    heard = read(about, "emotion:embarrassment", "emotion:sadness") if about else None
    return feedback(read(text, *labels), situation, BOOK, text, about=heard, **rest)


@pytest.mark.parametrize("rule", BOOK.rules, ids=lambda rule: rule.id)
def test_every_rule_fires_on_its_examples_and_is_silent_on_the_others(rule):
    assert wrong_examples(Book(BOOK.language, BOOK.sources, BOOK.feelings, (rule,))) == []


def test_a_rule_whose_examples_contradict_it_is_named():
    rule = BOOK.rule("always-never")
    turned = rule.model_copy(update={"fires": rule.silent})
    assert all("always-never: does not fire" in one for one in wrong_examples(Book("en", BOOK.sources, {}, (turned,))))


@pytest.mark.parametrize("situation", Situation)
def test_every_situation_has_strengths_and_things_to_try(situation):
    kinds = Counter(rule.kind for rule in BOOK.rules if situation in rule.situations)
    assert kinds[TipKind.STRENGTH] >= 2 and kinds[TipKind.TRY] >= 2


def test_a_strength_comes_first_and_one_thing_to_try_after_it():
    tips = given("I felt left out. You never ask me.", "feeling", "criticism")
    assert [tip.kind for tip in tips] == [TipKind.STRENGTH, TipKind.TRY]
    assert "left out" in tips[0].say and tips[1].id == "always-never"
    assert "I felt left out. You never ask me."[tips[1].start : tips[1].end] == "never"


def test_never_more_than_two_and_hurt_is_the_first_thing_to_try():
    many = ("feeling", "need", "reflection", "validation", "appreciation", "contempt", "criticism", "advice", "invalidation")
    for situation in Situation:
        tips = given("You never think, you clown, and I felt sad about it.", *many, situation=situation)
        assert len(tips) <= 2
        if situation is not Situation.JOURNAL:
            assert tips[-1].id == "from-above"


def test_the_same_is_not_said_three_times_and_the_wording_varies():
    text, counts, lines = "You're so lazy about this.", Counter(), []
    for _press in range(MOST_TIMES + 2):
        tips = [tip for tip in given(text, "criticism", given=counts) if tip.kind is TipKind.TRY]
        counts.update(tip.id for tip in tips)
        lines += [tip.say for tip in tips if tip.id == "verdict"]
    assert counts["verdict"] == MOST_TIMES and len(set(lines)) == MOST_TIMES


def test_a_frame_offers_three_feelings_read_in_the_others_words():
    said, alone = set(), set()
    for text in ("I see, all of it now.", "That was not good then.", "Well, that is a story."):
        said |= {tip.say for tip in given(text, situation=Situation.REFLECT)}
        alone |= {tip.say for tip in given(text, situation=Situation.REFLECT, about=None)}
    frames = [one for one in said if "Perhaps one of these" in one]
    assert frames and {"embarrassed", "sad"} <= set(re.split(r"\W+", frames[0]))
    assert not any("{" in one or "these" in one for one in alone)


def test_nothing_is_said_of_what_cannot_be_read_or_is_too_short():
    assert feedback(read("", silence=Silence.EMPTY), Situation.PROMPT, BOOK, "") == []
    assert feedback(read("Ja gut dann.", "criticism", silence=Silence.LANGUAGE), Situation.PROMPT, BOOK, "Ja gut dann.") == []
    assert given("Ok then") == []


def test_what_was_called_off_needs_more_certainty():
    sure, less = read("That's so selfish.", "criticism", by=3.0), read("That's so selfish.", "criticism", by=0.8)
    assert certain(less, {"criticism": 1}) == (Label.NEUTRAL,) and Label.CRITICISM in certain(sure, {"criticism": 3})
    assert Label.CRITICISM not in certain(sure, {"criticism": 5}) and Label.CRITICISM in certain(less, {"advice": 4})


def test_tips_ask_or_give_a_frame_and_judge_nobody():
    for rule in BOOK.rules:
        for line in rule.say:
            assert "!" not in line and not re.search(r"\b(wrong|bad|toxic|should)\b", line), line
            if rule.kind is TipKind.TRY:
                assert "?" in line or "…" in line, line
            assert grade(line.replace("{words}", "never").replace("{feelings}", "sad, afraid, alone")) <= 8, line
    lines = [line for rule in BOOK.rules for line in rule.say]
    assert len(set(lines)) == len(lines)


def test_every_hurt_has_something_to_try():
    for label in HURT:
        rules = [rule for rule in BOOK.rules if label in rule.when.all and rule.kind is TipKind.TRY]
        assert rules, label


@pytest.mark.parametrize(
    "change, says",
    [
        ({"source": "nobody"}, "no such source"),
        ({"say": ["One line only."]}, "say"),
        ({"say": ["About {words} here?", "And {words} again?"], "when": {"all": ["criticism"]}}, "cue"),
        ({"situations": ["party"]}, "situations"),
    ],
)
def test_rules_that_do_not_hold_together_are_refused(change, says):
    rule = BOOK.rule("verdict").model_dump(mode="json") | change
    data = {"language": "en", "sources": dict(BOOK.sources), "feelings": {}, "rules": [rule]}
    with pytest.raises(RulesError, match=says):
        Book.made_of(data)


def test_an_id_is_used_once():
    rule = BOOK.rule("verdict").model_dump(mode="json")
    with pytest.raises(RulesError, match="one id"):
        Book.made_of({"language": "en", "sources": dict(BOOK.sources), "feelings": {}, "rules": [rule, rule]})
