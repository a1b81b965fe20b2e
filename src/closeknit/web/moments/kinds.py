"""How moments are exported and erased for one member."""

from __future__ import annotations

from typing import Any

from closeknit.web.bonds.opened import OpenBond, key_for
from closeknit.web.members.models import Member
from closeknit.web.sealed.kinds import delete_where, register, reseal_where

from . import queries
from .models import Draft, Moment, OwnPrompt


def _moments(_member: Member, bonds: list[OpenBond]) -> list[dict[str, Any]]:
    """Each moment as this member's page shows it: others' words only where they are shown."""
    found = []
    for one in bonds:
        for glance in queries.glances(one, list(queries.moments_of(one))):
            page = queries.moment_page(one, glance, {})
            answers = [*page.answers, *([page.mine] if page.mine else [])]
            found.append(
                {
                    "bond": str(one.id),
                    "opened": glance.opened_at.isoformat(),
                    "prompt": glance.prompt.text,
                    "answers": [{"by": answer.person.name, "text": answer.text} for answer in answers],
                }
            )
    return found


def _drafts(member: Member, bonds: list[OpenBond]) -> list[dict[str, Any]]:
    return [
        {"moment": str(row.moment_id), **row.unseal(one.keyring.self_key)}
        for one in bonds
        for row in Draft.objects.filter(member=member, moment__bond_id=one.id)
    ]


def _prompts(member: Member, bonds: list[OpenBond]) -> list[dict[str, Any]]:
    return [
        row.unseal(key_for(one.keys, row.body))
        for one in bonds
        for row in OwnPrompt.objects.filter(author=member, bond_id=one.id)
    ]


register(
    Moment,
    export=_moments,
    # A moment belongs to its bond; what its members wrote in it are items. It goes when its bond goes.
    erase=lambda _member: 0,
)
register(
    Draft, export=_drafts, erase=delete_where(Draft, "member"), reseal=reseal_where(Draft, "member")
)
register(OwnPrompt, export=_prompts, erase=delete_where(OwnPrompt, "author"))
