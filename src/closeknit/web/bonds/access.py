"""The only door to a bond. Absent and not-yours are the same 404."""

from __future__ import annotations

import base64
import uuid
from collections import defaultdict

from django.db.models import Exists, F, OuterRef, Q
from django.http import Http404, HttpRequest

from closeknit import vault
from closeknit.web.members.keys import RequestKeys, keys_of

from . import leaving, services
from .models import Bond, BondKey, BondRow, Grant, Invitation, Membership
from .opened import OpenBond, Person, Tampered

CARD_PLACES = (vault.Place.BOND_CARD, vault.Place.MEMBERSHIP_CARD, vault.Place.DECK)
#: Sealed under the bond's key, chosen by one alone: loaded for their chooser, and for all when a decision is due.
CHOSEN_PLACES = (vault.Place.MEMBERSHIP_WISHES, vault.Place.MEMBERSHIP_VOTES)


def bonds_of(request: HttpRequest) -> list[OpenBond]:
    """All bonds that the signed-in member is in, opened, oldest first. Three queries; once a request.

    Of what lies sealed in them only cards, decks and the member's own rows are loaded, never another's private ones.

    Raises keys.Locked while the session is locked.
    """
    keys: RequestKeys = keys_of(request)
    keyring = keys.need
    if "bonds" not in keys.cache:
        found, left_over = _load(request.user.pk, keyring)
        if left_over:
            # Someone was asked to go, or all ended a bond, while this member was away: take their words along now.
            leaving.take_along_all(request.user.pk, keyring)
        keys.cache["bonds"] = found
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


def need_to_be_in(request: HttpRequest, bond_id: uuid.UUID) -> None:
    """For pages that show nothing of the bond: one query, and no envelope is opened. Raises Http404 for whoever is not in."""
    member = request.user.pk
    living = Q(bond__memberships__member=member, bond__memberships__ended_at__isnull=True)
    if not BondKey.objects.filter(living, bond_id=bond_id, member=member).exists():
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
        changed = (services.mates_catch_up(opened) if not changed and _someone_behind(opened) else False) or changed
    if changed:
        forget_bonds(request)
        opened = bond_open(request, bond_id)
    return opened


def _reaches(back: int) -> Q:
    """Whether a membership's member holds, or has been sent, the bond's key of `back` epochs ago."""
    epoch = OuterRef("bond__epoch") - back
    held = BondKey.objects.filter(bond_id=OuterRef("bond_id"), member_id=OuterRef("member_id"), epoch=epoch)
    sent = Grant.objects.filter(bond_id=OuterRef("bond_id"), recipient_id=OuterRef("member_id"), epoch=epoch)
    return Q(Exists(held)) | Q(Exists(sent))


def _someone_behind(opened: OpenBond) -> bool:
    """Whether somebody here has not been given the present key, or missed the one before. One query."""
    behind = ~_reaches(0) | Q(first_epoch__lt=F("bond__epoch")) & ~_reaches(1)
    return Membership.objects.filter(behind, bond_id=opened.id, ended_at__isnull=True).exists()


def bonds_load(member_id: uuid.UUID, keyring: vault.Keyring) -> list[OpenBond]:
    """The bonds that a member is in, opened; for whoever has no request: the demo, tests, new keys."""
    return _load(member_id, keyring)[0]


def _load(member_id: uuid.UUID, keyring: vault.Keyring) -> tuple[list[OpenBond], bool]:
    """(the bonds that a member is in, opened; whether keys are left of bonds that they are in no longer)."""
    ours = Bond.objects.filter(
        memberships__member_id=member_id, memberships__ended_at__isnull=True, ended_at__isnull=True
    )
    # Before the bonds: an epoch only grows, so a key that is ahead of its bond means that the bond's row was put back.
    held = list(BondKey.objects.filter(member_id=member_id))
    rows = (
        Membership.objects.filter(bond__in=ours, ended_at__isnull=True)
        .select_related("bond", "member")
        .annotate(
            someone_waits=Exists(
                Invitation.objects.filter(
                    bond_id=OuterRef("bond_id"), inviter_id=member_id, state=Invitation.State.ACCEPTED
                )
            ),
        )
        .order_by("bond__created_at", "bond_id", "joined_at")
    )
    people: dict[uuid.UUID, list[Membership]] = defaultdict(list)
    for row in rows:
        people[row.bond_id].append(row)
    keys: dict[uuid.UUID, dict[int, vault.Key]] = defaultdict(dict)
    left_over = False
    for own in held:
        if own.bond_id not in people:
            left_over = True
            continue
        try:
            keys[own.bond_id][own.epoch] = vault.Key(_raw(own, keyring))
        except vault.VaultError:
            raise Tampered from None
    cards: dict[uuid.UUID, dict[tuple[uuid.UUID | None, str], BondRow]] = defaultdict(dict)
    for card in BondRow.objects.filter(Q(place__in=CARD_PLACES) | Q(member_id=member_id), bond_id__in=people):
        cards[card.bond_id][(card.member_id, card.place)] = card
    found = [_opened(member_id, keyring, people[b], keys[b], cards[b]) for b in people]
    return found, left_over


def pins_of(row: BondRow | None, keyring: vault.Keyring) -> dict[uuid.UUID, bytes]:
    """The public keys that a member holds their mates to, from their own sealed row."""
    if row is None:
        return {}
    try:
        payload = row.unseal(keyring.self_key)
    except vault.VaultError:
        raise Tampered from None
    return {uuid.UUID(member): bytes.fromhex(public) for member, public in payload.get("keys", {}).items()}


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

    pins = pins_of(rows.get((member_id, vault.Place.MEMBERSHIP_PINS)), keyring)

    def person(membership: Membership) -> Person:
        card = payload(membership.member_id, vault.Place.MEMBERSHIP_CARD)
        return Person(
            id=membership.member_id,
            name=card.get("name", ""),
            thread=card.get("thread", "slate"),
            is_me=membership.member_id == member_id,
            is_host=membership.member.is_host,
            since=membership.first_epoch,
            membership=membership.id,
            under_18=membership.member_id == member_id and membership.member.under_18,
            new_keys=pins.get(membership.member_id, bytes(membership.member.public_key))
            != bytes(membership.member.public_key),
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
    here = {membership.member_id for membership in memberships}
    gone = {member for member, place in rows if member and place == vault.Place.MEMBERSHIP_CARD} - here
    past = [(member, payload(member, vault.Place.MEMBERSHIP_CARD)) for member in sorted(gone)]
    return OpenBond(
        bond=bond,
        keyring=keyring,
        me=next(p for p in people if p.is_me),
        others=tuple(p for p in people if not p.is_me),
        keys=keys,
        name=card.get("name", ""),
        past=tuple(Person(m, one.get("name", ""), one.get("thread", "slate"), False) for m, one in past),
        rows=rows,
        minors=any(membership.member.under_18 for membership in memberships),
        someone_waits=bool(memberships[0].someone_waits),  # type: ignore[attr-defined]
    )
