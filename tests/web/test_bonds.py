"""Keys on their way: who gets in when, and what is refused."""

from __future__ import annotations

from datetime import timedelta

import pytest

from closeknit import vault
from closeknit.web import clock
from closeknit.web.bonds import services as bonds
from closeknit.web.bonds.models import Bond, BondKey, Grant, Invitation
from closeknit.web.bonds.opened import Tampered
from closeknit.web.moments import queries
from closeknit.web.moments import services as moments

pytestmark = pytest.mark.django_db


def test_a_founding_invitation_carries_the_key_and_the_first_reveal_takes_it_out(cast):
    circle = cast.circle()
    invitation, _secret = bonds.invitation_create(cast.ana.bond(circle))
    assert invitation.bond_key is not None
    moment = cast.first_moment(cast.ana, circle).id
    moments.answer_share(cast.ana.bond(circle), moment, "one")
    moments.answer_share(cast.jonas.bond(circle), moment, "two")
    invitation.refresh_from_db()
    assert Bond.objects.get(pk=circle).opened_together and invitation.bond_key is None


def test_who_joins_later_is_let_in_by_the_inviter_and_reads_nothing_of_before(cast):
    circle = cast.circle()
    moment = cast.first_moment(cast.ana, circle).id
    moments.answer_share(cast.ana.bond(circle), moment, "before Eve")
    moments.answer_share(cast.jonas.bond(circle), moment, "also before Eve")
    cast.join(cast.ana, cast.eve, circle)
    assert not cast.eve.bond(circle).is_in
    assert cast.eve.client.get(f"/b/{circle}/").status_code == 200
    assert cast.eve.client.get(f"/b/{circle}/m/{moment}/").status_code in {200, 404}
    assert "before Eve" not in cast.eve.client.get(f"/b/{circle}/m/{moment}/").content.decode()
    assert cast.ana.bond(circle).epoch == 2
    eve = cast.eve.bond(circle)
    assert eve.is_in and list(eve.keys) == [2] and {p.name for p in eve.people} == {"Ana", "Jonas", "Cleo", "Eve"}
    assert cast.eve.client.get(f"/b/{circle}/m/{moment}/").status_code == 404
    assert sorted(cast.jonas.bond(circle).keys) == [1, 2]
    later = moments.moment_open(eve, {"text": "After Eve?"}).id
    assert queries.moment_glance(cast.cleo.bond(circle), later) is not None


def test_a_planted_public_key_gets_no_grant(cast):
    circle = cast.circle()
    moment = cast.first_moment(cast.ana, circle).id
    moments.answer_share(cast.ana.bond(circle), moment, "one")
    moments.answer_share(cast.jonas.bond(circle), moment, "two")
    cast.jonas.member.public_key = cast.eve.keyring.box.public
    cast.jonas.member.save()
    cast.join(cast.ana, cast.eve, circle)
    cast.ana.bond(circle)
    recipients = set(Grant.objects.filter(bond_id=circle).values_list("recipient_id", flat=True))
    assert cast.jonas.member.pk not in recipients and cast.eve.member.pk in recipients


def test_a_planted_grant_is_refused(cast):
    """Somebody who can write to the database makes a grant of their own, from a member's name but not their key."""
    circle = cast.circle()
    opened = cast.jonas.bond(circle)
    planted = vault.Key.new()
    from closeknit.web.bonds.models import BondEpoch

    bond = Bond.objects.get(pk=circle)
    bond.epoch = 2
    bond.save()
    roster = {str(p.member.pk): p.keyring.box.public.hex() for p in (cast.ana, cast.jonas, cast.cleo)}
    BondEpoch.objects.create(bond=bond, epoch=2, maker=cast.ana.member, roster=roster)
    grant = Grant(bond=bond, epoch=2, sender=cast.ana.member, recipient=cast.jonas.member)
    grant.envelope = vault.make_grant(
        sender=cast.eve.keyring.box,
        recipient_public=cast.jonas.keyring.box.public,
        grant_id=grant.id,
        bond_id=bond.id,
        epoch=2,
        sender_id=cast.ana.member.pk,
        recipient_id=cast.jonas.member.pk,
        roster=vault.roster_hash({p.member.pk: p.keyring.box.public for p in (cast.ana, cast.jonas, cast.cleo)}),
        bond_key=planted,
        previous_check=vault.key_check(opened.key),
    )
    grant.save()
    assert not cast.jonas.bond(circle).is_in
    assert BondKey.objects.filter(bond=bond, member=cast.jonas.member, epoch=2).count() == 0


def test_recalling_a_carried_key_makes_a_new_one(cast):
    opened = cast.eve.bond(cast.elsewhere)
    invitation, _secret = bonds.invitation_create(opened)
    bonds.invitation_recall(opened, invitation.id)
    assert Bond.objects.get(pk=cast.elsewhere).stale
    assert cast.eve.client.post(f"/b/{cast.elsewhere}/us/", {"own_name": "Eve", "thread": "moss"}).status_code == 302
    assert not Bond.objects.get(pk=cast.elsewhere).stale and cast.eve.bond(cast.elsewhere).epoch == 2
    assert cast.eve.bond(cast.elsewhere).name == "Eve's"


def test_links_expire_work_once_and_end_after_five_wrong_tries(cast):
    opened = cast.eve.bond(cast.elsewhere)
    invitation, secret = bonds.invitation_create(opened)
    with clock.shifted(timedelta(days=8)), pytest.raises(bonds.InvitationOver):
        bonds.invitation_open(invitation.id, secret)
    bonds.invitation_accept(cast.ana.member, cast.ana.keyring, invitation.id, secret, name="Ana", thread="madder")
    with pytest.raises(bonds.InvitationOver):
        bonds.invitation_accept(cast.cleo.member, cast.cleo.keyring, invitation.id, secret, name="Cleo", thread="plum")
    second, secret = bonds.invitation_create(cast.eve.bond(cast.elsewhere))
    for _try in range(5):
        with pytest.raises(bonds.InvitationOver):
            bonds.invitation_open(second.id, vault.new_invitation_secret())
    with pytest.raises(bonds.InvitationOver):
        bonds.invitation_open(second.id, secret)
    second.refresh_from_db()
    assert second.state == Invitation.State.ENDED and second.secret is None


def test_twelve_at_most_and_two_partners(cast):
    with pytest.raises(bonds.BondFull):
        bonds.invitation_create(cast.ana.bond(cast.pair))
    opened = cast.eve.bond(cast.elsewhere)
    for _one in range(11):
        bonds.invitation_create(opened)
    with pytest.raises(bonds.BondFull):
        bonds.invitation_create(opened)


def test_a_no_rests_the_pair_for_thirty_days(cast):
    opened = cast.eve.bond(cast.elsewhere)
    first, secret = bonds.invitation_create(opened)
    bonds.invitation_decline(first.id, secret, cast.cleo.member, cast.cleo.keyring)
    second, secret = bonds.invitation_create(opened)
    with pytest.raises(bonds.InvitationOver):
        bonds.invitation_accept(cast.cleo.member, cast.cleo.keyring, second.id, secret, name="C", thread="plum")
    with clock.shifted(timedelta(days=31)):
        third, secret = bonds.invitation_create(opened)
        bonds.invitation_accept(cast.cleo.member, cast.cleo.keyring, third.id, secret, name="C", thread="plum")


def test_cut_swapped_and_reordered_events_are_noticed(cast):
    from closeknit.web.bonds.models import Event

    moment = cast.first_moment(cast.ana).id
    cast.both_answer(moment)
    opened = cast.jonas.bond(cast.pair)
    assert queries.moment_glance(opened, moment) is not None
    last = Event.objects.filter(stream=moment).order_by("-number").first()
    last_id, body, number = last.id, last.body, last.number
    last.delete()
    with pytest.raises(Tampered):
        queries.moment_glance(cast.jonas.bond(cast.pair), moment)
    page = cast.jonas.client.get(f"/b/{cast.pair}/m/{moment}/")
    assert page.status_code == 409 and "changed from outside" in page.content.decode()
    last = Event(id=last_id, bond_id=cast.pair, stream=moment, number=number, body=body)
    last.save(force_insert=True)
    assert queries.moment_glance(cast.jonas.bond(cast.pair), moment) is not None
    first = Event.objects.get(stream=moment, number=1)
    Event.objects.filter(pk=last.pk).update(body=first.body)
    with pytest.raises(Tampered):
        queries.moment_glance(cast.jonas.bond(cast.pair), moment)


def test_the_host_is_named_in_the_bond(cast):
    page = cast.jonas.client.get(f"/b/{cast.pair}/us/").content.decode()
    assert "runs this machine" in page
