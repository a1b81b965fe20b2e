"""Circles, depth by consent, kinds left out, and an old answer that comes back."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from closeknit.method import content
from closeknit.web import clock
from closeknit.web.moments import deck, queries
from closeknit.web.moments import services as moments
from closeknit.web.moments.models import Moment
from tests.cast import PASSPHRASE

pytestmark = pytest.mark.django_db


def test_in_a_circle_who_said_yes_is_waited_for_and_silence_is_not(cast):
    circle = cast.circle()
    moment = cast.first_moment(cast.ana, circle).id
    base = f"/b/{circle}/m/{moment}/"
    assert "wait for me" in cast.jonas.client.get(base).content.decode()
    cast.jonas.client.post(base + "take-part/")
    cast.ana.client.post(base + "share/", {"text": "part of Ana"})
    page = cast.cleo.client.get(base).content.decode()
    assert "Some have answered" in page and "Taking part: Ana, Jonas" in page and "part of Ana" not in page
    cast.cleo.client.post(base + "share/", {"text": "part of Cleo"})
    assert "part of Ana" not in cast.cleo.client.get(base).content.decode()
    cast.jonas.client.post(base + "share/", {"text": "part of Jonas"})
    for person in (cast.ana, cast.jonas, cast.cleo):
        page = person.client.get(base).content.decode()
        assert "part of Ana" in page and "part of Jonas" in page and "part of Cleo" in page


def test_depth_rises_only_when_everyone_agreed_in_private(cast):
    def offered() -> int:
        deck.offer_next(cast.ana.bond(cast.pair), skip=True)
        return deck.offered(cast.ana.bond(cast.pair)).level

    cast.ana.client.post(f"/b/{cast.pair}/depth/", {"level": "4"})
    assert {offered() for _look in range(8)} == {1}
    page = cast.jonas.client.get(f"/b/{cast.pair}/depth/").content.decode()
    assert re.search(r'value="1" checked', page)
    cast.jonas.client.post(f"/b/{cast.pair}/depth/", {"level": "3"})
    assert max(offered() for _look in range(12)) == 3
    cast.jonas.client.post(f"/b/{cast.pair}/depth/", {"level": "1"})
    assert {offered() for _look in range(4)} == {1}


def test_a_kind_that_one_leaves_out_is_offered_to_nobody_and_shown_to_nobody(cast):
    cast.jonas.client.post(f"/b/{cast.pair}/depth/", {"level": "1", "avoid": ["us", "self"]})
    for _look in range(12):
        deck.offer_next(cast.ana.bond(cast.pair), skip=True)
        assert deck.offered(cast.ana.bond(cast.pair)).theme.value not in {"us", "self"}
    page = cast.ana.client.get(f"/b/{cast.pair}/depth/").content.decode()
    assert "checked" not in re.sub(r'type="radio"[^>]*', "", page)
    cast.ana.client.post(f"/b/{cast.pair}/prompt/", {"do": "not-kind"})
    assert deck.my_wishes(cast.ana.bond(cast.pair))["not"]


def test_a_time_counts_once_all_said_that_it_holds_and_shows_to_nobody(cast):
    def said_by_all():
        return moments.wishes_of_all(cast.ana.bond(cast.pair))[2]

    cast.ana.client.post(f"/b/{cast.pair}/depth/", {"level": "1", "now": ["apart", "hard"]})
    assert said_by_all() == set() and "hard" in deck.my_wishes(cast.ana.bond(cast.pair))["now"]
    page = cast.jonas.client.get(f"/b/{cast.pair}/depth/").content.decode()
    assert "checked" not in re.sub(r'type="radio"[^>]*', "", page)
    cast.jonas.client.post(f"/b/{cast.pair}/depth/", {"level": "1", "now": ["apart"]})
    assert said_by_all() == {"apart"}
    seen = set()
    for _look in range(60):
        deck.offer_next(cast.ana.bond(cast.pair), skip=True)
        seen |= set(deck.offered(cast.ana.bond(cast.pair)).when)
    assert seen == {content.When.APART}
    # Whoever leaves out a kind on the way keeps what they said.
    cast.ana.client.post(f"/b/{cast.pair}/prompt/", {"do": "not-kind"})
    assert deck.my_wishes(cast.ana.bond(cast.pair))["now"] == ["apart", "hard"]
    # In a pair nobody is asked whether they are parent and child.
    assert cast.ana.client.post(f"/b/{cast.pair}/depth/", {"level": "1", "now": ["siblings"]}).status_code == 422


def test_an_old_answer_comes_back_after_ninety_days(cast):
    moment = cast.first_moment(cast.ana).id
    cast.both_answer(moment)
    today = f"/b/{cast.pair}/"
    assert "What changed?" not in cast.ana.client.get(today).content.decode()
    with clock.shifted(timedelta(days=91)):
        cast.ana.client.post("/unlock/", {"passphrase": PASSPHRASE})
        cast.ana.client.post(f"/b/{cast.pair}/m/{moment}/respond/", {"to": cast.jonas.id, "choice": "thanks"})
        assert "What changed?" in cast.ana.client.get(today).content.decode()
        base = f"/b/{cast.pair}/m/{moment}/"
        cast.ana.client.post(base + "changed/", {"text": "I sleep better now."})
        cast.jonas.client.post("/unlock/", {"passphrase": PASSPHRASE})
        assert "I sleep better now." in cast.jonas.client.get(base).content.decode()


def test_today_shows_three_things_at_most(cast):
    for number in range(9):
        moment = moments.moment_open(cast.ana.bond(cast.pair), {"text": f"Prompt {number}?", "level": 1})
        if number % 2:
            cast.both_answer(moment.id)
    for person in (cast.ana, cast.jonas):
        assert queries.today(person.bond(cast.pair), may_ask_level=True).count <= 3


def test_after_a_long_gap_today_is_as_after_a_day(cast):
    before = cast.ana.client.get(f"/b/{cast.pair}/").context["today"].count
    with clock.shifted(timedelta(days=200)):
        cast.ana.client.post("/unlock/", {"passphrase": PASSPHRASE})
        assert cast.ana.client.get(f"/b/{cast.pair}/").context["today"].count == before


def test_search_finds_own_and_shown_words_only(cast):
    moment = cast.first_moment(cast.ana).id
    cast.both_answer(moment, ana="a heron on the roof", jonas="no heron here")
    hidden = moments.moment_open(cast.ana.bond(cast.pair), {"text": "Later?"}).id
    moments.answer_share(cast.jonas.bond(cast.pair), hidden, "a hidden heron")
    found = queries.search(cast.ana.bond(cast.pair), "HERON")
    assert len(found) == 2 and not any("hidden" in one.after for one in found)
    assert Moment.objects.filter(pk=hidden, revealed_at=None).exists()
