"""Pictures in the journal: kept in parts, each sealed under their owner's key, and put together for them alone."""

from __future__ import annotations

import base64
import uuid
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from closeknit import vault
from closeknit.web import clock
from closeknit.web.bonds.models import PrivateWord
from closeknit.web.members.models import Member
from closeknit.web.sealed.kinds import in_pages
from closeknit.web.sealed.models import Tampered

from .images import Made
from .models import Picture, PicturePart

#: Pictures of one entry.
MOST = 6
#: Bytes of a part: with what base64 and the envelope add it stays below 64 KiB.
PART_BYTES = 45 * 1024


class Full(Exception):
    """The entry has as many pictures as it may have."""


@dataclass(frozen=True, slots=True)
class Shown:
    """What is known about a picture. wide, high: in pixels. source: as with a text, what it is known by elsewhere."""

    id: uuid.UUID
    word: uuid.UUID
    says: str
    wide: int
    high: int
    at: datetime
    source: str


def picture_keep(
    keyring: vault.Keyring, member: Member, word_id: uuid.UUID, made: Made, says: str, *, at: str = "", source: str = ""
) -> bool:
    """Add a picture to an entry; or, with when it was added (ISO time) and what it is known by there, one from elsewhere.
    Returns whether there is such an entry of this member's. Raises Full."""
    with transaction.atomic():
        if not PrivateWord.objects.select_for_update().filter(pk=word_id, member=member).exists():
            return False
        if Picture.objects.filter(word_id=word_id).count() >= MOST:
            raise Full
        pieces = [made.jpeg[start : start + PART_BYTES] for start in range(0, len(made.jpeg), PART_BYTES)]
        row = Picture(member=member, word_id=word_id)
        about = {"says": says, "wide": made.wide, "high": made.high, "parts": len(pieces)}
        about |= {"at": at or clock.now().isoformat(), **({"source": source} if source else {})}
        row.seal(keyring.self_key, about)
        row.save(force_insert=True)
        parts = [PicturePart(picture=row, number=number) for number in range(len(pieces))]
        for part, piece in zip(parts, pieces, strict=True):
            part.seal(keyring.self_key, {"b": base64.b64encode(piece).decode("ascii")})
        PicturePart.objects.bulk_create(parts)
    return True


def pictures_of(keyring: vault.Keyring, member: Member, words: Iterable[uuid.UUID]) -> dict[uuid.UUID, list[Shown]]:
    """What is known about the pictures of some entries, by entry, the first one first. One query. Raises Tampered."""
    found: dict[uuid.UUID, list[Shown]] = defaultdict(list)
    for row in Picture.objects.filter(member=member, word_id__in=list(words)):
        one = shown(row, keyring)
        found[one.word].append(one)
    return {word: sorted(ones, key=lambda one: one.at) for word, ones in found.items()}


def described(keyring: vault.Keyring, member_id: uuid.UUID) -> dict[uuid.UUID, str]:
    """What stands beneath the pictures of each entry that has any. One query, in pages. Raises Tampered."""
    found: dict[uuid.UUID, str] = {}
    for row in in_pages(Picture.objects.filter(member_id=member_id)):
        one = shown(row, keyring)
        found[one.word] = f"{found.get(one.word, '')}\n{one.says}"
    return found


def picture_bytes(keyring: vault.Keyring, row: Picture) -> bytes:
    """The JPEG, whole. One query. Raises Tampered where a part is missing or changed."""
    parts = list(row.parts.select_related("picture").order_by("number"))
    try:
        if [part.number for part in parts] != list(range(row.unseal(keyring.self_key)["parts"])):
            raise Tampered
        return b"".join(base64.b64decode(part.unseal(keyring.self_key)["b"], validate=True) for part in parts)
    except (vault.VaultError, KeyError, ValueError, TypeError):
        raise Tampered from None


def picture_read(member: Member, word_id: uuid.UUID, picture_id: uuid.UUID) -> Picture | None:
    """The row of one picture of this member's entry. One query."""
    return Picture.objects.filter(pk=picture_id, word_id=word_id, member=member).first()


def picture_delete(member: Member, word_id: uuid.UUID, picture_id: uuid.UUID) -> bool:
    """Throw a picture away for good. Returns whether there was one."""
    row = picture_read(member, word_id, picture_id)
    if row is None:
        return False
    row.delete()
    return True


def shown(row: Picture, keyring: vault.Keyring) -> Shown:
    """A row as what is known about it. Raises Tampered."""
    try:
        raw = row.unseal(keyring.self_key)
        at = datetime.fromisoformat(raw["at"])
        source = str(raw.get("source", row.id))
        return Shown(row.id, row.word_id, str(raw["says"]), int(raw["wide"]), int(raw["high"]), at, source)
    except (vault.VaultError, KeyError, ValueError, TypeError):
        raise Tampered from None
