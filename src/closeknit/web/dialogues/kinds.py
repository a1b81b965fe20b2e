"""How dialogues are exported and erased for one member."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from closeknit import vault
from closeknit.web.bonds.opened import OpenBond, Tampered
from closeknit.web.sealed.kinds import UNREADABLE, Entry, Reading, delete_where, register, reseal_where

from . import queries, services
from .models import Dialogue, DialogueChoice, DialogueOwn

#: Dialogues that one round of an export reads, with their events.
ROUND = 20


def _dialogues(reading: Reading) -> Iterator[Entry]:
    """Each dialogue that this member was asked to, as their page shows it; then every own text in it."""
    for one in reading.bonds:
        for rows in services.dialogues_in_pages(one, ROUND):
            try:
                yield from _round(one, rows)
            except (Tampered, vault.VaultError):
                # One of them does not open; the others still do.
                for row in rows:
                    try:
                        yield from _round(one, [row])
                    except (Tampered, vault.VaultError):
                        yield UNREADABLE, {"what": "dialogues", "id": str(row.id)}


def _round(opened: OpenBond, rows: list[Dialogue]) -> list[Entry]:
    """Whole or not at all: what was read of a round before something did not open would come twice."""
    mine = DialogueOwn.objects.filter(member_id=opened.me.id, dialogue_id__in=[row.id for row in rows])
    own = {row.dialogue_id: (row.id, row.unseal(opened.keyring.self_key)) for row in mine}
    found: list[Entry] = []
    for told in services.told_of(opened, rows, left_too=True):
        own_id, written = own.get(told.row.id, (told.row.id, {}))
        shown = queries.shown_of(opened, told)
        found.append(("dialogues", _entry(opened, told, shown, written)))
        texts = [("turn", text, str(item)) for item, text in shown.mine]
        for kind, text, source in [*texts, *services.lines_of(own_id, written)]:
            found.append(("words", _word(opened, told, kind, text, source)))
    return found


def _entry(
    opened: OpenBond, told: services.Told, shown: queries.Shown, own: dict[str, Any]
) -> dict[str, Any]:
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
        "agreements": [
            {
                "by": agreed.person.name,
                "mine": agreed.mine,
                "text": agreed.text,
                "back": agreed.back_at.isoformat() if agreed.back_at else None,
            }
            for agreed in shown.agreements
        ],
        "my_line": own.get("line", ""),
        "my_scratch": own.get("scratch", ""),
        "my_draft": own.get("draft", ""),
        "my_ratings": own.get("pulse", {}),
        "my_heat": own.get("heat"),
    }


def _word(opened: OpenBond, told: services.Told, kind: str, text: str, source: str) -> dict[str, Any]:
    return {
        "id": source,
        "kind": kind,
        "text": text,
        "prompt": told.script.title,
        "at": told.row.asked_at.isoformat(),
        "from": opened.name,
        "bond": str(opened.id),
        "moment": None,
        "dialogue": str(told.row.id),
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
