"""The checker itself: a whole store passes, and each way of being half made is named."""

from __future__ import annotations

import uuid

import pytest

from closeknit import vault
from closeknit.web.bonds.models import BondKey, Event, Item, StreamHead, Wrap
from closeknit.web.moments import services as moments
from closeknit.web.moments.models import Moment

from .integrity import check_store


@pytest.fixture
def written(cast):
    """A revealed moment, and one where only Ana has answered."""
    first = cast.first_moment(cast.ana).id
    cast.both_answer(first)
    second = moments.moment_open(cast.ana.bond(cast.pair), {"text": "And now?"})
    moments.answer_share(cast.ana.bond(cast.pair), second.id, "Still waiting")
    moments.draft_write(cast.jonas.bond(cast.pair), second, "Not yet")
    return cast, first, second.id


def kits(cast):
    return {one.member.username: vault.kit_text(one.kit) for one in (cast.ana, cast.jonas, cast.cleo, cast.eve)}


def test_a_whole_store_has_no_problems_and_shows_what_was_written(written):
    cast, first, second = written
    report = check_store(kits(cast))
    assert report.problems == []
    assert report.envelopes > 50
    assert report.seen["jonas"][str(first)].others == {cast.ana.id: "Ana's answer"}
    assert report.seen["jonas"][str(second)].others == {} and report.seen["jonas"][str(second)].draft == "Not yet"
    assert report.seen["ana"][str(second)].mine == "Still waiting"


SABOTAGE = {
    "an answer without its event": lambda first: Event.objects.filter(stream=first).order_by("-number")[:1],
    "an event in the middle": lambda first: Event.objects.filter(stream=first, number=2),
    "a moment without events": lambda first: Event.objects.filter(stream=first),
    "an event without its head": lambda first: StreamHead.objects.filter(stream=first)[:1],
    "an item that is gone": lambda first: Item.objects.filter(stream=first)[:1],
    "no wrap for the author": lambda first: Wrap.objects.filter(item__stream=first, target="self")[:1],
    "no wrap for the bond": lambda first: Wrap.objects.filter(item__stream=first, target="bond")[:1],
    "a lost key": lambda first: BondKey.objects.all()[:1],
    "events of no moment": lambda first: Moment.objects.filter(pk=first),
}


@pytest.mark.parametrize("what", SABOTAGE)
def test_what_is_half_made_is_named(written, what):
    cast, first, _second = written
    rows = SABOTAGE[what](first)
    gone = type(rows[0]).objects.filter(pk__in=[row.pk for row in rows]).delete()[0]
    assert gone
    assert check_store(kits(cast)).problems


def test_a_reveal_that_only_its_row_knows_is_named(written):
    cast, first, _second = written
    Moment.objects.filter(pk=first).update(revealed_at=None)
    assert any("disagree about the reveal" in problem for problem in check_store(kits(cast)).problems)


def test_a_body_that_is_no_envelope_and_a_swapped_one_are_named(written):
    cast, first, second = written
    one, other = Item.objects.filter(stream=first).first(), Item.objects.filter(stream=second).first()
    Item.objects.filter(pk=one.pk).update(body=other.body)
    assert any("does not open" in problem for problem in check_store(kits(cast)).problems)
    Item.objects.filter(pk=one.pk).update(body=vault.Envelope(b"\0" * 90))
    assert any("Item" in problem for problem in check_store(kits(cast)).problems)


def test_a_head_ahead_of_its_stream_is_named(written):
    cast, first, _second = written
    head = StreamHead.objects.get(stream=first, member=cast.ana.member)
    head.seal(cast.ana.keyring.self_key, {"n": 99, "h": "0" * 32})
    head.save()
    assert any("Tampered" in problem for problem in check_store(kits(cast)).problems)


def test_a_member_who_is_gone_is_named(written):
    cast, _first, _second = written
    assert check_store({"nobody": vault.kit_text(cast.ana.kit), str(uuid.uuid4()): ""}).problems
