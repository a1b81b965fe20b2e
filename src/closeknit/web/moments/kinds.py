"""How moments are exported and erased for one member."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

from closeknit import vault
from closeknit.web.bonds.opened import OpenBond, Tampered, key_for
from closeknit.web.bonds.store import items_read
from closeknit.web.sealed.kinds import UNREADABLE, Entry, Reading, delete_where, in_pages, register, reseal_where

from . import queries
from .models import Draft, Moment, OwnPrompt

#: Moments that one round of an export reads: with their events and texts, some hundred rows.
ROUND = 50


def _moments(reading: Reading) -> Iterator[Entry]:
    """Each moment as this member's page shows it, others' words only where they are shown; then every own text in it."""
    for one in reading.bonds:
        for rows in queries.moments_in_pages(one, ROUND):
            try:
                yield from _round(one, rows)
            except Tampered:
                # One of them does not open; the others still do.
                for row in rows:
                    try:
                        yield from _round(one, [row])
                    except Tampered:
                        yield UNREADABLE, {"what": "moments", "id": str(row.id)}


def _round(opened: OpenBond, rows: list[Moment]) -> list[Entry]:
    """Whole or not at all: what was read of a round before something did not open would come twice."""
    glances = queries.glances(opened, rows)
    drafts = _drafts(opened, rows)
    pages = queries.moment_pages(opened, glances, {moment: written for moment, (_id, written) in drafts.items()})
    own = items_read(opened, {item for glance in glances for item in _own_items(glance)})
    found: list[Entry] = []
    for page in pages:
        found.append(("moments", _shown(opened, page)))
        found += [("words", entry) for entry in _own_words(opened, page.glance, own)]
        if page.glance.id in drafts:
            draft_id, written = drafts[page.glance.id]
            draft = _word(opened, page.glance, str(draft_id), "draft", written.get("text", ""))
            found.append(("words", {**draft, "passed": bool(written.get("passed"))}))
    return found


def _drafts(opened: OpenBond, rows: list[Moment]) -> dict[uuid.UUID, tuple[uuid.UUID, dict[str, Any]]]:
    try:
        return {
            row.moment_id: (row.id, row.unseal(opened.keyring.self_key))
            for row in Draft.objects.filter(member_id=opened.me.id, moment_id__in=[row.id for row in rows])
        }
    except vault.VaultError:
        raise Tampered from None


def _own_items(glance: queries.Glance) -> set[uuid.UUID]:
    view = glance.view
    answer = [view.my_answer.item] if view.my_answer is not None else []
    return {uuid.UUID(item) for item in (*answer, *view.own_words)}


def _own_words(opened: OpenBond, glance: queries.Glance, texts: dict[uuid.UUID, dict[str, Any]]) -> Iterator[dict[str, Any]]:
    mine = glance.view.my_answer
    kinds = dict.fromkeys(glance.view.own_words, "reply")
    if mine is not None:
        kinds |= {mine.item: "answer", **dict.fromkeys(mine.notes, "note")}
    for item, kind in kinds.items():
        if uuid.UUID(item) in texts:
            yield _word(opened, glance, item, kind, texts[uuid.UUID(item)]["text"])


def _word(opened: OpenBond, glance: queries.Glance, source: str, kind: str, text: str) -> dict[str, Any]:
    return {
        "id": source,
        "kind": kind,
        "text": text,
        "prompt": glance.prompt.text,
        "at": glance.opened_at.isoformat(),
        "from": opened.name,
        "bond": str(opened.id),
        "moment": str(glance.id),
    }


def _shown(opened: OpenBond, page: queries.MomentPage) -> dict[str, Any]:
    prompt, mine = page.glance.prompt, page.glance.view.my_answer
    answers = [*page.answers, *([page.mine] if page.mine is not None else [])]
    return {
        "id": str(page.glance.id),
        "bond": str(opened.id),
        "opened": page.glance.opened_at.isoformat(),
        "revealed": page.glance.revealed,
        "prompt": {"text": prompt.text, "why": prompt.why, "level": prompt.level, "component": prompt.component},
        "answers": [_answer(answer) for answer in answers],
        "my_choices": None
        if mine is None
        else {
            "opens": mine.rule.value,
            "told": mine.told,
            "let_see": mine.let_see,
            "released": mine.released,
            "advice_welcome": mine.advice_welcome,
        },
        "draft": page.draft,
        "passed": page.passed,
    }


def _answer(answer: queries.Answer) -> dict[str, Any]:
    return {
        "by": answer.person.name,
        "mine": answer.person.is_me,
        "text": answer.text,
        "advice_welcome": answer.advice_welcome,
        "notes": list(answer.notes),
        "responses": [{"by": by.name, "mine": by.is_me, "says": says} for by, says in answer.responses],
        "words": [
            {"by": said.person.name, "mine": said.mine, "text": said.text, "advice": said.advice} for said in answer.words
        ],
    }


def _prompts(reading: Reading) -> Iterator[Entry]:
    bonds = {one.id: one for one in reading.bonds}
    for row in in_pages(OwnPrompt.objects.filter(author=reading.member, bond_id__in=bonds)):
        one = bonds[row.bond_id]
        try:
            text = row.unseal(key_for(one.keys, row.body))["text"]
        except (vault.VaultError, KeyError):
            yield UNREADABLE, {"what": "words", "id": str(row.id)}
            continue
        yield (
            "words",
            {
                "id": str(row.id),
                "kind": "prompt",
                "text": text,
                "prompt": "",
                "at": row.written_at.isoformat(),
                "from": one.name,
                "bond": str(one.id),
                "moment": None,
            },
        )


register(
    Moment,
    export=_moments,
    # A moment belongs to its bond; what its members wrote in it are items. It goes when its bond goes.
    erase=lambda _member: 0,
)
register(
    Draft,
    why_not_exported="Exported with the moment that it is for.",
    erase=delete_where(Draft, "member"),
    reseal=reseal_where(Draft, "member"),
)
register(OwnPrompt, export=_prompts, erase=delete_where(OwnPrompt, "author"))
