"""The rules of a dialogue, each by its situation: who may do what, where, and what comes of it."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import pytest
from pydantic import ValidationError

from closeknit.method.dialogue import (
    FLOOR_AFTER,
    LONGEST_AWAY,
    OVER,
    SHORTEST_AWAY,
    Agreement,
    Choice,
    Event,
    Loop,
    NotInIt,
    Phase,
    Spot,
    Verb,
    Verdict,
    Wish,
    acts,
    begin,
    can,
    careful,
    errors,
    fold,
    step,
    view,
)
from closeknit.method.dialogue.events import FIELDS
from closeknit.method.scripts import END, edges

from .dialogues import (
    ANA,
    BEN,
    BUILD,
    CAI,
    CHOOSE,
    CLOSE,
    DAN,
    EVE,
    EVERYTHING,
    LEADS,
    LISTENS,
    LOOP,
    MORE,
    NOW,
    OTHERS,
    PEOPLE,
    READY,
    RESPOND,
    RESPOND_ALL,
    ROUND,
    SHORT_LOOP,
    SOFT,
    WISH,
    Talk,
    an_event,
    asked,
    at_spot,
    option,
    part,
    place,
    running,
    same_but,
    script,
    stage,
    to_spot,
)

TWO = (ANA, BEN)
THREE = (ANA, BEN, CAI)
FAY = "fay"
PLAIN = script(part("talk", LEADS), CLOSE)

# -- every verb in every place, by everyone ---------------------------------------------------------------------------

#: +: taken. Otherwise which refusal.
SIGNS = {
    "+": None,
    "H": errors.NotHere,
    "T": errors.NotYourTurn,
    "E": errors.TooEarly,
    "D": errors.AlreadyDone,
    "I": errors.NotInIt,
    "R": errors.NotRunning,
    "O": errors.Over,
    "N": errors.NotOver,
    "U": errors.UnknownItem,
    "A": errors.NotAsked,
    "F": errors.TooFew,
    "L": errors.Lapsed,
}
#: What one does in a stage, and nowhere else.
IN_STAGES = (
    Verb.DONE,
    Verb.SAID,
    Verb.REFLECTED,
    Verb.ADDED,
    Verb.JUDGED,
    Verb.LET_REST,
    Verb.REPHRASED,
    Verb.MORE,
    Verb.VALIDATED,
    Verb.EMPATHISED,
    Verb.CONFIRMED,
    Verb.RESPONDED,
    Verb.CHOSE,
    Verb.WISHED,
    Verb.SWAPPED,
    Verb.PASSED,
    Verb.SKIPPED,
    Verb.FLOOR_ASKED,
    Verb.SLOWER,
)
#: By kind of stage: what the lead, the listener and another are answered. Whatever is not here is NotHere for all.
IN_KINDS: dict[str, dict[Verb, str]] = {
    "ready": {Verb.DONE: "+++"},
    "lead": {Verb.SAID: "+TT", Verb.PASSED: "+TT", Verb.FLOOR_ASKED: "HEE", Verb.SLOWER: "H++"},
    "listener": {Verb.SAID: "T+T", Verb.PASSED: "T+T", Verb.FLOOR_ASKED: "EHE", Verb.SLOWER: "+H+"},
    "others": {Verb.SAID: "T+T", Verb.PASSED: "T+T", Verb.FLOOR_ASKED: "EHE", Verb.SLOWER: "+H+"},
    "each": {Verb.SAID: "+TT", Verb.PASSED: "+TT", Verb.FLOOR_ASKED: "HEE", Verb.SLOWER: "H++"},
    "build": {Verb.SAID: "+TT", Verb.PASSED: "+TT", Verb.FLOOR_ASKED: "HEE", Verb.SLOWER: "H++"},
    "respond": {Verb.RESPONDED: "T++", Verb.PASSED: "T++"},
    "respond-all": {Verb.RESPONDED: "+++", Verb.PASSED: "+++"},
    "wish": {Verb.WISHED: "+++"},
    "choose": {Verb.CHOSE: "+TT"},
}
#: In loops, by spot. What is of a loop, and not of this spot, is NotHere for who has the floor, NotYourTurn for others.
LOOP_VERBS = (
    Verb.SAID,
    Verb.REFLECTED,
    Verb.JUDGED,
    Verb.LET_REST,
    Verb.REPHRASED,
    Verb.MORE,
    Verb.VALIDATED,
    Verb.EMPATHISED,
    Verb.CONFIRMED,
)
IN_SPOTS: dict[Spot, dict[Verb, str]] = {
    Spot.SPEAK: {Verb.SAID: "+TT", Verb.ADDED: "HHT", Verb.FLOOR_ASKED: "HEE"},
    Spot.REFLECT: {Verb.REFLECTED: "T+T", Verb.ADDED: "HHT", Verb.FLOOR_ASKED: "EHE"},
    Spot.CHECK: {Verb.JUDGED: "+TT", Verb.LET_REST: "ETT", Verb.REPHRASED: "ETT", Verb.ADDED: "HH+"},
    Spot.MORE: {Verb.MORE: "+TT", Verb.ADDED: "HHT"},
    Spot.VALIDATE: {Verb.VALIDATED: "T+T", Verb.ADDED: "HHT", Verb.FLOOR_ASKED: "EHE"},
    Spot.EMPATHISE: {Verb.EMPATHISED: "T+T", Verb.ADDED: "HHT", Verb.FLOOR_ASKED: "EHE"},
    Spot.CONFIRM: {Verb.CONFIRMED: "+TT", Verb.ADDED: "HHT"},
}
for _spot, _row in IN_SPOTS.items():
    _speaks = _spot in {Spot.SPEAK, Spot.CHECK, Spot.MORE, Spot.CONFIRM}
    for _verb in LOOP_VERBS:
        _row.setdefault(_verb, "HTT" if _speaks else "THT")
    _row |= {Verb.PASSED: "+TT" if _speaks else "T+T", Verb.SLOWER: "H++" if _speaks else "+H+"}

#: Outside of stages: the lead, the listener, another, who said yes and has not come, an outsider, who has left.
ROLES = (ANA, BEN, CAI, DAN, EVE, FAY)
ALWAYS: dict[Verb, str] = {
    Verb.ASKED: "AAAAAA",
    Verb.ACCEPTED: "DDDDID",
    Verb.READY: "DDDDID",
    Verb.BEGUN: "DDDDID",
    Verb.CAME_IN: "DDD+II",
    Verb.PAUSED: "+++III",
    Verb.RESUMED: "RRRIII",
    Verb.AWAY: "+++III",
    Verb.EXTENDED: "HHHIII",
    Verb.LEFT: "++++ID",
    Verb.ENDED: "+++III",
    Verb.AGREED: "NNNNIN",
    Verb.TOOK_BACK: "UUUUIU",
    Verb.KEPT: "NNNNIN",
}
SIX = (ANA, BEN, CAI, DAN, FAY)


def stands_in(kind: str) -> Talk:
    """In a stage of this kind: Ana leads, Ben listens, Cai is there too, Dan has not come, and Fay has left."""
    talk = running(kind, (ANA, BEN, CAI, FAY), asked_too=(DAN,))
    talk.do(FAY, Verb.LEFT)
    return talk


def stands_at(spot: Spot) -> Talk:
    return to_spot(stands_in("loop"), spot)


PLACES = [*IN_KINDS, *(f"loop, {spot.value}" for spot in Spot)]


def at_place(name: str) -> tuple[Talk, dict[Verb, str]]:
    if not name.startswith("loop"):
        return stands_in(name), IN_KINDS[name]
    spot = Spot(name.removeprefix("loop, "))
    return stands_at(spot), IN_SPOTS[spot]


def expected(row: dict[Verb, str]) -> dict[Verb, str]:
    return ALWAYS | {verb: row.get(verb, "HHH") + "III" for verb in IN_STAGES}


def check_table(talk: Talk, table: dict[Verb, str]) -> None:
    """Every verb by everyone gives exactly what the table says, and a page offers exactly what is taken."""
    assert set(table) == set(Verb)
    state, found = talk.state, {}
    for verb, signs in table.items():
        for by, sign in zip(ROLES, signs, strict=True):
            found[verb, by] = (talk.refused(by, verb), SIGNS[sign])
    assert {key: got for key, (got, _) in found.items()} == {key: want for key, (_, want) in found.items()}
    for by in set(ROLES) & state.here:
        offered = {name.partition(":")[0].replace("wish", "wished") for name in view(state, by, talk.now).can}
        taken = {verb.value for verb in Verb if found[verb, by][0] is None}
        if Verb.CHOSE.value in taken:  # `on` is one of them
            assert "chose:on" in view(state, by, talk.now).can
        assert {name.replace("wisheded", "wished") for name in offered} == taken


@pytest.mark.parametrize("name", PLACES)
def test_every_verb_in_every_kind_of_stage(name: str) -> None:
    talk, row = at_place(name)
    check_table(talk, expected(row))


#: While it rests nothing of a stage is done.
RESTS = dict.fromkeys(IN_STAGES, "RRRRIR")


@pytest.mark.parametrize("name", PLACES)
def test_every_verb_in_a_pause(name: str) -> None:
    talk, _ = at_place(name)
    talk.do(BEN, Verb.PAUSED)
    check_table(talk, ALWAYS | RESTS | {Verb.PAUSED: "DDDIII", Verb.RESUMED: "+++III"})


@pytest.mark.parametrize("name", PLACES)
def test_every_verb_in_a_time_out(name: str) -> None:
    talk, _ = at_place(name)
    talk.do(BEN, Verb.AWAY)
    rests = {Verb.PAUSED: "DDDIII", Verb.AWAY: "DDDIII", Verb.RESUMED: "+E+III", Verb.EXTENDED: "H+HIII"}
    check_table(talk, ALWAYS | RESTS | rests)


@pytest.mark.parametrize("name", PLACES)
def test_every_verb_after_the_end(name: str) -> None:
    talk, _ = at_place(name)
    talk.do(BEN, Verb.ENDED)
    assert talk.state.phase is Phase.ENDED
    check_table(talk, AFTER)


AFTER: dict[Verb, str] = dict.fromkeys(Verb, "OOOOIO") | {
    Verb.ASKED: "AAAAAA",
    Verb.LEFT: "++++ID",
    Verb.ENDED: "DDDDID",
    Verb.AGREED: "+++III",
    Verb.TOOK_BACK: "UUUUIU",
    Verb.KEPT: "+++III",
}


def test_every_verb_after_it_came_to_its_close() -> None:
    talk = Talk(script(part("first", READY)), SIX[:4]).begin(*THREE, yes=PEOPLE)
    for one in THREE:
        talk.do(one, Verb.DONE)
    assert talk.state.phase is Phase.CLOSED
    check_table(talk, {verb: signs[:5] + "I" for verb, signs in AFTER.items()} | {Verb.ASKED: "AAAAAA"})


def test_every_verb_before_it_begins() -> None:
    talk = Talk(PLAIN, SIX)
    talk.do(FAY, Verb.LEFT)
    table = dict.fromkeys(Verb, "RRRRIR") | {
        Verb.ASKED: "AAAAAA",
        Verb.ACCEPTED: "++++II",
        Verb.READY: "IIIIII",
        Verb.BEGUN: "FFFFII",
        Verb.CAME_IN: "IIIIII",
        Verb.LEFT: "++++ID",
        Verb.ENDED: "+IIIII",
        Verb.AGREED: "NNNNIN",
        Verb.TOOK_BACK: "UUUUIU",
        Verb.KEPT: "NNNNIN",
    }
    check_table(talk, table)
    talk.do(ANA, Verb.ACCEPTED)
    check_table(talk, table | {Verb.ACCEPTED: "D+++II", Verb.READY: "EIIIII"})
    talk.do(BEN, Verb.ACCEPTED)
    talk.do(CAI, Verb.ACCEPTED)
    talk.do(CAI, Verb.READY)
    table |= {Verb.ACCEPTED: "DDD+II", Verb.READY: "++DIII"}
    check_table(talk, table)  # Cai alone is too few
    talk.do(BEN, Verb.READY)
    check_table(talk, table | {Verb.READY: "+DDIII", Verb.BEGUN: "F++FII"})
    talk.now = NOW + 3600
    check_table(talk, table | {Verb.READY: "+DDIII", Verb.BEGUN: "F++FII"})
    talk.now += 1
    lapsed = {Verb.ACCEPTED: "LLLLII", Verb.READY: "LLLLII", Verb.BEGUN: "LLLLII"}
    check_table(talk, table | lapsed)


# -- asking and beginning ---------------------------------------------------------------------------------------------


class TestAsking:
    def test_it_keeps_what_was_asked(self) -> None:
        state = begin(EVERYTHING, asked(THREE, by=BEN, on_one=True, length=2, level=3, ceiling=5, cards=9))
        assert (state.asked_by, state.members, state.here) == (BEN, THREE, frozenset(THREE))
        assert (state.on_one, state.length, state.level, state.ceiling, state.cards) == (True, 2, 3, 5, 9)
        assert (state.opens_at, state.lapses_at, state.asked_at) == (NOW, NOW + 3600, NOW)
        assert (state.phase, state.step, state.order, state.turns) == (Phase.ASKED, 0, (), ())
        assert state.floor is None and state.acting == frozenset() and state.card is None and not state.notes
        assert state.lead is None and state.listener is None and state.took_part == ()

    @pytest.mark.parametrize(
        "wrong",
        [
            {"people": (BEN, CAI)},
            {"people": (ANA, BEN, BEN)},
            {"people": (ANA,)},
            {"people": (*PEOPLE, EVE, "fay", "gil")},
            {"length": 3},
            {"length": -1},
            {"level": 0},
            {"level": 4},
            {"ceiling": 6},
            {"lapses_at": NOW},
            {"opens_at": NOW + 3600},
        ],
        ids=str,
    )
    def test_what_contradicts_itself(self, wrong: dict[str, Any]) -> None:
        with pytest.raises(errors.BadEvent):
            begin(EVERYTHING, asked(**wrong))

    @pytest.mark.parametrize("right", [{"level": 1, "ceiling": 1}, {"level": 5, "ceiling": 5}, {"length": 0}], ids=str)
    def test_the_edges_are_in(self, right: dict[str, Any]) -> None:
        assert begin(EVERYTHING, asked(PEOPLE, **right)).phase is Phase.ASKED

    def test_without_cards_there_are_no_levels(self) -> None:
        assert begin(PLAIN, asked(level=0, ceiling=0, cards=0)).phase is Phase.ASKED

    def test_nothing_comes_before_it(self) -> None:
        for verb in Verb:
            if verb is not Verb.ASKED:
                event = an_event(
                    begin(PLAIN, asked()), ANA, verb, NOW, **({"order": TWO} if verb is Verb.BEGUN else {})
                )
                with pytest.raises(errors.NotAsked):
                    begin(PLAIN, event)
        with pytest.raises(errors.NotAsked):
            fold(PLAIN, [])

    def test_only_who_asked_takes_it_back_and_only_while_they_are_there(self) -> None:
        talk = Talk(PLAIN, THREE)
        assert talk.refused(BEN, Verb.ENDED) is errors.NotInIt
        assert step(talk.state, talk.event(ANA, Verb.ENDED)).phase is Phase.ENDED
        talk.do(ANA, Verb.LEFT)
        assert talk.refused(ANA, Verb.ENDED) is errors.NotInIt and talk.refused(BEN, Verb.ENDED) is errors.NotInIt


class TestBeginning:
    def test_a_yes_may_come_before_it_opens_and_nothing_else(self) -> None:
        talk = Talk(PLAIN, TWO, opens_at=NOW + 600)
        talk.do(ANA, Verb.ACCEPTED)
        talk.do(BEN, Verb.ACCEPTED)
        assert talk.refused(ANA, Verb.READY, at=NOW + 599) is errors.TooEarly
        for one in TWO:
            talk.do(one, Verb.READY, at=NOW + 600)
        assert talk.refused(ANA, Verb.BEGUN, at=NOW + 599) is errors.TooEarly
        state = talk.do(BEN, Verb.BEGUN, order=(BEN, ANA), at=NOW + 600)
        assert (state.phase, state.order, state.inside, state.begun_at, state.step) == (
            Phase.RUNNING,
            (BEN, ANA),
            (BEN, ANA),
            NOW + 600,
            1,
        )
        assert state.lead == BEN and state.listener == ANA and state.since == NOW + 600

    def test_nobody_is_ready_before_there_are_enough_yeses(self) -> None:
        talk = Talk(script(part("talk", LEADS), members=(3, 4)), PEOPLE)
        talk.do(ANA, Verb.ACCEPTED)
        talk.do(BEN, Verb.ACCEPTED)
        assert talk.refused(ANA, Verb.READY) is errors.TooEarly
        talk.do(CAI, Verb.ACCEPTED)
        talk.do(ANA, Verb.READY)
        talk.do(BEN, Verb.READY)
        assert talk.refused(ANA, Verb.BEGUN) is errors.TooFew
        talk.do(CAI, Verb.READY)
        assert talk.do(CAI, Verb.BEGUN, order=(CAI, BEN, ANA)).inside == (CAI, BEN, ANA)

    @pytest.mark.parametrize("order", [(ANA,), (ANA, BEN, CAI), (ANA, CAI), (ANA, BEN, BEN), (ANA, ANA), ()])
    def test_the_order_is_of_those_who_are_ready(self, order: tuple[str, ...]) -> None:
        talk = Talk(PLAIN, THREE)
        for one in THREE:
            talk.do(one, Verb.ACCEPTED)
        for one in TWO:
            talk.do(one, Verb.READY)
        assert talk.refused(ANA, Verb.BEGUN, order=order) is errors.TooFew
        assert talk.refused(CAI, Verb.BEGUN, order=TWO) is errors.TooFew
        assert talk.refused(BEN, Verb.BEGUN, order=(BEN, ANA)) is None

    @pytest.mark.parametrize("unwilling", [(), (ANA,), (BEN,), TWO])
    def test_notes_only_if_all_said_yes_to_them(self, unwilling: tuple[str, ...]) -> None:
        talk = Talk(PLAIN, TWO)
        for one in TWO:
            talk.do(one, Verb.ACCEPTED)
        for one in TWO:
            talk.do(one, Verb.READY, notes=one not in unwilling)
        assert not talk.state.notes, "not before it begins"
        assert talk.do(ANA, Verb.BEGUN).notes == (not unwilling)
        assert view(talk.state, ANA, talk.now).notes == (not unwilling)

    def test_who_leaves_before_is_not_waited_for(self) -> None:
        talk = Talk(PLAIN, THREE)
        for one in THREE:
            talk.do(one, Verb.ACCEPTED)
            talk.do(one, Verb.READY) if one != ANA else None
        state = talk.do(CAI, Verb.LEFT)
        assert state.accepted == {ANA, BEN} and state.ready == {BEN} and state.phase is Phase.ASKED
        state = talk.do(BEN, Verb.LEFT)
        assert (state.phase, state.over_at, state.step) == (Phase.ENDED, talk.now, 1)

    def test_too_few_left_to_begin_ends_it(self) -> None:
        talk = Talk(script(part("talk", LEADS), members=(3, 4)), PEOPLE)
        assert talk.do(DAN, Verb.LEFT).phase is Phase.ASKED
        assert talk.do(CAI, Verb.LEFT).phase is Phase.ENDED


class TestComingLate:
    def late(self, *parts: Any) -> Talk:
        return Talk(script(*parts), THREE).begin(*TWO, yes=THREE)

    def test_they_come_last_from_the_next_stage_on(self) -> None:
        talk = self.late(part("talk", ROUND, ROUND | {"id": "again"}), CLOSE)
        before = talk.state
        state = talk.do(CAI, Verb.CAME_IN)
        assert state.inside == state.took_part == THREE and state.queue == TWO
        assert same_but(state, before, "order", "unwilling_to_note")
        talk.do(ANA, Verb.SAID)
        state = talk.do(BEN, Verb.SAID)
        assert state.stage == 1 and state.queue == THREE

    def test_a_round_each_has_one_more(self) -> None:
        talk = self.late(part("talk", LEADS, repeat="each"), CLOSE)
        talk.do(ANA, Verb.SAID)
        assert talk.do(CAI, Verb.CAME_IN).lead == BEN
        state = talk.do(BEN, Verb.SAID)
        assert (state.part, state.round, state.lead, state.queue) == (0, 2, CAI, (CAI,))
        assert talk.do(CAI, Verb.SAID).part == 1

    def test_the_lead_of_a_card_stays(self) -> None:
        talk = self.late(part("cards", ROUND, repeat="cards", cards=(5, 5, 5)), CLOSE)
        for _ in range(2):
            talk.say_round()
        assert (talk.state.round, talk.state.lead) == (2, ANA)
        talk.do(CAI, Verb.CAME_IN)
        assert (talk.state.lead, talk.state.listener) == (ANA, BEN)
        assert talk.say_round().lead == BEN
        assert talk.say_round().lead == CAI

    @pytest.mark.parametrize("verb", [Verb.DONE, Verb.RESPONDED, Verb.WISHED])
    def test_they_are_not_waited_for_where_all_act_at_once(self, verb: Verb) -> None:
        kind = {Verb.DONE: READY, Verb.RESPONDED: RESPOND_ALL, Verb.WISHED: WISH}[verb]
        talk = self.late(part("talk", kind), CLOSE)
        talk.do(CAI, Verb.CAME_IN)
        assert talk.refused(CAI, verb) is not None
        assert verb.value not in acts(talk.state, CAI, talk.now) and "wish" not in acts(talk.state, CAI, talk.now)
        if verb is not Verb.WISHED:
            talk.do(ANA, verb)
        assert talk.do(BEN, verb).part == 1

    def test_nobody_asked_them_about_notes(self) -> None:
        talk = self.late(part("talk", ROUND), CLOSE)
        assert talk.state.notes
        assert not talk.do(CAI, Verb.CAME_IN).notes

    @pytest.mark.parametrize("rest", [Verb.PAUSED, Verb.AWAY])
    def test_who_comes_in_during_a_rest_wants_to_go_on(self, rest: Verb) -> None:
        talk = self.late(part("talk", ROUND), CLOSE)
        talk.do(ANA, rest)
        talk.do(BEN, Verb.RESUMED)
        state = talk.do(CAI, Verb.CAME_IN)
        assert state.back == {BEN, CAI} and state.phase is Phase(rest.value)
        assert talk.do(ANA, Verb.RESUMED, at=talk.now + SHORTEST_AWAY).phase is Phase.RUNNING

    def test_coming_while_it_runs_is_no_rest(self) -> None:
        talk = self.late(part("talk", ROUND), CLOSE)
        assert talk.do(CAI, Verb.CAME_IN).back == frozenset()

    def test_without_a_yes_nobody_comes_in(self) -> None:
        talk = Talk(PLAIN, THREE).begin(*TWO)
        assert talk.refused(CAI, Verb.CAME_IN) is errors.NotInIt
        assert talk.refused(CAI, Verb.ACCEPTED) is errors.AlreadyDone


class TestOneDevice:
    """`hand`: done by Ana's session for another, on the device that is passed round."""

    def passed_round(self, kind: str = "lead") -> Talk:
        talk = Talk(
            script(part("first", {"lead": LEADS, "each": ROUND, "loop": LOOP, "wish": WISH}[kind])), THREE, on_one=True
        )
        return talk.begin(*THREE)

    def test_only_its_owner_and_only_for_another(self) -> None:
        talk = self.passed_round("each")
        assert talk.refused(ANA, Verb.SAID, hand=ANA) is errors.NotHanded
        talk.do(ANA, Verb.SAID)
        assert talk.refused(BEN, Verb.SAID, hand=CAI) is errors.NotHanded
        state = talk.do(BEN, Verb.SAID, hand=ANA, item="b")
        assert state.turns[-1].hand == ANA and state.turns[-1].by == BEN
        assert not talk.do(CAI, Verb.SAID).turns[-1].hand

    def test_never_where_each_has_their_own(self) -> None:
        talk = running("each")
        talk.do(ANA, Verb.SAID)
        assert talk.refused(BEN, Verb.SAID, hand=ANA) is errors.NotHanded

    def test_a_private_check_is_not_handed_round(self) -> None:
        for gate in (True, False):
            talk = Talk(script(part("talk", LEADS), gate=gate), TWO, on_one=True)
            assert talk.refused(BEN, Verb.ACCEPTED, hand=ANA) is (errors.NotHanded if gate else None)
            talk.do(ANA, Verb.ACCEPTED)
            talk.do(BEN, Verb.ACCEPTED)
            assert talk.refused(BEN, Verb.READY, hand=ANA) is None

    def test_it_is_no_longer_passed_round_when_its_owner_is_gone(self) -> None:
        talk = self.passed_round("each")
        talk.do(ANA, Verb.LEFT)
        assert talk.refused(BEN, Verb.PAUSED, hand=ANA) is errors.NotHanded
        assert talk.refused(BEN, Verb.PAUSED) is None
        talk = Talk(PLAIN, THREE, on_one=True)
        talk.do(ANA, Verb.LEFT)
        assert talk.refused(BEN, Verb.ACCEPTED, hand=ANA) is errors.NotHanded

    def test_nor_by_an_owner_who_is_not_in_it(self) -> None:
        talk = Talk(PLAIN, THREE, on_one=True).begin(BEN, CAI)
        assert talk.refused(BEN, Verb.SAID, hand=ANA) is errors.NotHanded
        assert talk.refused(BEN, Verb.SAID) is None

    def test_what_is_offered_on_it(self) -> None:
        talk = self.passed_round("wish")
        assert acts(talk.state, BEN, talk.now, hand=ANA) == {"paused", "away", "ended"}
        assert acts(talk.state, BEN, talk.now) == {"paused", "away", "ended", "left", "wish"}
        talk = self.passed_round("each")
        talk.do(ANA, Verb.SAID)
        assert acts(talk.state, BEN, talk.now, hand=ANA) == {"paused", "away", "ended", "said", "passed"}
        ready = Talk(PLAIN, TWO, on_one=True)
        for one in TWO:
            ready.do(one, Verb.ACCEPTED)
            assert acts(ready.state, BEN, ready.now, hand=ANA) == ({"accepted"} if one == ANA else {"ready"})
        for one in TWO:
            ready.do(one, Verb.READY)
        assert acts(ready.state, BEN, ready.now, hand=ANA) == frozenset()
        assert acts(ready.state, BEN, ready.now) == {"begun", "left"}


# -- acts and places --------------------------------------------------------------------------------------------------


class TestStages:
    def test_all_at_once_waits_for_the_last(self) -> None:
        talk = running("ready")
        before = talk.state
        state = talk.do(BEN, Verb.DONE)
        assert same_but(state, before, "queue") and state.queue == (ANA, CAI) and state.turns == ()
        assert talk.refused(BEN, Verb.DONE) is errors.AlreadyDone
        talk.do(CAI, Verb.DONE)
        state = talk.do(ANA, Verb.DONE)
        assert place(state) == (1, 0, 0, 0) and state.step == before.step + 1 and state.since == talk.now

    @pytest.mark.parametrize(
        ("kind", "queue"),
        [
            ("lead", (ANA,)),
            ("listener", (BEN,)),
            ("others", (BEN, CAI)),
            ("each", THREE),
            ("build", (ANA,)),
            ("respond", (BEN, CAI)),
            ("respond-all", THREE),
            ("ready", THREE),
            ("wish", THREE),
            ("choose", (ANA,)),
            ("loop", (ANA,)),
        ],
    )
    def test_whose_stage_it_is(self, kind: str, queue: tuple[str, ...]) -> None:
        state = running(kind).state
        assert state.queue == queue and state.lead == ANA and state.listener == BEN
        assert (state.floor is not None) == (kind in {"lead", "listener", "others", "each", "build", "loop"})
        assert state.acting == ({state.floor} if state.floor else set(queue))

    def test_others_and_each_go_round_from_the_lead_on(self) -> None:
        talk = Talk(script(part("talk", OTHERS, ROUND, repeat="each")), THREE).begin(CAI, ANA, BEN)
        seen = []
        while talk.state.phase is Phase.RUNNING:
            seen.append((talk.state.lead, talk.state.queue))
            talk.say_round()
        assert seen == [
            (CAI, (ANA, BEN)),
            (CAI, (CAI, ANA, BEN)),
            (ANA, (BEN, CAI)),
            (ANA, (ANA, BEN, CAI)),
            (BEN, (CAI, ANA)),
            (BEN, (BEN, CAI, ANA)),
        ]
        assert talk.state.phase is Phase.CLOSED and talk.state.over_at == talk.now

    def test_the_floor_is_handed_on(self) -> None:
        talk = running("others")
        before = talk.state
        assert before.floor == BEN
        state = talk.do(BEN, Verb.SAID, item="mine")
        assert state.floor == CAI and state.step == before.step + 1 and state.since == talk.now
        assert place(state) == place(before)
        turn = state.turns[-1]
        assert (turn.by, turn.verb, turn.item, turn.spoken) == (BEN, Verb.SAID, "mine", False)
        assert (turn.part, turn.round, turn.stage, turn.lap, turn.loop_round) == (0, 0, 0, 0, 0)
        assert talk.do(CAI, Verb.SAID).turns[-1].spoken

    def test_passing_leaves_no_mark(self) -> None:
        for kind in ("lead", "listener", "others", "each", "build", "respond", "respond-all"):
            talk = running(kind)
            by = talk.state.queue[0]
            assert talk.do(by, Verb.PASSED).turns == ()
            assert by not in talk.state.queue or talk.state.part == 1

    def test_where_there_is_nothing_to_say_nobody_passes(self) -> None:
        for kind in (LEADS, RESPOND_ALL, LOOP):
            talk = Talk(script(part("talk", kind | {"may_pass": False}), CLOSE)).begin(*TWO)
            assert talk.refused(ANA, Verb.PASSED) is errors.NotHere
            assert talk.refused(BEN, Verb.FLOOR_ASKED, at=NOW + 9999) is errors.NotHere

    def test_responses_are_kept_with_their_choice(self) -> None:
        talk = running("respond")
        state = talk.do(CAI, Verb.RESPONDED, choice=Choice.WITH_YOU)
        assert (state.turns[-1].by, state.turns[-1].choice) == (CAI, Choice.WITH_YOU)
        assert not state.turns[-1].spoken and state.part == 0
        assert talk.do(BEN, Verb.PASSED).part == 1

    def test_tell_me_more_brings_the_stage_that_waits_for_it(self) -> None:
        for asks in (False, True):
            talk = Talk(script(part("talk", LEADS, RESPOND, MORE, ROUND), CLOSE), THREE).begin(*THREE)
            talk.do(ANA, Verb.SAID)
            talk.do(BEN, Verb.RESPONDED, choice=Choice.TELL_MORE if asks else Choice.UNDERSTAND)
            state = talk.do(CAI, Verb.RESPONDED)
            assert state.stage == (2 if asks else 3)
            assert state.step == 3, "a stage that is left out is no step"

    def test_it_waits_for_it_in_its_own_round(self) -> None:
        talk = Talk(script(part("talk", RESPOND, MORE, repeat="each"), part("more", MORE), CLOSE)).begin(*TWO)
        talk.do(BEN, Verb.RESPONDED, choice=Choice.TELL_MORE)
        talk.do(ANA, Verb.SAID)
        talk.do(ANA, Verb.RESPONDED)
        assert talk.state.part == 2 and talk.state.lead == ANA

    def test_a_part_that_may_be_left_out(self) -> None:
        talk = Talk(script(part("a", LEADS, ROUND, repeat="each", skippable=True), CLOSE)).begin(*TWO)
        assert place(talk.do(BEN, Verb.SKIPPED)) == (1, 0, 0, 0)
        assert talk.refused(BEN, Verb.SKIPPED) is errors.NotHere
        talk = Talk(script(part("a", LEADS), part("b", ROUND, skippable=True))).begin(*TWO)
        talk.do(ANA, Verb.SAID)
        assert talk.do(BEN, Verb.SKIPPED).phase is Phase.CLOSED

    def test_slower_is_said_once_and_lasts_until_the_floor_moves(self) -> None:
        talk = running("each")
        before = talk.state
        state = talk.do(CAI, Verb.SLOWER)
        assert state.slower == CAI and same_but(state, before, "slower")
        assert view(state, ANA, talk.now).slower == CAI
        assert talk.refused(BEN, Verb.SLOWER) is errors.AlreadyDone
        assert talk.do(ANA, Verb.SAID).slower == ""
        assert talk.do(ANA, Verb.SLOWER).slower == ANA


class TestChoosing:
    def test_on_back_as_often_as_it_may_be_and_to_the_end(self) -> None:
        talk = Talk(script(part("a", READY, LEADS, CHOOSE), CLOSE)).begin(*TWO)
        talk.say_round()
        for left in (2, 1):
            talk.do(ANA, Verb.SAID)
            assert [one.id for one in view(talk.state, BEN, talk.now).options] == ["on", "again", "end"]
            assert talk.state.jumps.count("0/0/2/again") == 2 - left
            state = talk.do(ANA, Verb.CHOSE, option="again")
            assert place(state) == (0, 0, 1, 0) and state.turns[-1].option == "again"
        talk.do(ANA, Verb.SAID)
        shown = view(talk.state, ANA, talk.now)
        assert [one.id for one in shown.options] == ["on", "end"]
        assert "chose:again" not in shown.can and {"chose:on", "chose:end"} <= shown.can
        assert talk.refused(ANA, Verb.CHOSE, option="again") is errors.AlreadyDone
        assert talk.refused(ANA, Verb.CHOSE, option="nowhere") is errors.NotHere
        assert step(talk.state, talk.event(ANA, Verb.CHOSE, option="on")).part == 1
        assert talk.do(ANA, Verb.CHOSE, option="end").phase is Phase.CLOSED

    def test_each_round_counts_anew(self) -> None:
        talk = Talk(script(part("a", LEADS, CHOOSE, repeat="each"), CLOSE)).begin(*TWO)
        for lead in TWO:
            for again in ("again", "again", "on"):
                talk.do(lead, Verb.SAID)
                assert talk.state.stage == 1 and talk.state.lead == lead
                talk.do(lead, Verb.CHOSE, option=again)
        assert talk.state.part == 1

    def test_another_part_begins_anew_and_the_count_goes_on(self) -> None:
        back = stage("choose", "choose", "lead", options=[option("on"), option("back", "part:a", 1)])
        talk = Talk(script(part("a", RESPOND, MORE), part("b", LEADS, back), CLOSE)).begin(*TWO)
        talk.do(BEN, Verb.RESPONDED, choice=Choice.TELL_MORE)
        talk.do(ANA, Verb.SAID)
        talk.do(ANA, Verb.SAID)
        state = talk.do(ANA, Verb.CHOSE, option="back")
        assert place(state) == (0, 0, 0, 1) and state.queue == (BEN,)
        assert not any(state.in_round(turn) for turn in state.turns), "what was said then is not of this round"
        assert view(state, ANA, talk.now).before == state.turns
        state = talk.do(BEN, Verb.RESPONDED)
        assert place(state) == (1, 0, 0, 1), "nobody asked for more this time"
        talk.do(ANA, Verb.SAID)
        assert talk.refused(ANA, Verb.CHOSE, option="back") is errors.AlreadyDone

    def test_forward_to_another_part(self) -> None:
        over = stage("choose", "choose", "lead", options=[option("over", "part:close"), option("on")])
        talk = Talk(script(part("a", over), part("b", LEADS), CLOSE)).begin(*TWO)
        assert talk.do(ANA, Verb.CHOSE, option="over").part == 2

    def test_one_option_always_stays(self) -> None:
        with pytest.raises(ValidationError, match="at_most"):
            script(part("a", stage("c", "choose", "lead", options=[option("on", "", 1), option("end", END, 3)])))


class TestWishing:
    SETS = (
        part("one", ROUND, repeat="cards", cards=(1, 1, 1)),
        part("wish", WISH),
        part("two", ROUND, repeat="cards", cards=(1, 1, 1)),
        CLOSE,
    )

    @pytest.mark.parametrize(
        ("wish", "goes_to", "level"), [(Wish.FINISH, 3, 2), (Wish.STAY, 2, 2), (Wish.DEEPER, 2, 3)]
    )
    def test_where_it_leads(self, wish: Wish, goes_to: int, level: int) -> None:
        talk = Talk(script(*self.SETS)).begin(*TWO)
        talk.say_round()
        state = talk.do(BEN, Verb.WISHED, wish=wish)
        assert (state.part, state.level) == (goes_to, level)
        assert state.card == ((level, 0 if level == 3 else 1) if goes_to == 2 else None)
        assert all(turn.verb is Verb.SAID for turn in state.turns), "who wished what is nowhere"

    def test_never_above_the_ceiling(self) -> None:
        talk = Talk(script(*self.SETS), level=3).begin(*TWO)
        talk.say_round()
        assert talk.do(BEN, Verb.WISHED, wish=Wish.DEEPER).level == 3

    def test_to_finish_within_the_last_part_is_the_end(self) -> None:
        one = script(part("a", READY, WISH, LEADS))
        talk = Talk(one).begin(*TWO)
        talk.say_round()
        assert talk.do(ANA, Verb.WISHED, wish=Wish.FINISH).phase is Phase.CLOSED
        assert edges(one, (0, 1)) == {(0, 2), None}
        assert edges(script(part("a", WISH, LEADS), CLOSE), (0, 0)) == {(0, 1), (1, 0)}

    def test_the_most_careful_wish_rules(self) -> None:
        assert careful([Wish.DEEPER]) is Wish.DEEPER
        assert careful([Wish.DEEPER, Wish.STAY]) is Wish.STAY
        assert careful([Wish.STAY, Wish.DEEPER, Wish.FINISH]) is Wish.FINISH


class TestCards:
    def cards(self, *stages: Any, people: tuple[str, ...] = TWO, wanted: int = 3, **more: Any) -> Talk:
        cards = part("cards", *(stages or (ROUND,)), repeat="cards", cards=(1, wanted, 9))
        return Talk(script(cards, CLOSE), people, **more).begin(*people)

    def test_one_after_another_with_another_lead_each(self) -> None:
        talk = self.cards(people=THREE, wanted=4)
        seen = []
        while talk.state.part == 0:
            seen.append((talk.state.card, talk.state.lead))
            talk.say_round()
        assert seen == [((2, 0), ANA), ((2, 1), BEN), ((2, 2), CAI), ((2, 3), ANA)]
        assert talk.state.card is None and talk.state.dealt == (0, 0, 4, 0, 0, 0)

    @pytest.mark.parametrize(("length", "rounds"), [(0, 1), (1, 3), (2, 6)])
    def test_as_many_as_the_length_wants_and_no_more_than_there_are(self, length: int, rounds: int) -> None:
        talk = self.cards(length=length)
        count = 0
        while talk.state.part == 0:
            count += 1
            talk.say_round()
        assert count == rounds

    def test_without_cards_the_part_is_passed_through(self) -> None:
        assert place(self.cards(cards=0).state) == (1, 0, 0, 0)

    def test_another_card_as_long_as_nobody_has_answered(self) -> None:
        talk = self.cards(READY, ROUND)
        talk.say_round()
        state = talk.do(BEN, Verb.SWAPPED)
        assert state.card == (2, 1) and place(state) == (0, 0, 0, 0) and state.lead == ANA
        assert state.queue == TWO and state.turns == ()
        talk.say_round()
        talk.do(ANA, Verb.PASSED)
        assert talk.refused(ANA, Verb.SWAPPED) is None
        talk.do(BEN, Verb.SAID)
        assert talk.state.round == 1 and talk.state.card == (2, 2) and talk.state.lead == BEN
        talk.say_round()
        talk.do(BEN, Verb.SAID)
        assert talk.refused(ANA, Verb.SWAPPED) is errors.NotHere

    def test_the_last_card_cannot_be_swapped(self) -> None:
        talk = self.cards(cards=2)
        talk.do(ANA, Verb.SWAPPED)
        assert talk.refused(ANA, Verb.SWAPPED) is errors.NotHere
        assert "swapped" not in acts(talk.state, ANA, talk.now)

    def test_a_way_back_in_the_round_keeps_the_card(self) -> None:
        talk = self.cards(LEADS, stage("c", "choose", "lead", options=[option("on"), option("again", "leads", 1)]))
        talk.do(ANA, Verb.SAID)
        state = talk.do(ANA, Verb.CHOSE, option="again")
        assert state.card == (2, 0) and state.lead == ANA and place(state) == (0, 0, 0, 0)

    def test_a_deeper_wish_in_the_round_comes_with_the_next_card(self) -> None:
        talk = self.cards(WISH, ROUND)
        state = talk.do(ANA, Verb.WISHED, wish=Wish.DEEPER)
        assert state.card == (2, 0) and state.level == 3
        talk.do(ANA, Verb.SAID)
        assert talk.do(BEN, Verb.SAID).card == (3, 0)

    def test_more_of_another_card_is_told_of_that_card(self) -> None:
        talk = self.cards(LEADS, RESPOND, MORE)
        talk.do(ANA, Verb.SAID)
        talk.do(BEN, Verb.RESPONDED, choice=Choice.TELL_MORE)
        assert talk.state.stage == 2
        talk.do(ANA, Verb.SAID)
        talk.do(BEN, Verb.SAID)
        state = talk.do(ANA, Verb.RESPONDED)
        assert (state.round, state.stage) == (2, 0)
        shown = view(state, ANA, talk.now)
        assert shown.turns == () and len(shown.before) == 5


# -- the understood loop ----------------------------------------------------------------------------------------------


class TestLoop:
    def test_understood_at_once(self) -> None:
        talk = running("loop", TWO)
        floors = []
        for spot, verb in [
            (Spot.SPEAK, Verb.SAID),
            (Spot.REFLECT, Verb.REFLECTED),
            (Spot.CHECK, Verb.JUDGED),
            (Spot.MORE, Verb.MORE),
            (Spot.VALIDATE, Verb.VALIDATED),
            (Spot.EMPATHISE, Verb.EMPATHISED),
            (Spot.CONFIRM, Verb.CONFIRMED),
        ]:
            state = talk.state
            assert state.loop is not None and state.loop.spot is spot and view(state, BEN, talk.now).spot is spot
            floors.append(state.floor)
            assert state.floor is not None
            before = state.step
            state = talk.do(state.floor, verb)
            assert state.step == before + 1 and state.since == talk.now
            assert state.turns[-1].verb is verb and state.turns[-1].loop_round == 1
        assert floors == [ANA, BEN, ANA, ANA, BEN, BEN, ANA]
        assert place(talk.state) == (1, 0, 0, 0) and talk.state.loop is None

    def test_what_is_spoken_and_what_is_a_tap(self) -> None:
        talk = running("loop", THREE)
        spoken = {}
        for verb in (Verb.SAID, Verb.REFLECTED, Verb.ADDED, Verb.JUDGED, Verb.MORE, Verb.VALIDATED):
            state = talk.do(CAI if verb is Verb.ADDED else talk.state.floor or "", verb)
            spoken[verb] = state.turns[-1].spoken
        for verb in (Verb.EMPATHISED, Verb.CONFIRMED):
            spoken[verb] = talk.do(talk.state.floor or "", verb).turns[-1].spoken
        taps = {Verb.JUDGED, Verb.MORE, Verb.CONFIRMED}
        assert spoken == {verb: verb not in taps for verb in spoken}

    @pytest.mark.parametrize("item", ["", "what was missing"])
    @pytest.mark.parametrize("verdict", [Verdict.PARTLY, Verdict.NOT_YET])
    def test_partly_and_not_yet_lead_back_to_the_listener(self, verdict: Verdict, item: str) -> None:
        talk = at_spot(Spot.CHECK, TWO)
        state = talk.do(ANA, Verb.JUDGED, verdict=verdict, item=item)
        assert state.loop == Loop(BEN, Spot.REFLECT, tries=1)
        assert (state.turns[-1].verdict, state.turns[-1].item, state.turns[-1].spoken) == (verdict, item, False)
        assert talk.do(BEN, Verb.REFLECTED).loop == Loop(BEN, Spot.CHECK, tries=2)

    def third_try(self, people: tuple[str, ...] = TWO) -> Talk:
        talk = at_spot(Spot.CHECK, people)
        for _ in range(2):
            for verb in (Verb.LET_REST, Verb.REPHRASED):
                assert talk.refused(ANA, verb) is errors.TooEarly
                assert verb.value not in acts(talk.state, ANA, talk.now)
            talk.do(ANA, Verb.JUDGED, verdict=Verdict.NOT_YET)
            talk.do(BEN, Verb.REFLECTED)
        return talk

    def test_after_three_tries_it_may_rest_or_be_put_in_other_words(self) -> None:
        talk = self.third_try()
        assert {"judged", "let-rest", "rephrased"} <= acts(talk.state, ANA, talk.now)
        assert not {"judged", "let-rest", "rephrased"} & acts(talk.state, BEN, talk.now)
        resting = step(talk.state, talk.event(ANA, Verb.LET_REST))
        assert place(resting) == (1, 0, 0, 0) and resting.turns[-1].verb is Verb.LET_REST
        again = step(talk.state, talk.event(ANA, Verb.REPHRASED))
        assert again.loop == Loop(BEN, Spot.SPEAK) and again.turns[-1].verb is Verb.REPHRASED
        assert step(talk.state, talk.event(ANA, Verb.JUDGED)).loop == Loop(BEN, Spot.MORE, tries=3)
        more = talk.do(ANA, Verb.JUDGED, verdict=Verdict.NOT_YET)
        assert more.loop == Loop(BEN, Spot.REFLECT, tries=3), "and they may go on trying"
        talk.do(BEN, Verb.REFLECTED)
        assert talk.refused(ANA, Verb.LET_REST) is None

    def test_in_other_words_the_tries_begin_anew(self) -> None:
        talk = self.third_try()
        talk.do(ANA, Verb.REPHRASED)
        talk.do(ANA, Verb.SAID)
        talk.do(BEN, Verb.REFLECTED)
        assert talk.refused(ANA, Verb.LET_REST) is errors.TooEarly

    def test_is_there_more_up_to_three_rounds(self) -> None:
        talk = at_spot(Spot.MORE, TWO)
        for round_ in (2, 3):
            state = talk.do(ANA, Verb.MORE, more=True)
            assert state.loop == Loop(BEN, Spot.SPEAK, rounds=round_)
            talk.do(ANA, Verb.SAID)
            assert talk.state.turns[-1].loop_round == round_
            talk.do(BEN, Verb.REFLECTED)
            talk.do(ANA, Verb.JUDGED)
            assert talk.state.loop is not None
            assert talk.state.loop.spot is (Spot.MORE if round_ == 2 else Spot.VALIDATE)

    def test_without_validating_it_is_over_when_there_is_no_more(self) -> None:
        talk = Talk(script(part("a", SHORT_LOOP), CLOSE)).begin(*TWO)
        to_spot(talk, Spot.MORE)
        assert step(talk.state, talk.event(ANA, Verb.MORE)).part == 1
        for _ in range(2):
            talk.do(ANA, Verb.MORE, more=True)
            talk.do(ANA, Verb.SAID)
            talk.do(BEN, Verb.REFLECTED)
            talk.do(ANA, Verb.JUDGED)
        assert talk.state.part == 1

    def test_the_roles_change(self) -> None:
        talk = Talk(script(part("a", LOOP, repeat="each"), CLOSE), THREE).begin(*THREE)
        pairs = []
        while talk.state.part == 0:
            pairs.append((talk.state.lead, talk.state.listener))
            talk.do(talk.state.lead or "", Verb.PASSED)
        assert pairs == [(ANA, BEN), (BEN, CAI), (CAI, ANA)]

    def test_the_others_add_once_a_round_what_they_heard(self) -> None:
        talk = at_spot(Spot.CHECK, PEOPLE)
        before = talk.state
        state = talk.do(CAI, Verb.ADDED, item="c")
        assert state.step == before.step and state.since == before.since
        assert state.turns[-1].item == "c" and state.loop == Loop(BEN, Spot.CHECK, tries=1, added=frozenset({CAI}))
        assert talk.refused(CAI, Verb.ADDED) is errors.AlreadyDone
        talk.do(DAN, Verb.ADDED)
        talk.do(ANA, Verb.JUDGED, verdict=Verdict.PARTLY)
        talk.do(BEN, Verb.REFLECTED)
        assert talk.refused(CAI, Verb.ADDED) is errors.AlreadyDone, "another try is no other round"
        talk.do(ANA, Verb.JUDGED)
        talk.do(ANA, Verb.MORE, more=True)
        talk.do(ANA, Verb.SAID)
        talk.do(BEN, Verb.REFLECTED)
        assert talk.refused(CAI, Verb.ADDED) is None
        talk = self.third_try(THREE)
        talk.do(CAI, Verb.ADDED)
        talk.do(ANA, Verb.REPHRASED)
        talk.do(ANA, Verb.SAID)
        talk.do(BEN, Verb.REFLECTED)
        assert talk.refused(CAI, Verb.ADDED) is None

    @pytest.mark.parametrize("spot", [Spot.SPEAK, Spot.CHECK, Spot.MORE, Spot.CONFIRM])
    def test_the_speaker_passes_and_the_stage_is_over(self, spot: Spot) -> None:
        talk = at_spot(spot)
        turns = talk.state.turns
        state = talk.do(ANA, Verb.PASSED)
        assert place(state) == (1, 0, 0, 0) and state.turns == turns

    def test_the_listener_passes_and_the_next_listens_each_once(self) -> None:
        talk = at_spot(Spot.REFLECT, PEOPLE)
        for listener in (CAI, DAN):
            before = talk.state
            state = talk.do(before.floor or "", Verb.PASSED)
            assert state.loop is not None and state.loop.listener == state.floor == state.listener == listener
            assert state.loop.spot is Spot.REFLECT and state.step == before.step + 1 and state.turns == before.turns
        assert place(talk.do(DAN, Verb.PASSED)) == (1, 0, 0, 0)

    def test_with_two_the_listener_passes_and_the_stage_is_over(self) -> None:
        talk = at_spot(Spot.REFLECT, TWO)
        assert place(talk.do(BEN, Verb.PASSED)) == (1, 0, 0, 0)

    def test_whoever_passed_on_listening_is_not_asked_again_in_this_stage(self) -> None:
        talk = at_spot(Spot.REFLECT)
        talk.do(BEN, Verb.PASSED)
        talk.do(CAI, Verb.REFLECTED)
        talk.do(ANA, Verb.JUDGED, verdict=Verdict.PARTLY)
        assert talk.do(CAI, Verb.PASSED).part == 1

    def test_the_listener_passes_on_what_comes_after(self) -> None:
        talk = at_spot(Spot.VALIDATE)
        state = talk.do(BEN, Verb.PASSED)
        assert state.loop is not None and state.loop.spot is Spot.EMPATHISE and state.loop.listener == BEN
        assert talk.do(BEN, Verb.PASSED).part == 1


# -- the floor --------------------------------------------------------------------------------------------------------


class TestFloor:
    @pytest.mark.parametrize("kind", ["lead", "listener", "others", "each", "build"])
    def test_it_may_be_asked_for_a_minute_after_the_soft_time(self, kind: str) -> None:
        talk = running(kind)
        floor = talk.state.floor
        asks = next(one for one in THREE if one != floor)
        due = talk.state.since + SOFT + FLOOR_AFTER
        assert talk.refused(asks, Verb.FLOOR_ASKED, at=due - 1) is errors.TooEarly
        assert "floor-asked" not in acts(talk.state, asks, due - 1) and "floor-asked" in acts(talk.state, asks, due)
        assert talk.refused(floor or "", Verb.FLOOR_ASKED, at=due) is errors.NotHere
        before = talk.state
        state = talk.do(asks, Verb.FLOOR_ASKED, at=due)
        assert state.step == before.step + 1 and state.turns == () and state.since == due
        assert floor not in state.queue or state.part == 1

    def test_where_there_is_no_soft_time_it_is_not(self) -> None:
        talk = Talk(script(part("a", LEADS | {"seconds": 0}), CLOSE)).begin(*TWO)
        assert talk.refused(BEN, Verb.FLOOR_ASKED, at=NOW + 99999) is errors.NotHere
        assert not view(talk.state, BEN, NOW + 99999).cue

    @pytest.mark.parametrize(
        ("spot", "after"),
        [
            (Spot.SPEAK, Spot.REFLECT),
            (Spot.REFLECT, Spot.REFLECT),
            (Spot.VALIDATE, Spot.EMPATHISE),
            (Spot.EMPATHISE, None),
        ],
    )
    def test_in_a_loop(self, spot: Spot, after: Spot | None) -> None:
        talk = at_spot(spot)
        due = talk.state.since + SOFT + FLOOR_AFTER
        turns = talk.state.turns
        assert talk.refused(CAI, Verb.FLOOR_ASKED, at=due - 1) is errors.TooEarly
        state = talk.do(CAI, Verb.FLOOR_ASKED, at=due)
        assert (state.loop.spot if state.loop else None) is after and state.turns == turns
        if spot is Spot.REFLECT:
            assert state.listener == CAI
        if spot is Spot.SPEAK:
            assert state.floor == BEN and state.since == due

    @pytest.mark.parametrize("spot", [Spot.CHECK, Spot.MORE, Spot.CONFIRM])
    def test_a_tap_is_waited_for(self, spot: Spot) -> None:
        assert at_spot(spot).refused(CAI, Verb.FLOOR_ASKED, at=NOW + 99999) is errors.NotHere

    def test_the_soft_time_counts_from_the_floor_and_from_the_return(self) -> None:
        talk = running("each")
        talk.do(ANA, Verb.SAID, at=NOW + 1000)
        assert talk.refused(CAI, Verb.FLOOR_ASKED, at=NOW + 1000 + SOFT + FLOOR_AFTER - 1) is errors.TooEarly
        talk.do(CAI, Verb.PAUSED, at=NOW + 1001)
        for one in THREE:
            talk.do(one, Verb.RESUMED, at=NOW + 2000)
        assert talk.refused(CAI, Verb.FLOOR_ASKED, at=NOW + 2000 + SOFT + FLOOR_AFTER - 1) is errors.TooEarly
        assert talk.refused(CAI, Verb.FLOOR_ASKED, at=NOW + 2000 + SOFT + FLOOR_AFTER) is None

    def test_the_cue_shows_after_the_soft_time_and_nothing_changes(self) -> None:
        state = running("lead").state
        due = state.since + SOFT
        assert not view(state, BEN, due - 1).cue and view(state, BEN, due).cue
        assert replace(view(state, BEN, due - 1), cue=True) == view(state, BEN, due)
        assert not view(step(state, an_event(state, ANA, Verb.PAUSED, due)), BEN, due).cue


# -- acts that come too late, or twice --------------------------------------------------------------------------------


class TestLate:
    @pytest.mark.parametrize("name", PLACES)
    def test_an_act_with_another_step_is_refused(self, name: str) -> None:
        talk, row = at_place(name)
        for verb in IN_STAGES:
            for by in THREE:
                for step_ in (talk.state.step - 1, talk.state.step + 1):
                    assert talk.refused(by, verb, step=step_) is errors.Late

    @pytest.mark.parametrize("name", PLACES)
    def test_the_same_act_a_second_time_is_refused(self, name: str) -> None:
        talk, row = at_place(name)
        for verb, signs in expected(row).items():
            for by, sign in zip(ROLES, signs, strict=True):
                if sign == "+":
                    event = talk.event(by, verb)
                    after = step(talk.state, event)
                    assert not can(after, event), verb

    def test_words_are_taken_once(self) -> None:
        talk = running("each")
        talk.do(ANA, Verb.SAID, item="words")
        assert talk.refused(BEN, Verb.SAID, item="words") is errors.AlreadyDone
        talk.do(ANA, Verb.ENDED)
        assert talk.refused(ANA, Verb.AGREED, item="words") is errors.AlreadyDone

    def test_a_yes_to_going_on_counts_for_its_own_rest_alone(self) -> None:
        talk = running("each")
        talk.do(ANA, Verb.PAUSED)
        old = talk.event(BEN, Verb.RESUMED)
        for one in THREE:
            talk.do(one, Verb.RESUMED)
        talk.do(ANA, Verb.PAUSED)
        assert not can(talk.state, old) and can(talk.state, replace(old, step=talk.state.step))
        old = replace(old, step=talk.state.step)
        talk.do(ANA, Verb.AWAY)
        assert not can(talk.state, old), "to a pause it was said, not to a time-out"
        old = replace(old, step=talk.state.step)
        assert can(talk.state, old)
        talk.do(ANA, Verb.EXTENDED)
        assert not can(talk.state, old)


# -- resting ----------------------------------------------------------------------------------------------------------


class TestResting:
    @pytest.mark.parametrize("rest", [Verb.PAUSED, Verb.AWAY])
    @pytest.mark.parametrize("name", PLACES)
    def test_it_keeps_its_place(self, name: str, rest: Verb) -> None:
        talk, _ = at_place(name)
        before = talk.state
        state = talk.do(CAI, rest)
        assert state.floor is None and state.acting == frozenset() and state.phase is Phase(rest.value)
        assert (place(state), state.queue, state.loop) == (place(before), before.queue, before.loop)
        for one in (ANA, BEN, CAI):
            assert state.phase is Phase(rest.value), "not before all want to"
            state = talk.do(one, Verb.RESUMED, at=talk.now + SHORTEST_AWAY)
        assert same_but(state, before, "step", "since", "called_at")
        assert state.step == before.step + (1 if rest is Verb.PAUSED else 2) and state.since == talk.now

    def test_who_wants_to_go_on_is_seen_and_says_it_once(self) -> None:
        talk = running("each")
        talk.do(ANA, Verb.PAUSED)
        talk.do(BEN, Verb.RESUMED)
        assert view(talk.state, ANA, talk.now).back == {BEN}
        assert talk.refused(BEN, Verb.RESUMED) is errors.AlreadyDone

    @pytest.mark.parametrize(
        ("after", "fits"),
        [(SHORTEST_AWAY - 1, False), (SHORTEST_AWAY, True), (LONGEST_AWAY, True), (LONGEST_AWAY + 1, False)],
    )
    def test_a_time_out_is_from_twenty_minutes_to_a_day(self, after: int, fits: bool) -> None:
        assert (SHORTEST_AWAY, LONGEST_AWAY) == (1200, 86400)
        talk = running("each")
        assert talk.refused(BEN, Verb.AWAY, at=NOW + 60, back_at=NOW + 60 + after) is (
            None if fits else errors.BadEvent
        )

    def test_whoever_called_it_comes_back_after_twenty_minutes_at_the_earliest(self) -> None:
        talk = running("each", TWO)
        state = talk.do(BEN, Verb.AWAY, at=NOW + 60, back_at=NOW + 60 + LONGEST_AWAY)
        assert (state.away_by, state.called_at, state.back_at, state.extended) == (
            BEN,
            NOW + 60,
            NOW + 60 + LONGEST_AWAY,
            False,
        )
        assert talk.refused(BEN, Verb.RESUMED, at=NOW + 60 + SHORTEST_AWAY - 1) is errors.TooEarly
        talk.do(ANA, Verb.RESUMED, at=NOW + 61)
        state = talk.do(BEN, Verb.RESUMED, at=NOW + 60 + SHORTEST_AWAY)
        assert state.phase is Phase.RUNNING and (state.away_by, state.back_at, state.back) == ("", 0, frozenset())

    def test_it_is_extended_once_to_a_later_time_and_asks_all_anew(self) -> None:
        talk = running("each", TWO)
        talk.do(BEN, Verb.AWAY, at=NOW + 60, back_at=NOW + 60 + SHORTEST_AWAY)
        talk.do(ANA, Verb.RESUMED)
        due = NOW + 60 + SHORTEST_AWAY
        for at, back_at in [(due - 9, due), (due + 9, due + 9), (due - 9, due - 9 + LONGEST_AWAY + 1)]:
            assert talk.refused(BEN, Verb.EXTENDED, at=at, back_at=back_at) is errors.BadEvent
        assert talk.refused(BEN, Verb.EXTENDED, at=due - 9, back_at=due + 1) is None
        assert talk.refused(BEN, Verb.EXTENDED, at=due - 9, back_at=due - 9 + LONGEST_AWAY) is None
        assert talk.refused(ANA, Verb.EXTENDED) is errors.NotHere
        state = talk.do(BEN, Verb.EXTENDED, at=due + 9, back_at=due + 10)
        assert (state.back_at, state.back, state.phase, state.extended) == (due + 10, frozenset(), Phase.AWAY, True)
        assert talk.refused(BEN, Verb.EXTENDED) is errors.AlreadyDone
        for one in (BEN, ANA):
            talk.do(one, Verb.RESUMED, at=due + 20)
        talk.do(BEN, Verb.AWAY)
        assert talk.refused(BEN, Verb.EXTENDED) is None, "another time-out is another one"

    def test_the_page_offers_an_extension_as_long_as_there_is_one(self) -> None:
        talk = running("each", TWO)
        talk.do(BEN, Verb.AWAY, at=NOW + 60, back_at=NOW + 60 + LONGEST_AWAY)
        assert "extended" not in acts(talk.state, BEN, NOW + 60) and "extended" in acts(talk.state, BEN, NOW + 61)

    def test_a_time_out_in_a_pause_asks_all_anew(self) -> None:
        talk = running("each", TWO)
        talk.do(ANA, Verb.PAUSED)
        talk.do(ANA, Verb.RESUMED)
        state = talk.do(BEN, Verb.AWAY)
        assert state.phase is Phase.AWAY and state.back == frozenset() and state.away_by == BEN
        assert talk.refused(ANA, Verb.PAUSED) is errors.AlreadyDone

    @pytest.mark.parametrize("rest", [Verb.PAUSED, Verb.AWAY])
    def test_who_leaves_is_not_waited_for(self, rest: Verb) -> None:
        talk = running("each")
        talk.do(BEN, rest)
        talk.do(ANA, Verb.RESUMED)
        assert talk.do(CAI, Verb.LEFT).phase is Phase(rest.value)
        state = talk.do(BEN, Verb.RESUMED, at=talk.now + SHORTEST_AWAY)
        assert state.phase is Phase.RUNNING and state.queue == TWO

    def test_the_last_who_is_waited_for_leaves_and_it_goes_on(self) -> None:
        talk = running("each")
        talk.do(BEN, Verb.AWAY)
        talk.do(ANA, Verb.RESUMED)
        talk.do(CAI, Verb.RESUMED)
        state = talk.do(BEN, Verb.LEFT)
        assert (state.phase, state.away_by, state.back_at) == (Phase.RUNNING, "", 0)

    def test_whoever_called_it_leaves_and_nobody_waits_for_the_time(self) -> None:
        talk = running("each")
        talk.do(BEN, Verb.AWAY)
        state = talk.do(BEN, Verb.LEFT)
        assert (state.phase, state.away_by, state.back_at) == (Phase.AWAY, "", talk.now)
        assert talk.refused(ANA, Verb.EXTENDED) is errors.NotHere
        talk.do(ANA, Verb.RESUMED)
        assert talk.do(CAI, Verb.RESUMED).phase is Phase.RUNNING

    def test_it_may_come_to_its_end_by_a_leave_while_it_rests(self) -> None:
        talk = Talk(script(part("a", LEADS, repeat="each")), THREE).begin(*THREE)
        talk.do(ANA, Verb.SAID)
        talk.do(BEN, Verb.SAID)
        talk.do(BEN, Verb.AWAY)
        state = talk.do(CAI, Verb.LEFT)
        assert (state.phase, state.away_by, state.back_at, state.over_at) == (Phase.CLOSED, "", 0, talk.now)

    @pytest.mark.parametrize("rest", [Verb.PAUSED, Verb.AWAY])
    def test_it_may_be_ended_from_a_rest(self, rest: Verb) -> None:
        talk = running("each")
        talk.do(BEN, rest)
        talk.do(ANA, Verb.RESUMED)
        state = talk.do(CAI, Verb.ENDED)
        assert (state.phase, state.back, state.away_by, state.back_at) == (Phase.ENDED, frozenset(), "", 0)
        assert state.queue == () and state.loop is None and state.over_at == talk.now


# -- leaving ----------------------------------------------------------------------------------------------------------


class TestLeaving:
    @pytest.mark.parametrize("name", PLACES)
    @pytest.mark.parametrize("goes", TWO)
    def test_below_two_it_ends(self, name: str, goes: str) -> None:
        talk = to_spot(running("loop", TWO), Spot(name[6:])) if name.startswith("loop") else running(name, TWO)
        before = talk.state
        state = talk.do(goes, Verb.LEFT)
        assert (state.phase, state.over_at, state.step) == (Phase.ENDED, talk.now, before.step + 1)
        assert state.queue == () and state.loop is None and state.turns == before.turns

    #: By kind, for a part gone through once: what the queue is when the lead, the listener, another leaves; None: onward.
    QUEUES: dict[str, tuple[tuple[str, ...] | None, ...]] = {
        "ready": ((BEN, CAI), (ANA, CAI), (ANA, BEN)),
        "lead": (None, (ANA,), (ANA,)),
        "listener": (None, (CAI,), (BEN,)),
        "others": (None, (CAI,), (BEN,)),
        "each": ((BEN, CAI), (ANA, CAI), (ANA, BEN)),
        "build": (None, (ANA,), (ANA,)),
        "respond": (None, (CAI,), (BEN,)),
        "respond-all": ((BEN, CAI), (ANA, CAI), (ANA, BEN)),
        "wish": ((BEN, CAI), (ANA, CAI), (ANA, BEN)),
        "choose": ((BEN,), (ANA,), (ANA,)),
    }

    @pytest.mark.parametrize("kind", QUEUES)
    @pytest.mark.parametrize("goes", THREE)
    def test_their_turn_passes_on(self, kind: str, goes: str) -> None:
        talk = running(kind)
        before = talk.state
        queue = self.QUEUES[kind][THREE.index(goes)]
        state = talk.do(goes, Verb.LEFT)
        assert goes not in state.inside and goes in state.took_part
        if queue is None:
            assert place(state) == (1, 0, 0, 0) and state.step == before.step + 1
            return
        assert place(state) == place(before) and state.queue == queue
        assert state.lead == (BEN if goes == ANA else ANA)
        floor_moved = before.floor == goes or (kind == "choose" and goes == ANA)
        assert state.step == before.step + floor_moved
        assert state.since == (talk.now if floor_moved else before.since)

    @pytest.mark.parametrize("kind", [kind for kind in QUEUES if kind != "wish"])
    def test_the_last_who_was_waited_for_leaves(self, kind: str) -> None:
        talk = running(kind)
        while len(talk.state.queue) > 1:
            talk.do(talk.state.queue[0], {"ready": Verb.DONE}.get(kind, Verb.PASSED))
        last = talk.state.queue[0]
        state = talk.do(last, Verb.LEFT)
        if kind in {"listener", "choose"}:  # somebody else can do it
            assert place(state) == (0, 0, 0, 0) and state.queue == ((CAI,) if kind == "listener" else (BEN,))
        else:
            assert place(state) == (1, 0, 0, 0)
        assert state.step == talk.state.step and last not in state.queue

    @pytest.mark.parametrize(
        "repeat", [{"repeat": "each"}, {"repeat": "cards", "cards": (9, 9, 9)}], ids=["each", "cards"]
    )
    @pytest.mark.parametrize("act", [LEADS, LISTENS, OTHERS, ROUND, RESPOND, RESPOND_ALL, READY, WISH, CHOOSE, LOOP])
    def test_a_round_is_over_with_its_lead(self, repeat: dict[str, Any], act: dict[str, Any]) -> None:
        stages = (act,) if act is not CHOOSE else (LEADS, CHOOSE)
        talk = Talk(script(part("a", *stages, **repeat), CLOSE), PEOPLE).begin(*PEOPLE)
        state = talk.do(ANA, Verb.LEFT)
        assert (state.part, state.round, state.stage, state.lead) == (0, 1, 0, BEN)
        assert state.step == 2
        state = talk.do(CAI, Verb.LEFT)
        assert (state.part, state.round, state.lead, state.listener) == (0, 1, BEN, DAN), "it stays Ben's"

    def test_a_round_of_somebody_who_is_gone_is_left_out(self) -> None:
        talk = Talk(script(part("a", LEADS, repeat="each"), CLOSE), PEOPLE).begin(*PEOPLE)
        talk.do(BEN, Verb.LEFT)
        assert talk.state.lead == ANA
        state = talk.do(ANA, Verb.SAID)
        assert (state.round, state.lead) == (2, CAI) and state.step == 2
        assert talk.do(CAI, Verb.SAID).lead == DAN
        assert place(talk.do(DAN, Verb.LEFT)) == (1, 0, 0, 0)

    def test_the_next_leads_the_next_card_whoever_left(self) -> None:
        cards = script(part("a", ROUND, repeat="cards", cards=(9, 9, 9)), CLOSE)
        talk = Talk(cards, PEOPLE).begin(*PEOPLE)
        talk.do(ANA, Verb.LEFT)
        assert (talk.state.card, talk.state.lead) == ((2, 1), BEN)
        talk.do(DAN, Verb.LEFT)
        assert (talk.state.card, talk.state.lead) == ((2, 1), BEN)
        assert talk.say_round().lead == CAI
        assert talk.say_round().lead == BEN

    @pytest.mark.parametrize("spot", Spot)
    @pytest.mark.parametrize("people", [THREE, PEOPLE])
    def test_in_a_loop(self, spot: Spot, people: tuple[str, ...]) -> None:
        talk = at_spot(spot, people)
        before = talk.state
        assert before.loop is not None
        assert place(step(before, talk.event(ANA, Verb.LEFT))) == (1, 0, 0, 0)
        other = step(before, talk.event(CAI, Verb.LEFT))
        assert other.loop == before.loop and other.step == before.step and other.since == before.since
        state = talk.do(BEN, Verb.LEFT)
        assert state.loop == replace(before.loop, listener=CAI), "the next one listens, at the same spot"
        moved = spot in {Spot.REFLECT, Spot.VALIDATE, Spot.EMPATHISE}
        assert state.step == before.step + moved and state.floor == (CAI if moved else ANA)

    def test_the_last_who_would_listen_leaves(self) -> None:
        talk = at_spot(Spot.REFLECT)
        talk.do(BEN, Verb.PASSED)
        assert place(talk.do(CAI, Verb.LEFT)) == (1, 0, 0, 0)

    def test_who_has_not_come_leaves_without_a_trace(self) -> None:
        talk = running("each", TWO, asked_too=(CAI,))
        before = talk.state
        state = talk.do(CAI, Verb.LEFT)
        assert same_but(state, before, "here", "accepted", "ready")
        assert talk.refused(CAI, Verb.CAME_IN) is errors.NotInIt

    def test_what_another_is_writing_still_fits(self) -> None:
        talk = running("others", PEOPLE)
        words = talk.event(BEN, Verb.SAID, item="words")
        talk.do(CAI, Verb.LEFT)
        assert step(talk.state, words).queue == (DAN,)
        talk = running("respond-all", PEOPLE)
        answer = talk.event(BEN, Verb.RESPONDED)
        talk.do(ANA, Verb.LEFT)
        assert can(talk.state, answer)

    def test_after_the_end_it_changes_nothing_that_was(self) -> None:
        talk = running("each")
        talk.do(ANA, Verb.SAID, item="a")
        talk.do(BEN, Verb.ENDED)
        before = talk.state
        assert same_but(talk.do(ANA, Verb.LEFT), before, "here", "accepted", "ready")
        assert talk.refused(ANA, Verb.AGREED) is errors.NotInIt and talk.refused(ANA, Verb.KEPT) is errors.NotInIt
        with pytest.raises(NotInIt):
            view(talk.state, ANA, talk.now)


# -- afterwards -------------------------------------------------------------------------------------------------------


class TestAfterwards:
    def ended(self) -> Talk:
        talk = running("each")
        talk.do(ANA, Verb.SAID, item="a")
        talk.do(BEN, Verb.SAID, item="b")
        talk.do(CAI, Verb.ENDED)
        return talk

    def test_at_most_three_agreements_each(self) -> None:
        talk = self.ended()
        for number in range(3):
            talk.do(ANA, Verb.AGREED, item=f"one-{number}", back_at=talk.now + 2 if number else 0)
        assert talk.state.agreements[0] == Agreement(ANA, "one-0", 0)
        assert [one.item for one in view(talk.state, BEN, talk.now).agreements] == ["one-0", "one-1", "one-2"]
        assert talk.refused(ANA, Verb.AGREED) is errors.AlreadyDone
        talk.do(BEN, Verb.AGREED)
        talk.do(ANA, Verb.TOOK_BACK, item="one-1")
        assert [one.item for one in talk.state.agreements if one.by == ANA] == ["one-0", "one-2"]
        assert talk.refused(ANA, Verb.AGREED) is None

    def test_an_agreement_needs_words_and_comes_back_later_or_never(self) -> None:
        talk = self.ended()
        assert talk.refused(ANA, Verb.AGREED, item="") is errors.BadEvent
        for back_at in (talk.now, -1, 1):
            assert talk.refused(ANA, Verb.AGREED, back_at=back_at) is errors.BadEvent
        assert talk.refused(ANA, Verb.AGREED, back_at=talk.now + 1) is None

    def test_one_takes_back_ones_own_and_no_others(self) -> None:
        talk = self.ended()
        talk.do(BEN, Verb.AGREED, item="b-agreed")
        for item in ("b", "b-agreed", "nothing", ""):
            assert talk.refused(ANA, Verb.TOOK_BACK, item=item) is errors.UnknownItem
        before = talk.state
        state = talk.do(ANA, Verb.TOOK_BACK, item="a")
        assert [turn.item for turn in state.turns] == ["", "b"] and not state.turns[0].spoken
        assert same_but(state, before, "turns")
        assert talk.refused(ANA, Verb.TOOK_BACK, item="a") is errors.UnknownItem
        assert talk.refused(ANA, Verb.AGREED, item="a") is errors.AlreadyDone
        assert talk.do(BEN, Verb.TOOK_BACK, item="b-agreed").agreements == ()

    def test_while_it_runs_and_when_one_has_left(self) -> None:
        talk = running("each")
        talk.do(ANA, Verb.SAID, item="a")
        assert talk.refused(ANA, Verb.TOOK_BACK, item="a") is None
        talk.do(ANA, Verb.LEFT)
        assert talk.do(ANA, Verb.TOOK_BACK, item="a").turns[0].item == ""

    def test_what_was_typed_on_anothers_device_stays(self) -> None:
        talk = Talk(PLAIN, TWO, on_one=True).begin(BEN, ANA)
        talk.do(BEN, Verb.SAID, hand=ANA, item="b")
        for by in TWO:
            assert talk.refused(by, Verb.TOOK_BACK, item="b") is errors.UnknownItem

    def test_kept_once(self) -> None:
        talk = self.ended()
        before = talk.state
        assert not before.kept and same_but(talk.do(BEN, Verb.KEPT), before, "kept")
        assert talk.state.kept and view(talk.state, ANA, talk.now).kept
        assert talk.refused(ANA, Verb.KEPT) is errors.AlreadyDone


# -- views ------------------------------------------------------------------------------------------------------------


class TestView:
    def test_nobody_else_has_one(self) -> None:
        talk = stands_in("lead")
        for one in (EVE, FAY):
            with pytest.raises(NotInIt):
                view(talk.state, one, talk.now)
        assert view(talk.state, DAN, talk.now).outside == (DAN,)

    @pytest.mark.parametrize("name", PLACES)
    def test_anothers_differs_only_in_what_is_theirs(self, name: str) -> None:
        talk, _ = at_place(name)
        views = [view(talk.state, one, talk.now) for one in (ANA, BEN, CAI, DAN)]
        theirs = {"member", "side", "mine", "waits", "can"}
        for field in fields(views[0]):
            if field.name not in theirs:
                assert len({repr(getattr(one, field.name)) for one in views}) == 1, field.name

    @pytest.mark.parametrize("name", PLACES)
    def test_what_it_says(self, name: str) -> None:
        talk, _ = at_place(name)
        state = talk.state
        for one in (ANA, BEN, CAI, DAN):
            shown = view(state, one, talk.now)
            acting = {state.floor} if state.floor else set(state.queue)
            assert shown.mine == (one in acting) and shown.waits == len(acting - {one})
            assert shown.stage == state.the_stage and shown.part_title == "A part"
            watches = one not in acting and state.the_stage.watching is not None
            assert shown.side == (state.the_stage.watching if watches else state.the_stage.acting)
            assert (shown.member, shown.phase, shown.step) == (one, state.phase, state.step)
            assert (shown.floor, shown.lead, shown.listener) == (state.floor, ANA, BEN)
            assert shown.inside == THREE and shown.accepted == {*THREE, DAN} and shown.ready == set(THREE)
            assert (shown.turns, shown.before, shown.since) == (state.turns, (), state.since)

    def test_before_it_begins_and_after_its_end(self) -> None:
        talk = Talk(PLAIN)
        shown = view(talk.state, BEN, talk.now)
        assert (shown.stage, shown.side, shown.part_title, shown.lead, shown.listener) == (None, None, "", None, None)
        assert (shown.card, shown.spot, shown.options, shown.waits, shown.cue) == (None, None, (), 0, False)
        assert shown.can == {"accepted", "left"} and shown.outside == TWO
        talk.begin(*TWO)
        talk.do(ANA, Verb.SAID)
        talk.do(BEN, Verb.ENDED)
        shown = view(talk.state, BEN, talk.now + 9999)
        assert (shown.stage, shown.side, shown.part_title, shown.lead, shown.listener) == (None, None, "", None, None)
        assert (shown.card, shown.spot, shown.options, shown.waits, shown.cue) == (None, None, (), 0, False)
        assert shown.turns == () and shown.before == talk.state.turns and len(shown.before) == 1
        assert shown.can == {"left", "agreed", "kept"} and shown.outside == ()

    def test_in_a_rest(self) -> None:
        talk = stands_in("choose")
        talk.do(BEN, Verb.AWAY)
        shown = view(talk.state, ANA, talk.now + 9999)
        assert (shown.waits, shown.cue, shown.options, shown.mine, shown.floor) == (0, False, (), False, None)
        assert (shown.away_by, shown.back_at) == (BEN, talk.state.back_at) and shown.stage is not None
        assert (shown.lead, shown.listener) == (ANA, BEN)

    def test_a_rest_takes_no_slower_with_it(self) -> None:
        talk = running("lead")
        talk.do(BEN, Verb.SLOWER)
        talk.do(BEN, Verb.PAUSED)
        assert view(talk.state, ANA, talk.now).slower == ""

    def test_the_card_shows_while_it_lies_on_the_table(self) -> None:
        talk = Talk(script(part("a", ROUND, repeat="cards", cards=(1, 1, 1)), CLOSE)).begin(*TWO)
        assert view(talk.state, BEN, talk.now).card == (2, 0)
        talk.do(BEN, Verb.ENDED)
        assert view(talk.state, BEN, talk.now).card is None

    def test_tries_show_nowhere(self) -> None:
        """Two loops that differ in nothing but the tries before the third show the same."""
        talk = at_spot(Spot.CHECK)
        state = talk.state
        assert state.loop is not None
        other = replace(state, loop=replace(state.loop, tries=2))
        for one in THREE:
            assert view(state, one, talk.now) == view(other, one, talk.now)
        assert not {"tries", "loop"} & {field.name for field in fields(view(state, ANA, talk.now))}

    def test_the_phases_that_are_over(self) -> None:
        assert {Phase.CLOSED, Phase.ENDED} == OVER


# -- events -----------------------------------------------------------------------------------------------------------


def full(verb: Verb) -> Event:
    """An event with every field of its verb."""
    some: dict[str, Any] = {
        "members": TWO,
        "on_one": True,
        "length": 1,
        "level": 2,
        "ceiling": 3,
        "cards": 4,
        "opens_at": 5,
        "lapses_at": 6,
        "order": (BEN, ANA),
        "hand": ANA,
        "notes": False,
        "step": 7,
        "item": "words",
        "verdict": Verdict.PARTLY,
        "more": True,
        "choice": Choice.TELL_MORE,
        "option": "on",
        "wish": Wish.DEEPER,
        "back_at": 8,
    }
    return Event(verb=verb, by=BEN, at=9, **{name: some[name] for name in FIELDS[verb]})


@pytest.mark.parametrize("verb", Verb)
class TestEvents:
    def test_there_and_back(self, verb: Verb) -> None:
        event = full(verb)
        payload = event.to_payload()
        assert Event.from_payload(payload) == event
        assert set(payload) == {"v", "verb", "by", "at", *FIELDS[verb]} and payload["v"] == 1
        plain = {type(value) for value in payload.values()} | {str}
        assert plain <= {str, int, bool, list}

    def test_unknown_versions_and_verbs(self, verb: Verb) -> None:
        payload = full(verb).to_payload()
        for version in (0, 2, "1", 1.0, True, None):
            with pytest.raises(errors.UnknownVersion):
                Event.from_payload(payload | {"v": version})
        with pytest.raises(errors.UnknownVersion):
            Event.from_payload({name: value for name, value in payload.items() if name != "v"})
        for name in ("cheered", "", None, 3, [], {}):
            with pytest.raises(errors.UnknownVerb):
                Event.from_payload(payload | {"verb": name})
        with pytest.raises(errors.UnknownVerb):
            Event.from_payload({name: value for name, value in payload.items() if name != "verb"})

    def test_fields_missing_and_superfluous(self, verb: Verb) -> None:
        payload = full(verb).to_payload()
        for name in set(payload) - {"v", "verb"}:
            with pytest.raises(errors.BadEvent):
                Event.from_payload({one: value for one, value in payload.items() if one != name})
        with pytest.raises(errors.BadEvent):
            Event.from_payload(payload | {"mood": 3})
        for other in {name for names in FIELDS.values() for name in names} - set(FIELDS[verb]):
            with pytest.raises(errors.BadEvent):
                Event.from_payload(payload | {other: "x"})
            source = next(one for one in Verb if other in FIELDS[one])
            with pytest.raises(errors.BadEvent):
                replace(full(verb), **{other: getattr(full(source), other)})

    def test_wrong_types(self, verb: Verb) -> None:
        event = full(verb)
        payload = event.to_payload()
        for name in ("by", "at", *FIELDS[verb]):
            for wrong in (None, 1.5, [], [1], [""], {}, "an unknown value", True, 3, ["ana", None], b"x"):
                right_type = type(wrong) is type(payload[name]) and wrong not in ([1], [""], ["ana", None])
                if right_type and name not in {"verdict", "choice", "wish"}:
                    continue
                with pytest.raises(errors.BadEvent):
                    Event.from_payload(payload | {name: wrong})
        for name in FIELDS[verb]:
            if name != "hand":
                with pytest.raises(errors.BadEvent):
                    replace(event, **{name: None})
            for wrong in (1.5, list(TWO), object()):
                with pytest.raises(errors.BadEvent):
                    replace(event, **{name: wrong})
        for by in ("", None, 3):
            with pytest.raises(errors.BadEvent):
                replace(event, by=by)  # type: ignore[arg-type]
        for at in (None, 1.0, True, "1"):
            with pytest.raises(errors.BadEvent):
                replace(event, at=at)  # type: ignore[arg-type]
        with pytest.raises(errors.BadEvent):
            replace(event, verb=verb.value)  # type: ignore[arg-type]

    def test_a_hand_is_empty_unless_it_is_given(self, verb: Verb) -> None:
        event = full(verb)
        if "hand" in FIELDS[verb]:
            assert replace(event, hand=None).hand == ""
        else:
            assert event.hand is None


def test_empty_ids_are_refused() -> None:
    for event in (full(Verb.ASKED), full(Verb.BEGUN)):
        name = "members" if event.verb is Verb.ASKED else "order"
        for ids in ((ANA, ""), (ANA, 3), (None,)):
            with pytest.raises(errors.BadEvent):
                replace(event, **{name: ids})  # type: ignore[arg-type]


def test_every_refusal_has_its_own_code_and_no_words_of_members() -> None:
    classes = errors.DialogueError.__subclasses__()
    assert len({one.code for one in classes}) == len(classes) == 17
    assert str(errors.TooFew()) == errors.TooFew.says and str(errors.TooFew("else")) == "else"


def test_building_is_saying() -> None:
    talk = Talk(script(part("a", BUILD), CLOSE)).begin(*TWO)
    state = talk.do(ANA, Verb.SAID, item="four fields")
    assert state.turns[-1].item == "four fields" and state.part == 1
