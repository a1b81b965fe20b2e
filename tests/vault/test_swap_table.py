"""Every kind of stored envelope, offered to every other place and opener: all refused.

Each stands under its real kind of key, for two members, two bonds and two epochs. All rows bear the same id, as
nothing would in life: so what keeps them apart is key, kind, place, owner and epoch, and not the luck of an id.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

import pytest

from closeknit import vault

from .helpers import HELD_BY

ROW = UUID(int=99)
MEMBERS = {"ana": UUID(int=1), "ben": UUID(int=2)}
BONDS = {"home": UUID(int=11), "circle": UUID(int=12)}
EPOCHS = (1, 2)
PLAIN = vault.pack({"text": "mine"})


def key_for(*names: object) -> vault.Key:
    return vault.derive(" ".join(map(str, names)).ljust(16).encode(), vault.Purpose.SELF)


BOXES = {name: vault.KeyPair.from_key(key_for("box", name)) for name in MEMBERS}
ROSTER = vault.roster_hash({MEMBERS[name]: BOXES[name].public for name in MEMBERS})


@dataclass(frozen=True)
class Stored:
    """One envelope, and the way its rightful reader opens whatever bytes lie in its row."""

    name: str
    raw: bytes
    open: Callable[[bytes], object]
    kind: vault.Kind


def ordinary(place: vault.Place, held: str, who: str, owner: UUID, epoch: int) -> Stored:
    kind = HELD_BY[place][0]
    key = key_for(held, who, epoch)
    context = vault.Context(place, ROW, owner)
    raw = vault.seal(key, kind, context, PLAIN, epoch=epoch)
    return Stored(
        f"{place} {who} {epoch}", bytes(raw), lambda other: vault.open_envelope(key, kind, context, other), kind
    )


def granted(bond: str, sender: str, epoch: int) -> Stored:
    recipient = "ben" if sender == "ana" else "ana"
    shared = {
        "grant_id": ROW,
        "bond_id": BONDS[bond],
        "epoch": epoch,
        "sender_id": MEMBERS[sender],
        "recipient_id": MEMBERS[recipient],
        "roster": ROSTER,
    }
    raw = vault.make_grant(
        sender=BOXES[sender],
        recipient_public=BOXES[recipient].public,
        bond_key=key_for("bond", bond, epoch),
        previous_check=bytes(16),
        **shared,
    )
    return Stored(
        f"grant {bond} {sender} {epoch}",
        bytes(raw),
        lambda other: vault.open_grant(
            recipient=BOXES[recipient], sender_public=BOXES[sender].public, raw=other, **shared
        ),
        vault.Kind.GRANT,
    )


def everything() -> list[Stored]:
    stored = [granted(bond, sender, epoch) for bond in BONDS for sender in MEMBERS for epoch in EPOCHS]
    for place, (_, held) in HELD_BY.items():
        if held == "grant":
            continue
        if held in ("bond", "invitation"):
            stored += [ordinary(place, held, bond, BONDS[bond], epoch) for bond in BONDS for epoch in EPOCHS]
        else:
            stored += [ordinary(place, held, name, MEMBERS[name], 0) for name in MEMBERS]
        if held == "self":  # what is a member's own about a bond: same key, the bond as owner
            stored += [ordinary(place, held, name, BONDS[bond], 0) for name in MEMBERS for bond in BONDS]
    return stored


EVERYTHING = everything()


def test_every_place_takes_part() -> None:
    assert {stored.name.split()[0] for stored in EVERYTHING} == {place.value for place in vault.Place}
    assert len({stored.raw for stored in EVERYTHING}) == len(EVERYTHING) > 100


def test_each_opens_where_it_belongs() -> None:
    for stored in EVERYTHING:
        assert stored.open(stored.raw)


@pytest.mark.parametrize("reader", EVERYTHING, ids=lambda stored: stored.name)
def test_none_opens_elsewhere(reader: Stored) -> None:
    for number, stored in enumerate(EVERYTHING):
        if stored is reader:
            continue
        with pytest.raises((vault.DoesNotOpen, vault.UnknownKind)):
            reader.open(stored.raw)
            pytest.fail(f"{stored.name} ({number}) opened as {reader.name}")
        with pytest.raises(vault.DoesNotOpen):  # with its kind and epoch rewritten to what the reader looks for
            reader.open(stored.raw[:2] + reader.raw[2:7] + stored.raw[7:])
        with pytest.raises(vault.DoesNotOpen):  # and with the key check, too
            reader.open(reader.raw[:23] + stored.raw[23:])


@pytest.mark.parametrize("place", vault.Place)
def test_places_differ_even_under_one_key(place: vault.Place) -> None:
    key = key_for("one for all")
    for kind in vault.Kind:
        sealed = vault.seal(key, kind, vault.Context(place, ROW, ROW), PLAIN)
        for other in set(vault.Place) - {place}:
            with pytest.raises(vault.DoesNotOpen):
                vault.open_envelope(key, kind, vault.Context(other, ROW, ROW), sealed)
