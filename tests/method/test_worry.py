"""A fear looked at: step by step, forwards only where one has been, back at any time."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from closeknit.method import rethink
from closeknit.method.alone import A_DAY, check_questions, load_questions, of_the_day
from closeknit.method.worry import BELIEVED, NEEDED, ORDER, Refused, Said, Step, Worry
from closeknit.web.content import content_root


def through(until: Step | None = None) -> Worry:
    one = Worry({})
    for step in ORDER:
        if step is until:
            break
        one = one.answer(step, f"about {step}", 70 if step in BELIEVED else None)
    return one


def test_it_goes_from_the_wish_to_what_happened():
    one = Worry({})
    for step in ORDER:
        assert one.at is step
        one = one.answer(step, "words", 40 if step in BELIEVED else None)
    assert one.at is None and one.is_thought_through


@pytest.mark.parametrize("step", ORDER)
def test_no_step_can_be_leapt_to_and_each_can_be_gone_back_to(step):
    one = through(step)
    for later in ORDER[ORDER.index(step) + 1 :]:
        assert not one.is_open(later)
        with pytest.raises(Refused, match="early"):
            one.answer(later, "words")
    for earlier in ORDER[: ORDER.index(step)]:
        again = one.answer(earlier, "other words")
        assert again.said[earlier].text == "other words" and again.at is step


@pytest.mark.parametrize("step", ORDER)
def test_all_but_the_thought_may_be_left_empty(step):
    one = through(step)
    if step in NEEDED:
        with pytest.raises(Refused, match="empty"):
            one.answer(step, "  ")
    else:
        assert one.answer(step, "").said[step] == Said("")


@pytest.mark.parametrize(("step", "belief"), [(Step.THOUGHT, -1), (Step.THOUGHT, 101), (Step.WISH, 50), (Step.FRIEND, 0)])
def test_a_belief_is_a_number_where_one_is_asked_for(step, belief):
    with pytest.raises(Refused, match="number"):
        through(step).answer(step, "words", belief)


def test_beliefs_are_told_in_order_and_without_those_not_given():
    one = through(Step.AFTER)
    assert one.beliefs() == ((Step.THOUGHT, 70), (Step.VIEW, 70))
    assert one.answer(Step.VIEW, "words").beliefs() == ((Step.THOUGHT, 70),)


@pytest.mark.parametrize(
    "said",
    [
        {Step.THOUGHT: Said("first")},
        {Step.WISH: Said(""), Step.THOUGHT: Said(" ")},
        {Step.WISH: Said("", 50)},
        {Step.WISH: Said(""), Step.THOUGHT: Said("x", 101)},
    ],
)
def test_one_from_elsewhere_that_no_answering_leads_to_is_refused(said):
    with pytest.raises(Refused):
        Worry(said).anew()


def test_only_what_happened_is_left_when_it_is_thought_through():
    assert through(Step.AFTER).is_thought_through and not through(Step.SMALL).is_thought_through


@given(st.lists(st.tuples(st.sampled_from(ORDER), st.text(max_size=8), st.none() | st.integers(-5, 105)), max_size=30))
@settings(max_examples=80, deadline=None)
def test_anything_in_any_order_leaves_no_gap_and_comes_back_from_the_vault(acts):
    one = Worry({})
    for step, text, belief in acts:
        try:
            one = one.answer(step, text, belief)
        except Refused:
            continue
    done = [step for step in ORDER if step in one.said]
    assert done == list(ORDER[: len(done)])
    assert Worry.from_payload(one.to_payload()) == one


# -- when a view from outside is offered ------------------------------------------------------------------------------------

TODAY = date(2026, 11, 26)


@pytest.mark.parametrize(
    ("ago", "days"),
    [
        ((), 0),
        ((400,), 0),
        ((120,), 0),
        ((119,), 1),
        ((0,), 120),
        ((300, 170, 130), 65),
        ((364, 240, 120), 1),
        ((365, 240, 120), 0),
    ],
)
def test_it_is_offered_every_four_months_and_three_times_in_a_year(ago, days):
    done = [TODAY - timedelta(days=one) for one in ago]
    assert rethink.offered_from(done, TODAY) == TODAY + timedelta(days=days)


def test_a_day_that_is_still_to_come_counts_for_nothing():
    assert rethink.offered_from([TODAY + timedelta(days=3)], TODAY) == TODAY


# -- questions for somebody alone -------------------------------------------------------------------------------------------

QUESTIONS = load_questions(content_root())


def test_all_questions_come_round_and_a_days_are_the_same_all_day():
    seen = set()
    for number in range(len(QUESTIONS)):
        day = TODAY + timedelta(days=number)
        offered = of_the_day(QUESTIONS, day)
        assert offered == of_the_day(QUESTIONS, day) and A_DAY - 1 <= len(offered) <= A_DAY
        assert [one.level for one in offered] == sorted(one.level for one in offered)
        seen |= {one.id for one in offered}
    assert seen == {one.id for one in QUESTIONS}


def test_questions_that_say_too_much_are_named(tmp_path):
    (tmp_path / "en" / "alone").mkdir(parents=True)
    file = tmp_path / "en" / "alone" / "journal.yaml"
    good = "  - {id: a-%d, component: trust, level: 1, text: %s}\n"
    head = "language: en\nauthor: x\nlicence: CC BY 4.0\nquestions:\n"
    file.write_text(head + "".join(good % (n, f'"Whom did you meet on the {n}th?"') for n in range(3)))
    assert not check_questions(tmp_path).problems
    file.write_text(file.read_text() + good % (7, '"What did your wife say?"') + good % (8, '"Who? And when was it?"'))
    assert {one.id for one in check_questions(tmp_path).problems} >= {"a-8"}
    file.write_text(head + "".join(good % (n, '"The same twice, is it?"') for n in range(3)))
    assert {one.code for one in check_questions(tmp_path).problems} == {"twin"}
