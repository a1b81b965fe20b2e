"""Bringing words from a copy: first looked at and kept sealed, then, with a yes, brought in whole or not at all.

Between the two the words lie sealed under their owner's key, so that the file has to be chosen once only; clear text
never touches the disk, and what nobody said yes to is gone within two hours.
"""

from __future__ import annotations

import json
import uuid
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import IO, Any

from django.db import transaction

from closeknit import vault
from closeknit.web import clock
from closeknit.web.bonds import private
from closeknit.web.bonds.models import Item
from closeknit.web.dialogues import services as dialogues
from closeknit.web.members import record
from closeknit.web.members.models import Member
from closeknit.web.moments.models import Draft, OwnPrompt
from closeknit.web.sealed.models import Tampered

from .models import Arrival
from .opening import Word, words_of

#: How long somebody may think about it. A job sweeps every hour.
KEPT_FOR = timedelta(hours=1)
#: Texts that are sealed together while they wait; an envelope holds 64 KiB.
_PART_BYTES = 48_000
_LOOK_UP = 500


@dataclass(frozen=True, slots=True)
class Waiting:
    """What a file holds, before anybody said yes to it."""

    made: datetime
    counts: dict[str, int]
    here: int
    cannot: dict[str, int]
    first: datetime | None
    last: datetime | None

    @property
    def coming(self) -> int:
        """How many texts would be brought."""
        return sum(self.counts.values())


def look(member: Member, keyring: vault.Keyring, file: IO[bytes], size: int) -> Waiting:
    """Read a copy and keep its words, sealed, until they are brought or thrown away. Raises NotUsable; then nothing of
    it is kept."""
    made, words = words_of(file, size)
    throw_away(member)
    try:
        return _keep(member, keyring, made, words)
    except BaseException:
        throw_away(member)
        raise


def _keep(member: Member, keyring: vault.Keyring, made: str, words: Iterable[Word]) -> Waiting:
    counts: Counter[str] = Counter()
    cannot: Counter[str] = Counter()
    here, number, days = 0, 0, (None, None)
    known = private.words_sources(member.pk, keyring)
    part: list[dict[str, Any]] = []
    size = 0
    for batch in _batches(words):
        known |= _in_use(member, batch)
        for word in batch:
            if word.reason:
                cannot[word.reason] += 1
                continue
            if word.id in known:
                here += 1
                continue
            known.add(word.id)
            counts[word.kind] += 1
            days = _widened(days, word.at)
            entry = word.entry()
            length = len(json.dumps(entry, ensure_ascii=False).encode())
            if part and size + length > _PART_BYTES:
                number += 1
                _write(member, keyring, number, {"words": part})
                part, size = [], 0
            part.append(entry)
            size += length
    if part:
        number += 1
        _write(member, keyring, number, {"words": part})
    about = {
        "made": made,
        "counts": dict(counts),
        "here": here,
        "cannot": dict(cannot),
        "first": days[0],
        "last": days[1],
        "parts": number,
    }
    _write(member, keyring, 0, about)
    return _waiting(about)


def _batches(words: Iterable[Word]) -> Iterator[list[Word]]:
    batch: list[Word] = []
    for word in words:
        batch.append(word)
        if len(batch) == _LOOK_UP:
            yield batch
            batch = []
    if batch:
        yield batch


def _in_use(member: Member, batch: list[Word]) -> set[str]:
    """Which of these texts are here already, in a bond or unsent."""
    ids = [uuid.UUID(word.id) for word in batch]
    found = set(Item.objects.filter(author=member, pk__in=ids).values_list("pk", flat=True))
    found |= set(Draft.objects.filter(member=member, pk__in=ids).values_list("pk", flat=True))
    found |= set(OwnPrompt.objects.filter(author=member, pk__in=ids).values_list("pk", flat=True))
    found |= dialogues.lines_known(member.pk) & set(ids)
    return {str(one) for one in found}


def _widened(days: tuple[Any, Any], at: str | None) -> tuple[Any, Any]:
    # Both are ISO times in UTC, which sort as text.
    if at is None:
        return days
    first, last = days
    return (at if first is None or at < first else first, at if last is None or at > last else last)


def _write(member: Member, keyring: vault.Keyring, number: int, payload: dict[str, Any]) -> None:
    row = Arrival(member=member, number=number)
    row.seal(keyring.self_key, payload)
    row.save(force_insert=True)


def waiting(member: Member, keyring: vault.Keyring) -> Waiting | None:
    """What waits for a yes, or None."""
    row = Arrival.objects.filter(member=member, number=0).first()
    return None if row is None else _waiting(_opened(row, keyring))


def _opened(row: Arrival, keyring: vault.Keyring) -> dict[str, Any]:
    try:
        return row.unseal(keyring.self_key)
    except vault.VaultError:
        raise Tampered from None


def _waiting(about: dict[str, Any]) -> Waiting:
    first, last = (datetime.fromisoformat(about[end]) if about[end] else None for end in ("first", "last"))
    made = datetime.fromisoformat(about["made"])
    return Waiting(made, about["counts"], about["here"], about["cannot"], first, last)


def bring(member: Member, keyring: vault.Keyring) -> int:
    """Put all that waits into the private part, or nothing. Returns how many texts came; saying it twice brings once."""
    with transaction.atomic():
        Member.objects.select_for_update().only("id").get(pk=member.pk)
        row = Arrival.objects.filter(member=member, number=0).first()
        if row is None:
            return 0
        parts = _opened(row, keyring)["parts"]
        if Arrival.objects.filter(member=member, number__gt=0).count() != parts:
            raise Tampered
        known = private.words_sources(member.pk, keyring)
        count = private.words_keep(member.pk, keyring, _coming(member, keyring, parts, known))
        throw_away(member)
        record.note(member, keyring, record.What.IMPORTED)
    return count


def _coming(
    member: Member, keyring: vault.Keyring, parts: int, known: set[str]
) -> Iterator[tuple[None, dict[str, Any]]]:
    """The texts that wait, less what has come another way since they were looked at."""
    for number in range(1, parts + 1):
        part = _opened(Arrival.objects.get(member=member, number=number), keyring)
        for entry in part["words"]:
            if entry["source"] not in known:
                yield None, entry


def throw_away(member: Member) -> None:
    """Forget what waits."""
    Arrival.objects.filter(member=member).delete()


def arrivals_sweep() -> int:
    """Forget what waited too long. For the job, which has no keys."""
    return int(Arrival.objects.filter(made_at__lt=clock.now() - KEPT_FOR).delete()[0])
