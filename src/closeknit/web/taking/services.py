"""Bringing words, sheets and pictures from a copy: first looked at and kept sealed, then, with a yes, brought in whole or
not at all.

Between the two they lie sealed under their owner's key, so that the file has to be chosen once only; clear text never
touches the disk, and what nobody said yes to is gone within two hours.
"""

from __future__ import annotations

import base64
import json
import uuid
from collections import Counter, defaultdict
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
from closeknit.web.reflect import gallery, images, sheets
from closeknit.web.reflect.bringing import Album, Coming, Desk, NoRoom, album_of, sheets_bring
from closeknit.web.reflect.journal import JOURNAL
from closeknit.web.sealed.models import Tampered

from .models import Arrival
from .opening import Copy, Image, NotUsable, Word

#: How long somebody may think about it. A job sweeps every hour.
KEPT_FOR = timedelta(hours=1)
#: Texts that are sealed together while they wait; an envelope holds 64 KiB.
_PART_BYTES = 48_000
_LOOK_UP = 500
#: Pictures that one look presses anew; the next look at the same file begins where this one ended.
MOST_IMAGES = 300
PICTURE = "picture"


@dataclass(frozen=True, slots=True)
class Waiting:
    """What a file holds, before anybody said yes to it.

    counts: what would come, by kind. here: what is here already, by sort: `text`, `sheet`, `line` (or part) of a sheet of
    which there is one, `picture`. cannot: the same by sort and reason.
    """

    made: datetime
    counts: dict[str, int]
    here: dict[str, int]
    cannot: dict[str, dict[str, int]]
    first: datetime | None
    last: datetime | None

    @property
    def coming(self) -> int:
        """How much would be brought."""
        return sum(self.counts.values())


def look(member: Member, keyring: vault.Keyring, file: IO[bytes], size: int) -> Waiting:
    """Read a copy and keep what would come of it, sealed, until it is brought or thrown away. Raises NotUsable; then
    nothing of it is kept."""
    copy = Copy(file, size)
    throw_away(member)
    try:
        return _Look(member, keyring).keep(copy)
    except BaseException:
        throw_away(member)
        raise


class _Look:
    """One look at a copy: counts what it holds, and seals what would come, part by part."""

    def __init__(self, member: Member, keyring: vault.Keyring) -> None:
        self._member, self._keyring = member, keyring
        self._counts: Counter[str] = Counter()
        self._here: Counter[str] = Counter()
        self._cannot: dict[str, Counter[str]] = defaultdict(Counter)
        self._days: tuple[Any, Any] = (None, None)
        self._number, self._part, self._size = 0, [], 0
        #: What each section's last part is numbered.
        self._ends: dict[str, int] = {}

    def keep(self, copy: Copy) -> Waiting:
        sources = private.words_sources(self._member.pk, self._keyring)
        entries = {source: word for source, (word, kind) in sources.items() if kind == JOURNAL}
        album = album_of(self._keyring, self._member, entries)
        self._words(copy.words(), set(sources), album)
        self._end("words")
        self._sheets(copy.sheets())
        self._end("sheets")
        self._images(copy, album)
        self._end("pictures")
        about = {
            "made": copy.made,
            "counts": dict(self._counts),
            "here": dict(self._here),
            "cannot": {sort: dict(reasons) for sort, reasons in self._cannot.items()},
            "first": self._days[0],
            "last": self._days[1],
            "ends": self._ends,
        }
        _write(self._member, self._keyring, 0, about)
        return _waiting(about)

    def _words(self, words: Iterable[Word], known: set[str], album: Album) -> None:
        for batch in _batches(words):
            known |= _in_use(self._member, batch)
            for word in batch:
                if word.reason:
                    self._cannot["text"][word.reason] += 1
                elif word.id in known:
                    self._here["text"] += 1
                else:
                    known.add(word.id)
                    self._count(word.kind, word.at)
                    if word.kind == JOURNAL:
                        album.expect(word.id)
                    self._add(word.entry())

    def _sheets(self, coming: Iterable[Coming]) -> None:
        desk = Desk(sheets.sheets(self._keyring, self._member))
        for one in coming:
            sort = "line" if one.kind in sheets.SINGLE else "sheet"
            if one.reason:
                # Of one that cannot be read, nobody counts the lines.
                self._cannot["sheet"][one.reason] += 1
                continue
            verdict = desk.offer(one)
            self._here[sort] += verdict.here
            self._cannot[sort].update(verdict.cannot)
            if verdict.comes:
                self._count(one.kind.value, one.at, verdict.comes)
                self._add({**one.entry(), "holds": verdict.holds})

    def _images(self, copy: Copy, album: Album) -> None:
        for one in copy.images():
            reason = one.reason or album.why_not(one.source, one.word)
            if reason == "here":
                self._here[PICTURE] += 1
                continue
            if not reason and self._counts[PICTURE] >= MOST_IMAGES:
                reason = "next-time"
            made = None if reason else _pressed(copy, one)
            if made is None:
                self._cannot[PICTURE][reason or "no-picture"] += 1
                continue
            album.take(one.source, one.word)
            self._count(PICTURE, None)
            self._image(one, made)

    def _image(self, one: Image, made: images.Made) -> None:
        pieces = [made.jpeg[start : start + gallery.PART_BYTES] for start in range(0, len(made.jpeg), gallery.PART_BYTES)]
        known = {"source": one.source, "word": one.word, "at": one.at, "says": one.says}
        self._seal({"picture": {**known, "wide": made.wide, "high": made.high, "pieces": len(pieces)}})
        for piece in pieces:
            self._seal({"b": base64.b64encode(piece).decode("ascii")})

    def _count(self, kind: str, at: str | None, many: int = 1) -> None:
        self._counts[kind] += many
        self._days = _widened(self._days, at)

    def _add(self, entry: dict[str, Any]) -> None:
        length = len(json.dumps(entry, ensure_ascii=False).encode())
        if self._part and self._size + length > _PART_BYTES:
            self._flush()
        self._part.append(entry)
        self._size += length

    def _flush(self) -> None:
        if self._part:
            self._seal({"entries": self._part})
        self._part, self._size = [], 0

    def _seal(self, payload: dict[str, Any]) -> None:
        self._number += 1
        _write(self._member, self._keyring, self._number, payload)

    def _end(self, section: str) -> None:
        self._flush()
        self._ends[section] = self._number


def _pressed(copy: Copy, one: Image) -> images.Made | None:
    """A picture made safe, as one that is chosen on its page; None where it is none. Raises NotUsable while others' are in
    the way."""
    raw = copy.image(one)
    if raw is None:
        return None
    try:
        return images.made_safe(raw, as_kept=True)
    except images.Unusable as error:
        if error.why == "busy":
            raise NotUsable("busy") from None
        return None


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


def bring(member: Member, keyring: vault.Keyring) -> dict[str, int]:
    """Put all that waits where it belongs, or nothing. Returns how much came, by kind; saying it twice brings once. Raises
    NoRoom where something that had room has none any more; then it waits as before."""
    with transaction.atomic():
        Member.objects.select_for_update().only("id").get(pk=member.pk)
        row = Arrival.objects.filter(member=member, number=0).first()
        if row is None:
            return {}
        ends = _opened(row, keyring)["ends"]
        if Arrival.objects.filter(member=member, number__gt=0).count() != ends["pictures"]:
            raise Tampered
        came: Counter[str] = Counter()
        private.words_keep(member.pk, keyring, _words(member, keyring, range(1, ends["words"] + 1), came))
        waits = _entries(member, keyring, range(ends["words"] + 1, ends["sheets"] + 1))
        came.update(sheets_bring(keyring, member, (Coming.from_entry(entry) for entry in waits)))
        came[PICTURE] += _images(member, keyring, range(ends["sheets"] + 1, ends["pictures"] + 1))
        throw_away(member)
        record.note(member, keyring, record.What.IMPORTED)
    return {kind: many for kind, many in came.items() if many}


def _part(member: Member, keyring: vault.Keyring, number: int) -> dict[str, Any]:
    return _opened(Arrival.objects.get(member=member, number=number), keyring)


def _entries(member: Member, keyring: vault.Keyring, numbers: Iterable[int]) -> Iterator[dict[str, Any]]:
    for number in numbers:
        yield from _part(member, keyring, number)["entries"]


def _words(
    member: Member, keyring: vault.Keyring, numbers: Iterable[int], came: Counter[str]
) -> Iterator[tuple[None, dict[str, Any]]]:
    """The texts that wait, less what has come another way since they were looked at."""
    known = private.words_sources(member.pk, keyring)
    for entry in _entries(member, keyring, numbers):
        if entry["source"] not in known:
            came[entry["kind"]] += 1
            yield None, entry


def _images(member: Member, keyring: vault.Keyring, numbers: range) -> int:
    """Put the pictures that wait to their entries, which have come before them. Returns how many. Raises NoRoom."""
    if not numbers:
        return 0
    sources = private.words_sources(member.pk, keyring)
    entries = {source: word for source, (word, kind) in sources.items() if kind == JOURNAL}
    album, rest, came = album_of(keyring, member, entries), iter(numbers), 0
    for number in rest:
        about = _part(member, keyring, number)["picture"]
        jpeg = b"".join(
            base64.b64decode(_part(member, keyring, next(rest))["b"]) for _piece in range(about["pieces"])
        )
        why_not = album.why_not(about["source"], about["word"])
        if why_not == "here":
            continue
        if why_not:
            raise NoRoom
        album.take(about["source"], about["word"])
        made = images.Made(jpeg, about["wide"], about["high"])
        known = {"at": about["at"], "source": about["source"]}
        gallery.picture_keep(keyring, member, entries[about["word"]], made, about["says"], **known)
        came += 1
    return came


def throw_away(member: Member) -> None:
    """Forget what waits."""
    Arrival.objects.filter(member=member).delete()


def arrivals_sweep() -> int:
    """Forget what waited too long. For the job, which has no keys."""
    return int(Arrival.objects.filter(made_at__lt=clock.now() - KEPT_FOR).delete()[0])
