"""A bond as one of its members holds it, opened, for the length of a request."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from typing import Any

from closeknit import vault
from closeknit.web.sealed.models import Tampered

from .models import Bond, BondRow


@dataclass(frozen=True, slots=True)
class Person:
    """A member as this bond knows them."""

    id: uuid.UUID
    name: str
    thread: str
    is_me: bool
    is_host: bool = False
    #: The first epoch whose key they hold; what was opened before is none of theirs.
    since: int = 1
    #: Their place here this time: somebody who left and came back has another one.
    membership: uuid.UUID | None = None
    #: Known of myself alone: what others said of their age is none of a page's business.
    under_18: bool = False
    #: Their public key in the database is not the one I know: new keys, or somebody put another's there.
    new_keys: bool = False


@dataclass(slots=True)
class OpenBond:
    """What a member's keyring opens of one bond. `keys` by epoch; empty until somebody let them in."""

    bond: Bond
    keyring: vault.Keyring
    me: Person
    others: tuple[Person, ...]
    keys: dict[int, vault.Key]
    name: str
    #: Who was here and left, where what they shared stays readable.
    past: tuple[Person, ...] = ()
    rows: dict[tuple[uuid.UUID | None, str], BondRow] = field(default_factory=dict)
    #: Somebody here is under 18. Closes depths; shown to nobody.
    minors: bool = False
    #: Somebody I invited has answered and waits to be let in.
    someone_waits: bool = False

    @property
    def id(self) -> uuid.UUID:
        return self.bond.id

    @property
    def is_in(self) -> bool:
        """Whether this member holds the present key."""
        return self.bond.epoch in self.keys

    @property
    def epoch(self) -> int:
        return self.bond.epoch

    @property
    def key(self) -> vault.Key:
        return self.keys[self.bond.epoch]

    @property
    def first_epoch(self) -> int:
        return min(self.keys, default=self.bond.epoch)

    @property
    def people(self) -> tuple[Person, ...]:
        return (self.me, *self.others)

    @property
    def is_circle(self) -> bool:
        return self.bond.kind == Bond.Kind.CIRCLE or len(self.people) > 2

    @property
    def card(self) -> dict[str, Any]:
        """Name and settings of the bond, as all of its members read them. No query."""
        return self.loaded(vault.Place.BOND_CARD) or {}

    @property
    def strict(self) -> bool:
        """Whether an answer is handed to the bond only once all have answered."""
        return bool(self.card.get("strict"))

    @property
    def paused(self) -> bool:
        """Whether I rest here. Mine alone to know, unless I let the others see it."""
        return bool((self.loaded(vault.Place.MEMBERSHIP_PAUSE, self.me.id) or {}).get("paused"))

    def rests_openly(self, person: Person) -> bool:
        """Whether somebody lets the others see that they rest."""
        return bool((self.loaded(vault.Place.MEMBERSHIP_CARD, person.id) or {}).get("rests"))

    def person(self, member_id: uuid.UUID | str) -> Person:
        """Somebody of this bond, or someone who was here before."""
        for person in (*self.people, *self.past):
            if str(person.id) == str(member_id):
                return person
        return Person(uuid.UUID(str(member_id)), "", "slate", False)

    def loaded(self, place: vault.Place, member: uuid.UUID | None = None) -> dict[str, Any] | None:
        """The payload of a row that came with the bond: a card, the deck, or one of my own. No query."""
        row = self.rows.get((member, place))
        if row is None:
            return None
        try:
            return row.unseal(self.keyring.self_key) if row.KIND is vault.Kind.SELF else self.row_payload(row)
        except vault.VaultError:
            raise Tampered from None

    def row_payload(self, row: BondRow) -> dict[str, Any]:
        """Open one of the bond's living rows, whichever epoch it was last sealed under."""
        return row.unseal(key_for(self.keys, row.body))


def key_for(keys: dict[int, vault.Key], body: bytes) -> vault.Key:
    """The bond's key that an envelope says it was sealed under. Raises vault.VaultError if there is none."""
    epoch = vault.parse(body).epoch
    if epoch not in keys:
        raise vault.DoesNotOpen("does not open")
    return keys[epoch]


__all__ = ["OpenBond", "Person", "Tampered", "key_for"]
