"""A copy of everything that is one member's, as one ZIP, made in their own session while it is sent.

Nothing is stored: not on the server, not in a file on the way. Memory stays flat, since entries are read, written and
forgotten page by page, and no read lasts longer than a page, so that nobody's writes wait for it.
"""

from __future__ import annotations

import base64
import json
import threading
from collections import defaultdict
from collections.abc import Iterator
from typing import Any
from zoneinfo import ZoneInfo

from django.template.loader import render_to_string
from django.utils import translation

from closeknit.web import clock
from closeknit.web.content import content_root
from closeknit.web.sealed.kinds import REGISTRY, Entry, Reading

from .archive import Archive
from .paper import Paper

FORMAT = "closeknit-export"
VERSION = 3
MANIFEST = "closeknit.json"
SCHEMA = "export.schema.json"
#: A data file ends with this many entries, or earlier when it grows too large to hold.
MOST_ENTRIES = 500
MOST_CHARACTERS = 1_000_000
AT_ONCE = 2

_slots = threading.BoundedSemaphore(AT_ONCE)


class Slot:
    """One of the few copies that a process makes at once. Given back exactly once, however the download ends."""

    def __init__(self) -> None:
        self._held = True

    @classmethod
    def take(cls) -> Slot | None:
        """A slot, or None while all are in use."""
        return cls() if _slots.acquire(blocking=False) else None

    def release(self) -> None:
        """Let the next one begin."""
        if self._held:
            self._held = False
            _slots.release()


class _Data:
    """The data files: each section in files of its own, and the list of them."""

    def __init__(self) -> None:
        self._waiting: dict[str, list[str]] = defaultdict(list)
        self._size: dict[str, int] = defaultdict(int)
        self.sections: dict[str, dict[str, Any]] = {}

    def take(self, entry: Entry) -> Iterator[tuple[str, str]]:
        section, values = entry
        line = json.dumps(values, ensure_ascii=False)
        self._waiting[section].append(line)
        self._size[section] += len(line)
        if len(self._waiting[section]) >= MOST_ENTRIES or self._size[section] >= MOST_CHARACTERS:
            yield self._file(section)

    def rest(self) -> Iterator[tuple[str, str]]:
        for section in [name for name, lines in self._waiting.items() if lines]:
            yield self._file(section)

    def _file(self, section: str) -> tuple[str, str]:
        about = self.sections.setdefault(section, {"entries": 0, "files": []})
        lines = self._waiting.pop(section)
        self._size[section] = 0
        about["entries"] += len(lines)
        name = f"data/{section}-{len(about['files']) + 1:04}.json"
        about["files"].append(name)
        entries = ",\n ".join(lines)
        return name, f'{{"section": {json.dumps(section)}, "entries": [\n {entries}\n]}}\n'


def entries_of(reading: Reading) -> Iterator[Entry]:
    """Everything that a copy holds, in the order of the registry."""
    for kind in REGISTRY.values():
        if kind.export is not None:
            yield from kind.export(reading)


def copy(reading: Reading, zone: ZoneInfo, language: str) -> Iterator[bytes]:
    """The bytes of the ZIP, as they are made. `reading` holds the keys until this is exhausted or closed."""
    steps = _steps(reading, zone)
    while True:
        # A page is drawn in a thread that may have served somebody else in between.
        with translation.override(language):
            chunk = next(steps, None)
        if chunk is None:
            return
        if chunk:
            yield chunk


def _apart(entry: Entry) -> tuple[Entry, bytes]:
    """A picture's entry with the name of its file, and what the file holds."""
    section, values = entry
    return (section, {**values, "file": f"pictures/{values['id']}.jpg"}), base64.b64decode(values["file"])


def _steps(reading: Reading, zone: ZoneInfo) -> Iterator[bytes]:
    made = clock.now()
    archive, data = Archive(made), _Data()
    paper = Paper(zone, [(str(one.id), one.name) for one in reading.bonds])
    archive.add("README.txt", render_to_string("taking/paper_readme.txt"))
    archive.add(f"schema/{SCHEMA}", (content_root() / "schema" / SCHEMA).read_bytes())
    for entry in entries_of(reading):
        if entry[0] == "pictures":
            entry, jpeg = _apart(entry)
            archive.add(entry[1]["file"], jpeg)
        for name, content in (*data.take(entry), *paper.take(entry)):
            archive.add(name, content)
        yield archive.ready()
    for name, content in (*data.rest(), *paper.rest()):
        archive.add(name, content)
        yield archive.ready()
    manifest = {
        "format": FORMAT,
        "version": VERSION,
        "made": made.isoformat(),
        "sections": data.sections,
    }
    archive.add(MANIFEST, json.dumps(manifest, indent=1, ensure_ascii=False))
    yield archive.finish()
