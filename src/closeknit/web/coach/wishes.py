"""What a member wants of the coach: kept sealed among their own settings, and nowhere else."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from typing import Any

from django.conf import settings

from closeknit import vault
from closeknit.coach.labels import Label
from closeknit.web.members.keys import RequestKeys
from closeknit.web.members.models import Member
from closeknit.web.members.queries import own_settings
from closeknit.web.members.services import member_row_write

PLACE = vault.Place.COACH
#: "This was off" more often than this about one label changes nothing further.
MOST_OFF = 6


class Use(StrEnum):
    """What the coach may do for a member. NEW: they have not said, so tips explain themselves first."""

    NEW = "new"
    TIPS = "tips"
    HELP = "help"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Wishes:
    """use: tips and help, help alone, or neither. quiet_in: bonds without tips. off: how often a label was called off."""

    use: Use = Use.NEW
    quiet_in: frozenset[str] = frozenset()
    off: Mapping[str, int] = field(default_factory=dict)

    @property
    def may_help(self) -> bool:
        """Whether signs of danger may bring Care's help to the writer."""
        return self.use is not Use.NONE and bool(settings.CONFIG.coach)

    def offers(self, bond_id: uuid.UUID | None) -> bool:
        """Whether the button stands under a composer."""
        wanted = self.use in {Use.NEW, Use.TIPS} and (bond_id is None or str(bond_id) not in self.quiet_in)
        return wanted and bool(settings.CONFIG.coach)


def wishes_of(keys: RequestKeys, member: Member) -> Wishes:
    """The signed-in member's wishes; read with their profile, so no query of its own. Raises keys.Locked."""
    kept = own_settings(keys, member, PLACE)
    off = {name: int(count) for name, count in kept.get("off", {}).items() if name in set(Label)}
    return Wishes(Use(kept.get("use", Use.NEW)), frozenset(kept.get("quiet_in", ())), off)


def wishes_write(keys: RequestKeys, member: Member, wishes: Wishes) -> None:
    """Keep them."""
    payload: dict[str, Any] = asdict(wishes) | {"use": wishes.use.value, "quiet_in": sorted(wishes.quiet_in)}
    member_row_write(keys.need, member, PLACE, payload)
    keys.cache.pop(PLACE, None)


def called_off(wishes: Wishes, labels: tuple[Label, ...]) -> Wishes:
    """The same wishes, after "this was off" about these labels."""
    counts = Counter(wishes.off)
    for label in labels:
        counts[label.value] = min(counts[label.value] + 1, MOST_OFF)
    return replace(wishes, off=dict(counts))
