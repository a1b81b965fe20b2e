"""Each rule where it should speak, and where it should not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from closeknit.coach import corpus
from closeknit.coach.cues import CueKind, find
from closeknit.coach.labels import HURT
from tests.coach import CORPUS

#: Never the test part, which nothing may be tuned to.
TUNED_ON = [message for part in ("train", "dev") for message in corpus.load(CORPUS / "en" / f"{part}.jsonl")]


def seen(text: str) -> set[tuple[str, str]]:
    return {(str(cue.label), cue.words.lower()) for cue in find(text)}


@pytest.mark.parametrize(
    "text, kind, words",
    [
        ("You never listen to me.", "absolute", "never"),
        ("honestly u always leave it to me", "absolute", "always"),
        ("Never do you ask first.", "absolute", "never"),
        ("I feel that you are lazy.", "false_feeling", "feel that you are"),
        ("I feel like you don't care", "false_feeling", "feel like you don't"),
        ("It's your fault that we missed it", "blame", "it's your fault"),
        ("You obviously don't want me there", "mind_reading", "you obviously don't"),
        ("You don’t even care, do you", "mind_reading", "you don’t even care"),
        ("Why do you always have to ruin it?", "why_you", "why do you always"),
        ("you need to stop worrying", "should", "you need to"),
        ("At least it wasn't the car.", "at_least", "at least"),
        ("Sorry if you felt that way", "but_sorry", "sorry if you felt"),
        ("Sorry, but I said so twice", "but_sorry", "sorry, but"),
        ("I feel so lonely on Sundays", "feeling", "lonely"),
        ("i'm really worn out, love", "feeling", "worn out"),
        ("It makes me anxious", "feeling", "anxious"),
    ],
)
def test_what_is_found(text, kind, words):
    assert (kind, words) in seen(text)


@pytest.mark.parametrize(
    "text",
    [
        "You always make the best coffee",
        "You never let me down",
        "we never got to see the lighthouse",
        "you should see the sunset",
        "Would you tell me when you have to go?",
        "I always forget the bins, my bad",
        "I feel like pizza tonight",
        "I'm hungry and cold",
        "At 6 at least two of us are there",
        "I'm sorry I was late",
        "",
        "🙂🙂🙂",
    ],
)
def test_what_is_not(text):
    assert find(text) == []


@given(st.text(max_size=400))
def test_a_cue_is_where_it_says(text):
    for cue in find(text):
        assert text[cue.start : cue.end] == cue.words and 0 <= cue.start < cue.end <= len(text)


def test_a_very_long_text_is_read_to_its_end():
    text = "i am so very really quite " * 4000 + "you always " * 4000 + "i am sad"
    assert len(find(text)) == 4001 and find(text)[-1].words == "sad"


def test_absolutes_point_at_hurt():
    """On what the coach may tune on: a message with "you always" or "you never" hurts at least twice as often as another."""
    found = [one for one in TUNED_ON if any(cue.label is CueKind.ABSOLUTE for cue in find(one.text))]
    among, overall = (sum(bool(HURT & one.decided.labels) for one in some) / len(some) for some in (found, TUNED_ON))
    assert len(found) >= 20 and among >= 2 * overall


def test_a_feeling_that_is_found_is_mostly_one():
    found = [one for one in TUNED_ON if any(cue.label is CueKind.FEELING for cue in find(one.text))]
    assert len(found) >= 100
    assert sum("feeling" in one.decided.labels for one in found) / len(found) > 0.75
