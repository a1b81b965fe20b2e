"""A hostile writer to the database: rows changed behind the program's back, then a page or service as the victim has it.

docs/attacks.md is the table of these tests, one row each. "Noticed" is the 409 page that shows nothing of what was
changed; "refused" is that the change has no effect that helps; what is "open" is shown to be so, that nobody may think
otherwise.
"""

from __future__ import annotations

import re
import uuid
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import nacl.bindings
import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from django.contrib.auth.hashers import make_password
from django.contrib.sessions.models import Session
from django.db.models import F
from django.test import Client

from closeknit import vault
from closeknit.method import moment as machine
from closeknit.web import clock
from closeknit.web.bonds import services as bonds
from closeknit.web.bonds.models import (
    Bond,
    BondEpoch,
    BondKey,
    BondRow,
    Event,
    Grant,
    Invitation,
    Item,
    Membership,
    Refusal,
    StreamHead,
    Wrap,
)
from closeknit.web.bonds.opened import OpenBond, Tampered
from closeknit.web.dialogues import gate
from closeknit.web.dialogues.models import Dialogue, DialogueChoice, DialogueOwn
from closeknit.web.members import factors
from closeknit.web.members import services as members
from closeknit.web.members.models import Dropped, Factor, Member, MemberRow, SecretWrap
from closeknit.web.moments import queries
from closeknit.web.moments import services as moments
from closeknit.web.moments.models import Draft, Moment, OwnPrompt
from tests.cast import PASSPHRASE, Person
from tests.passkey import HERE, SoftPasskey, add_passkey, sign_in, step_up
from tests.web.talk import Talk, ask, start_of

pytestmark = pytest.mark.django_db

ANAS, JONASES, CLOSED = "saffronbell of Ana", "copperleaf of Jonas", "quincemarrow unseen"
PAGE = Path(__file__).resolve().parents[2] / "docs" / "attacks.md"


@pytest.fixture
def home(cast: Any) -> SimpleNamespace:
    """The pair with one moment revealed and one that only Ana answered."""
    done = cast.first_moment(cast.ana).id
    cast.both_answer(done, ana=ANAS, jonas=JONASES)
    closed = moments.moment_open(cast.ana.bond(cast.pair), {"text": "What is next?", "level": 1}).id
    moments.answer_share(cast.ana.bond(cast.pair), closed, CLOSED)
    base = f"/b/{cast.pair}/"
    return SimpleNamespace(
        cast=cast,
        ana=cast.ana,
        jonas=cast.jonas,
        eve=cast.eve,
        cleo=cast.cleo,
        pair=cast.pair,
        done=done,
        closed=closed,
        today=base,
        moment=f"{base}m/{done}/",
        unseen=f"{base}m/{closed}/",
    )


def noticed(person: Person, path: str) -> None:
    """The page says that something was changed from outside, and shows nothing of it."""
    answer = person.client.get(path)
    page = answer.content.decode()
    assert answer.status_code == 409 and "changed from outside" in page, (answer.status_code, page[-900:])
    assert not any(word in page for word in (ANAS, JONASES, CLOSED))


def shows(person: Person, path: str, *words: str) -> str:
    answer = person.client.get(path)
    page = answer.content.decode()
    assert answer.status_code == 200 and all(word in page for word in words), (answer.status_code, page[-900:])
    return page


def hidden(person: Person, path: str, *words: str) -> int:
    answer = person.client.get(path)
    page = answer.content.decode()
    assert answer.status_code < 500 and not any(word in page for word in words)
    return int(answer.status_code)


def bytes_of(row: Any, change: Any) -> vault.Envelope:
    """The row's envelope as `change` leaves it."""
    raw = bytearray(row.body)
    change(raw)
    return vault.Envelope(raw)


#: What a column holds for a moment while two rows exchange it, past the constraint that they differ.
SPARE = {"member_id": None, "epoch": 999}


def swap(model: Any, first: Any, second: Any, field: str) -> None:
    """Exchange one column of two rows."""
    one, two = (getattr(model.objects.get(pk=row.pk), field) for row in (first, second))
    if field in SPARE:
        model.objects.filter(pk=first.pk).update(**{field: SPARE[field]})
    model.objects.filter(pk=second.pk).update(**{field: one})
    model.objects.filter(pk=first.pk).update(**{field: two})


def copy_row(model: Any, pk: Any) -> dict[str, Any]:
    """A row as it is now, to be put back later."""
    found = model.objects.filter(pk=pk).values().get()
    envelopes = {"body", "envelope", "bond_key", "card", "secret", "acceptance"}
    return {k: vault.Envelope(v) if k in envelopes and v is not None else v for k, v in found.items() if k != "id"}


def answer_item(home: SimpleNamespace, person: Person, moment: Any = None) -> Item:
    return Item.objects.get(stream=moment or home.done, author=person.member)


def seal_as(key: vault.Key, row: Any, payload: dict[str, Any], epoch: int = 0) -> vault.Envelope:
    """What a writer who knows every public value could put into a row, under a key of their own."""
    return vault.seal(key, row.KIND, row.sealed_context(), vault.pack(payload), epoch=epoch, padding=row.PADDING)


# -- keys and who holds them ------------------------------------------------------------------------------------------


def test_planted_public_key(home: SimpleNamespace) -> None:
    circle = circle_opened(home)
    Member.objects.filter(pk=home.jonas.member.pk).update(public_key=home.eve.keyring.box.public)
    make_epoch(home, circle)
    recipients = set(Grant.objects.filter(bond_id=circle).values_list("recipient_id", flat=True))
    assert recipients == {home.cleo.member.pk}


def circle_opened(home: SimpleNamespace) -> Any:
    """Ana, Jonas and Cleo, with something opened together."""
    circle = home.cast.circle()
    moment = home.cast.first_moment(home.ana, circle).id
    moments.answer_share(home.ana.bond(circle), moment, "one")
    moments.answer_share(home.jonas.bond(circle), moment, "two")
    return circle


def make_epoch(home: SimpleNamespace, bond: Any, by: Person | None = None) -> None:
    """The next key, made by Ana."""
    Bond.objects.filter(pk=bond).update(stale=True)
    assert bonds.refresh_if_stale((by or home.ana).bond(bond))


def test_planted_membership(home: SimpleNamespace) -> None:
    Membership.objects.create(bond_id=home.pair, member=home.eve.member)
    for path in ("", "thread/", "us/", "prompts/", f"m/{home.done}/", f"m/{home.closed}/"):
        hidden(home.eve, f"/b/{home.pair}/{path}", ANAS, JONASES, CLOSED, "Jonas", "Ana")
    assert {p.name for p in home.ana.bond(home.pair).people} == {"Ana", "Jonas"}
    later = moments.moment_open(home.ana.bond(home.pair), {"text": "After?", "level": 1}).id
    glance = queries.moment_glance(home.ana.bond(home.pair), later)
    assert glance is not None and home.eve.id not in glance.state.members
    make_epoch(home, home.pair)
    assert not Grant.objects.filter(recipient=home.eve.member).exists()


def planted_grant(home: SimpleNamespace, bond: Any, epoch: int, sender: Person, signer: Person, to: Person) -> Grant:
    """A grant as someone without the sender's secret makes it, or with it, if both are the same. Roster as stored."""
    roster = {str(p.member.pk): p.keyring.box.public.hex() for p in (home.ana, home.jonas, home.cleo)}
    made, _new = BondEpoch.objects.update_or_create(
        bond_id=bond, epoch=epoch, defaults={"maker": sender.member, "roster": roster}
    )
    Bond.objects.filter(pk=bond).update(epoch=epoch)
    newest = BondRow.objects.get(bond_id=bond, place=vault.Place.BOND_CARD)
    grant = Grant(bond_id=bond, epoch=epoch, sender=sender.member, recipient=to.member)
    grant.envelope = vault.make_grant(
        sender=signer.keyring.box,
        recipient_public=to.keyring.box.public,
        grant_id=grant.id,
        bond_id=bond,
        epoch=epoch,
        sender_id=sender.member.pk,
        recipient_id=to.member.pk,
        roster=vault.roster_hash({uuid.UUID(m): bytes.fromhex(k) for m, k in made.roster.items()}),
        bond_key=vault.Key.new(),
        previous_check=newest.body.key_check,
    )
    grant.save()
    return grant


def test_planted_grant(home: SimpleNamespace) -> None:
    circle = home.cast.circle()
    grant = planted_grant(home, circle, 2, sender=home.ana, signer=home.eve, to=home.jonas)
    assert not home.jonas.bond(circle).is_in and Grant.objects.filter(pk=grant.pk).exists()
    assert not BondKey.objects.filter(bond_id=circle, member=home.jonas.member, epoch=2).exists()


def test_planted_grant_from_a_stranger(home: SimpleNamespace) -> None:
    circle = home.cast.circle()
    planted_grant(home, circle, 2, sender=home.eve, signer=home.eve, to=home.jonas)
    assert not home.jonas.bond(circle).is_in


def test_planted_grant_from_someone_gone(home: SimpleNamespace) -> None:
    """Cleo is out since epoch 2, writes herself back into its roster's column, and grants epoch 3 to Jonas."""
    circle = home.cast.circle()
    Membership.objects.filter(bond_id=circle, member=home.cleo.member).update(ended_at=clock.now())
    make_epoch(home, circle)
    assert home.jonas.bond(circle).epoch == 2 and home.jonas.bond(circle).is_in
    made = BondEpoch.objects.get(bond_id=circle, epoch=2)
    assert home.cleo.id not in made.roster
    made.roster = {**made.roster, home.cleo.id: home.cleo.keyring.box.public.hex()}
    made.save()
    planted_grant(home, circle, 3, sender=home.cleo, signer=home.cleo, to=home.jonas)
    assert not home.jonas.bond(circle).is_in
    assert not BondKey.objects.filter(bond_id=circle, member=home.jonas.member, epoch=3).exists()


def test_planted_epoch_roster(home: SimpleNamespace) -> None:
    circle = home.cast.circle()
    make_epoch(home, circle)
    made = BondEpoch.objects.get(bond_id=circle, epoch=2)
    true = dict(made.roster)
    BondEpoch.objects.filter(pk=made.pk).update(roster={**true, home.eve.id: home.eve.keyring.box.public.hex()})
    assert not home.jonas.bond(circle).is_in
    BondEpoch.objects.filter(pk=made.pk).update(roster=true)
    assert home.jonas.bond(circle).is_in


def test_planted_bond_key(home: SimpleNamespace) -> None:
    row = BondKey.objects.get(bond_id=home.pair, member=home.jonas.member)
    BondKey.objects.filter(pk=row.pk).update(body=seal_as(vault.Key.new(), row, {"k": "AAAA"}, 1))
    noticed(home.jonas, home.today)
    shows(home.ana, home.moment, ANAS)


def test_bond_key_of_another_member(home: SimpleNamespace) -> None:
    hers = BondKey.objects.get(bond_id=home.pair, member=home.ana.member)
    BondKey.objects.filter(bond_id=home.pair, member=home.jonas.member).update(body=hers.body)
    noticed(home.jonas, home.today)


def test_bond_keys_of_two_epochs_swapped(home: SimpleNamespace) -> None:
    make_epoch(home, home.pair)
    assert home.jonas.bond(home.pair).epoch == 2
    one, two = BondKey.objects.filter(bond_id=home.pair, member=home.jonas.member).order_by("epoch")
    swap(BondKey, one, two, "epoch")
    noticed(home.jonas, home.today)


def test_bond_put_back_to_an_older_epoch(home: SimpleNamespace) -> None:
    """So that what is written from now on would be under a key that somebody else may know."""
    make_epoch(home, home.pair)
    assert home.jonas.bond(home.pair).epoch == 2
    Bond.objects.filter(pk=home.pair).update(epoch=1)
    noticed(home.ana, home.today)
    noticed(home.jonas, home.today)


def test_pins_replaced_or_taken_away(home: SimpleNamespace) -> None:
    circle = home.cast.circle()
    pins = BondRow.objects.get(bond_id=circle, member=home.jonas.member, place=vault.Place.MEMBERSHIP_PINS)
    BondRow.objects.filter(pk=pins.pk).delete()
    planted_grant(home, circle, 2, sender=home.eve, signer=home.eve, to=home.jonas)
    assert not home.jonas.bond(circle).is_in
    theirs = {home.eve.id: home.eve.keyring.box.public.hex()}
    pins.body = seal_as(home.eve.keyring.self_key, pins, {"keys": theirs})
    pins.save(force_insert=True)
    with pytest.raises(Tampered):
        home.jonas.bond(circle)


# -- ciphertext moved -------------------------------------------------------------------------------------------------


def test_ciphertext_swapped_between_rows(home: SimpleNamespace) -> None:
    swap(Item, answer_item(home, home.ana), answer_item(home, home.ana, home.closed), "body")
    noticed(home.ana, home.moment)
    noticed(home.jonas, home.moment)


def test_ciphertext_swapped_between_fields(home: SimpleNamespace) -> None:
    moments.draft_write(home.jonas.bond(home.pair), Moment.objects.get(pk=home.closed), "a draft")
    draft = Draft.objects.get(member=home.jonas.member)
    MemberRow.objects.filter(member=home.jonas.member).update(body=draft.body)
    noticed(home.jonas, "/you/")


def test_ciphertext_swapped_between_members(home: SimpleNamespace) -> None:
    one, two = (MemberRow.objects.get(member=p.member) for p in (home.ana, home.jonas))
    swap(MemberRow, one, two, "body")
    noticed(home.ana, "/you/")
    noticed(home.jonas, "/you/")


def test_ciphertext_swapped_between_bonds(home: SimpleNamespace) -> None:
    circle = home.cast.circle()
    one, two = (BondRow.objects.get(bond_id=bond, place=vault.Place.BOND_CARD) for bond in (home.pair, circle))
    swap(BondRow, one, two, "body")
    noticed(home.ana, home.today)


def test_ciphertext_labelled_with_another_epoch(home: SimpleNamespace) -> None:
    make_epoch(home, home.pair)
    assert home.jonas.bond(home.pair).epoch == 2
    card = Moment.objects.get(pk=home.done)
    Moment.objects.filter(pk=card.pk).update(body=bytes_of(card, lambda raw: raw.__setitem__(6, 2)), epoch=2)
    noticed(home.jonas, home.moment)


def test_epoch_that_nobody_knows(home: SimpleNamespace) -> None:
    wishes = BondRow.objects.get(bond_id=home.pair, member=home.ana.member, place=vault.Place.MEMBERSHIP_WISHES)
    BondRow.objects.filter(pk=wishes.pk).update(body=bytes_of(wishes, lambda raw: raw.__setitem__(6, 77)))
    answer = home.jonas.client.post(f"{home.today}prompt/", {"do": "offer"})
    assert answer.status_code == 409


def test_words_put_into_anothers_mouth(home: SimpleNamespace) -> None:
    Item.objects.filter(pk=answer_item(home, home.jonas).pk).update(author=home.ana.member)
    noticed(home.jonas, home.moment)
    noticed(home.ana, home.moment)


def test_words_moved_to_another_moment(home: SimpleNamespace) -> None:
    Item.objects.filter(pk=answer_item(home, home.jonas).pk).update(stream=home.closed)
    noticed(home.ana, home.moment)


def test_wraps_moved_between_items(home: SimpleNamespace) -> None:
    """The bond's wrap of what is open, put beside what is still closed, and the other way round."""
    one = Wrap.objects.get(item=answer_item(home, home.jonas), target="bond")
    two = Wrap.objects.get(item=answer_item(home, home.ana, home.closed), target="bond")
    swap(Wrap, one, two, "body")
    noticed(home.ana, home.moment)
    hidden(home.jonas, home.unseen, CLOSED)


def test_wrap_planted(home: SimpleNamespace) -> None:
    """A private text with a wrap for the bond that its author never made."""
    wrap = Wrap.objects.get(item=answer_item(home, home.ana), target="bond")
    Wrap.objects.filter(pk=wrap.pk).update(body=seal_as(vault.Key.new(), wrap, {"k": "AAAA"}, 1))
    noticed(home.jonas, home.moment)


def test_wrap_labelled_for_another_target(home: SimpleNamespace) -> None:
    item = answer_item(home, home.ana)
    Wrap.objects.filter(item=item, target="bond").delete()
    Wrap.objects.filter(item=item, target="self").update(target="bond", epoch=1)
    noticed(home.jonas, home.moment)


def test_faces_swapped_between_members(home: SimpleNamespace) -> None:
    """Ana's name and colour on Jonas's words, and his on hers."""
    one, two = (
        BondRow.objects.get(bond_id=home.pair, member=p.member, place=vault.Place.MEMBERSHIP_CARD)
        for p in (home.ana, home.jonas)
    )
    swap(BondRow, one, two, "member_id")
    noticed(home.ana, home.moment)


def test_wishes_swapped_between_members(home: SimpleNamespace) -> None:
    moments.wishes_write(home.ana.bond(home.pair), level=5, avoid=[])
    one, two = (
        BondRow.objects.get(bond_id=home.pair, member=p.member, place=vault.Place.MEMBERSHIP_WISHES)
        for p in (home.ana, home.jonas)
    )
    swap(BondRow, one, two, "member_id")
    noticed(home.jonas, f"{home.today}depth/")


def test_own_prompt_swapped(home: SimpleNamespace) -> None:
    """The text of one prompt under another, and a prompt given to another author."""
    one = moments.own_prompt_write(home.ana.bond(home.pair), "Ana asks?")
    two = moments.own_prompt_write(home.jonas.bond(home.pair), "Jonas asks?")
    OwnPrompt.objects.filter(pk=one.pk).update(author=home.jonas.member)
    noticed(home.jonas, f"{home.today}prompts/")
    OwnPrompt.objects.filter(pk=one.pk).update(author=home.ana.member)
    shows(home.jonas, f"{home.today}prompts/", "Ana asks?")
    swap(OwnPrompt, one, two, "body")
    noticed(home.jonas, f"{home.today}prompts/")


def test_draft_moved_to_another_moment(home: SimpleNamespace) -> None:
    """So that someone shares beneath one prompt what they wrote for another."""
    third = moments.moment_open(home.ana.bond(home.pair), {"text": "Third?", "level": 1})
    moments.draft_write(home.jonas.bond(home.pair), Moment.objects.get(pk=home.closed), "meant for another")
    Draft.objects.filter(member=home.jonas.member).update(moment=third)
    noticed(home.jonas, f"{home.today}m/{third.id}/")


def test_planted_draft(home: SimpleNamespace) -> None:
    draft = Draft(member=home.jonas.member, moment_id=home.closed)
    draft.body = seal_as(home.eve.keyring.self_key, draft, {"text": "I hate you", "passed": False})
    draft.save(force_insert=True)
    noticed(home.jonas, home.unseen)


# -- bytes ------------------------------------------------------------------------------------------------------------


def test_version_and_algorithm_bytes(home: SimpleNamespace) -> None:
    item = answer_item(home, home.ana)
    for place in (0, 1, 2):
        for value in (0, 2, 9, 255):
            body = bytes_of(item, lambda raw, p=place, v=value: raw.__setitem__(p, v))
            Item.objects.filter(pk=item.pk).update(body=body)
            noticed(home.jonas, home.moment)


def test_truncated_and_lengthened(home: SimpleNamespace) -> None:
    """Cut anywhere, with zeros behind it, with the padding's length changed: the tag covers all of it."""
    item = answer_item(home, home.ana)
    whole = bytes(item.body)
    for changed in (b"", whole[:10], whole[:62], whole[:-1], whole[:-512], whole + bytes(1), whole + bytes(512)):
        Item.objects.filter(pk=item.pk).update(body=vault.Envelope(changed))
        noticed(home.jonas, home.moment)


def test_flipped_bits(home: SimpleNamespace) -> None:
    """A tweak in the ciphertext of the padded length, of the text, of the nonce, of the tag, of the key check."""
    item = answer_item(home, home.ana)
    for at in (7, 23, 47, 51, 55, 200, -1):
        body = bytes_of(item, lambda raw, at=at: raw.__setitem__(at, raw[at] ^ 1))
        Item.objects.filter(pk=item.pk).update(body=body)
        noticed(home.jonas, home.moment)


def test_streams_cut_short() -> None:
    """No table holds a stream yet; what reads them refuses a cut at every chunk and a changed order."""
    key = vault.Key.new()
    here = vault.Context(vault.Place.ITEM, uuid.uuid4(), uuid.uuid4())
    parts = list(vault.seal_stream(key, here, [bytes(200_000)]))
    assert len(parts) > 3 and b"".join(vault.open_stream(key, here, parts)) == bytes(200_000)
    for cut in range(len(parts)):
        with pytest.raises(vault.VaultError):
            list(vault.open_stream(key, here, parts[:cut]))
    with pytest.raises(vault.VaultError):
        list(vault.open_stream(key, here, [parts[0], parts[2], parts[1], *parts[3:]]))


def test_one_ciphertext_for_many_keys(home: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
    """A partitioning oracle needs a ciphertext that opens under many passphrases' keys. XChaCha20-Poly1305 alone would
    allow one; the key check in the header commits to a single key and is compared before anything is decrypted."""
    tried = []
    decrypt = nacl.bindings.crypto_aead_xchacha20poly1305_ietf_decrypt
    monkeypatch.setattr(
        nacl.bindings, "crypto_aead_xchacha20poly1305_ietf_decrypt", lambda *a: tried.append(1) or decrypt(*a)
    )
    wrap = SecretWrap.objects.get(member=home.ana.member, opener="passphrase")
    keys = [vault.Key.new() for _one in range(32)]
    planted = vault.seal(keys[0], vault.Kind.WRAP, wrap.context(), bytes(32), epoch=2, padding=vault.Padding.CHOICE)
    opening = [key for key in keys if _opens(key, wrap, planted)]
    assert opening == keys[:1] and len(tried) == 1
    SecretWrap.objects.filter(pk=wrap.pk).update(envelope=planted)
    tried.clear()
    assert Client().post("/sign-in/", {"login": "ana", "password": PASSPHRASE}).status_code == 422 and not tried


def _opens(key: vault.Key, wrap: SecretWrap, raw: bytes) -> bool:
    try:
        vault.open_envelope(key, vault.Kind.WRAP, wrap.context(), raw)
    except vault.VaultError:
        return False
    return True


# -- rows put back ----------------------------------------------------------------------------------------------------


def test_older_words_under_a_newer_number(home: SimpleNamespace) -> None:
    row = MemberRow.objects.get(member=home.ana.member)
    older = row.body
    members.member_row_write(home.ana.keyring, home.ana.member, vault.Place.PROFILE, {"name": "New", "zone": "UTC"})
    MemberRow.objects.filter(pk=row.pk).update(body=older)
    noticed(home.ana, "/you/")


def test_older_row_put_back_whole(home: SimpleNamespace) -> None:
    row = MemberRow.objects.get(member=home.ana.member)
    older = copy_row(MemberRow, row.pk)
    members.member_row_write(home.ana.keyring, home.ana.member, vault.Place.PROFILE, {"name": "New", "zone": "UTC"})
    MemberRow.objects.filter(pk=row.pk).update(**older)
    assert 'value="Ana"' in shows(home.ana, "/you/")  # open: nothing tells that it was "New"


def test_deck_put_back(home: SimpleNamespace) -> None:
    deck = BondRow.objects.get(bond_id=home.pair, place=vault.Place.DECK)
    older = copy_row(BondRow, deck.pk)
    bonds.row_write(home.ana.bond(home.pair), vault.Place.DECK, {"state": {**_deck(home), "used": ["x"]}})
    BondRow.objects.filter(pk=deck.pk).update(**older)
    assert _deck(home).get("used") != ["x"]  # open: a prompt may come twice
    shows(home.ana, home.today)


def _deck(home: SimpleNamespace) -> dict[str, Any]:
    payload = bonds.row_read(home.ana.bond(home.pair), vault.Place.DECK)
    assert payload is not None
    return dict(payload["state"])


# -- events -----------------------------------------------------------------------------------------------------------


def test_tail_of_events_cut(home: SimpleNamespace) -> None:
    Event.objects.filter(stream=home.done).order_by("-number").first().delete()
    noticed(home.jonas, home.moment)


def test_tail_cut_of_what_others_wrote(home: SimpleNamespace) -> None:
    """Open for who wrote nothing there since; noticed by whoever did."""
    Event.objects.filter(stream=home.closed).order_by("-number").first().delete()
    shows(home.jonas, home.unseen)
    noticed(home.ana, home.unseen)


def test_events_reordered(home: SimpleNamespace) -> None:
    one, two = Event.objects.filter(stream=home.done).order_by("number")[1:3]
    number = two.number
    Event.objects.filter(pk=two.pk).update(number=900)
    Event.objects.filter(pk=one.pk).update(number=number)
    Event.objects.filter(pk=two.pk).update(number=one.number)
    noticed(home.jonas, home.moment)
    noticed(home.ana, home.moment)


def test_event_duplicated(home: SimpleNamespace) -> None:
    last = Event.objects.filter(stream=home.done).order_by("-number").first()
    Event(bond_id=home.pair, stream=home.done, number=last.number + 1, body=last.body).save(force_insert=True)
    noticed(home.jonas, home.moment)


def test_event_dropped_from_the_middle(home: SimpleNamespace) -> None:
    second = Event.objects.get(stream=home.done, number=2)
    second.delete()
    noticed(home.ana, home.moment)
    Event.objects.filter(stream=home.done, number__gt=2).update(number=F("number") - 1)
    noticed(home.ana, home.moment)


def test_streams_swapped_with_their_heads(home: SimpleNamespace) -> None:
    """Everybody's answers to one prompt beneath another: every chain whole, every head moved along."""
    other = moments.moment_open(home.ana.bond(home.pair), {"text": "Another prompt?", "level": 1}).id
    home.cast.both_answer(other, ana="for another", jonas="for another")
    swap_streams(home.done, other)
    noticed(home.jonas, home.moment)
    noticed(home.ana, f"{home.today}m/{other}/")


def swap_streams(one: Any, two: Any) -> None:
    for model in (Event, StreamHead, Item):
        free = uuid.uuid4()
        model.objects.filter(stream=one).update(stream=free)
        model.objects.filter(stream=two).update(stream=one)
        model.objects.filter(stream=free).update(stream=two)


def test_stream_moved_to_another_bond(home: SimpleNamespace) -> None:
    circle = home.cast.circle()
    Moment.objects.filter(pk=home.done).update(bond_id=circle)
    Event.objects.filter(stream=home.done).update(bond_id=circle)
    noticed(home.jonas, f"/b/{circle}/m/{home.done}/")
    assert hidden(home.cleo, f"/b/{circle}/m/{home.done}/", ANAS, JONASES) == 409


def test_all_events_taken_away(home: SimpleNamespace) -> None:
    Event.objects.filter(stream=home.done).delete()
    noticed(home.jonas, home.moment)


# -- invitations ------------------------------------------------------------------------------------------------------


def invited(home: SimpleNamespace) -> tuple[Any, Invitation, bytes, str]:
    opened: OpenBond = bonds.bond_create(
        home.ana.member,
        home.ana.keyring,
        kind="circle",
        leave_rule="leave",
        name="Marzipan Club",
        own_name="Ana",
        thread="plum",
    )
    invitation, secret = bonds.invitation_create(opened)
    return opened, invitation, secret, bonds.invitation_words(secret)


def forged_card(invitation: Invitation, secret: bytes, home: SimpleNamespace) -> vault.Envelope:
    card = {"bond": "False", "inviter": "Ana", "key": home.eve.keyring.box.public.hex(), "threads": []}
    card |= {"kind": "circle", "leave": "leave"}
    here = invitation.context(vault.Place.INVITATION_CARD)
    return vault.seal(vault.invitation_key(secret), vault.Kind.INVITATION, here, vault.pack(card))


def test_replaced_invitation_card(home: SimpleNamespace) -> None:
    _opened, invitation, _secret, words = invited(home)
    false = vault.new_invitation_secret()
    Invitation.objects.filter(pk=invitation.pk).update(card=forged_card(invitation, false, home))
    answer = home.cleo.client.post(f"/join/{invitation.id}/", {"secret": words})
    assert answer.status_code == 409 and "False" not in answer.content.decode()


def test_replaced_invitation_secret(home: SimpleNamespace) -> None:
    """The whole row made anew around the writer's own secret: whoever holds the true words is turned away."""
    _opened, invitation, _secret, words = invited(home)
    false = vault.new_invitation_secret()
    card = forged_card(invitation, false, home)
    Invitation.objects.filter(pk=invitation.pk).update(card=card, secret_hash=vault.invitation_hash(false))
    answer = home.cleo.client.post(f"/join/{invitation.id}/", {"secret": words})
    assert answer.status_code == 410


def test_replaced_acceptance(home: SimpleNamespace) -> None:
    opened, invitation, secret, _words = invited(home)
    Bond.objects.filter(pk=opened.id).update(opened_together=True)
    Invitation.objects.filter(pk=invitation.pk).update(bond_key=None)
    bonds.invitation_accept(home.cleo.member, home.cleo.keyring, invitation.id, secret, name="Cleo", thread="moss")
    false = vault.new_invitation_secret()
    answer = {"member": home.eve.id, "key": home.eve.keyring.box.public.hex(), "name": "Cleo", "thread": "moss"}
    here = invitation.context(vault.Place.INVITATION_ACCEPTANCE)
    forged = vault.seal(vault.invitation_key(false), vault.Kind.INVITATION, here, vault.pack(answer))
    Invitation.objects.filter(pk=invitation.pk).update(acceptance=forged, newcomer=home.eve.member)
    Membership.objects.create(bond_id=opened.id, member=home.eve.member)
    home.ana.bond(opened.id)
    assert not Grant.objects.filter(bond_id=opened.id).exists()
    assert home.eve.member.pk not in bonds.pins_read(home.ana.bond(opened.id))


def test_acceptance_given_to_another(home: SimpleNamespace) -> None:
    opened, invitation, secret, _words = invited(home)
    Bond.objects.filter(pk=opened.id).update(opened_together=True)
    Invitation.objects.filter(pk=invitation.pk).update(bond_key=None)
    bonds.invitation_accept(home.cleo.member, home.cleo.keyring, invitation.id, secret, name="Cleo", thread="moss")
    Invitation.objects.filter(pk=invitation.pk).update(newcomer=home.eve.member)
    Membership.objects.filter(bond_id=opened.id, member=home.cleo.member).update(member=home.eve.member)
    home.ana.bond(opened.id)
    assert not Grant.objects.filter(bond_id=opened.id).exists()
    assert not home.eve.bond(opened.id).is_in


def test_recalled_invitation_opened_again(home: SimpleNamespace) -> None:
    opened, invitation, secret, _words = invited(home)
    older = copy_row(Invitation, invitation.pk)
    bonds.invitation_recall(home.ana.bond(opened.id), invitation.id)
    Invitation.objects.filter(pk=invitation.pk).update(state="open", wrong_tries=0)
    bonds.invitation_accept(home.cleo.member, home.cleo.keyring, invitation.id, secret, name="Cleo", thread="moss")
    home.ana.bond(opened.id)
    assert not home.cleo.bond(opened.id).is_in and not Grant.objects.filter(bond_id=opened.id).exists()
    assert older["bond_key"] is not None


def test_opened_together_cleared(home: SimpleNamespace) -> None:
    """So that the next invitation carries the key, and whoever joins reads what was shared before."""
    circle = circle_opened(home)
    Bond.objects.filter(pk=circle).update(opened_together=False)
    for person in (home.ana, home.jonas, home.cleo):
        invitation, _secret = bonds.invitation_create(person.bond(circle))
        assert invitation.bond_key is None


def test_key_put_back_into_an_invitation(home: SimpleNamespace) -> None:
    opened, invitation, secret, _words = invited(home)
    older = copy_row(Invitation, invitation.pk)
    moment = home.cast.first_moment(home.ana, opened.id).id
    moments.answer_share(home.ana.bond(opened.id), moment, ANAS)
    moments.answer_event(home.ana.bond(opened.id), moment, machine.Event.released(home.ana.id))
    assert Invitation.objects.get(pk=invitation.pk).bond_key is None
    Invitation.objects.filter(pk=invitation.pk).update(bond_key=older["bond_key"])
    Bond.objects.filter(pk=opened.id).update(opened_together=False)
    bonds.invitation_accept(home.cleo.member, home.cleo.keyring, invitation.id, secret, name="Cleo", thread="moss")
    assert not home.cleo.bond(opened.id).is_in
    hidden(home.cleo, f"/b/{opened.id}/m/{moment}/", ANAS)
    assert home.ana.bond(opened.id).epoch == 2
    assert list(home.cleo.bond(opened.id).keys) == [2]


def test_stale_flag_cleared(home: SimpleNamespace) -> None:
    opened, invitation, _secret, _words = invited(home)
    bonds.invitation_recall(home.ana.bond(opened.id), invitation.id)
    Bond.objects.filter(pk=opened.id).update(stale=False)
    home.ana.client.post(f"/b/{opened.id}/us/", {"own_name": "Ana", "thread": "plum"})
    assert home.ana.bond(opened.id).epoch == 1  # open: the key that was recalled stays in use


def test_refusal_taken_away(home: SimpleNamespace) -> None:
    opened, invitation, secret, _words = invited(home)
    bonds.invitation_decline(invitation.id, secret, home.cleo.member, home.cleo.keyring)
    Refusal.objects.all().delete()
    _second, secret = bonds.invitation_create(home.ana.bond(opened.id))
    assert not bonds.refused(home.cleo.member, home.ana.member.pk)  # open: the rest of thirty days is gone


# -- flags and columns in clear ---------------------------------------------------------------------------------------


def test_leave_rule_flipped(home: SimpleNamespace) -> None:
    Bond.objects.filter(pk=home.pair).update(leave_rule="stay")
    noticed(home.ana, f"{home.today}us/")
    noticed(home.jonas, home.today)


def test_leave_rule_flipped_for_a_newcomer(home: SimpleNamespace) -> None:
    opened, invitation, _secret, words = invited(home)
    Bond.objects.filter(pk=opened.id).update(leave_rule="stay")
    assert home.cleo.client.post(f"/join/{invitation.id}/", {"secret": words}).status_code == 409


def test_kind_flipped(home: SimpleNamespace) -> None:
    Bond.objects.filter(pk=home.pair).update(kind="circle")
    noticed(home.jonas, home.today)


def test_revealed_at_planted(home: SimpleNamespace) -> None:
    Moment.objects.filter(pk=home.closed).update(revealed_at=clock.now())
    for path in (home.today, home.unseen, f"{home.today}thread/"):
        hidden(home.jonas, path, CLOSED)
    found = home.jonas.client.post(f"{home.today}thread/search/", {"words": CLOSED[:8]})
    assert found.status_code == 200 and not found.context["found"]


def test_revealed_at_planted_before_the_first_reveal(home: SimpleNamespace) -> None:
    """So that the program takes nothing for opened together and goes on putting the key into invitations."""
    circle = home.cast.circle()
    Moment.objects.filter(bond_id=circle).update(revealed_at=clock.now())
    moment = home.cast.first_moment(home.ana, circle).id
    moments.answer_share(home.ana.bond(circle), moment, "one")
    moments.answer_share(home.jonas.bond(circle), moment, "two")
    assert Bond.objects.get(pk=circle).opened_together
    assert bonds.invitation_create(home.jonas.bond(circle))[0].bond_key is None


def test_host_mark_planted(home: SimpleNamespace) -> None:
    rights = {"is_host": True, "is_staff": True, "is_superuser": True}
    Member.objects.filter(pk=home.eve.member.pk).update(**rights)
    for path in (home.today, home.moment, f"{home.today}us/", "/admin/"):
        assert hidden(home.eve, path, ANAS, JONASES, CLOSED) == 404
    Member.objects.filter(pk=home.jonas.member.pk).update(**rights)
    assert "runs this machine" in shows(home.ana, f"{home.today}us/")  # open: the mark is in clear
    hidden(home.jonas, home.unseen, CLOSED)


def test_minutes_to_the_lock_raised(home: SimpleNamespace) -> None:
    Member.objects.filter(pk=home.ana.member.pk).update(lock_minutes=32_000)
    shows(home.ana, home.today)
    with clock.shifted(timedelta(minutes=121)):
        assert hidden(home.ana, home.moment, ANAS, JONASES) == 403


def test_words_deleted(home: SimpleNamespace) -> None:
    Item.objects.filter(pk=answer_item(home, home.jonas).pk).delete()
    page = shows(home.ana, home.moment, ANAS)
    assert JONASES not in page  # open: whoever writes can delete


def test_membership_ended(home: SimpleNamespace) -> None:
    Membership.objects.filter(bond_id=home.pair, member=home.jonas.member).update(ended_at=clock.now())
    assert hidden(home.jonas, home.moment, ANAS, JONASES) == 404  # open: whoever writes can shut somebody out
    Membership.objects.filter(bond_id=home.pair, member=home.jonas.member).update(ended_at=None)
    shows(home.jonas, home.moment, ANAS, JONASES)


# -- accounts and sessions --------------------------------------------------------------------------------------------


def test_derivation_downgraded(home: SimpleNamespace) -> None:
    wrap = SecretWrap.objects.get(member=home.ana.member, opener="passphrase")
    for profile in (0, 1, 3, 99):
        raw = bytearray(wrap.envelope)
        raw[6] = profile
        SecretWrap.objects.filter(pk=wrap.pk).update(envelope=vault.Envelope(raw))
        assert Client().post("/sign-in/", {"login": "ana", "password": PASSPHRASE}).status_code in {422, 429}
    wrap.refresh_from_db()
    assert wrap.revision == 1  # and nothing was wrapped again at the planted cost


def test_salt_replaced(home: SimpleNamespace) -> None:
    for salt in (bytes(16), b"", b"short"):
        SecretWrap.objects.filter(member=home.ana.member, opener="passphrase").update(salt=salt)
        assert Client().post("/sign-in/", {"login": "ana", "password": PASSPHRASE}).status_code == 422


def test_wrap_of_the_kit_moved(home: SimpleNamespace) -> None:
    """Eve's kit, of which she knows the secret, in Ana's row."""
    hers = SecretWrap.objects.get(member=home.eve.member, opener="kit")
    SecretWrap.objects.filter(member=home.ana.member, opener="kit").update(envelope=hers.envelope, salt=hers.salt)
    fields = {"login": "ana", "kit": vault.kit_text(home.eve.kit), "new_passphrase": "seven quiet lamps by the sea"}
    assert Client().post("/recover/", fields).status_code == 422


def test_passphrase_hash_replaced(home: SimpleNamespace) -> None:
    known = "eve knows this passphrase well"
    Member.objects.filter(pk=home.ana.member.pk).update(password=make_password(known))
    client = Client()
    assert client.post("/sign-in/", {"login": "ana", "password": known}).status_code == 422
    assert client.get(home.today).status_code == 302


def test_hash_and_wrap_replaced(home: SimpleNamespace) -> None:
    """A whole false account under Ana's name: it signs in, and nothing of hers opens."""
    known = "eve knows this passphrase well"
    members.passphrase_set(home.ana.member, vault.Keyring(vault.Key.new()), known)
    client = Client()
    assert client.post("/sign-in/", {"login": "ana", "password": known}).status_code == 302
    for path in (home.today, home.moment, "/you/", f"{home.today}us/"):
        answer = client.get(path)
        page = answer.content.decode()
        assert answer.status_code == 409 and not any(word in page for word in (ANAS, JONASES, CLOSED, "Jonas"))
    BondKey.objects.filter(member=home.ana.member).delete()
    make_epoch(home, home.pair, by=home.jonas)
    BondRow.objects.filter(member=home.ana.member, place=vault.Place.MEMBERSHIP_PINS).delete()
    answer = client.get(home.moment)
    assert answer.status_code < 500 and not any(word in answer.content.decode() for word in (ANAS, JONASES, CLOSED))


def test_session_swapped_between_members(home: SimpleNamespace) -> None:
    """Ana's session under Eve's cookies: signed in as Ana, locked, and it stays so."""
    keys = [person.client.session.session_key for person in (home.ana, home.eve)]
    hers = Session.objects.get(pk=keys[0]).session_data
    Session.objects.filter(pk=keys[1]).update(session_data=hers)
    for path in (home.today, home.moment, "/you/"):
        assert hidden(home.eve, path, ANAS, JONASES, "Jonas") == 403
    assert not home.eve.client.post("/keep/", {"text": "written as Ana"}).json()["saved"]
    assert not Dropped.objects.exists()


def test_drop_key_swapped(home: SimpleNamespace) -> None:
    for person, text in ((home.ana, ANAS), (home.jonas, JONASES)):
        assert person.client.post("/keep/", {"text": text, "next": home.unseen}).json()["saved"]
    one, two = (Dropped.objects.get(member=p.member) for p in (home.ana, home.jonas))
    Dropped.objects.filter(pk=two.pk).update(member=home.eve.member)
    Dropped.objects.filter(pk=one.pk).update(key_wrap=two.key_wrap, wrap_id=two.wrap_id)
    for person in (home.ana, home.eve):
        person.client.post("/lock/")
        assert person.client.post("/unlock/", {"passphrase": PASSPHRASE}).status_code == 302
        page = person.client.get("/you/").content.decode()
        assert ANAS not in page and JONASES not in page


# -- second ways to sign in ---------------------------------------------------------------------------------------------


@pytest.fixture
def second(home: SimpleNamespace) -> SimpleNamespace:
    """Ana and Eve each have an app and a passkey that opens their words; Eve knows all of hers."""
    home.secrets, home.passkeys = {}, {}
    for person in (home.ana, home.eve):
        home.passkeys[person.name] = add_passkey(person.client, opens=True)
        home.secrets[person.name] = factors.app_secret()
        factors.app_add(person.member, person.keyring, home.secrets[person.name], 0)
    return home


def factor_of(person: Person, kind: str) -> Factor:
    return Factor.objects.select_related("authenticator").get(member=person.member, kind=kind)


def app_code(home: SimpleNamespace, person: Person) -> str:
    return format_hotp_value(hotp_value(home.secrets[person.name], int(clock.now().timestamp()) // 30))


def in_front_of_the_second_page() -> Client:
    client = Client()
    assert client.post("/sign-in/", {"login": "ana", "password": PASSPHRASE}).url == "/sign-in/second/"
    return client


def opens_nothing(home: SimpleNamespace, client: Client) -> None:
    """Whoever holds this browser is signed in as Ana, and every page of hers is the locked one."""
    for path in (home.today, home.moment, "/you/", "/you/second/", "/you/export/", "/you/second/passkey/"):
        answer = client.get(path, **HERE)
        page = answer.content.decode()
        assert answer.status_code == 403 and not any(word in page for word in (ANAS, JONASES, CLOSED, "Jonas")), path


def test_passkey_planted(second: SimpleNamespace) -> None:
    """Eve's own passkey under Ana's name: open, as it signs in. It opens nothing, and Ana's list says that it is not hers."""
    theirs = factor_of(second.eve, "webauthn")
    passkey = SoftPasskey()
    step_up(second.eve.client)
    options = second.eve.client.post("/you/second/passkey/options/", **HERE).json()
    second.eve.client.post("/you/second/passkey/", {"credential": passkey.make(options)}, **HERE)
    planted = Factor.objects.get(member=second.eve.member, kind="webauthn", authenticator_id__gt=theirs.authenticator_id)
    Authenticator.objects.filter(pk=planted.authenticator_id).update(user=second.ana.member)
    Factor.objects.filter(pk=planted.pk).update(member=second.ana.member)
    passkey.handle = second.ana.member.pk.bytes
    client = Client()
    assert sign_in(client, passkey).url.startswith("/unlock/")
    opens_nothing(second, client)
    assert "Not added by you" in shows(second.ana, "/you/second/")
    assert second.ana.client.post(f"/you/second/{planted.pk}/remove/").status_code == 302
    assert sign_in(Client(), passkey).status_code == 422


def test_passkey_of_another_put_in_its_place(second: SimpleNamespace) -> None:
    """Ana's row with Eve's public key in it: open, the same way. Ana's wrap does not open beside it, nor for Ana."""
    hers, theirs = factor_of(second.ana, "webauthn"), factor_of(second.eve, "webauthn")
    Authenticator.objects.filter(pk=theirs.authenticator_id).update(data={})
    Authenticator.objects.filter(pk=hers.authenticator_id).update(data=theirs.authenticator.data)
    passkey = second.passkeys["Eve"]
    passkey.handle = second.ana.member.pk.bytes
    client = Client()
    assert sign_in(client, passkey).url.startswith("/unlock/")
    opens_nothing(second, client)
    assert "Not added by you, or changed from outside" in shows(second.ana, "/you/second/")
    assert sign_in(Client(), second.passkeys["Ana"]).status_code == 422


def test_wrap_of_a_passkey_moved(second: SimpleNamespace) -> None:
    """Eve's wrap, of which she knows the answer, under Ana's passkey; and Ana's under Eve's."""
    hers, theirs = factor_of(second.ana, "webauthn"), factor_of(second.eve, "webauthn")
    one, two = (SecretWrap.objects.get(factor=factor) for factor in (hers, theirs))
    for wrap, other in ((one, two), (two, one)):
        SecretWrap.objects.filter(pk=wrap.pk).update(envelope=other.envelope, salt=other.salt)
    for passkey in second.passkeys.values():
        client = Client()
        assert sign_in(client, passkey).url.startswith("/unlock/")
        assert client.get("/you/", **HERE).status_code == 403
    SecretWrap.objects.filter(pk=one.pk).delete()
    SecretWrap.objects.filter(pk=two.pk).update(envelope=two.envelope, salt=two.salt, factor=hers, member=second.ana.member)
    client = Client()
    assert sign_in(client, second.passkeys["Ana"]).url.startswith("/unlock/")
    opens_nothing(second, client)


def test_app_secret_of_another(second: SimpleNamespace) -> None:
    """Eve's app in the place of Ana's: no code is taken, and the page says that something was changed."""
    hers, theirs = factor_of(second.ana, "totp"), factor_of(second.eve, "totp")
    Factor.objects.filter(pk=hers.pk).update(body=theirs.body, revision=theirs.revision)
    client = in_front_of_the_second_page()
    for person in (second.eve, second.ana):
        answer = client.post("/sign-in/second/", {"code": app_code(second, person)})
        assert answer.status_code == 409 and "changed from outside" in answer.content.decode()
    assert client.get("/you/").status_code == 302


def test_app_put_back_whole(second: SimpleNamespace) -> None:
    """Open: a whole row put back takes a code again, for the minute and a half that it is of."""
    hers = factor_of(second.ana, "totp")
    before = copy_row(Factor, hers.pk)
    code = app_code(second, second.ana)
    assert in_front_of_the_second_page().post("/sign-in/second/", {"code": code}).status_code == 302
    assert in_front_of_the_second_page().post("/sign-in/second/", {"code": code}).status_code == 422
    Factor.objects.filter(pk=hers.pk).update(**before)
    assert in_front_of_the_second_page().post("/sign-in/second/", {"code": code}).status_code == 302


def test_second_ways_taken_away(second: SimpleNamespace) -> None:
    """Open: whoever writes to a database can delete. The passphrase is needed all the same, and opens what it opened."""
    Authenticator.objects.filter(user=second.ana.member).delete()
    client = Client()
    assert client.post("/sign-in/", {"login": "ana", "password": "not her passphrase at all"}).status_code == 422
    assert client.post("/sign-in/", {"login": "ana", "password": PASSPHRASE}).url == "/"


# -- dialogues --------------------------------------------------------------------------------------------------------


def talks(home: SimpleNamespace, *, over: bool = False) -> tuple[Talk, Talk]:
    """Two dialogues of the pair with a typed turn by each; both ended where `over`."""
    found = []
    for minutes in (1, 2):
        with clock.shifted(timedelta(minutes=minutes)):
            talk = ask(home.cast, "good-news").begin()
            talk.say(f"{CLOSED} {minutes}")
            talk.say(f"{CLOSED} back {minutes}")
            if over:
                talk.post(home.ana, "end")
        found.append(talk)
    return found[0], found[1]


def test_tombstone_planted_for_a_stream(home: SimpleNamespace) -> None:
    """As if all had let a dialogue go: whoever wrote to it holds a count that the stone must reach, and a key it needs."""
    talk, _other = talks(home)
    number = Event.objects.filter(stream=talk.id).count()
    Event.objects.filter(stream=talk.id).delete()
    stone = Event(bond_id=home.pair, stream=talk.id, number=number + 1)
    stone.body = seal_as(vault.Key.new(), stone, {"v": 1, "gone": number, "over": 0, "closed": True, "agreements": []}, 1)
    stone.save(force_insert=True)
    for person in (home.ana, home.jonas):
        noticed(person, talk.path)
        noticed(person, f"{home.today}talk/")


def test_tombstone_of_another_dialogue(home: SimpleNamespace) -> None:
    talk, other = talks(home, over=True)
    for person in (home.ana, home.jonas):
        other.post(person, "keep", keep="no")
    stone = Event.objects.get(stream=other.id)
    Event.objects.filter(stream=talk.id).delete()
    Event.objects.filter(pk=stone.pk).update(stream=talk.id)
    noticed(home.ana, talk.path)
    noticed(home.jonas, talk.path)


def test_dialogue_put_back_after_it_was_let_go(home: SimpleNamespace) -> None:
    """What all let go, events and texts alike, from an older copy: whoever let it go last notices."""
    talk, _other = talks(home, over=True)
    events = [copy_row(Event, row.pk) for row in Event.objects.filter(stream=talk.id)]
    for person in (home.ana, home.jonas):
        talk.post(person, "keep", keep="no")
    Event.objects.filter(stream=talk.id).delete()
    for row in events:
        Event.objects.create(**row)
    noticed(home.jonas, talk.path)


def test_dialogue_cards_exchanged(home: SimpleNamespace) -> None:
    """Who was asked, and to what: the script and the people of one dialogue on another."""
    one, two = talks(home)
    swap(Dialogue, Dialogue.objects.get(pk=one.id), Dialogue.objects.get(pk=two.id), "body")
    for person in (home.ana, home.jonas):
        noticed(person, one.path)
        noticed(person, home.today)


def test_own_row_of_a_dialogue_moved(home: SimpleNamespace) -> None:
    one, two = talks(home)
    one.post(home.ana, "own", field="scratch", text=CLOSED)
    row = DialogueOwn.objects.get(member=home.ana.member, dialogue=one.id)
    DialogueOwn.objects.exclude(pk=row.pk).delete()
    DialogueOwn.objects.filter(pk=row.pk).update(dialogue=two.id)
    noticed(home.ana, two.path)
    noticed(home.ana, home.today)
    DialogueOwn.objects.filter(pk=row.pk).update(dialogue=one.id, member=home.jonas.member)
    noticed(home.jonas, one.path)


def test_choice_of_another_moved(home: SimpleNamespace) -> None:
    """Ana would let it go, Jonas would keep it: each choice in the other's name, or in another dialogue's."""
    one, two = talks(home, over=True)
    one.post(home.ana, "keep", keep="yes")
    two.post(home.ana, "keep", keep="yes")
    choice = DialogueChoice.objects.get(dialogue=one.id)
    DialogueChoice.objects.filter(pk=choice.pk).update(member=home.jonas.member)
    noticed(home.jonas, one.path)
    answer = home.ana.client.post(f"{one.path}keep/", {"keep": "yes"})
    assert answer.status_code == 409 and Item.objects.filter(stream=one.id).exists()
    DialogueChoice.objects.filter(dialogue=two.id).delete()
    DialogueChoice.objects.filter(pk=choice.pk).update(member=home.ana.member, dialogue=two.id)
    noticed(home.ana, two.path)


def test_words_of_a_bond_given_an_author(home: SimpleNamespace) -> None:
    """What was typed on a device that was passed round, as if Ana had written it alone."""
    talk = ask(home.cast, "good-news", device="one")
    for _turn in range(2):
        state = talk.state()
        extra = {} if state.floor == home.ana.id else {"as": state.floor}
        talk.do(home.ana, "said", text=CLOSED, **extra)
    talk.post(home.ana, "end")
    item = Item.objects.get(stream=talk.id, author=None)
    Item.objects.filter(pk=item.pk).update(author=home.ana.member)
    noticed(home.jonas, talk.path)


def test_day_of_the_check_moved_to_another(home: SimpleNamespace) -> None:
    """A check that Ana passed, for Jonas who did not."""
    gate.write(home.ana.bond(home.pair), passed=True)
    hers, his = (
        BondRow.objects.get(bond_id=home.pair, member=p.member, place=vault.Place.MEMBERSHIP_OPEN_FROM)
        for p in (home.ana, home.jonas)
    )
    swap(BondRow, hers, his, "body")
    noticed(home.jonas, start_of(home.jonas, home.pair, "understood"))


def test_over_at_planted(home: SimpleNamespace) -> None:
    """A dialogue said to be long over: lists sort by the column; where it stands is folded from its events."""
    talk, _other = talks(home)
    Dialogue.objects.filter(pk=talk.id).update(over_at=clock.now() - timedelta(days=20))
    shows(home.ana, f"{home.today}talk/")
    assert Item.objects.filter(stream=talk.id).exists()
    shows(home.jonas, talk.path)
    talk.say("and on it goes")
    assert talk.state().phase.value == "running"


# -- the table --------------------------------------------------------------------------------------------------------


def test_the_published_table_is_these_tests() -> None:
    rows = [line for line in PAGE.read_text("utf-8").splitlines() if re.match(r"\| \d+ \|", line)]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in rows]
    named = [cell[-1].strip("`") for cell in cells]
    here = [name for name in globals() if name.startswith("test_") and name != "test_the_published_table_is_these_tests"]
    assert sorted(named) == sorted(here) and len(named) == len(set(named)) >= 25
    assert [int(cell[0]) for cell in cells] == list(range(1, len(cells) + 1))
    assert {cell[3] for cell in cells} <= {"refused", "noticed", "open"}
    assert all(len(cell) == 6 and all(cell) for cell in cells)
