"""A ladder: one thing at a time, nothing pushed, nothing lost, and no trauma on it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from closeknit.method.ladder import (
    LEAST,
    MOST,
    MOST_RUNGS,
    Advice,
    Came,
    Ladder,
    Outcome,
    Overwhelms,
    Plan,
    Refused,
    Rung,
    Stage,
)


def ladder(*hard: int) -> Ladder:
    one = Ladder("Sam")
    for number, each in enumerate(hard):
        one = one.add(Rung(str(number), f"thing {number}", each), overwhelms=False)
    return one


def outcome(came: Came = Came.NO, hard: int = 2, surprise: int = 5) -> Outcome:
    return Outcome("We talked.", came, hard, surprise)


def test_rungs_lie_by_how_hard_they_are_and_move_when_that_changes():
    one = ladder(8, 2, 5, 2)
    assert [rung.id for rung in one.climbing] == ["1", "3", "2", "0"]
    one = one.change("0", thing="thing 0", hard=1, fear="", helps="", overwhelms=False)
    assert [rung.id for rung in one.climbing] == ["0", "1", "3", "2"]


@pytest.mark.parametrize(
    ("hard", "first"), [((8, 3, 0), "1"), ((9, 4, 2), "2"), ((9, 7), "1"), ((0, 1, 8), "0")]
)
def test_a_first_rung_is_a_small_one_that_is_not_nothing(hard, first):
    advice, rung = ladder(*hard).advice()
    assert advice is Advice.FIRST and rung is not None and rung.id == first


def test_what_overwhelms_is_no_rung_and_is_not_kept():
    with pytest.raises(Overwhelms):
        ladder().add(Rung("x", "that night", 3), overwhelms=True)
    one = ladder(3)
    with pytest.raises(Overwhelms):
        one.change("0", thing="that night", hard=3, fear="", helps="", overwhelms=True)
    assert one.rung("0").thing == "thing 0"


def test_one_is_chosen_at_a_time_and_the_other_keeps_its_plan():
    one = ladder(2, 3).choose("0", Plan("Thursday", "on a walk", "I…")).choose("1", Plan("Friday"))
    assert one.chosen is not None and one.chosen.id == "1"
    assert one.rung("0").stage is Stage.WAITING and one.rung("0").plan.when == "Thursday"
    assert one.advice() == (Advice.CHOSEN, one.rung("1"))


def test_after_something_that_went_well_the_next_is_offered():
    one = ladder(2, 5, 9).choose("0", Plan()).tell("0", outcome())
    assert one.advice() == (Advice.NEXT, one.rung("1"))
    assert [rung.id for rung in one.done] == ["0"]


@pytest.mark.parametrize("came", [Came.NO, Came.PARTLY])
def test_what_was_feared_and_did_not_come_is_no_bad_end_however_hard_it_stays(came):
    one = ladder(2, 5).tell("0", outcome(came, hard=9))
    assert one.advice()[0] is Advice.NEXT


def test_what_came_and_was_bearable_is_no_bad_end():
    one = ladder(4, 5).tell("0", outcome(Came.YES, hard=3))
    assert one.advice()[0] is Advice.NEXT


def test_after_something_that_went_badly_a_smaller_one_is_offered_or_rest():
    one = ladder(5, 3, 4, 8).tell("0", outcome(Came.YES, hard=6))
    assert one.advice() == (Advice.SMALLER, one.rung("2"))
    one = ladder(2, 5).tell("0", outcome(Came.YES, hard=2))
    assert one.advice() == (Advice.REST, None)


def test_told_rungs_are_not_chosen_or_changed_but_may_be_told_anew():
    one = ladder(2, 3).tell("0", outcome())
    with pytest.raises(Refused):
        one.choose("0", Plan())
    with pytest.raises(Refused):
        one.change("0", thing="x", hard=1, fear="", helps="", overwhelms=False)
    again = one.tell("1", outcome()).tell("0", outcome(Came.YES, 9))
    assert again.told == ("1", "0") and again.rung("0").outcome == outcome(Came.YES, 9)


def test_all_told_is_an_end_and_an_empty_ladder_says_so():
    assert ladder().advice() == (Advice.EMPTY, None)
    assert ladder(3).tell("0", outcome()).advice() == (Advice.ALL_TOLD, None)


def test_a_ladder_that_was_put_aside_asks_for_nothing_and_goes_on():
    one = ladder(2, 3).choose("0", Plan("Thursday")).stop()
    assert one.advice() == (Advice.STOPPED, None) and one.chosen is None
    for act in (lambda: one.choose("1", Plan()), lambda: one.tell("1", outcome())):
        with pytest.raises(Refused):
            act()
    assert one.go_on().choose("1", Plan()).chosen is not None


def test_it_is_full_at_some_point():
    one = ladder(*[3] * MOST_RUNGS)
    with pytest.raises(Refused):
        one.add(Rung("more", "x", 3), overwhelms=False)


@pytest.mark.parametrize("number", [LEAST - 1, MOST + 1])
def test_numbers_out_of_range_are_refused(number):
    with pytest.raises(Refused):
        ladder(number)
    with pytest.raises(Refused):
        ladder(3).tell("0", outcome(hard=number))
    with pytest.raises(Refused):
        ladder(3).tell("0", outcome(surprise=number))


@pytest.mark.parametrize("act", ["choose", "tell", "remove", "rung"])
def test_a_rung_that_is_not_there_is_named_so(act):
    more = {"choose": (Plan(),), "tell": (outcome(),)}.get(act, ())
    with pytest.raises(KeyError):
        getattr(ladder(2), act)("none", *more)


@pytest.mark.parametrize("broken", [{}, {"who": "x"}, {"who": "x", "rungs": [{}], "told": [], "stopped": False}])
def test_what_is_no_ladder_is_refused(broken):
    with pytest.raises((KeyError, ValueError, TypeError)):
        Ladder.from_payload(broken)


def told(one: Ladder) -> Ladder:
    return one.tell("0", outcome())


@pytest.mark.parametrize(
    "never",
    [
        replace(ladder(2, 3), told=("0",)),
        replace(told(ladder(2, 3)), told=()),
        replace(told(ladder(2, 3)), told=("0", "0")),
        replace(ladder(2), rungs=(replace(ladder(2).rungs[0], outcome=outcome()),)),
        replace(ladder(2), rungs=(replace(ladder(2).rungs[0], hard=11),)),
        replace(told(ladder(2)), rungs=(replace(told(ladder(2)).rungs[0], outcome=outcome(surprise=-1)),)),
        replace(ladder(2, 3), rungs=tuple(replace(one, stage=Stage.CHOSEN) for one in ladder(2, 3).rungs)),
        replace(ladder(2).choose("0", Plan()), stopped=True),
        replace(ladder(2), rungs=ladder(2).rungs * 2),
        replace(ladder(2), rungs=tuple(Rung(str(number), "x", 1) for number in range(MOST_RUNGS + 1))),
    ],
)
def test_one_from_elsewhere_that_no_climbing_leads_to_is_refused(never):
    with pytest.raises(Refused):
        never.anew(str(number + 100) for number in range(len(never.rungs)))


def test_one_from_elsewhere_keeps_everything_but_its_ids():
    one = ladder(2, 3, 4).choose("1", Plan("Friday")).tell("0", outcome()).tell("1", outcome()).choose("2", Plan("Sunday"))
    again = one.anew("abc")
    assert [rung.id for rung in again.rungs] == ["a", "b", "c"] and again.told == ("a", "b")
    assert [replace(rung, id="") for rung in again.rungs] == [replace(rung, id="") for rung in one.rungs]
    with pytest.raises(Refused):
        one.anew("ab")


class Climbing(RuleBasedStateMachine):
    """Anything in any order: what holds for every ladder."""

    def __init__(self) -> None:
        super().__init__()
        self.ladder, self.count = Ladder("Sam"), 0

    @rule(hard=st.integers(LEAST, MOST))
    def add(self, hard):
        if self.count < MOST_RUNGS:
            self.ladder = self.ladder.add(Rung(str(self.count), "x", hard), overwhelms=False)
            self.count += 1

    @precondition(lambda self: self.ladder.rungs)
    @rule(data=st.data())
    def choose(self, data):
        self._try(lambda: self.ladder.choose(self._any(data), Plan("then")))

    @precondition(lambda self: self.ladder.rungs)
    @rule(data=st.data(), came=st.sampled_from(Came), hard=st.integers(LEAST, MOST))
    def tell(self, data, came, hard):
        self._try(lambda: self.ladder.tell(self._any(data), Outcome("y", came, hard, 0)))

    @precondition(lambda self: self.ladder.rungs)
    @rule(data=st.data())
    def remove(self, data):
        self.ladder = self.ladder.remove(self._any(data))

    @rule(verb=st.sampled_from(["stop", "go_on", "put_back"]))
    def verb(self, verb):
        self.ladder = getattr(self.ladder, verb)()

    def _any(self, data):
        return data.draw(st.sampled_from([one.id for one in self.ladder.rungs]))

    def _try(self, act):
        try:
            self.ladder = act()
        except Refused:
            pass

    @invariant()
    def holds(self):
        one = self.ladder
        assert sum(rung.stage is Stage.CHOSEN for rung in one.rungs) <= 1
        assert {rung.id for rung in one.done} == {rung.id for rung in one.rungs if rung.stage is Stage.TOLD}
        assert {rung.id for rung in one.climbing} | set(one.told) == {rung.id for rung in one.rungs}
        hard = [rung.hard for rung in one.climbing]
        assert hard == sorted(hard)
        advice, about = one.advice()
        if advice is Advice.SMALLER:
            assert about is not None and about.hard < one.done[-1].hard
        assert (about is None) == (advice in {Advice.EMPTY, Advice.ALL_TOLD, Advice.REST, Advice.STOPPED})
        assert Ladder.from_payload(one.to_payload()) == one
        again = one.anew(str(number + 100) for number in range(len(one.rungs)))
        assert again.anew(rung.id for rung in one.rungs) == one


TestClimbing = Climbing.TestCase
TestClimbing.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)


@given(st.lists(st.integers(LEAST, MOST), min_size=1, max_size=8))
@settings(max_examples=60, deadline=None)
def test_whatever_is_offered_first_waits_on_the_ladder(hard):
    one = ladder(*hard)
    assert one.advice()[1] in one.climbing
