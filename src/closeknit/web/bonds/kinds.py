"""How what belongs to a bond is exported and erased for one member."""

from __future__ import annotations

from collections.abc import Iterator

from closeknit import vault
from closeknit.web.members.models import Member
from closeknit.web.sealed.kinds import UNREADABLE, Entry, Reading, delete_where, in_pages, register, reseal_where

from . import private
from .models import (
    Bond,
    BondEpoch,
    BondKey,
    BondRow,
    Event,
    Grant,
    Invitation,
    Item,
    Membership,
    PrivateWord,
    Refusal,
    StreamHead,
    Wrap,
)

KEYS = "Keys and their hashes; they open nothing anywhere else."
#: Keys that are public; and a day that says nothing to its owner, and too much to somebody who reads over their shoulder.
NOT_EXPORTED = (vault.Place.MEMBERSHIP_PINS, vault.Place.MEMBERSHIP_OPEN_FROM)


def _bonds(reading: Reading) -> Iterator[Entry]:
    for one in reading.bonds:
        people = [{"name": p.name, "thread": p.thread, "me": p.is_me} for p in one.people]
        yield (
            "bonds",
            {
                "id": str(one.id),
                "name": one.name,
                "kind": one.bond.kind,
                "leave_rule": one.bond.leave_rule,
                "since": one.bond.created_at.isoformat(),
                "strict": one.strict,
                "people": people,
                "gone": [person.name for person in one.past],
            },
        )


def _memberships(reading: Reading) -> Iterator[Entry]:
    for row in in_pages(Membership.objects.filter(member=reading.member)):
        ended = row.ended_at.isoformat() if row.ended_at else None
        yield "memberships", {"bond": str(row.bond_id), "joined": row.joined_at.isoformat(), "ended": ended}


def _rows(reading: Reading) -> Iterator[Entry]:
    bonds = {one.id: one for one in reading.bonds}
    mine = BondRow.objects.filter(bond_id__in=bonds, member=reading.member)
    for row in in_pages(mine.exclude(place__in=NOT_EXPORTED)):
        one = bonds[row.bond_id]
        try:
            values = row.unseal(reading.keyring.self_key) if row.KIND is vault.Kind.SELF else one.row_payload(row)
            yield "choices", {"bond": str(one.id), "place": row.place, "values": values}
        except (vault.VaultError, KeyError):
            yield UNREADABLE, {"what": "choices", "id": str(row.id)}


def _private_words(reading: Reading) -> Iterator[Entry]:
    """The private part. Own texts in bonds are exported by the room that knows what each of them answered."""
    for word, kept in private.words_all(reading.member.pk, reading.keyring):
        if kept is None:
            yield UNREADABLE, {"what": "words", "id": str(word.id)}
        else:
            yield (
                "words",
                {
                    "id": kept.source,
                    "kind": kept.kind,
                    "text": kept.text,
                    "prompt": kept.prompt,
                    "at": kept.at.isoformat() if kept.at else None,
                    "from": kept.bond,
                    "bond": None,
                    "moment": None,
                    **({"feelings": list(kept.feelings)} if kept.feelings else {}),
                    **({"tags": list(kept.tags)} if kept.tags else {}),
                },
            )


def _invitations(reading: Reading) -> Iterator[Entry]:
    for row in in_pages(Invitation.objects.filter(inviter=reading.member)):
        yield "invitations", {"bond": str(row.bond_id), "made": row.created_at.isoformat(), "state": row.state}


def _refusals(reading: Reading) -> Iterator[Entry]:
    for row in in_pages(Refusal.objects.filter(member=reading.member)):
        try:
            name = row.unseal(reading.keyring.self_key).get("name", "") if row.body else ""
            yield "refusals", {"name": name, "until": row.until.isoformat() if row.until else None}
        except vault.VaultError:
            yield UNREADABLE, {"what": "refusals", "id": str(row.id)}


def _reseal_invitations(member: Member, old: vault.Key, new: vault.Key) -> None:
    for row in Invitation.objects.filter(inviter=member, secret__isnull=False):
        where = row.context(vault.Place.INVITATION_SECRET)
        plain = vault.open_envelope(old, vault.Kind.SELF, where, row.secret)
        row.secret = vault.seal(new, vault.Kind.SELF, where, plain)
        row.save(update_fields=["secret"])


def _erase_bonds(member: Member) -> int:
    """Bonds that nobody else is in."""
    alone = [b for b in Bond.objects.filter(memberships__member=member) if b.memberships.count() == 1]
    words = Item.objects.filter(bond__in=alone, author__isnull=True).delete()[0]
    return words + sum(bond.delete()[0] for bond in alone)


register(Bond, export=_bonds, erase=_erase_bonds)
register(Membership, export=_memberships, erase=delete_where(Membership, "member"))
register(
    BondRow,
    export=_rows,
    erase=delete_where(BondRow, "member"),
    reseal=reseal_where(BondRow, "member", place__in=BondRow.SELF_PLACES),
)
register(BondEpoch, erase=lambda member: BondEpoch.objects.filter(maker=member).update(maker=None), why_not_exported=KEYS)
register(
    BondKey,
    erase=delete_where(BondKey, "member"),
    why_not_exported=KEYS,
    reseal=reseal_where(BondKey, "member"),
)
register(Grant, erase=delete_where(Grant, "recipient"), why_not_exported=KEYS)
register(
    Invitation, export=_invitations, erase=delete_where(Invitation, "inviter"), reseal=_reseal_invitations
)
register(
    Refusal, export=_refusals, erase=delete_where(Refusal, "member"), reseal=reseal_where(Refusal, "member")
)
register(
    Event,
    erase=lambda _member: 0,
    why_not_exported="Verbs without words that all share; what they say is exported with each moment. They stay, so that "
    "a chain has no gap; whose they were is inside the envelope.",
)
register(
    StreamHead,
    erase=delete_where(StreamHead, "member"),
    why_not_exported="Counts and hashes.",
    reseal=reseal_where(StreamHead, "member"),
)
register(Item, export=_private_words, erase=delete_where(Item, "author"))
register(
    Wrap,
    erase=delete_where(Wrap, "item__author"),
    why_not_exported=KEYS,
    reseal=reseal_where(Wrap, "item__author", "item", target=Wrap.Target.SELF),
)
register(
    PrivateWord,
    # The texts are items; what is known about each belongs to them.
    why_not_exported="Where each private text came from; exported with the text.",
    erase=delete_where(PrivateWord, "member"),
    reseal=reseal_where(PrivateWord, "member"),
)
