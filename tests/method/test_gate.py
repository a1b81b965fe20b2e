"""The private check: what passes, what is kept, and that what is kept says nothing."""

from __future__ import annotations

import itertools
import random
from collections import Counter
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from closeknit.method import gate
from closeknit.method.gate import Answer, Heat, Question

TODAY = date(2027, 3, 14)
CHANCES = st.floats(min_value=0, max_value=1, exclude_max=True)
DAYS = st.dates(min_value=date(2024, 1, 1), max_value=date(2090, 1, 1))


def test_it_passes_on_two_plain_nos_and_a_plain_yes_alone():
    passed = []
    for answers in itertools.product(Answer, repeat=4):
        given_ = dict(zip(Question, answers, strict=True))
        if gate.passes(given_):
            passed.append(given_)
    assert len(passed) == len(Answer), "only the fourth question is free"
    for one in passed:
        assert one[Question.AFRAID] is one[Question.HURT] is Answer.NO and one[Question.FREE] is Answer.YES
    assert {one[Question.SHOWN] for one in passed} == set(Answer)


def test_what_was_not_answered_closes_it():
    whole = {Question.AFRAID: Answer.NO, Question.HURT: Answer.NO, Question.FREE: Answer.YES}
    assert gate.passes(whole)
    assert not gate.passes({})
    for left_out in whole:
        assert not gate.passes({k: v for k, v in whole.items() if k is not left_out})


@given(DAYS, CHANCES)
def test_a_passed_check_is_open_at_once_and_for_at_most_thirty_days(today, chance):
    day = gate.open_after(today, passed=True, chance=chance)
    assert gate.is_open(day, today)
    holds = sum(gate.is_open(day, today + timedelta(days=n)) for n in range(60))
    assert gate.HOLDS_DAYS - gate.PASSED_SPREAD_DAYS <= holds <= gate.HOLDS_DAYS
    assert not gate.is_open(day, today + timedelta(days=gate.HOLDS_DAYS))


@given(DAYS, CHANCES)
def test_a_closed_check_is_closed_at_once_and_for_good(today, chance):
    day = gate.open_after(today, passed=False, chance=chance)
    assert not any(gate.is_open(day, today + timedelta(days=n)) for n in range(400))


def test_never_asked_is_closed():
    assert not gate.is_open(None, TODAY)


@given(DAYS, CHANCES, st.integers(0, 400))
def test_the_day_of_a_closed_check_is_one_that_never_asked_can_have_and_a_passed_one_grows_into(today, chance, later):
    """Whoever sees one day cannot tell which of the three it is, once a month is over: each lies where the others can."""
    closed = gate.open_after(today, passed=False, chance=chance)
    oldest = timedelta(days=gate.HOLDS_DAYS + gate.CLOSED_SPREAD_DAYS)
    assert timedelta(days=gate.HOLDS_DAYS) < today - closed <= oldest
    passed = gate.open_after(today, passed=True, chance=chance)
    seen = today + timedelta(days=gate.HOLDS_DAYS + 1 + later % (gate.CLOSED_SPREAD_DAYS - gate.HOLDS_DAYS))
    assert timedelta(days=gate.HOLDS_DAYS) < seen - passed <= oldest
    assert gate.is_open(closed, seen) is gate.is_open(passed, seen) is False


def test_never_asked_and_closed_are_drawn_alike_and_passed_ones_spread():
    """The first row of a membership and that of a closed check come from one draw: the same days, as often."""
    chance = random.Random(20270314)
    first = Counter(gate.open_after(TODAY, passed=False, chance=chance.random()) for _ in range(30_000))
    closed = Counter(gate.open_after(TODAY, passed=False, chance=chance.random()) for _ in range(30_000))
    assert set(first) == set(closed) and len(first) == gate.CLOSED_SPREAD_DAYS
    apart = sum(abs(first[day] - closed[day]) for day in first) / 30_000
    assert apart < 0.15
    passed = Counter(gate.open_after(TODAY, passed=True, chance=chance.random()) for _ in range(5_000))
    assert set(passed) == {TODAY - timedelta(days=n) for n in range(gate.PASSED_SPREAD_DAYS + 1)}


@pytest.mark.parametrize("day", [TODAY, TODAY - timedelta(days=400), TODAY - timedelta(days=9000)])
def test_every_day_is_written_with_as_many_characters(day):
    assert len(day.isoformat()) == 10


# -- when it opens ------------------------------------------------------------------------------------------------------

NOW = 1_800_000_000


@given(CHANCES, st.integers(0, 10**9), st.one_of(st.none(), st.integers(NOW - 10**6, NOW)))
def test_it_never_opens_in_the_past_and_never_within_the_cool_down(chance, age, last):
    at = gate.opens_at(NOW, bond_age_seconds=age, last_over_at=last, chance=chance)
    assert at >= NOW
    if last is not None:
        assert at >= last + gate.COOL_DOWN_SECONDS
    if age >= gate.FIRST_WEEK_SECONDS and (last is None or last + gate.COOL_DOWN_SECONDS <= NOW):
        assert at == NOW, "no delay without a cause"
    if age < gate.FIRST_WEEK_SECONDS:
        shortest, longest = gate.FIRST_WEEK_DELAY_SECONDS
        assert at >= NOW + shortest
        if last is None:
            assert at < NOW + longest


def test_in_the_first_week_the_second_cannot_be_foreseen():
    chance = random.Random(7)
    found = {
        gate.opens_at(NOW, bond_age_seconds=60, last_over_at=None, chance=chance.random()) for _ in range(2_000)
    }
    assert len(found) > 700


# -- how worked up ------------------------------------------------------------------------------------------------------


@given(st.integers(0, 10), st.integers(0, 30), st.booleans())
def test_calmer_is_never_advised_against_where_hotter_is_not(heat, before, loops):
    order = [Heat.GO, Heat.CALM_FIRST, Heat.COUNSELLOR]
    advice = [order.index(gate.heat_advice(h, loops_before=before, loops=loops)) for h in range(heat + 1)]
    assert advice == sorted(advice)


@pytest.mark.parametrize(
    ("before", "most"), [(0, 3), (2, 3), (3, 5), (5, 5), (6, 6), (40, 6)]
)
def test_the_first_loops_are_for_calm_subjects(before, most):
    goes = [h for h in range(11) if gate.heat_advice(h, loops_before=before, loops=True) is Heat.GO]
    assert goes == list(range(most + 1))
    assert gate.heat_advice(6, loops_before=before, loops=False) is Heat.GO
    assert gate.heat_advice(7, loops_before=before, loops=False) is Heat.CALM_FIRST


def test_a_counsellor_is_thought_of_only_by_those_who_know_the_loop():
    assert gate.heat_advice(8, loops_before=6, loops=True) is Heat.COUNSELLOR
    assert gate.heat_advice(10, loops_before=0, loops=True) is Heat.CALM_FIRST
    for wrong in (-1, 11):
        with pytest.raises(ValueError):
            gate.heat_advice(wrong, loops_before=0, loops=True)
