"""The only door to a bond. Absent and not-yours are the same 404."""

from __future__ import annotations

import base64
import uuid
from collections import defaultdict

from django.db.models import Exists, OuterRef, Q
from django.http import Http404, HttpRequest

from closeknit import vault
from closeknit.web.members.keys import RequestKeys, keys_of

from . import services
from .models import Bond, BondKey, BondRow, Invitation, Membership
from .opened import OpenBond, Person, Tampered

CARD_PLACES = (vault.Place.BOND_CARD, vault.Place.MEMBERSHIP_CARD, vault.Place.DECK)


def bonds_of(request: HttpRequest) -> list[OpenBond]:
    """All bonds that the signed-in member is in, opened, oldest first. Three queries; once a request.

    Of what lies sealed in them only cards, decks and the member's own rows are loaded, never another's private ones.

    Raises keys.Locked while the session is locked.
    """
    keys: RequestKeys = keys_of(request)
    keyring = keys.need
    if "bonds" not in keys.cache:
        keys.cache["bonds"] = _load(request.user.pk, keyring)
    bonds: list[OpenBond] = keys.cache["bonds"]
    return bonds


def forget_bonds(request: HttpRequest) -> None:
    """Make the next `bonds_of` read again: after this request changed something about them."""
    keys_of(request).cache.pop("bonds", None)


def bond_open(request: HttpRequest, bond_id: uuid.UUID) -> OpenBond:
    """The bond of that id, if the signed-in member is in it. Raises Http404 otherwise."""
    for opened in bonds_of(request):
        if opened.id == bond_id:
            return opened
    raise Http404


def bond_let_in(request: HttpRequest, bond_id: uuid.UUID) -> OpenBond:
    """As `bond_open`, but only once somebody handed over the key. Raises Http404 before."""
    opened = bond_settled(request, bond_id)
    if not opened.is_in:
        raise Http404
    return opened


def bond_settled(request: HttpRequest, bond_id: uuid.UUID) -> OpenBond:
    """As `bond_open`, after doing what this member's presence makes possible: open grants, let newcomers in.

    Before a writing request it also makes a new key where the old one went astray.
    """
    opened = bond_open(request, bond_id)
    changed = services.settle(opened)
    if request.method == "POST":
        changed = services.refresh_if_stale(opened) or changed
    if changed:
        forget_bonds(request)
        opened = bond_open(request, bond_id)
    return opened


def _load(member_id: uuid.UUID, keyring: vault.Keyring) -> list[OpenBond]:
    ours = Bond.objects.filter(memberships__member_id=member_id, memberships__ended_at__isnull=True)
    # Before the bonds: an epoch only grows, so a key that is ahead of its bond means that the bond's row was put back.
    held = list(BondKey.objects.filter(member_id=member_id, bond__in=ours))
    rows = (
        Membership.objects.filter(bond__in=ours, ended_at__isnull=True)
        .select_related("bond", "member")
        .annotate(
            someone_waits=Exists(
                Invitation.objects.filter(
                    bond_id=OuterRef("bond_id"), inviter_id=member_id, state=Invitation.State.ACCEPTED
                )
            )
        )
        .order_by("bond__created_at", "bond_id", "joined_at")
    )
    people: dict[uuid.UUID, list[Membership]] = defaultdict(list)
    for row in rows:
        people[row.bond_id].append(row)
    keys: dict[uuid.UUID, dict[int, vault.Key]] = defaultdict(dict)
    for own in held:
        try:
            keys[own.bond_id][own.epoch] = vault.Key(_raw(own, keyring))
        except vault.VaultError:
            raise Tampered from None
    cards: dict[uuid.UUID, dict[tuple[uuid.UUID | None, str], BondRow]] = defaultdict(dict)
    for card in BondRow.objects.filter(Q(place__in=CARD_PLACES) | Q(member_id=member_id), bond_id__in=people):
        cards[card.bond_id][(card.member_id, card.place)] = card
    return [_opened(member_id, keyring, people[b], keys[b], cards[b]) for b in people]


def _raw(own: BondKey, keyring: vault.Keyring) -> bytes:
    return base64.b64decode(own.unseal(keyring.self_key)["k"])


def _opened(
    member_id: uuid.UUID,
    keyring: vault.Keyring,
    memberships: list[Membership],
    keys: dict[int, vault.Key],
    rows: dict[tuple[uuid.UUID | None, str], BondRow],
) -> OpenBond:
    bond = memberships[0].bond
    if max(keys, default=0) > bond.epoch:
        raise Tampered

    def payload(member: uuid.UUID | None, place: vault.Place) -> dict[str, str]:
        row = rows.get((member, place))
        if row is None:
            return {}
        epoch = vault.parse(row.body).epoch
        if epoch not in keys:
            return {}
        try:
            return row.unseal(keys[epoch])
        except vault.VaultError:
            raise Tampered from None

    def person(membership: Membership) -> Person:
        card = payload(membership.member_id, vault.Place.MEMBERSHIP_CARD)
        return Person(
            id=membership.member_id,
            name=card.get("name", ""),
            thread=card.get("thread", "slate"),
            is_me=membership.member_id == member_id,
            is_host=membership.member.is_host,
        )

    card = payload(None, vault.Place.BOND_CARD)
    if card and (card["kind"], card["leave"]) != (bond.kind, bond.leave_rule):
        raise Tampered
    # A card is sealed by someone who holds the bond's key: a membership without one is a newcomer whom nobody has let in
    # yet, or was planted. Neither is asked to anything.
    is_in = bond.epoch in keys
    people = [
        person(membership)
        for membership in memberships
        if not is_in
        or membership.member_id == member_id
        or (membership.member_id, vault.Place.MEMBERSHIP_CARD) in rows
    ]
    return OpenBond(
        bond=bond,
        keyring=keyring,
        me=next(p for p in people if p.is_me),
        others=tuple(p for p in people if not p.is_me),
        keys=keys,
        name=card.get("name", ""),
        rows=rows,
        someone_waits=bool(memberships[0].someone_waits),  # type: ignore[attr-defined]
    )
