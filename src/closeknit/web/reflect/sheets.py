"""A member's sheets: read, written and thrown away by them alone. What a sheet holds is one dictionary of plain values."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from django.db import transaction

from closeknit import vault
from closeknit.web import clock
from closeknit.web.members.models import Member
from closeknit.web.sealed.models import Tampered

from .models import Sheet

#: More sheets than this make the pages slow, and nobody's ladder is the three hundredth.
MOST = 300


class SheetKind(StrEnum):
    """Constants for ever, as they are sealed."""

    LADDER = "ladder"
    WORRY = "worry"
    RETHINK = "rethink"
    ME = "me"
    MAP = "map"
    HELPS = "helps"


#: Of these a member has one.
SINGLE = frozenset({SheetKind.ME, SheetKind.MAP, SheetKind.HELPS})


class TooMany(Exception):
    """There are as many sheets as there may be; one has to go first."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A sheet, opened. at: when it was begun. source: what it is known by wherever it has been, so that bringing it twice
    brings it once."""

    id: uuid.UUID
    kind: SheetKind
    at: datetime
    holds: dict[str, Any]
    source: str


def sheets(keyring: vault.Keyring, member: Member, kind: SheetKind | None = None) -> list[Opened]:
    """Sheets of a kind, or all, the newest first. One query. Raises Tampered."""
    found = [open_sheet(row, keyring) for row in Sheet.objects.filter(member=member)]
    return sorted((one for one in found if kind in {None, one.kind}), key=lambda one: one.at, reverse=True)


def sheet(keyring: vault.Keyring, member: Member, sheet_id: uuid.UUID, kind: SheetKind) -> Opened | None:
    """One sheet of that kind, if it is this member's. One query. Raises Tampered."""
    row = Sheet.objects.filter(pk=sheet_id, member=member).first()
    opened = open_sheet(row, keyring) if row is not None else None
    return opened if opened is not None and opened.kind is kind else None


def single(keyring: vault.Keyring, member: Member, kind: SheetKind) -> dict[str, Any]:
    """What the one sheet of that kind holds; nothing where there is none. One query. Raises Tampered."""
    return next((one.holds for one in sheets(keyring, member, kind)), {})


def sheet_new(
    keyring: vault.Keyring, member: Member, kind: SheetKind, holds: dict[str, Any], *, at: str = "", source: str = ""
) -> uuid.UUID:
    """Begin a sheet; or, with when it was begun (ISO time) and what it is known by there, one from elsewhere. Raises
    TooMany."""
    with transaction.atomic():
        if Sheet.objects.filter(member=member).count() >= MOST:
            raise TooMany
        row = Sheet(member=member)
        row.seal(keyring.self_key, _payload(kind, at or clock.now().isoformat(), holds, source))
        row.save(force_insert=True)
    return row.id


def sheet_change(
    keyring: vault.Keyring,
    member: Member,
    sheet_id: uuid.UUID,
    kind: SheetKind,
    change: Callable[[dict[str, Any]], dict[str, Any]],
) -> bool:
    """Put what `change` makes of it in place of what a sheet holds, with its row held meanwhile, so that two open pages
    take nothing from each other. Returns whether there was one. Raises Tampered, and whatever `change` raises."""
    with transaction.atomic():
        row = Sheet.objects.select_for_update().filter(pk=sheet_id, member=member).first()
        opened = open_sheet(row, keyring) if row is not None else None
        if row is None or opened is None or opened.kind is not kind:
            return False
        source = opened.source if opened.source != str(row.id) else ""
        row.seal(keyring.self_key, _payload(kind, opened.at.isoformat(), change(opened.holds), source))
        row.save()
    return True


def single_change(
    keyring: vault.Keyring, member: Member, kind: SheetKind, change: Callable[[dict[str, Any]], dict[str, Any]]
) -> None:
    """Change the one sheet of a kind, or begin it. Raises TooMany, Tampered, and whatever `change` raises."""
    with transaction.atomic():
        Member.objects.select_for_update().get(pk=member.pk)
        found = sheets(keyring, member, kind)
        if found:
            sheet_change(keyring, member, found[0].id, kind, change)
        else:
            sheet_new(keyring, member, kind, change({}))


def sheet_delete(keyring: vault.Keyring, member: Member, sheet_id: uuid.UUID, kind: SheetKind) -> bool:
    """Throw a sheet away for good. Returns whether there was one."""
    with transaction.atomic():
        if sheet(keyring, member, sheet_id, kind) is None:
            return False
        Sheet.objects.filter(pk=sheet_id, member=member).delete()
    return True


def _payload(kind: SheetKind, at: str, holds: dict[str, Any], source: str) -> dict[str, Any]:
    return {"sheet": kind.value, "at": at, "holds": holds, **({"source": source} if source else {})}


def open_sheet(row: Sheet, keyring: vault.Keyring) -> Opened:
    """A row as what it holds. Raises Tampered."""
    try:
        raw = row.unseal(keyring.self_key)
        kind, at, source = SheetKind(raw["sheet"]), datetime.fromisoformat(raw["at"]), str(raw.get("source", row.id))
        return Opened(row.id, kind, at, dict(raw["holds"]), source)
    except (vault.VaultError, KeyError, ValueError, TypeError):
        raise Tampered from None
