"""How sheets are exported and erased."""

from __future__ import annotations

from collections.abc import Iterator

from closeknit.web.sealed.kinds import UNREADABLE, Entry, Reading, delete_where, in_pages, register, reseal_where
from closeknit.web.sealed.models import Tampered

from .models import Sheet
from .sheets import open_sheet


def _sheets(reading: Reading) -> Iterator[Entry]:
    for row in in_pages(Sheet.objects.filter(member=reading.member)):
        try:
            one = open_sheet(row, reading.keyring)
        except Tampered:
            yield UNREADABLE, {"what": "sheets", "id": str(row.id)}
        else:
            yield "sheets", {"id": str(one.id), "kind": one.kind.value, "at": one.at.isoformat(), "holds": one.holds}


register(Sheet, export=_sheets, erase=delete_where(Sheet, "member"), reseal=reseal_where(Sheet, "member"))
