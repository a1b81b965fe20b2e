"""What of sheets and pictures from elsewhere has room here, and putting it there. Nothing that is here already is changed
or comes twice; lists of one's own, of which there is one each, are filled up."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Count

from closeknit import vault
from closeknit.web.members.models import Member
from closeknit.web.sealed.kinds import in_pages

from . import gallery, own, sheets
from .coming import MOST_BYTES
from .models import Picture
from .sheets import SINGLE, Opened, SheetKind, sheet_change, sheet_new


class NoRoom(Exception):
    """What had room when it was looked at has none any more: something changed here meanwhile."""


@dataclass(frozen=True, slots=True)
class Coming:
    """A sheet from elsewhere, checked. source: what it is known by there; at: when it was begun, ISO; reason: why it
    cannot come at all, or empty."""

    source: str
    kind: SheetKind
    at: str
    holds: dict[str, Any]
    reason: str = ""

    def entry(self) -> dict[str, Any]:
        """As it waits, sealed."""
        return {"source": self.source, "kind": self.kind.value, "at": self.at, "holds": self.holds}

    @classmethod
    def from_entry(cls, entry: dict[str, Any]) -> Coming:
        """What `entry` made."""
        return cls(entry["source"], SheetKind(entry["kind"]), entry["at"], entry["holds"])


@dataclass(slots=True)
class Verdict:
    """How a sheet fared. Counted are sheets; of those of which there is one, their lines or parts. cannot: by reason;
    holds: what of it comes."""

    comes: int = 0
    here: int = 0
    cannot: Counter[str] = field(default_factory=Counter)
    holds: dict[str, Any] = field(default_factory=dict)


class Desk:
    """The sheets that are here, and what would be with those that were offered so far."""

    def __init__(self, found: Iterable[Opened]) -> None:
        here = list(found)
        self._left = sheets.MOST - len(here)
        self._sources = {one.source for one in here}
        # As `single` finds it: the newest.
        newest = {one.kind: one for one in reversed(here) if one.kind in SINGLE}
        self.rows: dict[SheetKind, uuid.UUID] = {kind: one.id for kind, one in newest.items()}
        self.holds: dict[SheetKind, dict[str, Any]] = {kind: one.holds for kind, one in newest.items()}

    def offer(self, one: Coming) -> Verdict:
        """Whether a sheet has room, or how much of it; what has counts as here from then on."""
        if one.kind not in SINGLE:
            return self._whole(one)
        before = self.holds.get(one.kind)
        if before is None and self._left <= 0:
            return Verdict(cannot=Counter({"full": 1}))
        fill = _filled_parts if one.kind is SheetKind.ME else _filled_lines
        made, verdict = fill(before or {}, one.holds)
        if verdict.comes:
            self._left -= before is None
            self.holds[one.kind] = made
        return verdict

    def _whole(self, one: Coming) -> Verdict:
        if one.source in self._sources:
            return Verdict(here=1)
        if self._left <= 0:
            return Verdict(cannot=Counter({"full": 1}))
        self._sources.add(one.source)
        self._left -= 1
        return Verdict(comes=1, holds=one.holds)


def _filled_parts(before: dict[str, Any], more: dict[str, Any]) -> tuple[dict[str, Any], Verdict]:
    """Parts that are empty here take what comes; what is written here stays."""
    made, verdict = dict(before), Verdict()
    for name, text in more.items():
        if not text:
            continue
        if made.get(name):
            same = made[name] == text
            verdict.here += same
            verdict.cannot.update([] if same else ["taken"])
        elif sum(len(one.encode()) for one in (*made.values(), text)) > own.MOST_BYTES or _too_much({**made, name: text}):
            verdict.cannot["full"] += 1
        else:
            made[name] = verdict.holds[name] = text
            verdict.comes += 1
    return made, verdict


def _filled_lines(before: dict[str, Any], more: dict[str, Any]) -> tuple[dict[str, Any], Verdict]:
    """Lines that are not here word for word come below those that are."""
    lines, verdict = list(before.get("lines", ())), Verdict(holds={"lines": []})
    here = {_words(line) for line in lines}
    for line in more["lines"]:
        if _words(line) in here:
            verdict.here += 1
        elif len(lines) >= own.MOST_LINES or _too_much({"lines": [*lines, line]}):
            verdict.cannot["full"] += 1
        else:
            lines.append(line)
            verdict.holds["lines"].append(line)
            here.add(_words(line))
            verdict.comes += 1
    return {"lines": lines}, verdict


def _too_much(holds: dict[str, Any]) -> bool:
    return len(vault.pack(holds)) > MOST_BYTES


def _words(line: dict[str, str]) -> tuple[tuple[str, str], ...]:
    return tuple(sorted((name, text) for name, text in line.items() if name != "id"))


def sheets_bring(keyring: vault.Keyring, member: Member, coming: Iterable[Coming]) -> Counter[str]:
    """Put sheets here. Call inside a transaction that holds the member's row. Returns how much of each kind came; what is
    here by now is passed over. Raises NoRoom, Tampered."""
    came: Counter[str] = Counter()
    desk = Desk(sheets.sheets(keyring, member))
    for one in coming:
        verdict = desk.offer(one)
        if verdict.cannot:
            raise NoRoom
        if not verdict.comes:
            continue
        came[one.kind.value] += verdict.comes
        holds, row = desk.holds.get(one.kind, one.holds), desk.rows.get(one.kind)
        if row is not None:
            sheet_change(keyring, member, row, one.kind, lambda _before, holds=holds: holds)  # type: ignore[misc]
            continue
        made = sheet_new(keyring, member, one.kind, holds, at=one.at, source=one.source)
        if one.kind in SINGLE:
            desk.rows[one.kind] = made
    return came


class Album:
    """The entries that may take a picture, by what each is known by elsewhere, and the pictures that are here."""

    def __init__(self, entries: Mapping[str, int], sources: Collection[str]) -> None:
        self._held, self._sources = Counter(entries), set(sources)
        self._known = set(entries)

    def why_not(self, source: str, word: str) -> str:
        """Empty where a picture may come to an entry; else `here`, `no-entry` or `no-space`."""
        if source in self._sources:
            return "here"
        if word not in self._known:
            return "no-entry"
        return "no-space" if self._held[word] >= gallery.MOST else ""

    def expect(self, word: str) -> None:
        """An entry that comes with its pictures."""
        self._known.add(word)

    def take(self, source: str, word: str) -> None:
        """It counts as here from now on."""
        self._sources.add(source)
        self._held[word] += 1


def album_of(keyring: vault.Keyring, member: Member, entries: Mapping[str, uuid.UUID]) -> Album:
    """The album of a member. entries: their journal's, by what each is known by elsewhere. Raises Tampered."""
    rows = Picture.objects.filter(member=member)
    sources = {gallery.shown(row, keyring).source for row in in_pages(rows)}
    held = dict(rows.order_by().values_list("word_id").annotate(Count("id")))
    return Album({source: held.get(word, 0) for source, word in entries.items()}, sources)
