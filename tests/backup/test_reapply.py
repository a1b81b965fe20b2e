"""What a restore does again, and whom it asks for new credentials."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse

from closeknit import vault
from closeknit.method import moment as machine
from closeknit.web import clock, reapply
from closeknit.web.bonds import services as bonds
from closeknit.web.bonds.models import Bond, Event, Grant, Invitation, Item, Membership, StreamHead, Wrap
from closeknit.web.bonds.store import events_read, key_from
from closeknit.web.members import services as members
from closeknit.web.members.middleware import RENEWING, is_open_name
from closeknit.web.members.models import Member, SecretWrap
from closeknit.web.moments import services as moments
from closeknit.web.sealed import journal
from closeknit.web.sealed.journal import Note
from tests.http import PASSPHRASE
from tests.web.test_matrix import url_names

pytestmark = pytest.mark.django_db
NEW = "a much newer kitchen on a monday"


def note(label: str, row: uuid.UUID, kind: str = "removed", revision: int = 0, **ago: float) -> Note:
    return Note(label, row, revision, clock.now() - timedelta(**ago), kind)


def again(*notes: Note) -> reapply.Again:
    return reapply.apply(notes, clock.now() - timedelta(hours=1))


def test_an_item_goes_again_and_its_bond_gets_a_new_key_that_both_can_use(cast):
    moment = cast.first_moment(cast.ana).id
    moments.answer_share(cast.ana.bond(cast.pair), moment, "taken back since")
    item = Item.objects.get(stream=moment)
    done = again(note("bonds.item", item.pk), note("bonds.item", item.pk), note("rooms.gone", uuid.uuid4()))
    assert (done.removed, done.not_known, done.bonds) == (1, 1, {cast.pair})
    assert not Item.objects.filter(pk=item.pk).exists() and Bond.objects.get(pk=cast.pair).stale
    bonds.refresh_if_stale(cast.ana.bond(cast.pair))
    assert cast.jonas.bond(cast.pair).epoch == 2
    later = moments.moment_open(cast.ana.bond(cast.pair), {"text": "And now?"}).id
    assert moments.answer_share(cast.jonas.bond(cast.pair), later, "writing goes on")


def test_an_erased_account_is_erased_again_with_everything(cast):
    circle = cast.circle()
    done = again(note("members.member", cast.jonas.member.pk))
    assert done.accounts == 1 and done.bonds == {cast.pair, circle}
    assert not Member.objects.filter(pk=cast.jonas.member.pk).exists()
    assert not Membership.objects.filter(member_id=cast.jonas.member.pk).exists()
    assert cast.ana.client.get(f"/b/{cast.pair}/").status_code == 200


def test_who_left_has_left_again_and_gets_no_key_on_its_way(cast):
    circle = cast.circle()
    Bond.objects.filter(pk=circle).update(stale=True)
    bonds.refresh_if_stale(cast.ana.bond(circle))
    mine = Membership.objects.get(bond_id=circle, member=cast.cleo.member)
    assert Grant.objects.filter(bond_id=circle, recipient=cast.cleo.member).exists()
    assert again(note("bonds.membership", mine.pk, "ended")).left == 1
    assert not Grant.objects.filter(bond_id=circle, recipient=cast.cleo.member).exists()
    assert cast.cleo.client.get(f"/b/{circle}/").status_code == 404
    assert Bond.objects.get(pk=circle).stale
    assert again(note("bonds.membership", mine.pk, "ended")).left == 0, "once is enough"


def test_a_bond_that_was_ended_is_ended_again_and_no_author_loses_a_word(cast):
    moment = cast.first_moment(cast.ana).id
    cast.both_answer(moment, ana="mine to keep")
    memberships = Membership.objects.filter(bond=cast.pair).values_list("pk", flat=True)
    ends = [note("bonds.membership", pk, "ended") for pk in memberships]
    wraps = [note("bonds.wrap", pk) for pk in Wrap.objects.filter(target="bond").values_list("pk", flat=True)]
    assert again(*ends, *wraps, note("bonds.bond", cast.pair, "ended")).left == 2
    assert Bond.objects.get(pk=cast.pair).ended_at is not None
    assert cast.ana.client.get(f"/b/{cast.pair}/").status_code == 404
    own = Wrap.objects.select_related("item").get(item__author=cast.ana.member, item__bond=cast.pair, target="self")
    assert own.item.unseal(key_from(own.unseal(cast.ana.keyring.self_key)["k"]))["text"] == "mine to keep"
    assert not Wrap.objects.filter(item__bond=cast.pair, target="bond").exists()
    for _visit in range(2):
        assert cast.ana.client.get("/you/words/").content.decode().count("mine to keep") == 1


@pytest.mark.parametrize("came_by", [True, False])
def test_who_left_finds_their_words_and_can_be_invited_again(cast, came_by):
    circle = cast.circle()
    moment = cast.first_moment(cast.ana, circle).id
    for person in (cast.ana, cast.cleo):
        moments.answer_share(person.bond(circle), moment, f"{person.name} wrote", rule=machine.Rule.TWO)
    mine = Membership.objects.get(bond_id=circle, member=cast.cleo.member)
    again(note("bonds.membership", mine.pk, "ended"))
    if came_by:
        assert "Cleo wrote" in cast.cleo.client.get("/you/words/").content.decode()
    cast.join(cast.ana, cast.cleo, circle)
    cast.ana.client.get(f"/b/{circle}/")
    assert cast.cleo.bond(circle).is_in
    assert cast.cleo.client.get("/you/words/").content.decode().count("Cleo wrote") == 1


def test_invitations_open_no_second_time(cast):
    opened = cast.ana.bond(cast.circle())
    recalled, secret = bonds.invitation_create(opened)
    waiting, other = bonds.invitation_create(opened)
    bonds.invitation_accept(cast.eve.member, cast.eve.keyring, waiting.pk, other, name="Eve", thread="teal")
    done = again(
        note("bonds.invitation", recalled.pk, "ended", journal.OVER),
        note("bonds.invitation", waiting.pk, "ended", journal.TAKEN_UP),
    )
    assert done.invitations == 1
    with pytest.raises(bonds.InvitationOver):
        bonds.invitation_open(recalled.pk, secret)
    assert Invitation.objects.get(pk=waiting.pk).state == "accepted", "taken up before the backup: still waits to be let in"
    assert Invitation.objects.get(pk=recalled.pk).bond_key is None and Bond.objects.get(pk=opened.id).stale


def test_a_newer_key_of_a_bond_makes_the_restored_one_stale(cast):
    again(note("bonds.bond", cast.pair, "rotated", 1))
    assert not Bond.objects.get(pk=cast.pair).stale
    assert again(note("bonds.bond", cast.pair, "rotated", 2)).bonds == {cast.pair}
    assert Bond.objects.get(pk=cast.pair).stale


def test_a_stream_that_was_let_go_reads_as_empty_and_not_as_cut(cast):
    moment = cast.first_moment(cast.ana).id
    moments.answer_share(cast.ana.bond(cast.pair), moment, "let go of")
    assert StreamHead.objects.filter(stream=moment).exists()
    again(*(note("bonds.event", pk) for pk in Event.objects.filter(stream=moment).values_list("pk", flat=True)))
    assert events_read(cast.ana.bond(cast.pair), [moment]) == {moment: []}


def test_only_what_was_changed_since_is_asked_for_anew(cast):
    wraps = {(w.member_id, w.opener): w for w in SecretWrap.objects.all()}
    ana, jonas, cleo, eve = (person.member.pk for person in (cast.ana, cast.jonas, cast.cleo, cast.eve))
    done = again(
        note("members.secretwrap", wraps[ana, "passphrase"].pk, "rotated", 2),
        note("members.secretwrap", wraps[jonas, "kit"].pk, "rotated", 3),
        note("members.secretwrap", wraps[cleo, "kit"].pk, "rotated", 1),
        note("members.member", eve, "rotated", hours=2),
    )
    assert done.renew == ["ana", "jonas"]
    assert set(Member.objects.filter(must_renew=True)) == {cast.ana.member, cast.jonas.member}
    assert again(note("members.member", eve, "rotated")).renew == ["eve"]


def test_until_a_new_passphrase_is_chosen_no_other_page_is_reached(cast):
    client: Client = cast.ana.client
    Member.objects.filter(pk=cast.ana.member.pk).update(must_renew=True)
    moment = cast.first_moment(cast.ana).id
    reached = []
    for name, pattern in url_names().items():
        if name in RENEWING or is_open_name(name):
            continue
        kwargs = {key: cast.pair if key == "bond_id" else moment for key in pattern.pattern.converters}
        for answer in (client.get(reverse(name, kwargs=kwargs)), client.post(reverse(name, kwargs=kwargs))):
            if answer.status_code != 302 or answer.url != "/you/passphrase/":
                reached.append(name)
    assert not reached
    assert client.get("/care/").status_code == 200 and client.get("/unlock/").status_code == 302
    asked = client.get(f"/b/{cast.pair}/", HTTP_ACCEPT="application/json")
    assert asked.status_code == 403 and asked.json() == {"renew": True}
    page = client.get("/you/passphrase/").content.decode()
    assert "brought back from a backup" in page and "Leave it as it is" not in page


def test_new_credentials_replace_both_old_ones_and_let_one_go_on(cast):
    client: Client = cast.ana.client
    Member.objects.filter(pk=cast.ana.member.pk).update(must_renew=True)
    same = {"passphrase": PASSPHRASE, "new_passphrase": PASSPHRASE}
    assert client.post("/you/passphrase/", same).status_code == 422
    assert client.post("/you/passphrase/", {**same, "new_passphrase": NEW}).url == "/kit/"
    member = Member.objects.get(pk=cast.ana.member.pk)
    assert not member.must_renew
    assert "brought back" not in client.get("/you/passphrase/").content.decode()
    assert client.get("/kit/").status_code == 200 and client.get(f"/b/{cast.pair}/").status_code == 200
    with pytest.raises(vault.DoesNotOpen):
        members.secret_open_with_passphrase(member, PASSPHRASE)
    with pytest.raises(vault.DoesNotOpen):
        members.secret_open_with_kit(member, cast.ana.kit)
    members.secret_open_with_passphrase(member, NEW)


def test_a_dearer_profile_is_no_new_passphrase(cast):
    member = cast.ana.member
    member.must_renew = True
    members.passphrase_set(member, cast.ana.keyring, PASSPHRASE, same=True)
    assert Member.objects.get(pk=member.pk).password and member.must_renew


def test_what_was_being_typed_is_kept_while_credentials_are_renewed(cast):
    from closeknit.web.members.models import Dropped

    client: Client = cast.ana.client
    Member.objects.filter(pk=cast.ana.member.pk).update(must_renew=True)
    moment = cast.first_moment(cast.ana).id
    client.post(f"/b/{cast.pair}/m/{moment}/share/", {"text": "half a thought, kept"})
    assert not Item.objects.filter(stream=moment).exists()
    assert Dropped.objects.filter(member=cast.ana.member).count() == 1
