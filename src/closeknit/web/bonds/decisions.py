"""What one alone may tighten and only all may loosen or end. Each yes is sealed, private, and changeable until the last.

Nobody's page tells that somebody said yes to anything: a person who asks to be rid of another must not be seen asking.
The decision is worked out in the request of whoever says the last yes.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from closeknit import vault
from closeknit.web import live

from . import leaving, services
from .models import Bond, BondRow
from .opened import OpenBond
from .store import events_append, hold


@dataclass(frozen=True, slots=True)
class Votes:
    """One member's yeses. go: memberships that should end, so that none of it is held against somebody who comes back."""

    end: bool = False
    loosen: bool = False
    go: frozenset[uuid.UUID] = frozenset()

    @classmethod
    def of(cls, payload: dict[str, Any]) -> Votes:
        return cls(bool(payload.get("end")), bool(payload.get("loosen")), frozenset(map(uuid.UUID, payload.get("go", ()))))

    def payload(self) -> dict[str, Any]:
        return {"end": self.end, "loosen": self.loosen, "go": sorted(map(str, self.go))}


def my_votes(opened: OpenBond) -> Votes:
    """My own yeses. No query."""
    return Votes.of(opened.loaded(vault.Place.MEMBERSHIP_VOTES, opened.me.id) or {})


def _all_votes(opened: OpenBond) -> dict[uuid.UUID, Votes]:
    rows = BondRow.objects.filter(bond_id=opened.id, place=vault.Place.MEMBERSHIP_VOTES)
    given = {row.member_id: Votes.of(opened.row_payload(row)) for row in rows}
    return {person.id: given.get(person.id, Votes()) for person in opened.people}


def may_remove(opened: OpenBond) -> bool:
    """Whether others can agree that someone goes: from three on. In a bond of two, leaving does it."""
    return len(opened.people) > 2


def votes_write(opened: OpenBond, votes: Votes) -> str:
    """Write my yeses and, if one was the last that was missing, do what all agreed on.

    Returns "ended", "removed", "loosened", or "" if others are still needed. Raises store.Stale.
    """
    here = {person.membership for person in opened.others} if may_remove(opened) else set()
    mine = Votes(votes.end, votes.loosen and opened.strict, votes.go & here)
    with transaction.atomic():
        opened.bond = hold(opened)
        services.row_write(opened, vault.Place.MEMBERSHIP_VOTES, mine.payload(), member=opened.me.id)
        return _due(opened, _all_votes(opened))


def _due(opened: OpenBond, votes: dict[uuid.UUID, Votes]) -> str:
    if len(votes) > 1 and all(one.end for one in votes.values()):
        leaving.bond_end(opened)
        return "ended"
    if may_remove(opened):
        for person in opened.others:
            if all(person.membership in one.go for voter, one in votes.items() if voter != person.id):
                leaving.member_remove(opened, person.id)
                return "removed"
    if opened.strict and all(one.loosen for one in votes.values()):
        _strict_write(opened, False)
        for person, one in votes.items():
            left = Votes(one.end, False, one.go)
            services.row_write(opened, vault.Place.MEMBERSHIP_VOTES, left.payload(), member=person)
        return "loosened"
    return ""


def strict_on(opened: OpenBond) -> None:
    """From the next moment on an answer is handed to the bond only when all have answered. One alone may decide it."""
    if opened.strict:
        return
    with transaction.atomic():
        opened.bond = hold(opened)
        _strict_write(opened, True)


def _strict_write(opened: OpenBond, strict: bool) -> None:
    card = services.row_read(opened, vault.Place.BOND_CARD) or {}
    services.row_write(opened, vault.Place.BOND_CARD, {**card, "strict": strict})
    events_append(opened, opened.id, [services.verb_of(opened, "strict" if strict else "unstrict")])
    others = [person.id for person in opened.others]
    bond: Bond = opened.bond
    transaction.on_commit(lambda: live.poke(others, f"bond:{bond.id}", services.live_version()))
