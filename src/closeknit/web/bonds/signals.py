"""What happens in a bond that rooms above may want to join in, inside the same transaction."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.dispatch import Signal


@dataclass(frozen=True, slots=True)
class Waiting:
    """What a room above needs read before it can say what waits there, so that Today reads all streams at once.

    tell(verbs by stream): lines of (what waits for this member, its address).
    """

    streams: Sequence[uuid.UUID]
    tell: Callable[[Mapping[uuid.UUID, list[dict[str, Any]]]], list[tuple[str, str]]]


#: opened: OpenBond, just founded by its only member.
bond_founded = Signal()
#: opened: OpenBond, as the newcomer holds it.
bond_joined = Signal()
#: bond, old: dict of epoch to key, opened: OpenBond: reseal what lives on under the bond's key.
epoch_made = Signal()
#: opened: OpenBond whose member has just made or been given a new key: rewrap what of theirs is not shown yet.
epoch_entered = Signal()
#: bond, member_id, words_stay, opened (whoever acts, or None without a key): end kindly what was half under way.
member_going = Signal()
#: opened: answer (what is known about each item of mine, drafts of mine as entries): what goes along.
words_wanted = Signal()
#: opened: what went along lies in the private part now.
words_taken = Signal()
#: opened: answer a Waiting: lines for Today, from rooms above.
waiting_wanted = Signal()
