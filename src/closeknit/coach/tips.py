"""What the coach says about a text: rules as data, at most two tips, a strength first.

A tip asks, or gives a frame to fill in. It never writes a member's message, and it never says who is right.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from .cues import Cue, CueKind, find
from .labels import Label
from .reading import Reading

#: A tip that was given this often already is not given again on the same page.
MOST_TIMES = 2
#: Fewer words than this are too few to say anything about.
FEWEST_WORDS = 3


class Situation(StrEnum):
    """What a text is written for."""

    PROMPT = "prompt"
    RESPOND = "respond"
    REFLECT = "reflect"
    REPAIR = "repair"
    NEED = "need"
    JOURNAL = "journal"


class TipKind(StrEnum):
    """A strength names what is there; a try asks for one thing more."""

    STRENGTH = "strength"
    TRY = "try"


Line = Annotated[str, StringConstraints(strip_whitespace=True, min_length=3, max_length=220)]


class When(BaseModel):
    """When a rule fires: all of `all`, one of `any` if there are any, none of `none`; a cue of `cue`, none of `no_cue`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    all: tuple[Label, ...] = ()
    any: tuple[Label, ...] = ()
    none: tuple[Label, ...] = ()
    cue: tuple[CueKind, ...] = ()
    no_cue: tuple[CueKind, ...] = ()
    answers: bool | None = None
    words: tuple[int, int] = (FEWEST_WORDS, 100_000)

    @property
    def about(self) -> tuple[Label, ...]:
        """The labels that made it fire: what "this was off" is about."""
        return (*self.all, *self.any)


class Example(BaseModel):
    """A text with the labels that hold, for a rule's tests."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    text: str
    labels: tuple[Label, ...]
    reply_to: str | None = None


class Rule(BaseModel):
    """One thing to say. `say`: several wordings; `{words}` is what was found, `{feelings}` three feelings to choose from."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: Annotated[str, StringConstraints(pattern=r"^[a-z]+(-[a-z]+)*$", max_length=40)]
    kind: TipKind
    situations: tuple[Situation, ...] = Field(min_length=1)
    when: When
    say: tuple[Line, ...] = Field(min_length=2)
    why: Line
    source: str
    fires: tuple[Example, ...] = Field(min_length=2)
    silent: tuple[Example, ...] = Field(min_length=2)

    @model_validator(mode="after")
    def _shows_what_it_names(self) -> Rule:
        if any("{words}" in line for line in self.say) and not self.when.cue:
            raise ValueError("{words} needs a cue to name")
        return self


@dataclass(frozen=True, slots=True)
class Tip:
    """One thing said about text[start:end]; the whole text where there is no place to point at."""

    id: str
    kind: TipKind
    start: int
    end: int
    say: str
    why: str
    source: str

    def as_json(self) -> dict[str, Any]:
        """As `closeknit coach read` writes it."""
        place = {"start": self.start, "end": self.end}
        return {"id": self.id, "kind": str(self.kind), **place, "say": self.say, "why": self.why, "source": self.source}


class RulesError(ValueError):
    """Rules that do not say what they should."""


@dataclass(frozen=True)
class Book:
    """The rules of one language: in the order in which they are tried, the weightiest first. feelings: a word for each
    emotion that a frame may offer."""

    language: str
    sources: Mapping[str, str]
    feelings: Mapping[str, str]
    rules: tuple[Rule, ...]

    @classmethod
    def made_of(cls, data: Any) -> Book:
        """Out of a parsed file. Raises RulesError with what is wrong."""
        try:
            book = cls(data["language"], data["sources"], data["feelings"], tuple(Rule(**one) for one in data["rules"]))
        except (KeyError, TypeError, ValidationError) as error:
            raise RulesError(str(error)) from None
        ids = [rule.id for rule in book.rules]
        if len(set(ids)) != len(ids):
            raise RulesError("two rules have one id")
        unknown = {rule.source for rule in book.rules} - set(book.sources)
        if unknown:
            raise RulesError(f"no such source: {', '.join(sorted(unknown))}")
        return book

    def rule(self, name: str) -> Rule | None:
        """A rule by its id."""
        return next((one for one in self.rules if one.id == name), None)


def holds(when: When, labels: Iterable[Label], cues: Sequence[Cue], *, words: int, answers: bool) -> bool:
    """Whether a condition is met by labels, cues, a number of words, and whether the text answers something."""
    seen, kinds = set(labels), {one.label for one in cues}
    return (
        seen.issuperset(when.all)
        and (not when.any or bool(seen.intersection(when.any)))
        and not seen.intersection(when.none)
        and (not when.cue or bool(kinds.intersection(when.cue)))
        and not kinds.intersection(when.no_cue)
        and (when.answers is None or when.answers == answers)
        and when.words[0] <= words <= when.words[1]
    )


def certain(reading: Reading, off: Mapping[str, int]) -> tuple[Label, ...]:
    """A reading's labels, less those that its member called off so often that they now need more certainty: after one
    "this was off" .75, after two .875, and so on."""

    def stays(name: Label) -> bool:
        times = off.get(name, 0)
        return not times or reading.p.get(name, 1.0) >= 1 - 0.5 ** (times + 1)

    return tuple(name for name in reading.labels if stays(name)) or ((Label.NEUTRAL,) if reading.labels else ())


def feedback(
    reading: Reading,
    situation: Situation,
    book: Book,
    text: str,
    *,
    about: Reading | None = None,
    given: Mapping[str, int] | None = None,
    off: Mapping[str, int] | None = None,
) -> list[Tip]:
    """At most two tips, a strength first. about: a reading of what the text answers, for the feelings that a frame offers.
    given: how often each tip was given on this page; off: how often the member called a label off."""
    if reading.silence is not None:
        return []
    given, words = given or {}, len(text.split())
    labels = certain(reading, off or {})
    found: dict[TipKind, Tip] = {}
    for rule in book.rules:
        fits = rule.kind not in found and situation in rule.situations and given.get(rule.id, 0) < MOST_TIMES
        if fits and holds(rule.when, labels, reading.cues, words=words, answers=about is not None):
            found[rule.kind] = _said(rule, reading, book, text, about, given.get(rule.id, 0))
    return [found[kind] for kind in (TipKind.STRENGTH, TipKind.TRY) if kind in found]


def _said(rule: Rule, reading: Reading, book: Book, text: str, about: Reading | None, times: int) -> Tip:
    cue = next((one for one in reading.cues if one.label in rule.when.cue), None)
    place = (cue.start, cue.end) if cue is not None else (0, len(text))
    fits = [line for line in rule.say if about is not None or "{feelings}" not in line]
    line = fits[(zlib.crc32(text.encode("utf-8", "replace")) + times) % len(fits)]
    offered = [book.feelings[name] for name in (about.emotions(28) if about else ()) if name in book.feelings][:3]
    said = line.replace("{words}", cue.words if cue is not None else "").replace("{feelings}", ", ".join(offered))
    return Tip(rule.id, rule.kind, *place, said, rule.why, book.sources[rule.source])


def wrong_examples(book: Book) -> list[str]:
    """What a rule's own examples say against it, in words; empty if every rule fires and stays silent as it claims."""
    problems = []
    for rule in book.rules:
        for wanted, examples in ((True, rule.fires), (False, rule.silent)):
            for one in examples:
                answers, words = one.reply_to is not None, len(one.text.split())
                if holds(rule.when, one.labels, find(one.text), words=words, answers=answers) != wanted:
                    problems.append(f"{rule.id}: {'does not fire' if wanted else 'fires'} on {one.text!r}")
    return problems
