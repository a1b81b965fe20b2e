"""How dialogues are exported and erased for one member."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from closeknit import vault
from closeknit.web.bonds.opened import OpenBond, Tampered
from closeknit.web.sealed.kinds import UNREADABLE, Entry, Reading, delete_where, register, reseal_where

from . import queries, services
from .models import Dialogue, DialogueChoice, DialogueOwn

ROUND = 20


def _dialogues(reading: Reading) -> Iterator[Entry]:
    """Each dialogue that this member was asked to, as their page shows it: what was typed while it is kept or undecided."""
    for one in reading.bonds:
        rows = list(services.dialogues_of(one).values_list("id", flat=True))
        for start in range(0, len(rows), ROUND):
            page = list(services.dialogues_of(one).filter(pk__in=rows[start : start + ROUND]))
            for row in page:
                try:
                    for told in services.told_of(one, [row]):
                        yield "dialogues", _entry(one, told)
                except (Tampered, vault.VaultError):
                    yield UNREADABLE, {"what": "dialogues", "id": str(row.id)}


def _entry(opened: OpenBond, told: services.Told) -> dict[str, Any]:
    shown = queries.shown_of(opened, told)
    own = services.own_read(opened, told.row.id)
    return {
        "id": str(told.row.id),
        "bond": str(opened.id),
        "asked": told.row.asked_at.isoformat(),
        "script": told.script.title,
        "topic": shown.topic,
        "state": shown.state,
        "said": [
            {
                "by": said.person.name,
                "mine": said.mine,
                "as": said.label,
                "text": said.text or said.choice,
                "spoken": said.spoken,
            }
            for said in shown.said
        ],
        "agreements": [{"by": a.person.name, "mine": a.mine, "text": a.text} for a in shown.agreements],
        "my_line": own.get("line", ""),
        "my_scratch": own.get("scratch", ""),
        "my_draft": own.get("draft", ""),
        "my_ratings": own.get("pulse", {}),
        "my_heat": own.get("heat"),
    }


register(
    Dialogue,
    export=_dialogues,
    # It belongs to its bond; what its members typed are items. It goes when its bond goes.
    erase=lambda _member: 0,
)
register(
    DialogueOwn,
    why_not_exported="Exported with the dialogue that it is about.",
    erase=delete_where(DialogueOwn, "member"),
    reseal=reseal_where(DialogueOwn, "member"),
)
register(
    DialogueChoice,
    why_not_exported="A private input to a decision of all; what was decided is exported with the dialogue.",
    erase=delete_where(DialogueChoice, "member"),
)
