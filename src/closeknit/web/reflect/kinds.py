"""How sheets and pictures are exported and erased."""

from __future__ import annotations

import base64
from collections.abc import Iterator

from closeknit.web.bonds import private
from closeknit.web.sealed.kinds import UNREADABLE, Entry, Reading, delete_where, in_pages, register, reseal_where
from closeknit.web.sealed.models import Tampered

from .gallery import picture_bytes, shown
from .models import Picture, PicturePart, Sheet
from .sheets import open_sheet


def _sheets(reading: Reading) -> Iterator[Entry]:
    for row in in_pages(Sheet.objects.filter(member=reading.member)):
        try:
            one = open_sheet(row, reading.keyring)
        except Tampered:
            yield UNREADABLE, {"what": "sheets", "id": str(row.id)}
        else:
            yield "sheets", {"id": one.source, "kind": one.kind.value, "at": one.at.isoformat(), "holds": one.holds}


def _pictures(reading: Reading) -> Iterator[Entry]:
    for row in in_pages(Picture.objects.filter(member=reading.member)):
        try:
            one, jpeg = shown(row, reading.keyring), picture_bytes(reading.keyring, row)
            entry = private.word_read(reading.member.pk, reading.keyring, one.word)
        except Tampered:
            yield UNREADABLE, {"what": "pictures", "id": str(row.id)}
            continue
        word = entry.source if entry is not None else ""
        known = {"id": one.source, "word": word, "at": one.at.isoformat(), "says": one.says}
        # The picture itself becomes a file of its own beside the list.
        yield "pictures", {**known, "wide": one.wide, "high": one.high, "file": base64.b64encode(jpeg).decode("ascii")}


register(Sheet, export=_sheets, erase=delete_where(Sheet, "member"), reseal=reseal_where(Sheet, "member"))
register(Picture, export=_pictures, erase=delete_where(Picture, "member"), reseal=reseal_where(Picture, "member"))
register(
    PicturePart,
    erase=delete_where(PicturePart, "picture__member"),
    reseal=reseal_where(PicturePart, "picture__member", "picture"),
    why_not_exported="A piece of a picture; the picture is exported whole.",
)
