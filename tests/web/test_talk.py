"""Dialogues over HTTP and through the services, from the asking to long after."""

from __future__ import annotations

import io
import json
import re
import zipfile
from datetime import timedelta

import pytest
from icalendar import Calendar

from closeknit.web import clock
from closeknit.web.bonds import decisions, erasing, leaving, private
from closeknit.web.bonds.models import Bond, BondRow, Event, Item, StreamHead, Wrap
from closeknit.web.dialogues import library, queries, services
from closeknit.web.dialogues.models import Dialogue, DialogueChoice, DialogueOwn
from closeknit.web.members import services as members
from closeknit.web.members.keys import SESSION_NAME
from closeknit.web.members.live_access import members_for_sessions
from closeknit.web.sealed.kinds import REGISTRY, Reading
from tests.cast import PASSPHRASE

from .talk import ask, good_news, new_epoch, pass_the_check, settled, start_of, unlock

pytestmark = pytest.mark.django_db


# -- start to end -------------------------------------------------------------------------------------------------------


def test_good_news_by_two_from_the_asking_to_the_end(cast):
    talk = ask(cast, "good-news")
    asked = cast.jonas.client.get(f"/b/{cast.pair}/talk/").content.decode()
    assert "Good news, answered well" in asked and "from Ana" in asked
    assert "Ana would like to talk" in cast.jonas.client.get(f"/b/{cast.pair}/").content.decode()
    assert "Ana asks" in talk.text(cast.jonas)
    assert "not open right now" in talk.text(cast.ana)
    talk.begin()
    state = talk.state()
    first, second = (talk.who(member) for member in state.order)
    assert talk.speaker is first
    talk.say("the heron came back")
    assert "the heron came back" in talk.text(second) and talk.speaker is second
    talk.say("what did it look like")
    talk.say("grey and grave")
    talk.say("glad of that")
    talk.say("tea on the balcony")
    assert talk.speaker is second, "roles change"
    for number in range(5):
        talk.say(f"second round {number}")
    assert "Thank each other" in talk.text(first)
    talk.do(first, "done")
    assert "You are done here" in talk.text(first)
    talk.do(second, "done")
    for person in (first, second):
        page = talk.text(person)
        assert "That was it. Thank each other." in page and "the heron came back" in page
    assert Dialogue.objects.get(pk=talk.id).over_at is not None
    history = cast.ana.client.get(f"/b/{cast.pair}/talk/history/").content.decode()
    assert "Good news, answered well" in history and "with Jonas" in history


def test_good_news_by_three_each_leads_once(cast):
    circle = cast.circle()
    talk = ask(cast, "good-news", cast.ana, cast.jonas, cast.cleo, bond=circle).begin()
    leads = []
    while talk.state().the_part.id == "news":
        state = talk.state()
        if not leads or leads[-1] != state.lead:
            leads.append(state.lead)
        talk.say("a word")
    assert leads == list(talk.state().order) and len(leads) == 3
    talk.all_ready()
    assert all("That was it" in talk.text(person) for person in talk.people)


def loop_round(talk, *, more: bool = False) -> None:
    """One thing said, said back, and understood."""
    talk.say("one thing")
    talk.say("heard one thing")
    talk.do(talk.speaker, "judged", verdict="yes")
    if talk.page(talk.speaker).context["page"].spot == "more":
        talk.do(talk.speaker, "more", more="yes" if more else "no")
    if more:
        return
    talk.say("makes sense since it does")
    talk.say("a bit lonely, perhaps")
    talk.do(talk.speaker, "confirmed", text="")


def to_the_end(talk) -> None:
    """What is left are taps of thanks."""
    if talk.state().phase.value == "running":
        talk.all_ready()


def understood(cast, *people, bond=None, **fields):
    bond = bond or cast.pair
    people = people or (cast.ana, cast.jonas)
    settled(bond)
    pass_the_check(bond, *people)
    talk = ask(cast, "understood", *people, bond=bond, **fields)
    talk.begin()
    talk.all_ready()
    return talk


def test_understood_by_two_with_every_answer_of_the_speaker(cast):
    talk = understood(cast, topic="the kitchen at night")
    assert "the kitchen at night" in talk.text(cast.jonas)
    speaker = talk.say("the light stays on")
    listener = next(person for person in talk.people if person is not speaker)
    assert "Say back what you heard" in talk.text(listener)
    talk.say("you hate the light")
    assert "Is this what you meant?" in talk.text(speaker)
    talk.do(speaker, "judged", verdict="partly", text="not hate, tired")
    page = talk.text(listener)
    assert "Partly." in page and "not hate, tired" in page
    talk.say("you are tired of it")
    talk.do(speaker, "judged", verdict="not-yet")
    assert "Not yet" in talk.text(listener)
    assert "Let it rest" not in talk.text(speaker)
    talk.say("you are tired, and it is the light")
    page = talk.text(speaker)
    assert "Let it rest" in page and "another way" in page
    assert not re.search(r"\b(third|three|3)\b[^<]*tr(y|ies)", page), "tries are never counted on screen"
    talk.do(speaker, "judged", verdict="yes")
    talk.do(speaker, "more", more="yes")
    assert talk.speaker is speaker
    loop_round(talk)
    assert talk.speaker is not speaker or talk.state().lead != speaker.id
    loop_round(talk)
    last = [talk.say("now I see why"), talk.say("I had not known")]
    assert {one.id for one in last} == {cast.ana.id, cast.jonas.id}
    to_the_end(talk)
    assert talk.state().phase.value == "closed"
    assert "That was it" in talk.text(cast.ana)


def test_after_three_tries_it_may_be_let_rest_or_put_another_way(cast):
    talk = understood(cast)
    speaker = talk.say("one thing")
    for verb in ("rephrased", "let-rest"):
        talk.say("first try")
        talk.do(speaker, verb, 409)
        for _again in range(2):
            talk.do(speaker, "judged", verdict="not-yet")
            talk.say("another try")
        lead, round_ = talk.state().lead, talk.state().round
        talk.do(speaker, verb)
        if verb == "rephrased":
            assert talk.speaker is speaker and talk.state().loop.spot.value == "speak"
            talk.say("in other words")
    assert (talk.state().lead, talk.state().round) != (lead, round_), "let rest: the next one speaks"


def test_understood_by_three_and_what_the_third_also_heard(cast):
    circle = cast.circle()
    people = (cast.ana, cast.jonas, cast.cleo)
    talk = understood(cast, *people, bond=circle)
    speaker = talk.say("a thing")
    listener = talk.say("a thing, I hear")
    third = next(person for person in people if person not in (speaker, listener))
    assert "I also heard" in talk.text(third) and "I also heard" not in talk.text(listener)
    talk.do(third, "added", text="and a sigh")
    talk.do(third, "added", 409, text="and another")
    talk.do(listener, "added", 409, text="mine again")
    assert "and a sigh" in talk.text(speaker)
    talk.do(speaker, "judged", verdict="yes")
    talk.do(speaker, "more", more="no")
    talk.say("sense")
    talk.say("lonely")
    talk.do(speaker, "confirmed", text="yes, that")
    loop_round(talk)
    loop_round(talk)
    for _one in people:
        talk.say("now I see")
    to_the_end(talk)
    assert talk.state().phase.value == "closed"


def test_passing_needs_no_reason_and_leaves_no_name(cast):
    talk = ask(cast, "good-news").begin()
    first = talk.speaker
    other = next(person for person in talk.people if person is not first)
    talk.do(other, "passed", 409)
    talk.do(first, "passed")
    page = talk.text(other)
    assert f"{first.name} passed" not in page and "let it pass" not in page and talk.speaker is other
    assert "Someone" not in page and not talk.state().turns, "a pass is no turn"
    listening = understood(cast)
    speaker = listening.say("a thing")
    listening.do(listening.speaker, "passed")
    assert listening.state().lead != speaker.id


def test_slower_please_is_for_whoever_listens(cast):
    talk = ask(cast, "good-news").begin()
    speaker = talk.speaker
    other = next(person for person in talk.people if person is not speaker)
    talk.do(speaker, "slower", 409)
    talk.do(other, "slower")
    talk.do(other, "slower", 409)
    assert "Slower, please." in talk.text(speaker)
    talk.say("slowly now")
    assert "Slower, please.</p>" not in talk.text(speaker)


def test_the_floor_may_be_asked_for_a_minute_after_the_soft_time(cast):
    talk = ask(cast, "good-news").begin()
    speaker = talk.speaker
    other = next(person for person in talk.people if person is not speaker)
    seconds = talk.state().the_stage.seconds
    talk.do(other, "floor-asked", 409)
    with clock.shifted(timedelta(seconds=seconds + 1)):
        assert "about the time" in talk.text(other) and "May I have the floor?" not in talk.text(other)
    with clock.shifted(timedelta(seconds=seconds + 62)):
        assert "May I have the floor?" in talk.text(other)
        talk.do(speaker, "floor-asked", 409)
        assert talk.speaker is speaker, "time alone changes nothing"
        talk.do(other, "floor-asked")
        assert talk.speaker is other


# -- resting ------------------------------------------------------------------------------------------------------------


def test_a_pause_keeps_the_place_and_what_was_being_typed(cast):
    talk = ask(cast, "good-news").begin()
    speaker = talk.speaker
    other = next(person for person in talk.people if person is not speaker)
    talk.post(speaker, "own", text="half a sentence")
    before = talk.state()
    talk.post(speaker, "rest", what="pause")
    assert "It rests for a moment" in talk.text(other)
    talk.do(speaker, "said", 409, text="not while it rests")
    talk.go_on(other)
    assert "You are ready" in talk.text(other)
    talk.go_on(speaker)
    after = talk.state()
    assert (after.part, after.stage, after.floor) == (before.part, before.stage, before.floor)
    assert "half a sentence" in talk.text(speaker) and "half a sentence" not in talk.text(other)
    talk.say("the whole sentence")
    assert "half a sentence" not in DialogueOwn.objects.get(member=speaker.member).unseal(speaker.keyring.self_key).get(
        "draft", ""
    )


def test_a_time_out_its_return_and_its_longer_form(cast):
    talk = ask(cast, "good-news").begin()
    caller, other = cast.ana, cast.jonas
    talk.post(caller, "rest", 409, what="away", minutes="5")
    talk.post(caller, "rest", 409, what="away", minutes="1441")
    talk.post(caller, "rest", what="away", minutes="30")
    assert "Ana needs a break" in talk.text(other) and "You said that you are back" in talk.text(caller)
    talk.go_on(caller, 409)
    talk.post(other, "rest", 409, what="longer", minutes="61")
    talk.post(caller, "rest", what="longer", minutes=str(talk.page(caller).context["page"].longer_minutes))
    talk.post(caller, "rest", 409, what="longer", minutes="90")
    talk.go_on(other)
    with clock.shifted(timedelta(minutes=21)):
        unlock(caller, other)
        talk.go_on(caller)
        assert talk.state().phase.value == "running"


def test_a_time_out_of_a_day_can_still_be_a_little_longer(cast):
    talk = ask(cast, "good-news").begin()
    talk.post(cast.ana, "rest", what="away", minutes="1440")
    with clock.shifted(timedelta(minutes=10)):
        unlock(cast.ana)
        talk.post(cast.ana, "rest", what="longer", minutes=str(talk.page(cast.ana).context["page"].longer_minutes))
        state = talk.state()
        assert state.extended and state.back_at <= services.second() + 86400


def test_stop_ends_it_for_good_at_any_stage_by_anyone(cast):
    for stages in range(3):
        talk = ask(cast, "good-news").begin()
        for _turn in range(stages):
            talk.say("a word")
        talk.post(cast.jonas, "end")
        for person in talk.people:
            assert "The conversation has ended for now" in talk.text(person)
        talk.go_on(cast.ana, 409)
        talk.post(cast.ana, "end", 409)


def test_after_mending_each_is_offered_the_view_from_outside_and_after_no_other(cast, monkeypatch):
    offered = '<a href="/reflect/outside/">'
    talk = ask(cast, "good-news").begin()
    talk.post(cast.jonas, "end")
    assert offered not in talk.text(cast.ana)
    shipped = library.the_scripts()
    assert {name for name, one in shipped.items() if one.mends} == {"repair", "saying-sorry"}
    mending = shipped["good-news"].model_copy(update={"mends": True})
    monkeypatch.setattr(library, "the_scripts", lambda: {**shipped, "good-news": mending})
    talk = ask(cast, "good-news").begin()
    assert offered not in talk.text(cast.ana)
    talk.post(cast.jonas, "end")
    assert all(offered in talk.text(person) for person in talk.people)


def test_the_question_can_be_taken_back_by_whoever_asked(cast):
    talk = ask(cast, "good-news")
    talk.post(cast.jonas, "end", 409)
    assert talk.post(cast.ana, "end").url == f"/b/{cast.pair}/talk/"
    assert "It did not begin, and that is all right" in talk.text(cast.jonas)
    talk.post(cast.jonas, "accept", 409)
    assert "Good news" not in cast.jonas.client.get(f"/b/{cast.pair}/talk/history/").content.decode()


def test_a_question_lapses_and_is_noted_as_over(cast):
    talk = ask(cast, "good-news")
    talk.post(cast.jonas, "accept")
    with clock.shifted(services.LAPSES_AFTER + timedelta(minutes=1)):
        unlock(*talk.people)
        assert "Nobody began in time" in talk.text(cast.ana)
        talk.post(cast.ana, "ready", 409)
        page = cast.jonas.client.get(f"/b/{cast.pair}/talk/").content.decode()
        assert "<h2>Asked</h2>" not in page
        assert Dialogue.objects.get(pk=talk.id).over_at is not None
        assert "It did not begin" in talk.text(cast.ana) or "Nobody began" in talk.text(cast.ana)


# -- circles ------------------------------------------------------------------------------------------------------------


def test_a_circle_begins_with_those_who_are_here_and_others_come_in_late(cast):
    circle = cast.circle()
    talk = ask(cast, "good-news", cast.ana, cast.jonas, cast.cleo, bond=circle)
    for person in (cast.jonas, cast.cleo):
        talk.post(person, "accept")
    talk.post(cast.ana, "begin", 409)
    talk.post(cast.ana, "ready")
    talk.post(cast.ana, "begin", 409)
    talk.post(cast.jonas, "ready")
    assert "Begin with those who are here" in talk.text(cast.ana)
    talk.post(cast.cleo, "begin", 409)
    talk.post(cast.ana, "begin")
    assert set(talk.state().order) == {cast.ana.id, cast.jonas.id}
    talk.do(cast.cleo, "said", 409, text="too early")
    assert "Come in" in talk.text(cast.cleo)
    talk.post(cast.cleo, "come-in")
    talk.post(cast.cleo, "come-in", 409)
    assert talk.state().order[-1] == cast.cleo.id
    while talk.state().the_part.id == "news":
        talk.say("a word")
    assert {turn.by for turn in talk.state().turns} == {p.id for p in talk.people}


def test_leaving_a_circles_dialogue_lets_the_others_go_on(cast):
    circle = cast.circle()
    talk = ask(cast, "good-news", cast.ana, cast.jonas, cast.cleo, bond=circle).begin()
    goer = talk.speaker
    talk.post(goer, "leave")
    stays = [person for person in talk.people if person is not goer]
    assert "You left this conversation" in talk.text(goer)
    state = talk.state(stays[0])
    assert state.phase.value == "running" and state.floor in {person.id for person in stays}
    assert goer.client.get(f"/b/{circle}/talk/").status_code == 200
    assert services.told(stays[1].bond(circle), talk.id)


def test_whoever_left_has_their_own_words_and_nothing_of_the_others(cast):
    circle = cast.circle()
    talk = ask(cast, "good-news", cast.ana, cast.jonas, cast.cleo, bond=circle).begin()
    goer = talk.say("mine before going")
    stays = [person for person in talk.people if person is not goer]
    talk.post(goer, "leave")
    talk.people = (*stays, goer)
    talk.say("theirs after that")
    page = talk.text(goer)
    assert "mine before going" in page and "theirs after that" not in page
    for act in ("do", "own", "rest", "end", "keep", "agree", "after", "hold", "leave"):
        assert goer.client.post(f"{talk.path}{act}/", {"keep": "yes", "text": "x"}).status_code == 404, act
    listed = goer.client.get(f"/b/{circle}/talk/").content.decode()
    assert "under way" not in listed and "under way" not in goer.client.get(f"/b/{circle}/").content.decode()
    reading = Reading(goer.member, goer.keyring, [goer.bond(circle)])
    copied = list(REGISTRY["dialogues.dialogue"].export(reading))
    assert "mine before going" in str(copied) and "theirs after that" not in str(copied)
    item = re.search(r"take-back/([0-9a-f-]+)/", goer.client.get(talk.path).content.decode()).group(1)
    assert goer.client.post(f"{talk.path}take-back/{item}/").status_code == 302
    assert "mine before going" not in talk.text(goer) and not Item.objects.filter(pk=item).exists()
    assert all("mine before going" not in talk.text(person) for person in stays)
    talk.post(stays[0], "end")
    talk.post(stays[0], "agree", text="a walk on Sunday", back="7")
    history = goer.client.get(f"/b/{circle}/talk/history/").content.decode()
    assert "You left this one." in history and "a walk on Sunday" not in history
    for person in stays:
        talk.post(person, "keep", keep="no")
    assert "What was typed in it is deleted." in talk.text(goer)
    assert "a walk on Sunday" not in goer.client.get(f"/b/{circle}/talk/history/").content.decode()
    assert "a walk on Sunday" in stays[1].client.get(f"/b/{circle}/talk/history/").content.decode()


# -- two taps, old pages, locks ------------------------------------------------------------------------------------------


def test_a_double_tap_writes_nothing_twice_and_shows_what_was_typed(cast):
    talk = ask(cast, "good-news").begin()
    speaker, step = talk.speaker, talk.state().step
    for code in (302, 409):
        answer = talk.do(speaker, "said", code, step=step, text="only once", how="typed")
    assert "moved on" in answer.content.decode() and "only once" in answer.content.decode()
    assert Item.objects.filter(stream=talk.id).count() == 1 and len(talk.state().turns) == 1
    events = Event.objects.filter(stream=talk.id).count()
    talk.do(talk.speaker, "said", 409, step=step + 7, text="from a page that slept", how="typed")
    assert Event.objects.filter(stream=talk.id).count() == events and Item.objects.filter(stream=talk.id).count() == 1
    for code in (302, 409):
        answer = talk.post(cast.jonas, "rest", code, what="pause")
    assert "has arrived already" in answer.content.decode()


def test_asking_twice_is_asking_once(cast):
    first, second = ask(cast, "good-news"), ask(cast, "good-news")
    assert first.id == second.id and Dialogue.objects.count() == 1
    with clock.shifted(services.TWICE_WITHIN + timedelta(seconds=1)):
        assert ask(cast, "good-news").id != first.id


def test_what_was_typed_when_the_session_locked_is_offered_back(cast):
    talk = ask(cast, "good-news").begin()
    speaker = talk.speaker
    speaker.client.post("/lock/", {"text": "cut off in the middle", "next": talk.path})
    assert speaker.client.get(talk.path).status_code == 403
    speaker.client.post("/unlock/", {"passphrase": PASSPHRASE})
    page = talk.text(speaker)
    assert "What you typed when Closeknit locked is back." in page and "cut off in the middle" in page
    talk.say("cut off, and finished")
    assert "cut off in the middle" not in talk.text(speaker)


def test_too_many_characters_are_refused_kindly_and_kept(cast):
    talk = understood(cast)
    speaker = talk.speaker
    long = "long words " * 60
    answer = talk.do(speaker, "said", 422, text=long, how="typed")
    page = answer.content.decode()
    assert "more than one turn holds (600)" in page and long.strip() in page
    assert not Item.objects.filter(stream=talk.id).exists()
    talk.say("x" * 600)
    talk.say("heard")
    answer = talk.do(speaker, "judged", 422, verdict="partly", text=long)
    assert long.strip() in answer.content.decode() and "fewer words" in answer.content.decode()
    talk.do(speaker, "judged", 422, verdict="perhaps")


# -- spoken -------------------------------------------------------------------------------------------------------------


def test_a_spoken_turn_leaves_no_words(cast):
    talk = ask(cast, "good-news").begin()
    speaker = talk.speaker
    talk.do(speaker, "said", text="typed and not said", how="spoken")
    assert not Item.objects.filter(stream=talk.id).exists() and talk.state().turns[0].spoken
    other = talk.speaker
    assert "typed and not said" not in talk.text(other) and "aloud" in talk.text(other)


@pytest.mark.parametrize("willing", [(True, True), (True, False)])
def test_a_line_about_a_spoken_turn_only_if_all_agreed(cast, willing):
    talk = ask(cast, "good-news")
    talk.post(cast.jonas, "accept")
    for person, yes in zip((cast.ana, cast.jonas), willing, strict=True):
        talk.post(person, "ready", **({"notes": "on"} if yes else {}))
    speaker = talk.speaker
    assert ("one-line note" in talk.text(speaker)) is all(willing)
    if all(willing):
        talk.do(speaker, "said", 422, text="x" * 201, how="spoken")
    talk.do(speaker, "said", text="about the heron", how="spoken")
    assert Item.objects.filter(stream=talk.id).exists() is all(willing)
    assert ("about the heron" in talk.text(talk.speaker)) is all(willing)


# -- one device ---------------------------------------------------------------------------------------------------------


def test_one_device_is_handed_round_with_a_curtain_between(cast):
    talk = ask(cast, "good-news", device="one")
    assert talk.state().phase.value == "running" and talk.state().on_one
    assert Bond.objects.get(pk=cast.pair).opened_together
    owner = cast.ana
    for _turn in range(4):
        state = talk.state()
        actor = talk.who(state.floor)
        page = talk.text(owner)
        if actor is owner:
            talk.do(owner, "said", text=f"turn of {actor.name}", how="typed")
        else:
            assert f"Hand this to {actor.name}" in page and "turn of" not in page
            lifted = owner.client.get(f"{talk.path}?step={state.step}").content.decode()
            assert "belongs to the bond" in lifted
            answer = owner.client.post(
                f"{talk.path}do/", {"verb": "said", "step": state.step, "as": actor.id, "text": f"turn of {actor.name}"}
            )
            assert answer.status_code == 302
    for item in Item.objects.filter(stream=talk.id):
        targets = set(item.wraps.values_list("target", flat=True))
        assert targets == ({"self", "bond"} if item.author_id == owner.member.pk else {"bond"})
    assert Item.objects.filter(stream=talk.id, author=None).count() == 2
    assert Item.objects.filter(stream=talk.id, author=owner.member).count() == 2


def test_only_the_owner_brings_the_turns_of_others(cast):
    talk = ask(cast, "good-news", device="one")
    step, floor = talk.state().step, talk.state().floor
    for person, as_whom in ((cast.jonas, cast.ana), (cast.jonas, cast.eve), (cast.ana, cast.eve), (cast.ana, cast.cleo)):
        talk.do(person, "said", 409, step=step, text="forged", **{"as": as_whom.id})
    assert talk.state().floor == floor and not Item.objects.filter(stream=talk.id).exists()
    talk.post(cast.jonas, "end", 409, **{"as": cast.ana.id})
    talk.post(cast.ana, "end", **{"as": cast.jonas.id})


def test_each_on_their_own_device_nobody_acts_for_another(cast):
    talk = ask(cast, "good-news").begin()
    speaker = talk.speaker
    other = next(person for person in talk.people if person is not speaker)
    talk.do(other, "said", 409, text="forged", **{"as": speaker.id})
    assert not talk.state().turns


def test_with_a_private_check_each_says_yes_on_their_own_device(cast):
    settled(cast.pair)
    pass_the_check(cast.pair, cast.ana, cast.jonas)
    talk = ask(cast, "understood", device="one")
    assert talk.state().phase.value == "asked" and not talk.state().order
    talk.post(cast.ana, "ready", 409, **{"as": cast.jonas.id})
    talk.post(cast.jonas, "accept")
    talk.post(cast.ana, "ready")
    assert "Jonas is here too" in talk.text(cast.ana)
    talk.post(cast.ana, "ready", anyway="on", **{"as": cast.jonas.id})
    assert talk.state().phase.value == "running"


def on_one(cast, turns: int = 4):
    talk = ask(cast, "good-news", device="one")
    for number in range(turns):
        state = talk.state()
        extra = {} if state.floor == cast.ana.id else {"as": state.floor}
        talk.do(cast.ana, "said", text=f"passed round {number} {'own' if not extra else 'other'}", **extra)
    return talk


def test_words_on_a_device_that_was_passed_round_stay_when_its_owner_leaves(cast):
    talk = on_one(cast)
    talk.post(cast.jonas, "end")
    leaving.bond_leave(cast.ana.bond(cast.pair))
    texts = " ".join(word.text for word in private.words_read(cast.ana.member.pk, cast.ana.keyring)[0])
    assert "own" in texts and "other" not in texts
    page = talk.text(cast.jonas)
    assert "other" in page and not re.search(r"passed round \d own", page)


def test_words_on_a_device_that_was_passed_round_outlive_its_owners_account(cast):
    talk = on_one(cast)
    talk.post(cast.jonas, "end")
    erasing.erase_now(cast.ana.member)
    page = talk.text(cast.jonas)
    assert re.search(r"passed round \d other", page) and not re.search(r"passed round \d own", page)


# -- afterwards ---------------------------------------------------------------------------------------------------------


def ended(cast, *, turns: int = 2, **fields):
    """A dialogue with a few typed turns, stopped by Jonas."""
    talk = ask(cast, "good-news", **fields).begin()
    for number in range(turns):
        talk.say(f"typed word {number}")
    talk.post(cast.jonas, "end")
    return talk


def test_it_is_kept_only_if_all_keep(cast):
    talk = ended(cast)
    before = talk.text(cast.jonas)
    talk.post(cast.ana, "keep", keep="yes")
    assert "You would keep it" in talk.text(cast.ana)
    strip = r'name="csrfmiddlewaretoken" value="[^"]*"|nonce="[^"]*"'
    assert re.sub(strip, "", talk.text(cast.jonas)) == re.sub(strip, "", before), "nobody sees what another chose"
    talk.post(cast.jonas, "keep", 422, keep="perhaps")
    talk.post(cast.jonas, "keep", keep="yes")
    assert talk.state().kept and "Keep what was typed?" not in talk.text(cast.ana)
    talk.post(cast.ana, "keep", 409, keep="no")
    with clock.shifted(timedelta(days=90)):
        unlock(*talk.people)
        cast.ana.client.get(f"/b/{cast.pair}/talk/")
        assert "typed word 0" in talk.text(cast.jonas)


def test_a_choice_can_be_changed_until_all_have_chosen(cast):
    talk = ended(cast)
    talk.post(cast.ana, "keep", keep="no")
    talk.post(cast.ana, "keep", keep="yes")
    talk.post(cast.jonas, "keep", keep="yes")
    assert talk.state().kept


def test_letting_go_deletes_what_was_typed_and_leaves_one_stone(cast):
    talk = ended(cast)
    talk.post(cast.ana, "agree", text="a walk on Sunday", back="7")
    talk.post(cast.ana, "keep", keep="yes")
    talk.post(cast.jonas, "keep", keep="no")
    assert Event.objects.filter(stream=talk.id).count() == 1
    assert Item.objects.filter(stream=talk.id).count() == 1, "what was agreed stays"
    assert not DialogueChoice.objects.exists()
    for person in talk.people:
        page = talk.text(person)
        assert "You let this one go" in page and "typed word" not in page
        history = person.client.get(f"/b/{cast.pair}/talk/history/").content.decode()
        assert "a walk on Sunday" in history and "Good news" in history
        assert person.client.get(f"/b/{cast.pair}/talk/").status_code == 200
        assert person.client.get(f"/b/{cast.pair}/").status_code == 200
    fields = {"wish": "stay", "text": "x", "back": "0", "keep": "yes"}
    for act in ("accept", "ready", "end", "leave", "wish", "agree", "keep", "after"):
        assert cast.ana.client.post(f"{talk.path}{act}/", fields).status_code == 404, act


def test_after_letting_go_a_cut_or_returned_stream_is_noticed(cast):
    talk = ended(cast)
    old = [(row.id, row.number, row.revision, row.body) for row in Event.objects.filter(stream=talk.id)]
    talk.post(cast.ana, "keep", keep="no")
    talk.post(cast.jonas, "keep", keep="no")
    stone = Event.objects.get(stream=talk.id)
    Event.objects.filter(pk=stone.pk).update(number=stone.number - 1)
    for person in talk.people:
        assert person.client.get(talk.path).status_code == 409
    Event.objects.filter(pk=stone.pk).delete()
    for pk, number, revision, body in old:
        Event.objects.create(pk=pk, bond_id=cast.pair, stream=talk.id, number=number, revision=revision, body=body)
    assert cast.jonas.client.get(talk.path).status_code == 409, "whoever let it go notices that it came back"


def test_two_weeks_later_it_goes_by_itself(cast):
    talk = ended(cast)
    talk.post(cast.ana, "keep", keep="yes")
    with clock.shifted(services.KEEP_BY - timedelta(hours=1)):
        unlock(*talk.people)
        assert "typed word 0" in talk.text(cast.ana)
    with clock.shifted(services.KEEP_BY + timedelta(hours=1)):
        unlock(*talk.people)
        cast.ana.client.get(f"/b/{cast.pair}/talk/")
        assert not Item.objects.filter(stream=talk.id).exists()
        assert "You let this one go" in talk.text(cast.jonas)


def test_what_all_who_are_left_would_keep_is_kept(cast):
    circle = cast.circle()
    talk = ask(cast, "good-news", cast.ana, cast.jonas, cast.cleo, bond=circle).begin()
    talk.say("typed word 0")
    talk.post(cast.ana, "end")
    talk.post(cast.ana, "keep", keep="yes")
    talk.post(cast.jonas, "keep", keep="yes")
    leaving.bond_leave(cast.cleo.bond(circle))
    cast.ana.client.post(f"/b/{circle}/pause/", {"do": "back"})
    with clock.shifted(services.KEEP_BY + timedelta(hours=1)):
        unlock(cast.ana)
        cast.ana.client.get(f"/b/{circle}/talk/")
        assert talk.state().kept


def test_what_was_only_spoken_asks_nobody_to_keep_it(cast):
    talk = ask(cast, "good-news").begin()
    talk.do(talk.speaker, "said", how="spoken")
    talk.post(cast.ana, "end")
    assert "Keep what was typed?" not in talk.text(cast.ana)
    with clock.shifted(services.KEEP_BY + timedelta(hours=1)):
        unlock(*talk.people)
        cast.ana.client.get(f"/b/{cast.pair}/talk/")
        assert talk.state().order


def test_agreements_come_back_when_they_are_due(cast):
    talk = ended(cast)
    talk.post(cast.ana, "agree", text="a walk on Sunday", back="7")
    talk.post(cast.jonas, "agree", text="no phones at table", back="0")
    talk.post(cast.ana, "agree", 422, text="", back="7")
    talk.post(cast.ana, "agree", 422, text="x", back="8")
    for _more in range(2):
        talk.post(cast.ana, "agree", text="one more", back="0")
    refused = talk.post(cast.ana, "agree", 409, text="a fourth one", back="0")
    assert "a fourth one" in refused.content.decode()
    assert "a walk on Sunday" in talk.text(cast.jonas)
    assert "come back to this" not in cast.jonas.client.get(f"/b/{cast.pair}/talk/").content.decode()
    with clock.shifted(timedelta(days=8)):
        unlock(*talk.people)
        page = cast.jonas.client.get(f"/b/{cast.pair}/talk/").content.decode()
        assert "You wanted to come back to this:" in page and "a walk on Sunday" in page
        assert "no phones at table" not in page
    with clock.shifted(timedelta(days=60)):
        unlock(*talk.people)
        assert "a walk on Sunday" not in cast.jonas.client.get(f"/b/{cast.pair}/talk/").content.decode()


def test_taking_back_leaves_no_mark(cast):
    talk = ended(cast)
    mine = Item.objects.get(stream=talk.id, author=cast.ana.member)
    theirs = Item.objects.get(stream=talk.id, author=cast.jonas.member)
    assert cast.ana.client.post(f"{talk.path}take-back/{theirs.id}/").status_code == 404
    assert Item.objects.filter(pk=theirs.pk).exists()
    turn = next(turn for turn in talk.state().turns if turn.item == str(mine.pk))
    number = talk.state().turns.index(turn)
    assert cast.ana.client.post(f"{talk.path}take-back/{mine.id}/").status_code == 302
    assert not Item.objects.filter(pk=mine.pk).exists()
    for person in talk.people:
        page = talk.text(person)
        assert f"typed word {number}" not in page and "removed" not in page and "took back" not in page
    assert cast.ana.client.post(f"{talk.path}take-back/{mine.id}/").status_code == 404
    talk.post(cast.ana, "agree", text="a walk", back="0")
    agreed = talk.state().agreements[0].item
    assert cast.jonas.client.post(f"{talk.path}take-back/{agreed}/").status_code == 404
    assert cast.ana.client.post(f"{talk.path}take-back/{agreed}/").status_code == 302
    assert "a walk" not in talk.text(cast.jonas)


def test_words_on_a_device_that_was_passed_round_are_nobodys_to_take_back(cast):
    talk = on_one(cast)
    theirs = Item.objects.filter(stream=talk.id, author=None).first()
    for person in talk.people:
        assert person.client.post(f"{talk.path}take-back/{theirs.id}/").status_code == 404
    assert Item.objects.filter(pk=theirs.pk).exists()


def test_private_ratings_stay_private(cast):
    talk = ended(cast)
    talk.post(cast.ana, "after", 422, understood="11")
    talk.post(cast.ana, "after", understood="7", heard="", line="breathe out before speaking")
    page = talk.text(cast.jonas)
    assert "breathe out" not in page and "Saved for you alone" not in page
    assert "breathe out before speaking" in talk.text(cast.ana)
    own = DialogueOwn.objects.get(member=cast.ana.member)
    assert own.unseal(cast.ana.keyring.self_key)["pulse"] == {"understood": 7}
    assert "breathe out" in cast.ana.client.get(f"/b/{cast.pair}/talk/history/").content.decode()
    assert "breathe out" not in cast.jonas.client.get(f"/b/{cast.pair}/talk/history/").content.decode()


def test_the_scratch_line_is_ones_own(cast):
    talk = ask(cast, "good-news").begin()
    answer = cast.jonas.client.post(
        f"{talk.path}own/", {"field": "scratch", "text": "ask about the boat"}, headers={"accept": "application/json"}
    )
    assert answer.json() == {"saved": True}
    assert "ask about the boat" in talk.text(cast.jonas) and "ask about the boat" not in talk.text(cast.ana)


def test_the_calendar_file_names_nobody_and_nothing(cast):
    assert cast.ana.client.get(f"{ended(cast).path}time/").status_code == 404
    when = (clock.now() + timedelta(days=2)).strftime("%Y-%m-%dT%H:%M")
    talk = ask(cast, "good-news", when=when)
    talk.post(cast.jonas, "accept")
    talk.post(cast.ana, "ready", 409)
    for person in talk.people:
        answer = person.client.get(f"{talk.path}time/")
        assert answer["Content-Type"].startswith("text/calendar")
        event = next(one for one in Calendar.from_ical(answer.content).walk("VEVENT"))
        assert str(event["summary"]) == "Time together"
        assert event.decoded("dtend") > event.decoded("dtstart") > clock.now()
        away = abs(event.decoded("dtstart") - talk.page(person).context["page"].when)
        assert event.decoded("dtstart").utcoffset() == timedelta(0) and away == timedelta(0)
        text = answer.content.decode()
        assert not any(word in text for word in ("Ana", "Jonas", "Good news", "Closeknit", str(cast.pair)))
    with clock.shifted(timedelta(days=2) - timedelta(minutes=10)):
        unlock(*talk.people)
        for person in talk.people:
            talk.post(person, "ready")
        assert talk.state().order


@pytest.mark.parametrize(
    "when", ["yesterday", "2020-01-01T10:00", "2099-01-01T10:00", "0001-01-01T00:00+14:00", "9999-12-31T23:59-14:00", "1e9"]
)
def test_times_that_are_none_are_refused_kindly(cast, when):
    answer = cast.ana.client.post(start_of(cast.ana, cast.pair, "good-news"), {"device": "each", "when": when})
    assert answer.status_code == 422 and not Dialogue.objects.exists()


def test_a_running_step_holds_the_lock_back_with_a_yes_and_not_for_ever(cast):
    talk = ask(cast, "good-news").begin()
    ana = cast.ana.client
    ana.post("/you/", {"name": "Ana", "zone": "UTC", "lock_minutes": "5", "theme": "auto"})
    seconds = talk.state().the_stage.seconds
    with clock.shifted(timedelta(minutes=6)):
        assert ana.get(talk.path).status_code == 403, "without a yes it locks as ever"
    unlock(cast.ana)
    page = ana.get(talk.path).content.decode()
    assert "Stay open while we talk" in page and "data-held-until" not in page
    talk.post(cast.ana, "hold", hold="yes")
    page = ana.get(talk.path).content.decode()
    assert "Lock as usual" in page
    until = int(re.search(r'data-held-until="(\d+)"', page).group(1))
    assert until == talk.state().since + seconds + 15 * 60
    assert "data-held-until" not in cast.jonas.client.get(talk.path).content.decode(), "his own session stays his"
    start = clock.now().timestamp()
    with clock.shifted(timedelta(seconds=until - start - 30)):
        assert ana.get(f"/b/{cast.pair}/", headers={"X-Poke": "1"}).status_code == 200
        assert len(members_for_sessions([ana.session.session_key])) == 1
    with clock.shifted(timedelta(seconds=until - start + 1)):
        assert not members_for_sessions([ana.session.session_key])
        assert ana.get(talk.path).status_code == 403
    unlock(cast.ana)
    assert "data-held-until" not in ana.get(talk.path).content.decode(), "a lock ends the yes"


@pytest.mark.parametrize(("act", "fields"), [("hold", {"hold": "no"}), ("rest", {"what": "pause"}), ("end", {})])
def test_a_pause_the_end_and_a_change_of_mind_let_it_lock_again(cast, act, fields):
    talk = ask(cast, "good-news").begin()
    talk.post(cast.ana, "hold", hold="yes")
    assert cast.ana.client.session[SESSION_NAME]["held"]
    talk.post(cast.ana, act, **fields)
    cast.ana.client.get(talk.path)
    assert not cast.ana.client.session[SESSION_NAME]["held"]


def test_of_a_long_round_the_last_turns_stand_there_and_the_others_are_folded_away(cast, monkeypatch):
    monkeypatch.setattr(queries, "TURNS_AT_ONCE", 2)
    talk = ask(cast, "good-news").begin()
    for number in range(3):
        talk.say(f"turn number {number}")
    page = talk.page(cast.ana).context["page"]
    assert [said.text for said in page.said] == ["turn number 1", "turn number 2"]
    assert [said.text for said in page.before] == ["turn number 0"]
    assert "turn number 0" in talk.text(cast.ana), "it is there to be read"


def test_an_address_does_not_tell_which_script(cast):
    pages = [person.client.get(f"/b/{cast.pair}/talk/").content.decode() for person in (cast.ana, cast.jonas)]
    found = [set(re.findall(r"/talk/start/([^/]+)/", page)) for page in pages]
    assert all(len(marks) >= 9 and all(re.fullmatch("[0-9a-f]{16}", mark) for mark in marks) for marks in found)
    assert not found[0] & found[1], "each member's are their own"
    theirs = start_of(cast.jonas, cast.pair, "good-news")
    assert cast.ana.client.get(theirs).status_code == 404 and cast.jonas.client.get(theirs).status_code == 200
    assert cast.ana.client.get(f"/b/{cast.pair}/talk/start/good-news/").status_code == 404


def test_deeper_scripts_wait_for_two_calm_ones(cast, monkeypatch):
    deeper = library.the_scripts()["understood"].model_copy(
        update={"id": "later-one", "calm": False, "later_because": "Two calm ones come first."}
    )
    monkeypatch.setattr(library, "the_scripts", lambda: {**library.load_scripts(library.content_root()), deeper.id: deeper})
    start = start_of(cast.ana, cast.pair, "later-one")
    settled(cast.pair)
    pass_the_check(cast.pair, cast.ana)
    assert "Two calm ones come first." in cast.ana.client.get(start).content.decode()
    assert cast.ana.client.post(start, {"device": "each"}).status_code == 200 and not Dialogue.objects.exists()
    for number in range(2):
        with clock.shifted(timedelta(minutes=number + 1)):
            good_news(ask(cast, "good-news").begin())
    assert cast.ana.client.post(start, {"device": "each"}).status_code == 302


# -- people come and go -------------------------------------------------------------------------------------------------


def at_stage(cast, stage: str, people, bond):
    """A dialogue that has come as far as `stage`."""
    talk = ask(cast, "good-news", *people, bond=bond)
    if stage == "asked":
        return talk
    if stage == "accepted":
        talk.post(people[1], "accept")
        return talk
    talk.begin()
    talk.say("typed word 0")
    if stage == "resting":
        talk.post(people[0], "rest", what="away", minutes="30")
    if stage == "over":
        talk.post(people[0], "end")
    return talk


STAGES = ("asked", "accepted", "running", "resting", "over")
WAYS = {
    "leaves": lambda cast, goer, bond: leaving.bond_leave(goer.bond(bond)),
    "deletes the account": lambda cast, goer, bond: erasing.erase_now(goer.member),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("stage", STAGES)
def test_somebody_goes_from_a_pair_in_the_middle(cast, stage, way):
    talk = at_stage(cast, stage, (cast.ana, cast.jonas), cast.pair)
    jonas = cast.jonas.client
    WAYS[way](cast, cast.jonas, cast.pair)
    page = talk.text(cast.ana)
    state = talk.state(cast.ana)
    assert state.phase.value == "ended"
    assert ("did not begin" in page) is (stage in {"asked", "accepted"})
    for path in ("", "talk/", "talk/history/"):
        assert cast.ana.client.get(f"/b/{cast.pair}/{path}").status_code == 200
    assert Dialogue.objects.get(pk=talk.id).over_at is not None
    assert jonas.get(talk.path).status_code in {302, 404}
    assert not DialogueOwn.objects.filter(member_id=cast.jonas.id).exists()
    if stage == "over":
        talk.post(cast.ana, "keep", keep="yes")
        assert talk.state(cast.ana).kept, "whoever is left decides alone"


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("stage", STAGES)
def test_somebody_goes_from_a_circle_in_the_middle(cast, stage, way):
    circle = cast.circle()
    people = (cast.ana, cast.jonas, cast.cleo)
    talk = at_stage(cast, stage, people, circle)
    goer = cast.jonas
    if stage in {"running", "resting"}:
        goer = talk.who(talk.state().floor or talk.state().order[0])
        if goer is cast.ana:
            goer = cast.jonas
    stays = [person for person in people if person is not goer]
    WAYS[way](cast, goer, circle)
    for person in stays:
        assert talk.page(person)
        assert goer.id not in talk.state(person).here
    phase = talk.state(stays[0]).phase.value
    assert phase == {"asked": "asked", "accepted": "asked", "running": "running", "resting": "away", "over": "ended"}[stage]
    cast.ana.client.post(f"/b/{circle}/pause/", {"do": "back"})
    if phase == "running":
        speaker = next(person for person in stays if person.id == talk.state(stays[0]).floor)
        talk.post(speaker, "do", verb="said", step=talk.state(stays[0]).step, text="and on it goes", how="typed")
        other = next(person for person in stays if person is not speaker)
        assert "and on it goes" in talk.text(other)
    if phase == "away":
        with clock.shifted(timedelta(minutes=21)):
            unlock(*stays)
            for person in stays:
                talk.go_on(person)
            assert talk.state(stays[0]).phase.value == "running"


def test_whoever_asked_goes_before_anyone_said_yes(cast):
    circle = cast.circle()
    talk = ask(cast, "good-news", cast.jonas, cast.ana, cast.cleo, bond=circle)
    leaving.bond_leave(cast.jonas.bond(circle))
    page = talk.text(cast.cleo)
    assert "Cleo asks" not in page and "Ana asks" not in page


def test_all_who_are_left_are_here_long_after_the_question_lapsed(cast):
    """A page that somebody opens then must not try to begin it."""
    circle = cast.circle()
    talk = ask(cast, "good-news", cast.ana, cast.jonas, cast.cleo, bond=circle)
    for person in (cast.jonas, cast.cleo):
        talk.post(person, "accept")
    for person in (cast.ana, cast.jonas):
        talk.post(person, "ready")
    with clock.shifted(services.LAPSES_AFTER + timedelta(hours=1)):
        unlock(cast.ana, cast.jonas)
        erasing.erase_now(cast.cleo.member)
        assert "Nobody began in time" in talk.text(cast.ana)


def test_being_asked_to_go_by_all_others_ends_ones_part(cast):
    circle = cast.circle()
    people = (cast.ana, cast.jonas, cast.cleo)
    talk = ask(cast, "good-news", *people, bond=circle).begin()
    talk.say("typed word 0")
    for voter in (cast.ana, cast.jonas):
        opened = voter.bond(circle)
        place = opened.person(cast.cleo.member.pk).membership
        decisions.votes_write(opened, decisions.Votes(go=frozenset({place})))
    assert cast.cleo.id not in talk.state(cast.ana).here
    assert cast.cleo.client.get(talk.path).status_code == 404
    assert talk.page(cast.jonas)


def test_ending_the_bond_ends_its_dialogues(cast):
    talk = ask(cast, "good-news").begin()
    talk.say("typed word 0")
    for person in talk.people:
        decisions.votes_write(person.bond(cast.pair), decisions.Votes(end=True))
    assert cast.ana.client.get(talk.path).status_code == 404
    assert not Wrap.objects.filter(item__stream=talk.id, target="bond").exists()


def test_leaving_takes_own_turns_and_lines_along_and_forgets_the_rest(cast):
    talk = ended(cast)
    talk.post(cast.jonas, "after", line="a line of Jonas")
    talk.post(cast.jonas, "own", field="scratch", text="a scratch of Jonas")
    mine = [t for t in ("typed word 0", "typed word 1") if Item.objects.filter(stream=talk.id, author=cast.jonas.member)]
    leaving.bond_leave(cast.jonas.bond(cast.pair))
    kept = {(word.kind, word.text, word.prompt) for word in private.words_read(cast.jonas.member.pk, cast.jonas.keyring)[0]}
    title = "Good news, answered well"
    assert {("line", "a line of Jonas", title), ("scratch", "a scratch of Jonas", title)} < kept
    assert any(kind == "turn" and text in mine for kind, text, _prompt in kept)
    sources = [w.source for w in private.words_read(cast.jonas.member.pk, cast.jonas.keyring)[0]]
    assert len(sources) == len(set(sources))
    page = talk.text(cast.ana)
    assert sum(word in page for word in ("typed word 0", "typed word 1")) == 1


# -- keys ---------------------------------------------------------------------------------------------------------------


def test_new_keys_and_a_new_epoch_in_the_middle(cast):
    talk = ask(cast, "good-news", topic="x").begin()
    talk.say("before the new key")
    talk.post(talk.speaker, "own", text="half of it")
    before = talk.speaker
    new_epoch(cast.ana, cast.pair)
    for person in talk.people:
        page = talk.text(person)
        assert "before the new key" in page and ("half of it" in page) is (person is before)
    talk.say("after the new key")
    talk.say("and on")
    talk.post(cast.jonas, "own", field="scratch", text="ask about the boat")
    epoch = Bond.objects.get(pk=cast.pair).epoch
    cast.jonas.client.post("/confirm/", {"passphrase": PASSPHRASE})
    again = "seven herons over the weir"
    assert cast.jonas.client.post("/you/keys/", {"new_passphrase": again}).url == "/kit/"
    cast.jonas.member.refresh_from_db()
    cast.jonas.keyring = members.secret_open_with_passphrase(cast.jonas.member, again)
    assert Bond.objects.get(pk=cast.pair).epoch == epoch + 1
    page = talk.text(cast.jonas)
    assert "ask about the boat" in page and talk.page(cast.ana)
    while talk.state().the_part.id == "news":
        talk.say("after the new keys")
    talk.all_ready()
    for person in talk.people:
        page = talk.text(person)
        assert "before the new key" in page and "after the new key" in page and "after the new keys" in page


def test_own_rows_move_to_new_keys(cast):
    from closeknit import vault

    talk = ended(cast)
    talk.post(cast.ana, "after", line="breathe", safe="9")
    old, new = cast.ana.keyring.self_key, vault.Key.new()
    REGISTRY["dialogues.dialogueown"].reseal(cast.ana.member, old, new)
    row = DialogueOwn.objects.get(member=cast.ana.member)
    assert row.unseal(new)["line"] == "breathe"
    with pytest.raises(vault.VaultError):
        row.unseal(old)


def test_a_beginning_takes_the_key_out_of_invitations(cast):
    from closeknit.web.bonds import services as bonds

    circle = cast.circle()
    invitation, _secret = bonds.invitation_create(cast.ana.bond(circle))
    assert invitation.bond_key is not None
    talk = ask(cast, "good-news", cast.ana, cast.jonas, bond=circle)
    talk.post(cast.jonas, "accept")
    invitation.refresh_from_db()
    assert invitation.bond_key is not None and not Bond.objects.get(pk=circle).opened_together
    for person in talk.people:
        talk.post(person, "ready")
    invitation.refresh_from_db()
    assert invitation.bond_key is None and Bond.objects.get(pk=circle).opened_together


def test_who_joins_later_sees_nothing_of_a_dialogue_before(cast):
    circle = cast.circle()
    talk = ask(cast, "good-news", cast.ana, cast.jonas, cast.cleo, bond=circle).begin()
    talk.say("before Eve")
    cast.join(cast.ana, cast.eve, circle)
    cast.ana.bond(circle)
    cast.eve.bond(circle)
    assert cast.eve.client.get(talk.path).status_code == 404
    assert "Good news, answered well</a>" not in re.sub(
        r"(?s)<ul class=\"plain-list shelf\">.*?</ul>", "", cast.eve.client.get(f"/b/{circle}/talk/").content.decode()
    )
    assert "under way" not in cast.eve.client.get(f"/b/{circle}/").content.decode()


def test_who_was_not_asked_sees_nothing_of_it(cast):
    circle = cast.circle()
    talk = ask(cast, "good-news", cast.ana, cast.jonas, bond=circle).begin()
    talk.say("between two of us")
    for path in (talk.path, f"{talk.path}time/"):
        assert cast.cleo.client.get(path).status_code == 404
    for act in ("accept", "ready", "come-in", "end", "leave", "own", "begin", "keep"):
        assert cast.cleo.client.post(f"{talk.path}{act}/", {"keep": "yes"}).status_code == 404, act
    for path in ("", "talk/", "talk/history/"):
        assert "between two of us" not in cast.cleo.client.get(f"/b/{circle}/{path}").content.decode()


def test_two_dialogues_at_once(cast):
    first = ask(cast, "good-news").begin()
    with clock.shifted(timedelta(minutes=1)):
        second = ask(cast, "good-news").begin()
        first.say("in the first")
        second.say("in the second")
        first.say("again the first")
        page = first.text(cast.ana)
        assert "in the first" in page and "in the second" not in page
        talk = cast.ana.client.get(f"/b/{cast.pair}/talk/").content.decode()
        assert talk.count("goes on now") == 2
        good_news(second)
        assert first.state().phase.value == "running" and second.state().phase.value == "closed"


# -- copies and erasure ---------------------------------------------------------------------------------------------------


def test_a_copy_holds_own_and_shared_words_of_dialogues_and_no_private_lines_of_others(cast):
    talk = ended(cast)
    talk.post(cast.jonas, "after", line="a line of Jonas", safe="2")
    talk.post(cast.jonas, "own", field="scratch", text="a scratch of Jonas")
    talk.post(cast.ana, "after", line="a line of Ana", safe="8")
    talk.post(cast.jonas, "agree", text="a walk on Sunday", back="7")
    reading = Reading(cast.ana.member, cast.ana.keyring, [cast.ana.bond(cast.pair)])
    kind = REGISTRY["dialogues.dialogue"]
    entries = list(kind.export(reading))
    one = next(values for section, values in entries if section == "dialogues")
    assert {said["text"] for said in one["said"]} == {"typed word 0", "typed word 1"}
    assert one["my_line"] == "a line of Ana" and one["my_ratings"] == {"safe": 8}
    assert one["agreements"][0]["text"] == "a walk on Sunday" and one["agreements"][0]["back"]
    words = [values for section, values in entries if section == "words"]
    assert {word["kind"] for word in words} == {"turn", "line"} and len({word["id"] for word in words}) == len(words)
    text = json.dumps(entries)
    assert "a line of Jonas" not in text and "a scratch of Jonas" not in text
    cast.ana.client.post("/confirm/", {"passphrase": PASSPHRASE})
    raw = b"".join(cast.ana.client.post("/you/export/").streaming_content)
    archive = zipfile.ZipFile(io.BytesIO(raw))
    paper = [archive.read(name).decode() for name in archive.namelist() if "-talk/" in name]
    assert len(paper) == 2 and all("typed word 0" in page and "a walk on Sunday" in page for page in paper)
    talk.post(cast.ana, "keep", keep="no")
    talk.post(cast.jonas, "keep", keep="no")
    reading = Reading(cast.ana.member, cast.ana.keyring, [cast.ana.bond(cast.pair)])
    gone = next(values for section, values in kind.export(reading) if section == "dialogues")
    assert gone["state"] == "gone" and gone["said"] == [] and gone["agreements"]


def test_after_every_eraser_ran_nothing_of_the_member_is_left_in_dialogues(cast):
    talk = ended(cast)
    talk.post(cast.ana, "after", line="a line of Ana")
    talk.post(cast.ana, "keep", keep="yes")
    for kind in reversed(list(REGISTRY.values())):
        kind.erase(cast.ana.member)
    assert not DialogueOwn.objects.filter(member_id=cast.ana.id).exists()
    assert not DialogueChoice.objects.filter(member_id=cast.ana.id).exists()
    assert not Item.objects.filter(stream=talk.id, author_id=cast.ana.id).exists()
    assert Dialogue.objects.filter(pk=talk.id).exists()


def test_a_bond_that_closes_leaves_nothing_of_its_dialogues(cast):
    talk = on_one(cast)
    for person in talk.people:
        leaving.bond_leave(person.bond(cast.pair))
    assert not Bond.objects.filter(pk=cast.pair).exists() and not Dialogue.objects.exists()
    assert not Event.objects.filter(stream=talk.id).exists() and not StreamHead.objects.filter(stream=talk.id).exists()
    assert not Item.objects.filter(author=None).exists() and not BondRow.objects.filter(bond_id=cast.pair).exists()
