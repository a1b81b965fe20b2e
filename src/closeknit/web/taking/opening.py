"""Reading a copy that somebody brings: one's own words of it and nothing else, with every size held to a limit.

What comes is a stranger's file until shown otherwise. It is never unpacked: names in it lead nowhere, and no more of it
is held at a time than one data file.
"""

from __future__ import annotations

import json
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
from closeknit.web.bonds.texts import MOST_BYTES as MOST_BYTES_A_TEXT
from closeknit.web.bonds.texts import MOST_CHARACTERS, clean_text

from .copying import FORMAT, MANIFEST, VERSION

MOST_FILES = 20_000
MOST_WORDS = 50_000
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

PROBLEMS = {
    "no-zip": _("This is not a ZIP file, or only a part of one. Choose the whole file as it was downloaded."),
    "foreign": _("This is a ZIP file, but not a copy from Closeknit: closeknit.json is missing in it."),
    "newer": _("This copy was made by a newer Closeknit than this one. This one has to be updated first."),
    "locked": _("This ZIP file is protected by a password. Unpack it and pack it again without one."),
    "too-large": _("There is more in this file than can be brought at once (50,000 texts, 128 MB unpacked)."),
    "bomb": _("This file unpacks to far more than a copy of words does."),
    "damaged": _("The file %(file)s in it is damaged."),
    "missing": _("The file %(file)s is missing in it."),
    "unreadable": _("The file %(file)s in it is not in the form that Closeknit writes."),
}
REASONS = {
    "empty": _("without any text"),
    "too-long": _("too long for one text here"),
    "unclear": _("with something in them that cannot be stored"),
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


def words_of(file: IO[bytes], size: int) -> tuple[str, Iterator[Word]]:
    """(when the copy was made, one's own words in it). Raises NotUsable, also while the words are read."""
    try:
        archive = ZipFile(file)
    except (BadZipFile, NotImplementedError, ValueError, OSError, EOFError):
        raise NotUsable("no-zip") from None
    files = archive.infolist()
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
    folder = name.removesuffix(MANIFEST)
    manifest = _json(archive, name, name)
    if manifest.get("format") != FORMAT or not isinstance(manifest.get("version"), int):
        raise NotUsable("foreign")
    if manifest["version"] > VERSION:
        raise NotUsable("newer")
    try:
        about = manifest["sections"].get("words", {"files": [], "entries": 0})
        listed, expected, made = list(about["files"]), int(about["entries"]), _when(manifest["made"])
    except (KeyError, TypeError, ValueError, AttributeError):
        raise NotUsable("unreadable", MANIFEST) from None
    if not all(isinstance(one, str) for one in listed) or len(set(listed)) != len(listed) or made is None:
        raise NotUsable("unreadable", MANIFEST)
    if expected > MOST_WORDS:
        raise NotUsable("too-large")
    return made, _words(archive, folder, listed, expected)


def _words(archive: ZipFile, folder: str, listed: list[str], expected: int) -> Iterator[Word]:
    count, read = 0, 0
    for name in listed:
        read += _info(archive, folder + name, name).file_size
        if read > MOST_BYTES:
            raise NotUsable("too-large")
        entries = _json(archive, folder + name, name).get("entries")
        if not isinstance(entries, list):
            raise NotUsable("unreadable", name)
        count += len(entries)
        if count > MOST_WORDS:
            raise NotUsable("too-large")
        for entry in entries:
            yield _word(entry, name)
    if count != expected:
        raise NotUsable("unreadable", MANIFEST)


def _info(archive: ZipFile, path: str, name: str) -> ZipInfo:
    try:
        return archive.getinfo(path)
    except KeyError:
        raise NotUsable("missing", name[:80]) from None


def _json(archive: ZipFile, path: str, name: str) -> dict[str, Any]:
    about = _info(archive, path, name)
    if about.flag_bits & 0x1:
        raise NotUsable("locked")
    if about.compress_type not in {ZIP_STORED, ZIP_DEFLATED}:
        raise NotUsable("unreadable", name)
    if about.file_size > MOST_FILE_BYTES:
        raise NotUsable("too-large")
    try:
        # The size in the list is a claim: no more than the limit is unpacked, whatever it says.
        with archive.open(about) as opened:
            raw = opened.read(MOST_FILE_BYTES + 1)
            whole = not opened.read(1)
    except (BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, RuntimeError):
        raise NotUsable("damaged", name) from None
    if len(raw) > MOST_FILE_BYTES or not whole:
        raise NotUsable("too-large")
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
        long = len(text) > MOST_CHARACTERS or len(text.encode("utf-8", "ignore")) > MOST_BYTES_A_TEXT
        return Word(source, "", "", kind, "", at, reason="too-long" if long else "unclear")
    sealed = len(json.dumps(text, ensure_ascii=False).encode())
    if sealed > MOST_WORD_BYTES or len(prompt) > MOST_PROMPT or len(bond) > MOST_NAME:
        return Word(source, "", "", kind, "", at, reason="too-long")
    lists = {field: _listed(entry.get(field), name) for field in ("feelings", "tags")}
    return Word(source, text, prompt, kind, bond, at, **lists)


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
