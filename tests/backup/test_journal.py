"""Whatever is removed is noted, in the same transaction, and reaches the file."""

from __future__ import annotations

import json
import os
import stat
import time
import uuid

import pytest
from django.db import connection, transaction

from closeknit.web.bonds import services as bonds
from closeknit.web.bonds.models import Bond, Invitation, Item, Membership, Wrap
from closeknit.web.members import services as members
from closeknit.web.members.models import Dropped, Member, MemberRow, SecretWrap
from closeknit.web.moments import services as moments
from closeknit.web.sealed import journal
from closeknit.web.sealed.kinds import REGISTRY
from closeknit.web.sealed.models import Removal


@pytest.fixture(autouse=True)
def own_journal(tmp_path, monkeypatch):
    monkeypatch.setattr(journal, "journal_path", lambda: tmp_path / journal.FILE_NAME)
    monkeypatch.setattr(journal, "_appended", set())
    return tmp_path / journal.FILE_NAME


def noted(kind: str = "removed") -> set[tuple[str, uuid.UUID]]:
    return set(Removal.objects.filter(kind=kind).values_list("label", "row"))


@pytest.mark.django_db
def test_what_is_withdrawn_is_noted_with_everything_that_hangs_on_it(cast):
    moment = cast.first_moment(cast.ana).id
    moments.answer_share(cast.ana.bond(cast.pair), moment, "to be taken back")
    item = Item.objects.get(stream=moment)
    wraps = set(item.wraps.values_list("pk", flat=True))
    Removal.objects.all().delete()
    moments.answer_withdraw(cast.ana.bond(cast.pair), moment)
    assert noted() == {("bonds.item", item.pk), *(("bonds.wrap", pk) for pk in wraps)} and len(wraps) == 2


@pytest.mark.django_db
def test_every_kind_is_noted_or_says_why_not(cast):
    labels = {model._meta.label_lower for model in journal.noted_models()}
    assert labels | set(journal.LEFT_OUT) == set(REGISTRY) and not labels & set(journal.LEFT_OUT)
    Removal.objects.all().delete()
    pk = cast.ana.member.pk
    with connection.cursor() as cursor:
        rows = list(MemberRow.objects.filter(member=pk).values_list("pk", flat=True))
        cursor.execute("DELETE FROM members_memberrow WHERE place = 'member/profile' OR TRUE")
    assert {("members.memberrow", row) for row in rows} <= noted(), "a statement by hand is noted too"


@pytest.mark.django_db
def test_what_is_rolled_back_is_not_noted(cast):
    before = Removal.objects.count()
    with pytest.raises(RuntimeError), transaction.atomic():
        Member.objects.filter(pk=cast.eve.member.pk).delete()
        assert Removal.objects.count() > before
        raise RuntimeError
    assert Removal.objects.count() == before


@pytest.mark.django_db
def test_memberships_and_invitations_that_end_by_update_are_noted(cast):
    opened = cast.ana.bond(cast.circle())
    recalled, _secret = bonds.invitation_create(opened)
    taken, secret = bonds.invitation_create(opened)
    Removal.objects.all().delete()
    bonds.invitation_recall(opened, recalled.pk)
    bonds.invitation_accept(cast.eve.member, cast.eve.keyring, taken.pk, secret, name="Eve", thread="teal")
    mine = Membership.objects.get(bond_id=opened.id, member=cast.jonas.member)
    Membership.objects.filter(pk=mine.pk).update(ended_at=mine.joined_at)
    Membership.objects.filter(pk=mine.pk).update(ended_at=mine.joined_at)
    assert sorted(Removal.objects.filter(kind="ended").values_list("label", "row", "revision")) == sorted(
        [
            ("bonds.invitation", recalled.pk, journal.OVER),
            ("bonds.invitation", taken.pk, journal.TAKEN_UP),
            ("bonds.membership", mine.pk, 0),
        ]
    )
    assert Invitation.objects.get(pk=taken.pk).state == "accepted"


@pytest.mark.django_db
def test_leaving_a_bond_and_ending_it_are_noted(cast):
    from closeknit.web.bonds import leaving

    circle = cast.circle()
    mine = Membership.objects.get(bond_id=circle, member=cast.jonas.member)
    Removal.objects.all().delete()
    leaving.bond_leave(cast.jonas.bond(circle))
    assert ("bonds.membership", mine.pk) in noted("ended")
    with transaction.atomic():
        leaving.bond_end(cast.ana.bond(cast.pair))
    assert ("bonds.bond", cast.pair) in noted("ended")


@pytest.mark.parametrize(
    ("sql", "told"),
    [
        ('DELETE FROM "bonds_item" WHERE TRUE', True),
        ('UPDATE "members_member" SET "public_key" = %s', True),
        ('UPDATE "members_member" SET "theme" = %s', False),
        ('UPDATE "bonds_membership" SET "ended_at" = %s', True),
        ('INSERT INTO "bonds_bondepoch" ("id")', True),
        ('DELETE FROM "django_session"', False),
        ('SELECT "bonds_item"."id"', False),
    ],
)
def test_only_what_may_note_something_is_looked_after(sql, told):
    assert journal._may_have_noted(sql) is told


@pytest.mark.django_db
def test_new_passphrases_kits_and_keys_are_noted_and_confirming_a_kit_is_not(cast):
    Removal.objects.all().delete()
    members.kit_confirm(cast.ana.member)
    assert not noted("rotated")
    members.passphrase_set(cast.ana.member, cast.ana.keyring, "another long passphrase for her")
    members.kit_renew(cast.jonas.member, cast.jonas.keyring)
    Bond.objects.filter(pk=cast.pair).update(stale=True)
    bonds.refresh_if_stale(cast.ana.bond(cast.pair))
    Member.objects.filter(pk=cast.cleo.member.pk).update(public_key=b"\x07" * 32)
    own = {w.pk: w.revision for w in SecretWrap.objects.filter(revision__gt=1)}
    assert len(own) == 2
    assert set(Removal.objects.filter(kind="rotated").values_list("label", "row", "revision")) == {
        *(("members.secretwrap", pk, revision) for pk, revision in own.items()),
        ("bonds.bond", cast.pair, 2),
        ("members.member", cast.cleo.member.pk, 0),
    }


@pytest.mark.django_db
def test_sharing_anew_replaces_a_wrap_and_removes_nothing(cast):
    from closeknit.web.bonds.store import item_share, items_read

    moment = cast.first_moment(cast.ana).id
    moments.answer_share(cast.ana.bond(cast.pair), moment, "wrapped twice")
    item = Item.objects.get(stream=moment)
    before = Wrap.objects.get(item=item, target="bond")
    Removal.objects.all().delete()
    item_share(cast.ana.bond(cast.pair), item)
    after = Wrap.objects.get(item=item, target="bond")
    assert after.pk == before.pk and after.revision == before.revision + 1 and not noted()
    assert items_read(cast.jonas.bond(cast.pair), [item.pk])[item.pk]["text"] == "wrapped twice"


@pytest.mark.django_db(transaction=True)
def test_the_file_has_it_when_the_request_is_answered_and_no_word(cast, own_journal):
    moment = cast.first_moment(cast.ana).id
    base = f"/b/{cast.pair}/m/{moment}/"
    cast.ana.client.post(base + "share/", {"text": "kumquat, taken back"})
    item = Item.objects.get(stream=moment)
    assert cast.ana.client.post(base + "withdraw/").status_code == 302
    assert ("bonds.item", item.pk) in {(note.label, note.row) for note in journal.read(own_journal)}
    assert stat.S_IMODE(own_journal.stat().st_mode) == 0o600
    text = own_journal.read_text()
    assert "kumquat" not in text
    for line in text.splitlines():
        assert set(json.loads(line)) == {"label", "row", "revision", "at", "kind"}


@pytest.mark.django_db(transaction=True)
def test_a_crash_between_commit_and_file_is_made_good(cast, own_journal, monkeypatch):
    row = MemberRow.objects.filter(member=cast.ana.member).first()
    with monkeypatch.context() as crash:
        crash.setattr(journal, "append", lambda *_args: (_ for _ in ()).throw(OSError(28, "no room")))
        MemberRow.objects.filter(pk=row.pk).delete()
    assert ("members.memberrow", row.pk) in noted()
    assert row.pk not in {note.row for note in journal.read(own_journal)} if own_journal.exists() else True
    assert journal.flush() >= 1
    assert row.pk in {note.row for note in journal.read(own_journal)}
    assert journal.flush() == 0, "appended once"
    assert journal.settle() >= 1 and not Removal.objects.exists()
    assert row.pk in {note.row for note in journal.read(own_journal)}


def test_a_torn_line_harms_no_other(own_journal):
    from closeknit.web import clock

    notes = [journal.Note("bonds.item", uuid.uuid4(), number, clock.now(), "removed") for number in range(3)]
    journal.append(own_journal, notes[:2])
    os.truncate(own_journal, own_journal.stat().st_size - 9)
    journal.append(own_journal, notes[1:])
    assert list(journal.read(own_journal)) == notes


@pytest.mark.django_db
def test_ten_thousand_rows_are_removed_quickly(cast):
    from closeknit import vault

    sealed = vault.Envelope(b"\x01\x01\x01" + bytes(600))
    Dropped.objects.bulk_create(
        [
            Dropped(member=cast.ana.member, key_wrap=sealed, wrap_id=cast.pair, body=sealed)
            for _number in range(10_000)
        ],
        batch_size=500,
    )
    Removal.objects.all().delete()
    started = time.perf_counter()
    assert Dropped.objects.all().delete()[0] == 10_000
    took = time.perf_counter() - started
    assert Removal.objects.filter(label="members.dropped").count() == 10_000
    print(f"10,000 rows removed and noted in {took:.2f} s")
