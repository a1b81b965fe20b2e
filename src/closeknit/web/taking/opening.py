"""Reading a copy that somebody brings: one's own words, sheets and pictures of it and nothing else, with every size held
to a limit.

What comes is a stranger's file until shown otherwise. It is never unpacked: names in it lead nowhere, and no more of it
is held at a time than one data file.
"""

from __future__ import annotations

import json
import re
import uuid
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import IO, Any
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile, ZipInfo

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from closeknit.web import clock
from closeknit.web.bonds.texts import clean_text, is_too_long
from closeknit.web.reflect.bringing import Coming
from closeknit.web.reflect.coming import NoPlace, Strange, checked, picture_says
from closeknit.web.reflect.images import MOST_KEPT
from closeknit.web.reflect.sheets import SheetKind

from .copying import FORMAT, MANIFEST, VERSION

MOST_FILES = 20_000
MOST_WORDS = 50_000
#: More than a member may have: the page says how many of them have no room.
MOST_SHEETS = 1_000
#: One data file, unpacked; we write them at a megabyte, and a single text adds at most 64 KiB.
MOST_FILE_BYTES = 8 * 1024 * 1024
MOST_BYTES = 128 * 1024 * 1024
#: Words press down to a fifth or a tenth; what unpacks to five hundred times its size was made to fill a memory.
MOST_RATIO = 500
RATIO_MATTERS_FROM = 16 * 1024 * 1024
#: What a sealed text can hold once it is written down as JSON, less some room for what is known about it.
MOST_WORD_BYTES = 60_000
MOST_PROMPT = 1_000
MOST_NAME = 200
#: How many feelings or tags an entry may name, and how long each may be.
MOST_FEELINGS, MOST_FEELING = 12, 120
KINDS = frozenset(
    {"answer", "note", "reply", "draft", "prompt", "turn", "scratch", "line", "words", "rehearsal", "journal"}
)
#: What of a copy is read.
SECTIONS = ("words", "sheets", "pictures")
_IMAGE = {"id", "word", "at", "says", "wide", "high", "file"}
_IMAGE_FILE = re.compile(r"pictures/[0-9a-f-]{36}\.jpg")

PROBLEMS = {
    "no-zip": _("This is not a ZIP file, or only a part of one. Choose the whole file as it was downloaded."),
    "foreign": _("This is a ZIP file, but not a copy from Closeknit: closeknit.json is missing in it."),
    "newer": _("This copy was made by a newer Closeknit than this one. This one has to be updated first."),
    "locked": _("This ZIP file is protected by a password. Unpack it and pack it again without one."),
    "too-large": _("There is more in this file than can be brought at once (50,000 texts, 1,000 sheets, 128 MB unpacked)."),
    "busy": _("Other pictures are being worked on at this moment. Choose the file again in a minute."),
    "bomb": _("This file unpacks to far more than a copy of words does."),
    "damaged": _("The file %(file)s in it is damaged."),
    "missing": _("The file %(file)s is missing in it."),
    "unreadable": _("The file %(file)s in it is not in the form that Closeknit writes."),
}


class NotUsable(Exception):
    """The file cannot be used at all; `says` names what is wrong with it."""

    def __init__(self, code: str, file: str = "") -> None:
        super().__init__(code)
        self.code, self.file = code, file

    @property
    def says(self) -> str:
        """A sentence for whoever chose the file."""
        return str(PROBLEMS[self.code]) % {"file": self.file}


@dataclass(frozen=True, slots=True)
class Word:
    """One text as it will be brought; or, with a reason, as it will not."""

    id: str
    text: str
    prompt: str
    kind: str
    bond: str
    at: str | None
    reason: str = ""
    feelings: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()

    def entry(self) -> dict[str, Any]:
        """As the private part keeps it."""
        about = {"prompt": self.prompt, "kind": self.kind, "bond": self.bond, "at": self.at, "source": self.id}
        lists = {"feelings": list(self.feelings), "tags": list(self.tags)}
        return {"text": self.text, **about, **{name: said for name, said in lists.items() if said}}


@dataclass(frozen=True, slots=True)
class Image:
    """A picture's line in a copy. source: what it is known by there; word: the same of its entry; file: its name in the
    copy; reason: why it cannot come at all, or empty."""

    source: str
    word: str
    at: str
    says: str
    file: str
    reason: str = ""


class Copy:
    """A copy whose list was read and nothing else yet. Its sections are read in turn, each once. Making one and reading
    from it raise NotUsable."""

    def __init__(self, file: IO[bytes], size: int) -> None:
        try:
            self._archive = ZipFile(file)
        except (BadZipFile, NotImplementedError, ValueError, OSError, EOFError):
            raise NotUsable("no-zip") from None
        files = self._archive.infolist()
        if len(files) > MOST_FILES:
            raise NotUsable("too-large")
        unpacked = sum(one.file_size for one in files)
        if unpacked > RATIO_MATTERS_FROM and unpacked > MOST_RATIO * size:
            raise NotUsable("bomb")
        names = [one.filename for one in files if one.filename.split("/")[-1] == MANIFEST]
        if not names:
            raise NotUsable("foreign")
        # Packed again by hand, everything lies in a folder.
        name = min(names, key=len)
        self._folder = name.removesuffix(MANIFEST)
        self._read = 0
        manifest = _json(self._archive, name, name)
        if manifest.get("format") != FORMAT or not isinstance(manifest.get("version"), int):
            raise NotUsable("foreign")
        if manifest["version"] > VERSION:
            raise NotUsable("newer")
        try:
            made = _when(manifest["made"])
            self._listed = {section: _listing(manifest["sections"].get(section)) for section in SECTIONS}
        except (KeyError, TypeError, ValueError, AttributeError):
            raise NotUsable("unreadable", MANIFEST) from None
        if made is None:
            raise NotUsable("unreadable", MANIFEST)
        #: When it was made, in UTC.
        self.made = made

    def words(self) -> Iterator[Word]:
        """One's own words in it."""
        return (_word(entry, name) for entry, name in self._entries("words"))

    def sheets(self) -> Iterator[Coming]:
        """What its owner worked on alone."""
        return (_sheet(entry, name) for entry, name in self._entries("sheets"))

    def images(self) -> Iterator[Image]:
        """What is said of the journal's pictures."""
        return (_image(entry, name) for entry, name in self._entries("pictures"))

    def image(self, one: Image) -> bytes | None:
        """A picture's file; None where it is not in the copy, cannot be read, or is larger than any of ours."""
        try:
            about = self._archive.getinfo(self._folder + one.file)
        except KeyError:
            return None
        self._count(about)
        if about.file_size > MOST_KEPT:
            return None
        try:
            return _unpacked(self._archive, about, one.file, MOST_KEPT)
        except NotUsable:
            # Its words need not stay behind for that.
            return None

    def _entries(self, section: str) -> Iterator[tuple[Any, str]]:
        listed, expected = self._listed[section]
        count, most = 0, {"words": MOST_WORDS, "sheets": MOST_SHEETS, "pictures": MOST_FILES}[section]
        if expected > most:
            raise NotUsable("too-large")
        for name in listed:
            self._count(_info(self._archive, self._folder + name, name))
            entries = _json(self._archive, self._folder + name, name).get("entries")
            if not isinstance(entries, list):
                raise NotUsable("unreadable", name)
            count += len(entries)
            if count > most:
                raise NotUsable("too-large")
            for entry in entries:
                yield entry, name
        if count != expected:
            raise NotUsable("unreadable", MANIFEST)

    def _count(self, about: ZipInfo) -> None:
        self._read += about.file_size
        if self._read > MOST_BYTES:
            raise NotUsable("too-large")


def _listing(about: Any) -> tuple[list[str], int]:
    """(a section's files, how many entries they hold). Raises KeyError, TypeError, ValueError."""
    if about is None:
        return [], 0
    listed = list(about["files"])
    if not all(isinstance(one, str) for one in listed) or len(set(listed)) != len(listed):
        raise ValueError
    return listed, int(about["entries"])


def _info(archive: ZipFile, path: str, name: str) -> ZipInfo:
    try:
        return archive.getinfo(path)
    except KeyError:
        raise NotUsable("missing", name[:80]) from None


def _unpacked(archive: ZipFile, about: ZipInfo, name: str, most: int) -> bytes:
    if about.flag_bits & 0x1:
        raise NotUsable("locked")
    if about.compress_type not in {ZIP_STORED, ZIP_DEFLATED}:
        raise NotUsable("unreadable", name)
    if about.file_size > most:
        raise NotUsable("too-large")
    try:
        # The size in the list is a claim: no more than the limit is unpacked, whatever it says.
        with archive.open(about) as opened:
            raw = opened.read(most + 1)
            whole = not opened.read(1)
    except (BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, RuntimeError):
        raise NotUsable("damaged", name) from None
    if len(raw) > most or not whole:
        raise NotUsable("too-large")
    return raw


def _json(archive: ZipFile, path: str, name: str) -> dict[str, Any]:
    raw = _unpacked(archive, _info(archive, path, name), name, MOST_FILE_BYTES)
    try:
        content = json.loads(raw.decode("utf-8"))
    except (UnicodeDecodeError, ValueError, RecursionError):
        raise NotUsable("unreadable", name) from None
    if not isinstance(content, dict):
        raise NotUsable("unreadable", name)
    return content


def _word(entry: Any, name: str) -> Word:
    """One text, checked. A form that Closeknit never writes refuses the whole file; a text that has no place here is
    counted and left out."""
    try:
        source = str(uuid.UUID(entry["id"]))
        text, kind, prompt, bond = entry["text"], entry["kind"], entry["prompt"], entry["from"]
        at = None if entry["at"] is None else _when(entry["at"])
    except (KeyError, TypeError, ValueError, AttributeError):
        raise NotUsable("unreadable", name) from None
    if not all(isinstance(one, str) for one in (text, kind, prompt, bond)) or (entry["at"] is not None and at is None):
        raise NotUsable("unreadable", name)
    kind = kind if kind in KINDS else "words"
    if not text.strip():
        return Word(source, "", "", kind, "", at, reason="empty")
    try:
        text, prompt, bond = clean_text(text), clean_text(prompt), clean_text(bond)
    except ValidationError:
        return Word(source, "", "", kind, "", at, reason="too-long" if is_too_long(text) else "unclear")
    sealed = len(json.dumps(text, ensure_ascii=False).encode())
    if sealed > MOST_WORD_BYTES or len(prompt) > MOST_PROMPT or len(bond) > MOST_NAME:
        return Word(source, "", "", kind, "", at, reason="too-long")
    lists = {field: _listed(entry.get(field), name) for field in ("feelings", "tags")}
    return Word(source, text, prompt, kind, bond, at, **lists)


def _sheet(entry: Any, name: str) -> Coming:
    """One sheet, checked as `_word` checks a text. Of a sheet there is no field that this version does not know."""
    try:
        source, kind, at = str(uuid.UUID(entry["id"])), SheetKind(entry["kind"]), _when(entry["at"])
        if at is None or set(entry) != {"id", "kind", "at", "holds"}:
            raise Strange
        return Coming(source, kind, at, checked(kind, entry["holds"]))
    except NoPlace as no:
        return Coming(source, kind, at, {}, no.why)
    except (Strange, KeyError, TypeError, ValueError, AttributeError):
        raise NotUsable("unreadable", name) from None


def _image(entry: Any, name: str) -> Image:
    try:
        source, word, file, at = str(uuid.UUID(entry["id"])), entry["word"], entry["file"], _when(entry["at"])
        sizes = [entry["wide"], entry["high"]]
        if at is None or set(entry) != _IMAGE or not isinstance(word, str) or not _IMAGE_FILE.fullmatch(file):
            raise Strange
        if not all(type(size) is int and size > 0 for size in sizes):
            raise Strange
        return Image(source, word, at, picture_says(entry["says"]), file)
    except NoPlace as no:
        return Image(source, word, at, "", file, no.why)
    except (Strange, KeyError, TypeError, ValueError, AttributeError):
        raise NotUsable("unreadable", name) from None


def _listed(said: Any, name: str) -> tuple[str, ...]:
    """Feelings or tags beside a text, at most as many and as long as the page lets one name."""
    if said is None:
        return ()
    if not isinstance(said, list) or not all(isinstance(one, str) for one in said):
        raise NotUsable("unreadable", name)
    try:
        return tuple(one for one in (clean_text(one[:MOST_FEELING]) for one in said[:MOST_FEELINGS]) if one)
    except ValidationError:
        return ()


def _when(value: Any) -> str | None:
    """A time as we write it, in UTC; None if it is none, or one that a calendar here cannot show."""
    try:
        when = datetime.fromisoformat(value).astimezone(UTC)
    except (TypeError, ValueError, OverflowError):
        return None
    return when.isoformat() if datetime(1900, 1, 2, tzinfo=UTC) <= when <= clock.now() + timedelta(days=1) else None
