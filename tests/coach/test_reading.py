"""From scores to a reading, and from a reading to the contract's JSON."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from closeknit.coach import reading
from closeknit.coach.heads import EMOTIONS, EMPATHY, PLACE
from closeknit.coach.labels import HURT, Label, Risk
from closeknit.coach.reading import Silence
from tests.coach.made import SETTLED, read, row


def test_labels_are_what_is_over_its_threshold_and_neutral_stands_alone():
    assert read("You never ring.", "criticism", "feeling").labels == (Label.CRITICISM, Label.FEELING)
    assert read("See you at six.").labels == (Label.NEUTRAL,)
    assert read("I can't go on.", "self_harm").risks == (Risk.SELF_HARM,)


def test_the_contract_is_whole_and_is_json():
    told = read("You never ring. I felt sad.", "criticism", "reflection", "complex", "advised", "emotion:sadness").as_json()
    told = json.loads(json.dumps(told, allow_nan=False))
    assert list(told) == [
        *("labels", "decided", "empathy", "listening", "hurt", "opening", "support", "emotions", "politeness", "risk"),
        *("cues", "silence"),
    ]
    assert told["decided"] == ["advice", "emotion:sadness"]
    assert set(told["empathy"]) == set(EMPATHY)
    assert set(told["listening"]) == {"reflection", "question", "advice", "validation", "reassurance"}
    assert set(told["hurt"]) == {str(one) for one in HURT} and set(told["emotions"]) == set(EMOTIONS)
    assert set(told["opening"]["i_statement"]) == {"observation", "feeling", "need", "request"}
    assert set(told["risk"]) == {str(one) for one in Risk}
    assert told["cues"][0] == {"label": "absolute", "start": 4, "end": 9, "text": "never"}


@pytest.mark.parametrize("over", [(), ("open_question",), ("closed_question",), ("open_question", "closed_question")])
def test_what_is_one_choice_sums_to_one(over):
    told = read("And then?", *over, "reflection", "simple").as_json()
    for choice in (told["listening"]["question"], told["listening"]["reflection"]):
        assert math.isclose(sum(choice.values()), 1, abs_tol=1e-3) and all(0 <= one <= 1 for one in choice.values())
    for one in told["empathy"].values():
        assert math.isclose(sum(one["p"]), 1, abs_tol=1e-3)


def test_a_silent_reading_speaks_of_nothing():
    silent = read("…", "criticism", "advised", "emotional_reaction:2", "self_harm", silence=Silence.LANGUAGE)
    assert silent.labels == silent.decided == silent.cues == ()
    assert all(one.level == 0 and one.spans == () for one in silent.empathy.values())
    assert silent.risks == () and silent.as_json()["silence"] == "language"


def test_what_one_piece_of_a_long_text_says_the_text_says():
    first, second = row("criticism"), row("emotional_reaction:2", "emotion:joy")
    first[PLACE["intimacy"]], second[PLACE["intimacy"]] = 0.9, 0.0
    whole = reading.joined(np.stack([first, second]), [30, 10])
    seen = reading.make(whole, SETTLED, spans={}, cues=())
    assert seen.labels == (Label.CRITICISM,) and seen.empathy["emotional_reaction"].level == 2
    assert seen.emotions(1) == ["joy"] and math.isclose(seen.intimacy, 0.675, abs_tol=1e-6)


def test_calibration_and_thresholds_are_those_that_were_settled():
    how = {**SETTLED["binary"], "criticism": {"slope": 2.0, "shift": -1.0, "threshold": 0.9}}
    one = reading.make(row("criticism", by=1.5), {**SETTLED, "binary": how}, spans={}, cues=())
    assert math.isclose(one.p["criticism"], 1 / (1 + math.exp(-2)), abs_tol=1e-6) and not one.holds(Label.CRITICISM)


def test_scales_stay_within_their_ends():
    scores = row()
    scores[PLACE["politeness"]], scores[PLACE["intimacy"]] = 7, -7
    one = reading.make(scores, SETTLED, spans={}, cues=())
    assert (one.politeness, one.intimacy) == (1, -1)
