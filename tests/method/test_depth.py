"""Depth from three voices: the measure has its third, and two rules hold it in check."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from closeknit.method.depth import Voices, rank_correlation, ranks, settled

VOICES = st.builds(
    Voices,
    component=st.sampled_from(["trust", "empathy"]),
    written=st.integers(1, 5),
    read=st.integers(1, 5),
    measured=st.floats(-1, 1),
)


def test_equal_values_share_a_place():
    assert ranks([3.0, 1.0, 3.0, 2.0]) == [2.5, 0.0, 2.5, 1.0]
    assert ranks([]) == []


def test_rank_correlation():
    assert rank_correlation([1, 2, 3, 4], [10, 20, 30, 900]) == pytest.approx(1)
    assert rank_correlation([1, 2, 3, 4], [4, 3, 2, 1]) == pytest.approx(-1)
    assert rank_correlation([1, 1, 1], [1, 2, 3]) == 0
    # By hand: places 0 1.5 1.5 3 and 0 1 2 3, together 4.5, alone 4.5 and 5.
    assert rank_correlation([1, 2, 2, 3], [1, 2, 3, 4]) == pytest.approx(4.5 / (4.5 * 5) ** 0.5)


def test_where_readers_differ_the_measure_decides():
    deck = {"plain": Voices("trust", 2, 3, 0.1), "dear": Voices("trust", 3, 2, 0.9)}
    assert settled(deck) == {"plain": 2, "dear": 3}
    assert settled({name: Voices("trust", one.written, one.read, 1 - one.measured) for name, one in deck.items()}) == {
        "plain": 3,
        "dear": 2,
    }


def test_a_hard_question_in_plain_words_is_made_no_lighter():
    deck = {f"light-{at}": Voices("trust", 1, 1, 0.5 + at / 100) for at in range(9)} | {"hard": Voices("trust", 5, 5, -1.0)}
    assert settled(deck)["hard"] == 5


@given(st.dictionaries(st.text(min_size=1, max_size=3), VOICES, max_size=40))
def test_the_measure_is_held_in_check(deck):
    depths = settled(deck)
    assert depths.keys() == deck.keys()
    for name, depth in depths.items():
        both = (deck[name].written, deck[name].read)
        assert min(both) <= depth <= min(max(both) + 1, 5)
    assert settled(dict(reversed(deck.items()))) == depths


@given(st.dictionaries(st.text(min_size=1, max_size=3), VOICES, max_size=40))
def test_a_measure_that_follows_the_writers_moves_nothing_that_both_agree_on(deck):
    agreed = {name: Voices(one.component, one.written, one.written, float(one.written)) for name, one in deck.items()}
    assert settled(agreed) == {name: one.written for name, one in agreed.items()}
    assert Counter(settled(agreed).values()) == Counter(one.written for one in agreed.values())
