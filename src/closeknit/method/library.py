"""The library: lessons, what brings people to them, what is claimed and on which evidence. Pure: the folder is an argument.

A lesson is Markdown with YAML before it (`content/LANGUAGE/lessons/ID.md`); needs, suggestions, claims and sources are in
`content/LANGUAGE/library/`. docs/writing-content.md is the style guide.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import Annotated

import yaml
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from .content import LEVELS, BondKind, BrokenPack, Component, Problem, Report, in_order, plain_words, read_pack

Id = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=60)]
Line = Annotated[str, StringConstraints(strip_whitespace=True, min_length=3, max_length=400)]
#: A citation: one or more keys of sources in square brackets.
CITED = re.compile(r"\[([a-z0-9-]+(?:; [a-z0-9-]+)*)\]")
#: Words with which a paragraph claims that something was found out. Such a paragraph says where.
_CLAIMS = re.compile(
    r"\b(?:studies|study|trials?|experiments?|laboratory|research(?:ers)?|questionnaires?|per cent|odds|on average"
    r"|has been (?:shown|tested)|was found|were found|\d[\d,]* (?:couples|people|pairs|studies|trials))\b|%",
    re.IGNORECASE,
)
#: How long the body of a lesson is, in words: some five minutes with its questions.
BODY_WORDS = (350, 750)
#: A body is prose, one scene, and steps in bold: no headings, pictures, code or raw HTML.
_NOT_PROSE = re.compile(r"^(?:#|```|!\[|\||<)", re.MULTILINE)


class Room(StrEnum):
    """Where the thing to try is done."""

    TODAY = "today"
    TALK = "talk"
    WORDS = "words"
    REHEARSE = "rehearse"
    CARE = "care"


class Strength(StrEnum):
    """How well a claim stands."""

    STRONG = "strong"
    MODERATE = "moderate"
    WEAK = "weak"
    CONTESTED = "contested"
    ASSOCIATION = "association"


class Seen(StrEnum):
    """How we know a source: its abstract, page or code; a report of it; or a survey of ours, not read again."""

    ABSTRACT = "abstract"
    PRESS = "press"
    SURVEY = "survey"


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Try(_Model):
    """One thing to do today, and the room it is done in."""

    text: Line
    room: Room


class Choice(_Model):
    """One possible answer to a question, and what it teaches."""

    says: Line
    answer: Line


class Check(_Model):
    """A question to oneself. Nothing is right or wrong in it; each answer leads on."""

    ask: Line
    options: tuple[Choice, ...] = Field(min_length=2, max_length=4)


class Lesson(_Model):
    """About five minutes of reading: one idea, two people talking, one thing to try, two questions.

    place: its order, from 1. level: how much courage its exercise takes, 1 to 5. body: Markdown, with citations in brackets.
    """

    id: Id
    place: int = Field(ge=1)
    title: Line
    says: Line
    component: Component
    practice: Annotated[str, StringConstraints(min_length=2, max_length=40)]
    level: int = Field(ge=LEVELS[0], le=LEVELS[-1])
    minutes: int = Field(ge=1, le=15)
    kinds: tuple[BondKind, ...] = tuple(BondKind)
    needs: tuple[Id, ...] = Field(min_length=1)
    attempt: Try = Field(alias="try")
    checks: tuple[Check, ...] = Field(min_length=2, max_length=2)
    body: str

    @cached_property
    def cites(self) -> tuple[str, ...]:
        """The keys of its sources, each once, in the order of the text."""
        return tuple(dict.fromkeys(key for found in CITED.findall(self.body) for key in found.split("; ")))


class Need(_Model):
    """What brings somebody here, in their words."""

    id: Id
    says: Line


class Suggestion(_Model):
    """A rule by which a lesson is suggested to a bond. Bounds are included; what is left out holds always."""

    lesson: Id
    why: Line
    kinds: tuple[BondKind, ...] = tuple(BondKind)
    members_from: int = 2
    moments_from: int = 0
    moments_to: int | None = None
    talks_from: int = 0
    talks_to: int | None = None

    def holds(self, facts: Facts) -> bool:
        """Whether it fits a bond of which this is known."""
        return (
            facts.kind in self.kinds
            and facts.members >= self.members_from
            and self.moments_from <= facts.moments <= (facts.moments if self.moments_to is None else self.moments_to)
            and self.talks_from <= facts.talks <= (facts.talks if self.talks_to is None else self.talks_to)
        )


class Needs(_Model):
    """The file of needs and suggestions."""

    language: str
    author: Line
    licence: Line
    needs: tuple[Need, ...] = Field(min_length=1)
    suggestions: tuple[Suggestion, ...]


class Claim(_Model):
    """What is claimed, how large it is, in whom it was seen, what speaks against it, and where it comes from."""

    id: Id
    about: Line
    say: Line
    strength: Strength
    size: Line
    who: Line
    against: Line
    sources: tuple[Id, ...] = Field(min_length=1)


class Source(_Model):
    """A publication. seen: how we know it."""

    who: Line
    year: int | None = None
    where: Line
    seen: Seen

    @property
    def short(self) -> str:
        """As it is cited in a line."""
        return f"{self.who}, {self.year}" if self.year else self.who


class Evidence(_Model):
    """The file of claims and sources. compared: when the figures were last compared with our notes."""

    language: str
    author: Line
    licence: Line
    compared: date
    claims: tuple[Claim, ...] = Field(min_length=1)
    sources: dict[Id, Source]


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a bond without opening a word: its kind, how many are in it, how many moments and talks there were."""

    kind: BondKind
    members: int
    moments: int
    talks: int


@dataclass(frozen=True)
class Library:
    """All of one language. lessons: by place."""

    lessons: tuple[Lesson, ...]
    needs: tuple[Need, ...]
    suggestions: tuple[Suggestion, ...]
    evidence: Evidence

    @cached_property
    def by_id(self) -> dict[str, Lesson]:
        return {lesson.id: lesson for lesson in self.lessons}

    @cached_property
    def by_title(self) -> dict[str, Lesson]:
        return {lesson.title: lesson for lesson in self.lessons}

    def answering(self, need: Need) -> list[Lesson]:
        """The lessons that answer a need, in order: those first that name it first."""
        found = [lesson for lesson in self.lessons if need.id in lesson.needs]
        return sorted(found, key=lambda lesson: (lesson.needs.index(need.id), lesson.place))

    def claims_about(self) -> dict[str, list[Claim]]:
        """Claims by what they are about, in the order of the file."""
        found: dict[str, list[Claim]] = {}
        for claim in self.evidence.claims:
            found.setdefault(claim.about, []).append(claim)
        return found


# -- finding ------------------------------------------------------------------------------------------------------------


def search(library: Library, asked: str) -> list[Lesson]:
    """The lessons in which each of the words asked for occurs, as a word or its beginning; best first.

    Of what is asked for, the first 12 words count.
    """
    words = [word.casefold() for word in re.findall(r"[^\W_]+", asked)][:12]
    if not words:
        return []
    found: list[tuple[int, int, Lesson]] = []
    for lesson in library.lessons:
        short = f"{lesson.says} {lesson.component} {lesson.practice}"
        points = [_often(word, lesson.title) * 12 or _often(word, short) * 6 or _often(word, lesson.body) for word in words]
        if all(points):
            found.append((-sum(points), lesson.place, lesson))
    return [lesson for _points, _place, lesson in sorted(found, key=lambda one: one[:2])]


def _often(word: str, text: str) -> int:
    """How often a word or its beginning is in a text; more than five times counts no more."""
    return min(len(re.findall(rf"\b{re.escape(word)}", text.casefold())), 5)


def suggest(library: Library, facts: Facts, seen: Iterable[str] = ()) -> tuple[Lesson, str] | None:
    """(a lesson for a bond, why), by the first rule that holds and whose lesson is not among `seen`; None if none does."""
    known = set(seen)
    for rule in library.suggestions:
        if rule.lesson not in known and rule.holds(facts):
            return library.by_id[rule.lesson], rule.why
    return None


# -- reading ------------------------------------------------------------------------------------------------------------


def _lesson(path: Path, root: Path) -> tuple[Lesson | None, list[Problem]]:
    """A lesson, or what is wrong with its file."""
    name = str(path.relative_to(root))
    text = path.read_text("utf-8", errors="replace")
    head, _line, body = text.removeprefix("---\n").partition("\n---\n")
    if not text.startswith("---\n") or not body:
        mend = "Begin with a line ---, the fields, and a line ---."
        return None, [Problem(name, 1, "", "yaml", "no fields before the text", mend)]
    try:
        raw = yaml.safe_load(head)
        lesson = Lesson.model_validate({**raw, "body": body.strip()})
    except (yaml.YAMLError, TypeError) as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 2 if mark is not None else 1
        return None, [Problem(name, line, "", "yaml", "not readable", "Mend the YAML at this line.")]
    except ValidationError as error:
        mend = "docs/writing-content.md lists what is allowed."
        says = [f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors(include_url=False)]
        return None, [Problem(name, 1, "", "schema", one, mend) for one in says]
    if lesson.id != path.stem:
        return None, [Problem(name, 2, lesson.id, "id", "the file has another name", "Name the file after its id.")]
    return lesson, []


def load_library(root: Path, language: str = "en") -> Library:
    """The library below `root`/`language`. Raises content.BrokenPack, or FileNotFoundError where there is none."""
    found: list[Lesson] = []
    for path in sorted(root.glob(f"{language}/lessons/*.md")):
        lesson, problems = _lesson(path, root)
        if lesson is None:
            raise BrokenPack(problems[0])
        found.append(lesson)
    folder = root / language / "library"
    needs = read_pack(folder / "needs.yaml", root, Needs, "needs").need()
    evidence = read_pack(folder / "evidence.yaml", root, Evidence, "claims").need()
    lessons = tuple(sorted(found, key=lambda lesson: lesson.place))
    return Library(lessons, needs.needs, needs.suggestions, evidence)


# -- checking -----------------------------------------------------------------------------------------------------------


def paragraphs(body: str) -> Iterator[tuple[str, bool]]:
    """(each paragraph, whether it is of the scene)."""
    for part in re.split(r"\n\s*\n", body):
        yield part, part.lstrip().startswith(">")


def unsupported(body: str) -> list[str]:
    """The paragraphs that claim something was found out and name no source. The scene is talk, and claims nothing."""
    return [part for part, scene in paragraphs(body) if not scene and _CLAIMS.search(part) and not CITED.search(part)]


def _wrong(lesson: Lesson, library: Library) -> Iterator[tuple[str, str, str]]:
    """(code, message, mend) for each thing that is wrong with one lesson."""
    words = len(re.findall(r"[^\W_]+", lesson.body))
    least, most = BODY_WORDS
    if not least <= words <= most:
        yield "long", f"{words} words", f"Say it in {least} to {most}."
    if not any(scene for _part, scene in paragraphs(lesson.body)):
        yield "scene", "nobody talks in it", "Let two people talk, in a block of lines that begin with >."
    if _NOT_PROSE.search(lesson.body):
        yield "prose", "a heading, picture, table, code or HTML", "Write prose, with steps in bold."
    for part in unsupported(lesson.body):
        yield "claim", f"a claim without a source: “{part[:60]}…”", "Cite a source of evidence.yaml as [key], or claim less."
    for key in lesson.cites:
        if key not in library.evidence.sources:
            yield "source", f"no source {key}", "Add it to evidence.yaml, or correct the key."
    for need in lesson.needs:
        if need not in {one.id for one in library.needs}:
            yield "need", f"no need {need}", "Add it to needs.yaml, or correct it."
    choices = [text for check in lesson.checks for one in check.options for text in (one.says, one.answer)]
    asked = [check.ask for check in lesson.checks]
    for text in (lesson.title, lesson.says, lesson.attempt.text, *asked, *choices, lesson.body):
        yield from plain_words(text)


def _wrong_file(library: Library) -> Iterator[tuple[str, str, str, str]]:
    """(file, code, message, mend) for what is wrong with needs, suggestions and evidence."""
    for need in library.needs:
        if not library.answering(need):
            yield "needs.yaml", "need", f"nothing answers {need.id}", "Name it in a lesson, or leave it out."
    for rule in library.suggestions:
        if rule.lesson not in library.by_id:
            yield "needs.yaml", "lesson", f"no lesson {rule.lesson}", "Correct its id."
    if len({claim.id for claim in library.evidence.claims}) < len(library.evidence.claims):
        yield "evidence.yaml", "id", "a claim's id twice", "Give one of them another id."
    for claim in library.evidence.claims:
        for key in claim.sources:
            if key not in library.evidence.sources:
                yield "evidence.yaml", "source", f"{claim.id}: no source {key}", "Add it, or correct the key."


def check_library(root: Path) -> Report:
    """Everything that is wrong with the libraries below `root`, and how many lessons and claims there are."""
    found: list[Problem] = []
    counts = {"lessons": 0, "claims": 0}
    for folder in sorted({path.parents[1] for path in root.glob("*/lessons/*.md")}):
        broken = [problem for path in sorted(folder.glob("lessons/*.md")) for problem in _lesson(path, root)[1]]
        found += broken
        if broken:
            continue
        try:
            library = load_library(root, folder.name)
        except (BrokenPack, FileNotFoundError) as error:
            mend = "Each language with lessons has library/needs.yaml and library/evidence.yaml."
            missing = Problem(folder.name, 1, "", "empty", str(error), mend)
            found.append(error.problem if isinstance(error, BrokenPack) else missing)
            continue
        counts["lessons"] += len(library.lessons)
        counts["claims"] += len(library.evidence.claims)
        places = [lesson.place for lesson in library.lessons]
        for lesson in library.lessons:
            name = f"{folder.name}/lessons/{lesson.id}.md"
            found += [Problem(name, 1, lesson.id, *problem) for problem in _wrong(lesson, library)]
            if places.count(lesson.place) > 1:
                found.append(Problem(name, 1, lesson.id, "id", f"place {lesson.place} twice", "Give each its own place."))
        found += [Problem(f"{folder.name}/library/{name}", 1, "", *rest) for name, *rest in _wrong_file(library)]
    return Report(in_order(found), counts)
