"""Joining in when people go."""

from __future__ import annotations

import uuid
from typing import Any

from django.dispatch import receiver

from closeknit.web.bonds import signals
from closeknit.web.bonds.models import Bond
from closeknit.web.bonds.opened import OpenBond

from . import queries, services


@receiver(signals.member_going)
def end_kindly(
    bond: Bond, member_id: uuid.UUID, opened: OpenBond | None, **_kwargs: Any
) -> None:
    services.dialogues_leave(bond, member_id, opened=opened)


@receiver(signals.words_wanted)
def words(opened: OpenBond, **_kwargs: Any) -> Any:
    return services.words_of_mine(opened)


@receiver(signals.words_taken)
def own_lines(opened: OpenBond, **_kwargs: Any) -> None:
    services.own_forget(opened.me.id, opened.bond)


@receiver(signals.waiting_wanted)
def waiting(opened: OpenBond, **_kwargs: Any) -> Any:
    return queries.waiting_for_me(opened)
