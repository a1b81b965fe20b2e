"""The promises of a moment: each rule by its situation, every reachable state, and any order of events by anyone."""

from __future__ import annotations

import json
from dataclasses import replace
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from closeknit.method.moment import (
    Act,
    AdviceNotWelcome,
    AlreadyAnswered,
    AlreadyHanded,
    AlreadyIn,
    AlreadyOpen,
    AlreadyReleased,
    AlreadyRevealed,
    AlreadyTakingPart,
    BadEvent,
    CannotSee,
    Choice,
    Event,
    ItemUsed,
    MomentError,
    NotACircle,
    NotAdmitting,
    NotAnswered,
    NotInvited,
    NotOpen,
    NotTakingPart,
    NotYours,
    OwnAnswer,
    Phase,
    Response,
    Rule,
    SeenAnswer,
    State,
    TooEarly,
    UnknownItem,
    UnknownVerb,
    UnknownVersion,
    Verb,
    act,
    can,
    changed_for,
    fold,
    step,
    view,
    visible_version,
)

ANA, BEN, CAI, DAN, EVE = "ana", "ben", "cai", "dan", "eve"
TWO = Event.opened(ANA, [ANA, BEN])
STRICT = Event.opened(ANA, [ANA, BEN], strict=True)
CIRCLE = Event.opened(ANA, [ANA, BEN, CAI])
CIRCLE_OF_FOUR = Event.opened(ANA, [ANA, BEN, CAI, DAN])
FOUNDING = Event.opened(ANA, [ANA], founding=True)


def answers(by: str, **chosen: object) -> Event:
    return Event.answered(by, f"answer-{by}-0", **chosen)  # type: ignore[arg-type]


def said(by: str, to: str, *, advice: bool = False) -> Event:
    return Event.said(by, to, f"words-{by}-{to}-0", advice=advice)


def thanks(by: str, to: str) -> Event:
    return Event.responded(by, to, Choice.THANKS)


REVEALED = (TWO, answers(ANA), answers(BEN))


def seen(state: State, member: str) -> set[str]:
    """Whose answers this member sees beside their own."""
    return {answer.by for answer in view(state, member).visible_answers}


# -- a bond of two ----------------------------------------------------------------------------------------------------


class TestTwo:
    def test_both_take_part_from_the_start_and_both_are_waited_for(self) -> None:
        state = fold([TWO])
        assert state.phase is Phase.OPEN
        for member in (ANA, BEN):
            shown = view(state, member)
            assert shown.taking_part == (ANA, BEN)
            assert shown.waiting_for_me and not shown.waiting and not shown.my_stance_open

    def test_one_answer_opens_nothing_whatever_its_rule(self) -> None:
        for rule in Rule:
            state = fold([TWO, answers(ANA, rule=rule, let_see=True)])
            assert state.phase is Phase.OPEN
            assert seen(state, BEN) == set()
            assert view(state, ANA).waiting

    def test_the_second_answer_opens_both(self) -> None:
        state = fold(REVEALED)
        assert state.phase is Phase.REVEALED
        assert view(state, ANA).visible_answers == (SeenAnswer(BEN, "answer-ben-0", False, ()),)
        assert view(state, BEN).visible_answers == (SeenAnswer(ANA, "answer-ana-0", False, ()),)
        assert not view(state, ANA).waiting and not view(state, ANA).waiting_for_me

    def test_the_other_is_told_by_name_and_of_nothing_else(self) -> None:
        before = fold([TWO])
        after = fold([TWO, answers(ANA)])
        assert view(after, BEN) == replace(view(before, BEN), others_told=frozenset({ANA}))

    def test_told_can_be_switched_off_and_on_until_the_reveal(self) -> None:
        state = fold([TWO, answers(ANA), Event.told_changed(ANA, False)])
        assert view(state, BEN) == view(fold([TWO]), BEN)
        assert view(step(state, Event.told_changed(ANA, True)), BEN).others_told == {ANA}

    def test_told_falls_silent_at_the_reveal(self) -> None:
        assert view(fold(REVEALED), BEN).others_told == frozenset()

    def test_an_untold_answer_changes_nothing_for_the_other(self) -> None:
        events = [
            answers(ANA, told=False),
            Event.rule_changed(ANA, Rule.TWO),
            Event.advice_changed(ANA, True),
            Event.let_others_see(ANA, True),
            Event.withdrew(ANA),
            Event.answered(ANA, "again", told=False),
        ]
        state = fold([TWO])
        untouched = view(state, BEN)
        for event in events:
            after = step(state, event)
            assert view(after, BEN) == untouched
            assert changed_for(state, after) == {ANA}
            state = after
        assert visible_version([TWO, *events], BEN) == visible_version([TWO], BEN) == 1

    def test_the_order_of_answering_shows_nowhere(self) -> None:
        one = fold([TWO, answers(ANA), answers(BEN)])
        other = fold([TWO, answers(BEN), answers(ANA)])
        assert one == other

    def test_a_release_shows_this_answer_and_waits_for_no_one(self) -> None:
        state = fold([TWO, answers(ANA, told=False), Event.released(ANA)])
        assert state.phase is Phase.OPEN
        assert seen(state, BEN) == {ANA}
        assert not view(state, ANA).waiting
        assert view(state, BEN).waiting_for_me

    def test_an_answer_after_a_release_opens_at_once(self) -> None:
        state = fold([TWO, answers(ANA), Event.released(ANA), answers(BEN)])
        assert state.phase is Phase.REVEALED
        assert seen(state, ANA) == {BEN}

    def test_whoever_withdraws_before_the_reveal_can_answer_again(self) -> None:
        state = fold([TWO, answers(ANA), Event.withdrew(ANA)])
        assert view(state, BEN) == view(fold([TWO]), BEN)
        assert view(state, ANA).my_answer is None
        state = fold([TWO, answers(ANA), Event.withdrew(ANA), answers(BEN), Event.answered(ANA, "again")])
        assert state.phase is Phase.REVEALED

    def test_after_a_withdrawal_one_answer_is_alone_again(self) -> None:
        state = fold([TWO, answers(ANA), Event.withdrew(ANA), answers(BEN)])
        assert state.phase is Phase.OPEN
        assert seen(state, ANA) == set()


class TestWithdrawingAfterTheReveal:
    def test_it_leaves_no_mark_for_the_other(self) -> None:
        talked = [*REVEALED, Event.changed(ANA, "note-ana-0"), thanks(BEN, ANA), said(BEN, ANA), said(ANA, ANA)]
        state = fold([*talked, Event.withdrew(ANA)])
        assert state.phase is Phase.REVEALED
        shown = view(state, BEN)
        assert shown.visible_answers == () and shown.responses == () and shown.said == ()
        assert not shown.others_told and not shown.some_have_answered
        for trace in ("answer-ana-0", "note-ana-0", "words-ana-ana-0"):
            assert trace not in repr(shown)

    def test_the_rest_stays_revealed_and_whoever_withdrew_keeps_what_was_trusted(self) -> None:
        state = fold([*REVEALED, Event.withdrew(ANA)])
        assert seen(state, ANA) == {BEN}

    def test_words_beneath_it_stay_with_whoever_said_them_and_can_be_taken_back(self) -> None:
        state = fold([*REVEALED, thanks(BEN, ANA), said(BEN, ANA), Event.withdrew(ANA)])
        assert view(state, BEN).own_words == ("words-ben-ana-0",)
        assert view(state, ANA).said == () and view(state, ANA).own_words == ()
        assert view(step(state, Event.unsaid(BEN, "words-ben-ana-0")), BEN).own_words == ()

    def test_old_responses_and_words_do_not_move_to_a_new_answer(self) -> None:
        state = fold([*REVEALED, thanks(BEN, ANA), said(BEN, ANA), Event.withdrew(ANA), Event.answered(ANA, "again")])
        for member in (ANA, BEN):
            assert view(state, member).responses == () and view(state, member).said == ()
        assert seen(state, BEN) == {ANA}


# -- circles ----------------------------------------------------------------------------------------------------------


class TestCircle:
    def test_taking_part_is_asked_of_all_but_the_opener(self) -> None:
        state = fold([CIRCLE])
        assert view(state, ANA).waiting_for_me and not view(state, ANA).my_stance_open
        assert view(state, BEN).my_stance_open and not view(state, BEN).waiting_for_me
        assert view(state, BEN).taking_part == (ANA,) and view(state, BEN).asked == (ANA, BEN, CAI)

    def test_two_people_can_be_a_circle(self) -> None:
        state = fold([Event.opened(ANA, [ANA, BEN], circle=True)])
        assert view(state, BEN).circle and view(state, BEN).my_stance_open

    def test_silence_is_not_waited_for(self) -> None:
        state = fold([CIRCLE, answers(ANA), answers(BEN)])
        assert state.phase is Phase.REVEALED
        assert seen(state, ANA) == {BEN} and seen(state, BEN) == {ANA} and seen(state, CAI) == set()

    def test_whoever_said_yes_is_waited_for(self) -> None:
        state = fold([CIRCLE, Event.taking_part(CAI), answers(ANA), answers(BEN)])
        assert state.phase is Phase.OPEN
        assert view(state, CAI).waiting_for_me
        assert seen(state, ANA) == seen(state, BEN) == seen(state, CAI) == set()
        assert step(state, answers(CAI)).phase is Phase.REVEALED

    def test_the_opener_is_waited_for(self) -> None:
        assert fold([CIRCLE, answers(BEN), answers(CAI)]).phase is Phase.OPEN

    def test_as_soon_as_two_have_needs_the_yes_of_every_author(self) -> None:
        asked = [CIRCLE, Event.taking_part(CAI)]
        both = [answers(ANA, rule=Rule.TWO), answers(BEN, rule=Rule.TWO)]
        assert fold([*asked, *both]).phase is Phase.REVEALED
        assert fold([*asked, answers(ANA, rule=Rule.TWO), answers(BEN)]).phase is Phase.OPEN
        assert fold([*asked, answers(ANA), answers(BEN, rule=Rule.TWO)]).phase is Phase.OPEN

    def test_a_change_of_rule_opens_it(self) -> None:
        events = [CIRCLE, Event.taking_part(CAI), answers(ANA, rule=Rule.TWO), answers(BEN)]
        assert fold([*events, Event.rule_changed(BEN, Rule.TWO)]).phase is Phase.REVEALED

    def test_a_rule_can_be_tightened_until_the_reveal(self) -> None:
        events = [CIRCLE, Event.taking_part(CAI), answers(ANA, rule=Rule.TWO), Event.rule_changed(ANA, Rule.ALL)]
        assert fold([*events, answers(BEN, rule=Rule.TWO)]).phase is Phase.OPEN

    def test_others_are_told_that_some_have_and_not_who_or_how_many(self) -> None:
        quiet = view(fold([CIRCLE_OF_FOUR]), DAN)
        one = view(fold([CIRCLE_OF_FOUR, answers(BEN)]), DAN)
        two = view(fold([CIRCLE_OF_FOUR, answers(BEN), answers(CAI)]), DAN)
        assert one == two == replace(quiet, some_have_answered=True)

    def test_my_own_answer_does_not_count_as_others(self) -> None:
        assert not view(fold([CIRCLE, answers(BEN)]), BEN).some_have_answered

    def test_untold_answers_are_no_some(self) -> None:
        assert view(fold([CIRCLE, answers(BEN, told=False)]), CAI) == view(fold([CIRCLE]), CAI)

    def test_taking_part_by_answering_is_not_listed_before_the_reveal(self) -> None:
        assert view(fold([CIRCLE, answers(BEN)]), ANA).taking_part == (ANA,)
        assert view(fold([CIRCLE, answers(BEN), answers(ANA)]), ANA).taking_part == (ANA, BEN)

    def test_stepping_out_is_seen_as_the_yes_was(self) -> None:
        yes = fold([CIRCLE, Event.taking_part(CAI)])
        out = step(yes, Event.stepped_out(CAI))
        assert changed_for(yes, out) == {ANA, BEN, CAI}
        assert out == fold([CIRCLE])

    def test_stepping_out_opens_it_when_nobody_else_is_waited_for(self) -> None:
        events = [CIRCLE, Event.taking_part(CAI), answers(ANA), answers(BEN)]
        state = fold([*events, Event.stepped_out(CAI)])
        assert state.phase is Phase.REVEALED
        assert seen(state, CAI) == set()

    def test_stepping_out_opens_nothing_while_fewer_than_two_have(self) -> None:
        state = fold([CIRCLE, Event.taking_part(CAI), answers(ANA), Event.stepped_out(CAI)])
        assert state.phase is Phase.OPEN

    def test_a_release_shows_one_answer_to_all_who_are_asked_and_no_other(self) -> None:
        events = [CIRCLE, Event.taking_part(CAI), answers(ANA), answers(BEN), Event.released(ANA)]
        state = fold(events)
        assert state.phase is Phase.OPEN
        assert seen(state, BEN) == seen(state, CAI) == {ANA}
        assert seen(state, ANA) == set()

    def test_a_release_allows_what_two_would(self) -> None:
        events = [CIRCLE, Event.taking_part(CAI), answers(ANA), answers(BEN, rule=Rule.TWO)]
        assert fold(events).phase is Phase.OPEN
        assert fold([*events, Event.released(ANA)]).phase is Phase.REVEALED

    def test_who_did_not_answer_sees_it_only_if_every_author_lets_them(self) -> None:
        both = fold([CIRCLE, answers(ANA, let_see=True), answers(BEN, let_see=True)])
        assert seen(both, CAI) == {ANA, BEN}
        one = fold([CIRCLE, answers(ANA, let_see=True), answers(BEN)])
        assert seen(one, CAI) == set()
        assert seen(step(one, Event.let_others_see(BEN, True)), CAI) == {ANA, BEN}
        assert seen(step(both, Event.let_others_see(ANA, False)), CAI) == set()

    def test_nobody_is_let_see_before_the_reveal(self) -> None:
        state = fold([CIRCLE, Event.taking_part(CAI), answers(ANA, let_see=True), answers(BEN, let_see=True)])
        assert seen(state, CAI) == seen(state, ANA) == set()

    def test_a_withdrawn_answer_no_longer_keeps_others_out(self) -> None:
        state = fold([CIRCLE_OF_FOUR, answers(ANA, let_see=True), answers(BEN, let_see=True), answers(CAI)])
        assert seen(state, DAN) == set()
        assert seen(step(state, Event.withdrew(CAI)), DAN) == {ANA, BEN}

    def test_everyone_knows_of_the_reveal_so_that_a_late_answer_is_no_surprise(self) -> None:
        shown = view(fold([CIRCLE, answers(ANA), answers(BEN)]), CAI)
        assert shown.phase is Phase.REVEALED
        assert act(Act.ANSWER) in shown.can and not shown.my_stance_open and not shown.waiting_for_me

    def test_a_late_answer_opens_at_once_and_lets_its_author_in(self) -> None:
        state = fold([CIRCLE_OF_FOUR, answers(ANA), answers(BEN), answers(CAI, told=False)])
        assert seen(state, ANA) == {BEN, CAI} and seen(state, CAI) == {ANA, BEN} and seen(state, DAN) == set()


# -- a founding moment, leaving ---------------------------------------------------------------------------------------


class TestFounding:
    def test_an_answer_alone_waits_for_whoever_comes(self) -> None:
        state = fold([FOUNDING, answers(ANA), Event.joined(BEN)])
        assert state.phase is Phase.OPEN
        assert view(state, BEN).waiting_for_me
        assert step(state, answers(BEN)).phase is Phase.REVEALED

    def test_a_third_makes_a_circle_and_is_asked(self) -> None:
        state = fold([FOUNDING, Event.joined(BEN), Event.joined(CAI)])
        assert view(state, CAI).circle and view(state, CAI).my_stance_open
        assert view(state, CAI).taking_part == (ANA, BEN)

    def test_in_a_circle_every_newcomer_is_asked(self) -> None:
        state = fold([replace(FOUNDING, circle=True), Event.joined(BEN)])
        assert view(state, BEN).my_stance_open

    def test_a_release_to_nobody_is_for_whoever_comes(self) -> None:
        state = fold([FOUNDING, answers(ANA), Event.released(ANA), Event.joined(BEN)])
        assert seen(state, BEN) == {ANA}

    def test_a_release_to_others_ends_admission(self) -> None:
        state = fold([FOUNDING, Event.joined(BEN), answers(ANA), Event.released(ANA)])
        with pytest.raises(NotAdmitting):
            step(state, Event.joined(CAI))

    def test_a_newcomer_is_news_to_all(self) -> None:
        before = fold([FOUNDING])
        assert changed_for(before, step(before, Event.joined(BEN))) == {ANA, BEN}


class TestLeaving:
    def test_words_leave_without_a_mark(self) -> None:
        state = fold([*REVEALED, thanks(BEN, ANA), said(BEN, ANA), Event.left(BEN)])
        assert BEN not in repr(view(state, ANA))

    def test_shown_words_stay_where_the_bond_agreed_on_it(self) -> None:
        state = fold([*REVEALED, thanks(BEN, ANA), said(BEN, ANA), Event.left(BEN, words_stay=True)])
        shown = view(state, ANA)
        assert seen(state, ANA) == {BEN}
        assert shown.responses == (Response(BEN, ANA, Choice.THANKS),)
        assert [words.item for words in shown.said] == ["words-ben-ana-0"]
        assert shown.asked == (ANA,)

    def test_an_unshown_answer_never_stays(self) -> None:
        state = fold([TWO, answers(BEN), Event.left(BEN, words_stay=True)])
        assert state.answers == ()

    def test_whoever_left_is_not_waited_for(self) -> None:
        events = [CIRCLE, Event.taking_part(CAI), answers(ANA), answers(BEN)]
        assert fold([*events, Event.left(CAI)]).phase is Phase.REVEALED

    def test_leaving_a_bond_of_two_opens_nothing(self) -> None:
        assert fold([TWO, answers(ANA), Event.left(BEN)]).phase is Phase.OPEN

    def test_whoever_left_sees_nothing(self) -> None:
        with pytest.raises(NotInvited):
            view(fold([*REVEALED, Event.left(BEN)]), BEN)


# -- strict reveal ----------------------------------------------------------------------------------------------------


class TestStrict:
    def test_nobody_sees_anything_before_the_last_hand_over(self) -> None:
        state = fold([STRICT, answers(ANA), answers(BEN)])
        for event in (None, Event.handed(BEN)):
            state = state if event is None else step(state, event)
            assert state.phase is Phase.OPENING
            assert seen(state, ANA) == seen(state, BEN) == set()
        state = step(state, Event.handed(ANA))
        assert state.phase is Phase.REVEALED
        assert seen(state, ANA) == {BEN} and seen(state, BEN) == {ANA}

    def test_only_authors_are_told_that_it_is_opening(self) -> None:
        opened = replace(CIRCLE, strict=True)
        state = fold([opened, answers(ANA, told=False), answers(BEN, told=False)])
        assert view(state, ANA).phase is Phase.OPENING and act(Act.HAND_OVER) in view(state, ANA).can
        assert view(state, CAI) == view(fold([opened]), CAI)

    def test_hand_overs_lapse_with_the_conditions(self) -> None:
        events = [STRICT, answers(ANA), answers(BEN), Event.handed(ANA), Event.withdrew(BEN)]
        state = fold(events)
        assert state.phase is Phase.OPEN
        assert state.answers == fold([STRICT, answers(ANA)]).answers
        state = fold([*events, Event.answered(BEN, "again"), Event.handed(BEN)])
        assert state.phase is Phase.OPENING and seen(state, BEN) == set()

    def test_one_author_can_still_go_back_to_all(self) -> None:
        events = [replace(CIRCLE, strict=True), Event.taking_part(CAI)]
        events += [answers(ANA, rule=Rule.TWO), answers(BEN, rule=Rule.TWO), Event.handed(ANA)]
        assert fold(events).phase is Phase.OPENING
        assert fold([*events, Event.rule_changed(BEN, Rule.ALL)]).phase is Phase.OPEN

    def test_an_answer_that_comes_while_it_is_opening_is_handed_over_too(self) -> None:
        events = [replace(CIRCLE, strict=True), answers(ANA), answers(BEN), Event.handed(ANA), answers(CAI)]
        events.append(Event.handed(BEN))
        assert fold(events).phase is Phase.OPENING
        assert fold([*events, Event.handed(CAI)]).phase is Phase.REVEALED

    def test_a_release_needs_no_hand_over(self) -> None:
        state = fold([STRICT, answers(ANA), Event.released(ANA)])
        assert seen(state, BEN) == {ANA}
        state = step(state, answers(BEN))
        assert state.phase is Phase.OPENING and seen(state, ANA) == set()
        assert step(state, Event.handed(BEN)).phase is Phase.REVEALED

    def test_a_withdrawal_can_leave_only_answers_that_are_handed_over(self) -> None:
        events = [replace(CIRCLE, strict=True), answers(ANA), answers(BEN), answers(CAI)]
        events += [Event.handed(ANA), Event.handed(BEN), Event.withdrew(CAI)]
        state = fold(events)
        assert state.phase is Phase.REVEALED and seen(state, CAI) == set()


# -- responses and words ----------------------------------------------------------------------------------------------


class TestResponses:
    def test_the_first_response_comes_before_any_words(self) -> None:
        assert act(Act.SAY, ANA) not in view(fold(REVEALED), BEN).can
        assert act(Act.SAY, ANA) in view(fold([*REVEALED, thanks(BEN, ANA)]), BEN).can

    def test_a_later_choice_replaces_the_first(self) -> None:
        state = fold([*REVEALED, thanks(BEN, ANA), Event.responded(BEN, ANA, Choice.WITH_YOU)])
        assert view(state, ANA).responses == (Response(BEN, ANA, Choice.WITH_YOU),)

    def test_the_same_choice_twice_pokes_nobody(self) -> None:
        state = fold([*REVEALED, thanks(BEN, ANA)])
        assert changed_for(state, step(state, thanks(BEN, ANA))) == frozenset()

    def test_all_who_see_the_answer_see_responses_and_words(self) -> None:
        events = [CIRCLE_OF_FOUR, answers(ANA), answers(BEN), answers(CAI), thanks(BEN, ANA), said(BEN, ANA)]
        state = fold(events)
        for member in (ANA, BEN, CAI):
            assert view(state, member).responses == (Response(BEN, ANA, Choice.THANKS),)
            assert [words.item for words in view(state, member).said] == ["words-ben-ana-0"]
        assert view(state, DAN).responses == () and view(state, DAN).said == ()

    def test_a_released_answer_can_be_responded_to_at_once(self) -> None:
        state = fold([TWO, answers(ANA), Event.released(ANA), thanks(BEN, ANA)])
        assert view(state, ANA).responses == (Response(BEN, ANA, Choice.THANKS),)

    def test_its_author_replies_once_somebody_responded(self) -> None:
        state = fold([*REVEALED, thanks(BEN, ANA), said(ANA, ANA)])
        assert [words.by for words in view(state, BEN).said] == [ANA]

    def test_advice_only_where_it_is_welcome(self) -> None:
        events = [TWO, answers(ANA, advice_welcome=True), answers(BEN), thanks(BEN, ANA)]
        state = fold([*events, said(BEN, ANA, advice=True)])
        assert view(state, ANA).said[0].advice
        assert not can(fold([*events, Event.advice_changed(ANA, False)]), said(BEN, ANA, advice=True))

    def test_words_are_kept_in_the_order_of_speaking(self) -> None:
        state = fold([*REVEALED, thanks(BEN, ANA), Event.said(BEN, ANA, "z"), Event.said(ANA, ANA, "a")])
        assert [words.item for words in view(state, ANA).said] == ["z", "a"]

    def test_taken_back_words_leave_no_mark(self) -> None:
        before = fold([*REVEALED, thanks(BEN, ANA)])
        after = fold([*REVEALED, thanks(BEN, ANA), said(BEN, ANA), Event.unsaid(BEN, "words-ben-ana-0")])
        assert view(after, ANA) == view(before, ANA) and view(after, BEN) == view(before, BEN)

    def test_a_note_on_what_changed_shows_to_those_who_see_the_answer(self) -> None:
        events = [CIRCLE, answers(ANA), answers(BEN), Event.changed(ANA, "note")]
        state = fold(events)
        assert view(state, BEN).visible_answers[0].notes == ("note",)
        assert "note" not in repr(view(state, CAI).visible_answers)
        assert view(state, ANA).own_words == ("note",)
        assert view(fold([*events, Event.unsaid(ANA, "note")]), BEN) == view(fold(events[:3]), BEN)

    def test_notes_stand_one_after_another_and_are_taken_back_one_by_one(self) -> None:
        state = fold([*REVEALED, Event.changed(ANA, "spring"), Event.changed(ANA, "autumn")])
        assert view(state, BEN).visible_answers[0].notes == ("spring", "autumn")
        assert view(step(state, Event.unsaid(ANA, "spring")), BEN).visible_answers[0].notes == ("autumn",)


class TestPokes:
    def test_an_opening_is_news_to_all_who_are_asked(self) -> None:
        assert changed_for(None, fold([CIRCLE])) == {ANA, BEN, CAI}

    def test_a_change_of_rule_is_news_to_its_author_alone(self) -> None:
        state = fold([CIRCLE, answers(ANA)])
        assert changed_for(state, step(state, Event.rule_changed(ANA, Rule.TWO))) == {ANA}

    def test_a_second_told_answer_in_a_circle_is_no_news(self) -> None:
        state = fold([CIRCLE_OF_FOUR, answers(BEN)])
        assert changed_for(state, step(state, answers(CAI))) == {BEN, CAI}

    def test_the_version_counts_only_what_this_page_shows(self) -> None:
        events = [TWO, answers(ANA), Event.rule_changed(ANA, Rule.TWO), Event.told_changed(ANA, False)]
        assert visible_version(events, BEN) == 3
        assert visible_version(events, ANA) == 4
        assert visible_version(events, EVE) == 0


# -- refusals ---------------------------------------------------------------------------------------------------------

TALKED = (*REVEALED, thanks(BEN, ANA), said(BEN, ANA))

REFUSALS: list[tuple[str, type[MomentError], tuple[Event, ...], Event]] = [
    ("anything before the opening", NotOpen, (), answers(ANA)),
    ("a second opening", AlreadyOpen, (TWO,), TWO),
    ("a stranger", NotInvited, (TWO,), answers(EVE)),
    ("whoever left", NotInvited, (TWO, Event.left(BEN)), answers(BEN)),
    ("joining twice", AlreadyIn, (FOUNDING,), Event.joined(ANA)),
    ("joining a later moment", NotAdmitting, (TWO,), Event.joined(CAI)),
    (
        "joining after the reveal",
        NotAdmitting,
        (FOUNDING, Event.joined(BEN), answers(ANA), answers(BEN)),
        Event.joined(CAI),
    ),
    ("saying yes twice", AlreadyTakingPart, (CIRCLE, Event.taking_part(BEN)), Event.taking_part(BEN)),
    ("saying yes after answering", AlreadyTakingPart, (CIRCLE, answers(BEN)), Event.taking_part(BEN)),
    ("saying yes in a bond of two", AlreadyTakingPart, (TWO,), Event.taking_part(BEN)),
    ("saying yes after the reveal", AlreadyRevealed, (CIRCLE, answers(ANA), answers(BEN)), Event.taking_part(CAI)),
    ("stepping out without having said yes", NotTakingPart, (CIRCLE,), Event.stepped_out(BEN)),
    ("stepping out in a bond of two", NotACircle, (TWO,), Event.stepped_out(BEN)),
    ("stepping out after answering", AlreadyAnswered, (CIRCLE, answers(ANA)), Event.stepped_out(ANA)),
    (
        "stepping out after the reveal",
        AlreadyRevealed,
        (CIRCLE, Event.taking_part(CAI), answers(ANA, rule=Rule.TWO), answers(BEN, rule=Rule.TWO)),
        Event.stepped_out(CAI),
    ),
    ("a second answer", AlreadyAnswered, (TWO, answers(ANA)), Event.answered(ANA, "other")),
    ("withdrawing nothing", NotAnswered, (TWO,), Event.withdrew(ANA)),
    ("releasing nothing", NotAnswered, (TWO,), Event.released(ANA)),
    ("a rule without an answer", NotAnswered, (TWO,), Event.rule_changed(ANA, Rule.TWO)),
    ("told without an answer", NotAnswered, (TWO,), Event.told_changed(ANA, True)),
    ("let see without an answer", NotAnswered, (TWO,), Event.let_others_see(ANA, True)),
    ("advice welcome without an answer", NotAnswered, (TWO,), Event.advice_changed(ANA, True)),
    ("a note without an answer", NotAnswered, (TWO,), Event.changed(ANA, "note")),
    ("handing over nothing", NotAnswered, (STRICT,), Event.handed(ANA)),
    ("a rule after the reveal", AlreadyRevealed, REVEALED, Event.rule_changed(ANA, Rule.TWO)),
    ("told after the reveal", AlreadyRevealed, REVEALED, Event.told_changed(ANA, False)),
    ("a release after the reveal", AlreadyRevealed, REVEALED, Event.released(ANA)),
    ("handing over after the reveal", AlreadyRevealed, REVEALED, Event.handed(ANA)),
    ("a second release", AlreadyReleased, (TWO, answers(ANA), Event.released(ANA)), Event.released(ANA)),
    (
        "a rule after a release",
        AlreadyReleased,
        (TWO, answers(ANA), Event.released(ANA)),
        Event.rule_changed(ANA, Rule.TWO),
    ),
    ("handing over too early", TooEarly, (STRICT, answers(ANA)), Event.handed(ANA)),
    ("handing over twice", AlreadyHanded, (STRICT, answers(ANA), answers(BEN), Event.handed(ANA)), Event.handed(ANA)),
    ("responding to silence", CannotSee, (TWO,), thanks(BEN, ANA)),
    ("responding to what is not shown", CannotSee, (TWO, answers(ANA)), thanks(BEN, ANA)),
    ("responding unseen after the reveal", CannotSee, (CIRCLE, answers(ANA), answers(BEN)), thanks(CAI, ANA)),
    ("responding to a stranger", CannotSee, REVEALED, thanks(BEN, EVE)),
    ("words to what is not shown", CannotSee, (TWO, answers(ANA)), said(BEN, ANA)),
    ("responding to oneself", OwnAnswer, REVEALED, thanks(ANA, ANA)),
    ("words before the first response", TooEarly, REVEALED, said(BEN, ANA)),
    ("words after another's response", TooEarly, (*REVEALED, thanks(ANA, BEN)), said(BEN, ANA)),
    ("a reply to nobody", TooEarly, (*REVEALED, thanks(ANA, BEN)), said(ANA, ANA)),
    ("a note before the reveal", TooEarly, (TWO, answers(ANA)), Event.changed(ANA, "note")),
    ("advice unasked", AdviceNotWelcome, (*REVEALED, thanks(BEN, ANA)), said(BEN, ANA, advice=True)),
    ("advice to oneself", AdviceNotWelcome, (*REVEALED, thanks(BEN, ANA)), said(ANA, ANA, advice=True)),
    ("taking back what is not there", UnknownItem, TALKED, Event.unsaid(BEN, "nothing")),
    ("taking back an answer as if it were words", UnknownItem, TALKED, Event.unsaid(ANA, "answer-ana-0")),
    (
        "taking back words twice",
        UnknownItem,
        (*TALKED, Event.unsaid(BEN, "words-ben-ana-0")),
        Event.unsaid(BEN, "words-ben-ana-0"),
    ),
    (
        "taking back another's words, unseen",
        UnknownItem,
        (CIRCLE, answers(ANA), answers(BEN), thanks(BEN, ANA), said(BEN, ANA)),
        Event.unsaid(CAI, "words-ben-ana-0"),
    ),
    ("taking back another's words", NotYours, TALKED, Event.unsaid(ANA, "words-ben-ana-0")),
    ("taking back another's note", NotYours, (*REVEALED, Event.changed(ANA, "note")), Event.unsaid(BEN, "note")),
    ("an item for two answers", ItemUsed, (TWO, answers(ANA)), Event.answered(BEN, "answer-ana-0")),
    ("an item once withdrawn", ItemUsed, (TWO, answers(ANA), Event.withdrew(ANA)), answers(ANA)),
    ("an item for words and a note", ItemUsed, TALKED, Event.changed(ANA, "words-ben-ana-0")),
]


@pytest.mark.parametrize(("error", "before", "event"), [row[1:] for row in REFUSALS], ids=[row[0] for row in REFUSALS])
def test_refused_by_name_and_without_effect(error: type[MomentError], before: tuple[Event, ...], event: Event) -> None:
    state = fold(before) if before else None
    with pytest.raises(MomentError) as refused:
        step(state, event)
    assert type(refused.value) is error
    assert not can(state, event)
    if before:
        assert state == fold(before)


PAYLOAD = Event.taking_part(ANA).to_payload()
BAD_PAYLOADS: list[tuple[str, type[MomentError], dict[str, object]]] = [
    ("no version", UnknownVersion, {"verb": "taking-part", "by": ANA}),
    ("a newer version", UnknownVersion, {**PAYLOAD, "v": 2}),
    ("yes as a version", UnknownVersion, {**PAYLOAD, "v": True}),
    ("an unknown verb", UnknownVerb, {**PAYLOAD, "verb": "peeked"}),
    ("no verb", UnknownVerb, {"v": 1, "by": ANA}),
    ("a list as a verb", UnknownVerb, {**PAYLOAD, "verb": []}),
    ("nobody", BadEvent, {"v": 1, "verb": "taking-part"}),
    ("an empty name", BadEvent, {**PAYLOAD, "by": ""}),
    ("a number for a name", BadEvent, {**PAYLOAD, "by": 7}),
    ("a field too many", BadEvent, {**PAYLOAD, "item": "x"}),
    ("a field too few", BadEvent, {**PAYLOAD, "verb": "unsaid"}),
    ("an empty item", BadEvent, {**PAYLOAD, "verb": "unsaid", "item": ""}),
    ("an unknown rule", BadEvent, {**PAYLOAD, "verb": "rule-changed", "rule": "none"}),
    ("an unknown choice", BadEvent, {**PAYLOAD, "verb": "responded", "to": BEN, "choice": "you should"}),
    ("a number for a yes", BadEvent, {**PAYLOAD, "verb": "told-changed", "told": 1}),
    ("a text for a list", BadEvent, {**TWO.to_payload(), "invited": "ab"}),
    ("a number among names", BadEvent, {**TWO.to_payload(), "invited": [ANA, 7]}),
]


@pytest.mark.parametrize(("error", "payload"), [row[1:] for row in BAD_PAYLOADS], ids=[row[0] for row in BAD_PAYLOADS])
def test_bad_payloads_are_refused_by_name(error: type[MomentError], payload: dict[str, object]) -> None:
    with pytest.raises(MomentError) as refused:
        Event.from_payload(payload)
    assert type(refused.value) is error


@pytest.mark.parametrize("invited", [(), (BEN, CAI), (ANA, ANA)], ids=["nobody", "without the opener", "one twice"])
def test_an_opening_that_contradicts_itself_is_refused(invited: tuple[str, ...]) -> None:
    with pytest.raises(BadEvent):
        fold([Event.opened(ANA, invited)])


def test_nothing_folds_to_nothing() -> None:
    with pytest.raises(NotOpen):
        fold([])


def test_every_refusal_has_a_code_of_its_own_and_a_case_here() -> None:
    errors = MomentError.__subclasses__()
    codes = [error.code for error in errors]
    assert len(set(codes)) == len(codes) and MomentError.code not in codes
    assert all(error.__doc__ and error.says != MomentError.says for error in errors)
    tried = {row[1] for row in REFUSALS} | {row[1] for row in BAD_PAYLOADS}
    assert set(errors) == tried


def test_refusals_say_the_same_to_everyone() -> None:
    """Logs may hold a refusal: it holds no id, no item, nothing about this moment."""
    for _, error, before, event in REFUSALS:
        with pytest.raises(MomentError) as refused:
            step(fold(before) if before else None, event)
        assert str(refused.value) == error.says


def test_a_payload_is_plain_compact_and_stable() -> None:
    """Stored events must be readable for as long as bonds last: a change here needs a new version."""
    assert answers(ANA).to_payload() == {
        "v": 1,
        "verb": "answered",
        "by": ANA,
        "item": "answer-ana-0",
        "rule": "all",
        "told": True,
        "advice_welcome": False,
        "let_see": False,
    }
    assert [verb.value for verb in Verb] == [
        "opened",
        "joined",
        "left",
        "taking-part",
        "stepped-out",
        "answered",
        "handed",
        "withdrew",
        "released",
        "rule-changed",
        "told-changed",
        "advice-changed",
        "let-see",
        "responded",
        "said",
        "unsaid",
        "changed",
    ]
    assert [rule.value for rule in Rule] == ["all", "two"]
    assert [choice.value for choice in Choice] == ["understand", "thanks", "tell-more", "with-you"]


# -- what holds in every state ----------------------------------------------------------------------------------------


def without(state: State, member: str) -> State:
    """The state as it would be had this member not answered."""
    return replace(state, answers=tuple(answer for answer in state.answers if answer.by != member))


def needed_act(event: Event) -> str | None:
    """The act that a page must offer for this event, as the documentation of View.can has it."""
    simple = {
        Verb.LEFT: Act.LEAVE,
        Verb.TAKING_PART: Act.TAKE_PART,
        Verb.STEPPED_OUT: Act.STEP_OUT,
        Verb.ANSWERED: Act.ANSWER,
        Verb.HANDED: Act.HAND_OVER,
        Verb.WITHDREW: Act.WITHDRAW,
        Verb.RELEASED: Act.RELEASE,
        Verb.RULE_CHANGED: Act.CHANGE_RULE,
        Verb.TOLD_CHANGED: Act.CHANGE_TOLD,
        Verb.ADVICE_CHANGED: Act.CHANGE_ADVICE,
        Verb.LET_SEE: Act.LET_SEE,
        Verb.CHANGED: Act.NOTE_CHANGE,
    }
    if event.verb in simple:
        return act(simple[event.verb])
    if event.verb is Verb.RESPONDED:
        return act(Act.RESPOND, event.to or "")
    if event.verb is Verb.SAID:
        return act(Act.ADVISE if event.advice else Act.SAY, event.to or "")
    return act(Act.UNSAY, event.item or "") if event.verb is Verb.UNSAID else None


def check_state(state: State) -> None:
    """What must be so in any state, said again in other words than the machine's own."""
    authors = [answer.by for answer in state.answers]
    assert authors == sorted(set(authors), key=state.roster.index), "one answer each, in roster order"
    assert state.members <= set(state.roster) and state.said_yes <= state.members and state.seats <= state.members
    assert state.revealed or not state.seats
    standing = {answer.item for answer in state.answers}
    assert {response.to for response in state.responses} <= set(authors)

    for member in state.members:
        shown = view(state, member)
        mine = state.answer_of(member)
        page = repr(shown)

        # Nobody's answer shows early, and what was taken back shows nowhere.
        for answer in state.answers:
            if answer.by != member and not state.revealed and not answer.released:
                assert answer.item not in page
        own_standing = set(shown.own_words)
        for item in state.used - standing:
            alive = any(words.item == item for words in state.words) or any(
                item in answer.notes for answer in state.answers
            )
            assert alive or item not in page
            if alive and item not in own_standing and item in page:
                assert any(item == words.item for words in shown.said) or any(
                    item in answer.notes for answer in shown.visible_answers
                )
        for words in state.words:
            if words.about not in standing and words.by != member:
                assert words.item not in page

        # Whoever has not answered is not told of an opening; responses and words show only beneath what one sees.
        if mine is None:
            assert shown.phase is not Phase.OPENING
        beneath = {answer.by for answer in shown.visible_answers} | ({member} if mine else set())
        assert {response.to for response in shown.responses} | {words.to for words in shown.said} <= beneath

        # Who did not answer sees nothing unless every author lets them, or this author released it.
        if member not in state.seats and mine is None:
            for seen_answer in shown.visible_answers:
                theirs = state.answer_of(seen_answer.by)
                assert theirs is not None
                assert theirs.released or all(one.let_see or one.released for one in state.answers)

        # Nobody is stuck: whoever has no answer can give one, whoever has one can take it back, or let it be seen now.
        if mine is None:
            assert act(Act.ANSWER) in shown.can and not shown.waiting
        else:
            assert act(Act.WITHDRAW) in shown.can
            assert shown.waiting == (act(Act.RELEASE) in shown.can)
            assert (act(Act.CHANGE_RULE) in shown.can) == shown.waiting
            now = step(state, Event.released(member)) if shown.waiting else state
            for other in now.members - {member}:
                if shown.waiting:
                    assert member in seen(now, other)
            gone = step(state, Event.withdrew(member))
            assert all(mine.item not in repr(view(gone, other)) for other in gone.members)

    # What others' pages may tell of an answer that is not shown: nothing, or one name (two), or one yes (circle).
    if state.phase is Phase.OPEN:
        for answer in state.answers:
            if answer.released:
                continue
            absent = without(state, answer.by)
            if absent.phase is not Phase.OPEN:
                continue  # this author's ALL is all that holds it back: see the module's notes on Reveal
            other_choices = replace(
                answer,
                item="another",
                rule=Rule.TWO if answer.rule is Rule.ALL else Rule.ALL,
                let_see=not answer.let_see,
                advice_welcome=not answer.advice_welcome,
            )
            varied = replace(
                state, answers=tuple(other_choices if one.by == answer.by else one for one in state.answers)
            )
            for other in state.members - {answer.by}:
                with_it, had_it_not_been = view(state, other), view(absent, other)
                if answer.told and state.circle:
                    had_it_not_been = replace(had_it_not_been, some_have_answered=True)
                elif answer.told:
                    had_it_not_been = replace(had_it_not_been, others_told=had_it_not_been.others_told | {answer.by})
                assert with_it == had_it_not_been
                if varied.phase is Phase.OPEN:
                    assert with_it == view(varied, other)


def check_step(before: State, event: Event, after: State) -> None:
    """What must be so of any change."""
    by = event.by
    assert before.used <= after.used and (after.revealed or not before.revealed), "a reveal is for good"
    if after.revealed and not before.revealed:
        assert len(after.answers) >= 2, "never with one answer"
        everyone_has = all(after.answer_of(one) for one in after.said_yes)
        assert everyone_has or all(one.rule is Rule.TWO or one.released for one in after.answers)
        assert not after.strict or all(one.handed or one.released for one in after.answers)
    elif not after.revealed and not after.strict:
        everyone_has = all(after.answer_of(one) for one in after.said_yes)
        assert len(after.answers) < 2 or not (
            everyone_has or all(one.rule is Rule.TWO or one.released for one in after.answers)
        ), "nobody waits for nothing"

    # Another's act changes nobody's answer, choices or words.
    for member in (before.members | after.members) - {by}:
        then, now = before.answer_of(member), after.answer_of(member)
        assert (then is None) == (now is None)
        if then is not None and now is not None:
            assert replace(then, handed=False) == replace(now, handed=False)
        assert [one for one in before.words if one.by == member] == [one for one in after.words if one.by == member]

    # What only its author may know reaches only its author.
    mine_then, mine_now = before.answer_of(by), after.answer_of(by)
    if event.verb in (Verb.ANSWERED, Verb.WITHDREW, Verb.RULE_CHANGED, Verb.LET_SEE, Verb.ADVICE_CHANGED):
        quiet = all(one is None or (not one.told and not one.released) for one in (mine_then, mine_now))
        if quiet and before.phase is after.phase is Phase.OPEN:
            assert changed_for(before, after) <= {by}


def check_refusals(state: State, events: list[Event]) -> None:
    """A page offers what the machine takes; and what it takes tells nobody of an untold answer."""
    absents = [
        (answer.by, without(state, answer.by))
        for answer in state.answers
        if not answer.told and not answer.released and state.phase is Phase.OPEN
    ]
    offers = {member: view(state, member).can for member in state.members}
    for event in events:
        allowed = can(state, event)
        if event.item in state.used and event.verb is not Verb.UNSAID:
            assert not allowed, "an item is used once"
            continue
        offered = needed_act(event)
        if offered is not None and event.by in state.members:
            assert allowed == (offered in offers[event.by]), event
        for author, absent in absents:
            if event.by != author and absent.phase is Phase.OPEN:
                assert can(absent, event) == allowed, event


# -- every reachable state --------------------------------------------------------------------------------------------


#: Deeper than any path to a new state: with few items, the states of two people end.
TO_THE_END = 99


def moves(state: State, people: tuple[str, ...], *, after_reveal: bool) -> list[Event]:
    """Everything these people might try next, allowed or not, with few and fresh items so that states stay few."""

    def fresh(name: str, most: int) -> str | None:
        taken = sum(1 for item in state.used if item.startswith(f"{name}-"))
        return f"{name}-{taken}" if taken < most else None

    events = []
    for by in people:
        events += [Event.joined(by), Event.taking_part(by), Event.stepped_out(by), Event.handed(by)]
        events += [Event.withdrew(by), Event.released(by), Event.left(by)]
        events += [Event.rule_changed(by, rule) for rule in Rule]
        events += [Event.told_changed(by, told) for told in (True, False)]
        events += [Event.let_others_see(by, let_see) for let_see in (True, False)]
        if (answer := fresh(f"answer-{by}", 2)) is not None:
            events += [Event.answered(by, answer, rule=rule, told=told) for rule in Rule for told in (True, False)]
        if not after_reveal:
            continue
        events += [Event.advice_changed(by, welcome) for welcome in (True, False)]
        if (note := fresh(f"note-{by}", 1)) is not None:
            events.append(Event.changed(by, note))
        events += [Event.unsaid(by, item) for item in sorted(state.used) if not item.startswith("answer")]
        for to in people:
            events.append(Event.responded(by, to, Choice.TELL_MORE))
            if (words := fresh(f"words-{by}-{to}", 1)) is not None:
                events += [Event.said(by, to, words, advice=advice) for advice in (True, False)]
    return events


@pytest.mark.parametrize(
    ("start", "people", "depth", "after_reveal"),
    [
        ((TWO,), (ANA, BEN), TO_THE_END, False),
        ((STRICT,), (ANA, BEN), TO_THE_END, False),
        ((FOUNDING,), (ANA, BEN), TO_THE_END, False),
        ((CIRCLE,), (ANA, BEN, CAI), 4, False),
        ((CIRCLE, Event.taking_part(BEN), Event.taking_part(CAI)), (ANA, BEN, CAI), 4, False),
        ((replace(CIRCLE, strict=True), answers(ANA), answers(BEN)), (ANA, BEN, CAI), 3, False),
        ((replace(FOUNDING, circle=True), answers(ANA)), (ANA, BEN, CAI), 4, False),
        (REVEALED, (ANA, BEN), 4, True),
        ((CIRCLE, answers(ANA, let_see=True), answers(BEN, let_see=True)), (ANA, BEN, CAI), 3, True),
        ((CIRCLE, answers(ANA), Event.released(ANA)), (ANA, BEN, CAI), 3, True),
    ],
    ids=[
        "two",
        "two, strict",
        "founding",
        "circle",
        "circle, all take part",
        "circle, opening",
        "founding circle",
        "two, revealed",
        "circle, revealed",
        "circle, released",
    ],
)
def test_every_state_within_reach_keeps_the_promises(
    start: tuple[Event, ...], people: tuple[str, ...], depth: int, after_reveal: bool
) -> None:
    first = fold(start)
    known = {first}
    edge = [first]
    check_state(first)
    phases = {first.phase}
    for _ in range(depth):
        found = []
        for state in edge:
            events = moves(state, people, after_reveal=after_reveal)
            check_refusals(state, events)
            for event in events:
                try:
                    after = step(state, event)
                except MomentError:
                    continue
                check_step(state, event, after)
                if after not in known:
                    known.add(after)
                    found.append(after)
                    check_state(after)
        edge = found
        phases |= {state.phase for state in edge}
        if not edge:
            break
    assert not edge or depth != TO_THE_END
    assert Phase.REVEALED in phases, "deep enough to see a reveal"


# -- any order of events ----------------------------------------------------------------------------------------------

PEOPLE = (ANA, BEN, CAI, DAN)
someone = st.sampled_from((*PEOPLE, EVE))
yes_or_no = st.booleans()
rules = st.sampled_from(Rule)
#: Few ids, so that some are used twice.
items = st.sampled_from([f"item-{number}-" for number in range(12)])
openings = st.builds(
    lambda count, circle, strict, founding: Event.opened(
        ANA, PEOPLE[:count], circle=circle, strict=strict, founding=founding
    ),
    st.integers(1, 4),
    yes_or_no,
    yes_or_no,
    yes_or_no,
)
a_step = st.one_of(
    st.builds(Event.answered, someone, items, rule=rules, told=yes_or_no, advice_welcome=yes_or_no, let_see=yes_or_no),
    st.builds(Event.taking_part, someone),
    st.builds(Event.stepped_out, someone),
    st.builds(Event.handed, someone),
    st.builds(Event.withdrew, someone),
    st.builds(Event.released, someone),
    st.builds(Event.rule_changed, someone, rules),
    st.builds(Event.told_changed, someone, yes_or_no),
    st.builds(Event.advice_changed, someone, yes_or_no),
    st.builds(Event.let_others_see, someone, yes_or_no),
    st.builds(Event.responded, someone, someone, st.sampled_from(Choice)),
    st.builds(Event.said, someone, someone, items, advice=yes_or_no),
    st.builds(Event.unsaid, someone, items),
    st.builds(Event.changed, someone, items),
    st.builds(Event.joined, someone),
    st.builds(Event.left, someone, words_stay=yes_or_no),
    openings,
)


def run(opening: Event, tries: list[Event]) -> tuple[list[Event], list[State]]:
    """The events that were taken, and the state after each."""
    taken, states = [opening], [fold([opening])]
    for event in tries:
        try:
            states.append(step(states[-1], event))
        except MomentError:
            continue
        taken.append(event)
    return taken, states


@settings(max_examples=300, deadline=None)
@given(openings, st.lists(a_step, max_size=40))
def test_any_order_by_anyone_ends_in_a_lawful_state(opening: Event, tries: list[Event]) -> None:
    state = fold([opening])
    check_state(state)
    for event in tries:
        untouched = replace(state)
        check_refusals(state, [event])
        try:
            after = step(state, event)
        except MomentError as refusal:
            assert type(refusal) in MomentError.__subclasses__()
            assert not can(state, event)
            after = state
        else:
            assert can(state, event)
            check_step(state, event, after)
            check_state(after)
        assert state == untouched, "a step leaves the given state as it was"
        state = after


@settings(max_examples=60, deadline=None)
@given(openings, st.lists(st.integers(0, 999), max_size=30))
def test_any_lawful_path_keeps_the_promises(opening: Event, choices: list[int]) -> None:
    """Deeper than chance alone goes: each choice picks one of the events that are allowed just then."""
    state = fold([opening])
    for choice in choices:
        events = moves(state, PEOPLE, after_reveal=True)
        check_refusals(state, events)
        allowed = [event for event in events if can(state, event) and (event.verb is not Verb.LEFT or choice > 900)]
        if not allowed:
            return
        event = allowed[choice % len(allowed)]
        after = step(state, event)
        check_step(state, event, after)
        check_state(after)
        state = after


@settings(max_examples=200, deadline=None)
@given(openings, st.lists(a_step, max_size=40))
def test_replay_from_stored_payloads_gives_the_same_state(opening: Event, tries: list[Event]) -> None:
    taken, states = run(opening, tries)
    stored = json.dumps([event.to_payload() for event in taken])
    events = [Event.from_payload(payload) for payload in json.loads(stored)]
    assert events == taken
    assert fold(events) == states[-1]


@settings(max_examples=200, deadline=None)
@given(openings, st.lists(a_step, max_size=40), st.sampled_from(PEOPLE))
def test_versions_and_pokes_agree(opening: Event, tries: list[Event], member: str) -> None:
    taken, states = run(opening, tries)
    before: list[State | None] = [None, *states[:-1]]
    pokes = sum(member in changed_for(then, now) for then, now in zip(before, states, strict=True))
    assert visible_version(taken, member) == pokes


PRIVATE = (Verb.ANSWERED, Verb.WITHDREW, Verb.RULE_CHANGED, Verb.ADVICE_CHANGED, Verb.LET_SEE)


@settings(max_examples=400, deadline=None)
@given(openings, st.lists(a_step, max_size=40))
def test_an_untold_answer_might_as_well_not_be_there(opening: Event, tries: list[Event]) -> None:
    """Two runs, with and without what Ben does in quiet: until either opens, nobody else can tell which is theirs."""
    quiet = [
        replace(event, told=False) if event.verb is Verb.ANSWERED and event.by == BEN else event
        for event in tries
        if event.by != BEN or event.verb in PRIVATE
    ]
    with_ben, without_ben = fold([opening]), fold([opening])
    used_by_ben: set[str] = set()
    for event in quiet:
        if event.by == BEN:
            if event.item in without_ben.used:
                continue
            used_by_ben.add(event.item or "")
            with_ben = step(with_ben, event) if can(with_ben, event) else with_ben
        elif event.item in used_by_ben:
            continue
        else:
            assert can(with_ben, event) == can(without_ben, event)
            if not can(without_ben, event):
                continue
            with_ben, without_ben = step(with_ben, event), step(without_ben, event)
        if with_ben.phase is not Phase.OPEN or without_ben.phase is not Phase.OPEN:
            return
        for other in with_ben.members - {BEN}:
            assert view(with_ben, other) == view(without_ben, other)


@settings(max_examples=200, deadline=None)
@given(openings, st.lists(a_step, max_size=40), st.randoms(use_true_random=False))
def test_the_order_of_answering_is_not_kept(opening: Event, tries: list[Event], chance: Random) -> None:
    """Shuffle the answers that come first: the state is the same, so no page can tell who was quick."""
    firsts = [Event.answered(by, f"answer-{by}-0") for by in opening.invited or ()]
    shuffled = firsts.copy()
    chance.shuffle(shuffled)
    taking = [Event.taking_part(by) for by in opening.invited or ()]
    in_order = run(opening, [*taking, *firsts, *tries])[1][-1]
    in_another = run(opening, [*taking, *shuffled, *tries])[1][-1]
    assert in_order == in_another
