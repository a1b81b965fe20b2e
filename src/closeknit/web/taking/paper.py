"""The readable part of a copy: pages that open in any browser without a network, and the same as Markdown."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.template.loader import render_to_string
from django.utils import formats
from django.utils.text import slugify
from django.utils.translation import gettext as _

from closeknit.web.reflect.in_words import in_words
from closeknit.web.sealed.kinds import Entry

#: A page ends with its month, or earlier when it grows too long to read and to hold.
MOST_ENTRIES = 100
MOST_CHARACTERS = 400_000
OWN = "own-words"
SHEETS = "reflect"
File = tuple[str, str]


@dataclass(slots=True)
class _Shelf:
    """The pages of one bond, or of one's own words, in the order in which they come."""

    folder: str
    title: str
    month: date | None = None
    entries: list[dict[str, Any]] = field(default_factory=list)
    size: int = 0
    pages: list[dict[str, str]] = field(default_factory=list)
    names: Counter[str] = field(default_factory=Counter)


class Paper:
    """Takes the entries of a copy as they come, gives back files as soon as a page is full."""

    def __init__(self, zone: ZoneInfo, bonds: list[tuple[str, str]]) -> None:
        self._zone = zone
        self._shelves = {
            bond: _Shelf(f"{number}-{slugify(name)[:40] or 'bond'}", name)
            for number, (bond, name) in enumerate(bonds, start=1)
        }
        self._talks = {
            bond: _Shelf(f"{shelf.folder}-talk", _("%(bond)s: talks") % {"bond": shelf.title})
            for bond, shelf in self._shelves.items()
        }
        self._shelves[OWN] = _Shelf(OWN, _("My own words"))
        self._shelves[SHEETS] = _Shelf(SHEETS, _("Reflect"))

    def take(self, entry: Entry) -> Iterator[File]:
        """One entry; those that have no page of their own are left to the data files."""
        section, values = entry
        if section == "moments":
            yield from self._place(self._shelves[values["bond"]], values, values["opened"])
        elif section == "dialogues":
            yield from self._place(self._talks[values["bond"]], values, values["asked"])
        elif section == "words" and values["moment"] is None and "dialogue" not in values:
            yield from self._place(self._shelves[OWN], values, values["at"])
        elif section == "sheets":
            heading, text = in_words(values["kind"], values["holds"])
            shown = {"prompt": heading, "text": text, "from": "", "kind": "sheet"}
            yield from self._place(self._shelves[SHEETS], shown, values["at"])
        elif section == "pictures":
            shown = {"prompt": values["says"], "text": "", "from": "", "kind": "picture", "file": values["file"]}
            yield from self._place(self._shelves[SHEETS], shown, values["at"])

    def rest(self) -> Iterator[File]:
        """The pages that were not full, then the page that leads to all others."""
        every = [*self._shelves.values(), *self._talks.values()]
        for shelf in every:
            yield from self._bind(shelf)
        shelves = [shelf for shelf in every if shelf.pages]
        yield "index.html", render_to_string("taking/paper_index.html", {"shelves": shelves})

    def _place(self, shelf: _Shelf, values: dict[str, Any], at: str | None) -> Iterator[File]:
        when = datetime.fromisoformat(at).astimezone(self._zone) if at else None
        month = when.date().replace(day=1) if when else None
        if shelf.entries and (
            month != shelf.month or len(shelf.entries) >= MOST_ENTRIES or shelf.size >= MOST_CHARACTERS
        ):
            yield from self._bind(shelf)
        shelf.month = month
        shelf.size += len(str(values))
        shelf.entries.append({**values, "when": when})

    def _bind(self, shelf: _Shelf) -> Iterator[File]:
        if not shelf.entries:
            return
        stem = f"{shelf.month:%Y-%m}" if shelf.month else "undated"
        shelf.names[stem] += 1
        number = shelf.names[stem]
        name = stem if number == 1 else f"{stem}-{number}"
        title = formats.date_format(shelf.month, "F Y") if shelf.month else _("Without a date")
        title = title if number == 1 else f"{title} ({number})"
        context = {"title": title, "shelf": shelf, "entries": shelf.entries, "own": shelf.folder in {OWN, SHEETS}}
        yield f"pages/{shelf.folder}/{name}.html", render_to_string("taking/paper_month.html", context)
        yield f"markdown/{shelf.folder}/{name}.md", _markdown(shelf.title, title, shelf.entries)
        shelf.pages.append({"path": f"pages/{shelf.folder}/{name}.html", "title": title})
        shelf.entries, shelf.size = [], 0


# -- Markdown -----------------------------------------------------------------------------------------------------------

#: Whatever could become a link, a picture or a tag: a copy that is opened in an editor must not fetch anything, whoever
#: wrote the words.
_SPECIAL = re.compile(r"([\\`*_\[\]<>&#|~])")


def _plain(text: str) -> str:
    return _SPECIAL.sub(r"\\\1", text)


def _quoted(text: str) -> str:
    return "\n".join(f"> {_plain(line)}".rstrip() for line in text.split("\n"))


def _markdown(bond: str, title: str, entries: list[dict[str, Any]]) -> str:
    parts = [f"# {_plain(bond)}: {title}"]
    for entry in entries:
        parts += _moment(entry) if "answers" in entry else _talk(entry) if "said" in entry else _own(entry)
    return "\n\n".join(parts) + "\n"


def _day(entry: dict[str, Any]) -> str:
    return formats.date_format(entry["when"], "j F Y") if entry["when"] else ""


def _own(entry: dict[str, Any]) -> list[str]:
    about = ", ".join(part for part in (_day(entry), _plain(entry["from"])) if part)
    heading = _plain(entry["prompt"]) or kind_label(entry["kind"])
    # A sheet that was only begun has neither.
    text = [_quoted(entry["text"])] if entry["text"] else [f"`{entry['file']}`"] if "file" in entry else []
    return [f"## {heading}", *([about] if about else []), *text]


def _moment(entry: dict[str, Any]) -> list[str]:
    parts = [f"## {_plain(entry['prompt']['text'])}", _day(entry)]
    for answer in entry["answers"]:
        parts += [f"**{_plain(name_of(answer))}**", _quoted(answer["text"])]
        parts += [f"{_('What changed')}:\n\n{_quoted(note)}" for note in answer["notes"]]
        parts += [f"- {_plain(name_of(one))}: {_plain(one['says'])}" for one in answer["responses"]]
        for said in answer["words"]:
            advice = f" ({_('advice')})" if said["advice"] else ""
            parts += [f"{_plain(name_of(said))}{advice}:", _quoted(said["text"])]
    if entry["draft"]:
        parts += [f"*{_('My draft')}*", _quoted(entry["draft"])]
    return parts


def _talk(entry: dict[str, Any]) -> list[str]:
    parts = [f"## {_plain(entry['script'])}", _day(entry)]
    if entry["topic"]:
        parts.append(_quoted(entry["topic"]))
    for said in entry["said"]:
        heading = " ".join(part for part in (name_of(said), said["as"], _("aloud") if said["spoken"] else "") if part)
        parts += [f"**{_plain(heading)}**", *([_quoted(said["text"])] if said["text"] else [])]
    for agreed in entry["agreements"]:
        parts += [f"{_('Agreed')} ({_plain(name_of(agreed))}):", _quoted(agreed["text"])]
    for label, text in own_lines(entry):
        parts += [f"*{label}*", _quoted(text)]
    return parts


def own_lines(entry: dict[str, Any]) -> list[tuple[str, str]]:
    """(what it is, text) of what a member alone wrote about a talk."""
    lines = {_("My line"): entry["my_line"], _("My note"): entry["my_scratch"], _("My draft"): entry["my_draft"]}
    return [(label, text) for label, text in lines.items() if text]


def name_of(said: dict[str, Any]) -> str:
    """Who said it, as the pages of Closeknit name them."""
    return _("You") if said["mine"] else said["by"] or _("Someone who was here")


def kind_label(kind: str) -> str:
    """What a text, a sheet or a picture was, in words."""
    labels = {
        "answer": _("An answer"),
        "note": _("What changed later"),
        "reply": _("Words beneath an answer"),
        "draft": _("A draft"),
        "prompt": _("A prompt of my own"),
        "turn": _("Words in a talk"),
        "scratch": _("A note to myself in a talk"),
        "line": _("What I took along from a talk"),
        "rehearsal": _("A rehearsal that I kept"),
        "journal": _("Written for myself"),
        "sheet": _("Written in Reflect"),
        "picture": _("A picture"),
        "ladder": _("Ladder"),
        "worry": _("A fear, looked at"),
        "rethink": _("A disagreement, from outside"),
        "me": _("How to be close to me"),
        "map": _("People and places around me"),
        "helps": _("What does me good"),
    }
    return labels.get(kind, _("My words"))
