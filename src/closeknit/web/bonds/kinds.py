"""How what belongs to a bond is exported and erased for one member."""

from __future__ import annotations

from typing import Any

from closeknit import vault
from closeknit.web.members.models import Member
from closeknit.web.sealed.kinds import delete_where, register, reseal_where

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
from .opened import OpenBond
from .store import items_read

KEYS = "Keys and their hashes; they open nothing anywhere else."


def _bonds(_member: Member, bonds: list[OpenBond]) -> list[dict[str, Any]]:
    return [{"name": one.name, "kind": one.bond.kind, "people": [p.name for p in one.people]} for one in bonds]


def _memberships(member: Member, _bonds: list[OpenBond]) -> list[dict[str, str]]:
    return [{"bond": str(m.bond_id), "joined": m.joined_at.isoformat()} for m in Membership.objects.filter(member=member)]


def _rows(member: Member, bonds: list[OpenBond]) -> list[dict[str, Any]]:
    found = []
    for one in bonds:
        for row in BondRow.objects.filter(bond_id=one.id, member=member).exclude(place=vault.Place.MEMBERSHIP_PINS):
            payload = row.unseal(one.keyring.self_key) if row.KIND is vault.Kind.SELF else one.row_payload(row)
            found.append({"bond": str(one.id), "place": row.place, **payload})
    return found


def _items(member: Member, bonds: list[OpenBond]) -> list[dict[str, Any]]:
    """Own texts. Others' texts are exported by the room that knows whether this member sees them."""
    found = []
    for one in bonds:
        ids = list(Item.objects.filter(author=member, bond_id=one.id).values_list("id", flat=True))
        found += [{"bond": str(one.id), "id": str(i), **payload} for i, payload in items_read(one, ids).items()]
    return found


def _invitations(member: Member, _bonds: list[OpenBond]) -> list[dict[str, str]]:
    rows = Invitation.objects.filter(inviter=member)
    return [{"made": row.created_at.isoformat(), "state": row.state} for row in rows]


def _refusals(member: Member, _bonds: list[OpenBond]) -> list[dict[str, str]]:
    return [{"until": row.until.isoformat() if row.until else "for good"} for row in Refusal.objects.filter(member=member)]


def _reseal_invitations(member: Member, old: vault.Key, new: vault.Key) -> None:
    for row in Invitation.objects.filter(inviter=member, secret__isnull=False):
        where = row.context(vault.Place.INVITATION_SECRET)
        plain = vault.open_envelope(old, vault.Kind.SELF, where, row.secret)
        row.secret = vault.seal(new, vault.Kind.SELF, where, plain)
        row.save(update_fields=["secret"])


def _erase_bonds(member: Member) -> int:
    """Bonds that nobody else is in."""
    alone = [b for b in Bond.objects.filter(memberships__member=member) if b.memberships.count() == 1]
    return sum(bond.delete()[0] for bond in alone)


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
register(Item, export=_items, erase=delete_where(Item, "author"))
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
