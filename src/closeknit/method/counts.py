"""What there is of content, and what is thin: tables by component, practice, depth, kind of bond and language."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from .alone import Question, load_questions
from .content import LEVELS, BondKind, Component, Prompt, When, load_deck
from .library import Lesson, load_library
from .scripts import Script, load_scripts

#: A cell with fewer prompts than this is a gap: whoever chooses that depth soon meets the same ones again.
THIN_CELL = 8
THIN_KIND = 20
THIN_LESSONS = 3


@dataclass(frozen=True, slots=True)
class Table:
    """Counts of one sort of content. rows: a name and a number for each column."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, tuple[int, ...]], ...]


@dataclass(frozen=True, slots=True)
class Counts:
    """What one language has. gaps: a sentence for each thing of which there is little."""

    language: str
    tables: tuple[Table, ...]
    gaps: tuple[str, ...]


def counted(root: Path) -> tuple[Counts, ...]:
    """Counts for each language below `root`, in the order of their codes. Raises content.BrokenPack."""
    languages = sorted(one.name for one in root.iterdir() if any(one.glob("*/*")) and one.name != "schema")
    return tuple(_language(root, language) for language in languages)


def as_json(found: Iterable[Counts]) -> str:
    """[{"language": …, "tables": [{"title": …, "columns": […], "rows": [[…, […]]]}], "gaps": […]}]"""
    return json.dumps([asdict(one) for one in found], ensure_ascii=False)


def _language(root: Path, language: str) -> Counts:
    prompts = load_deck(root, language).prompts
    scripts = tuple(load_scripts(root, language).values())
    lessons: tuple[Lesson, ...] = _or_none(lambda: load_library(root, language).lessons)
    questions: tuple[Question, ...] = _or_none(lambda: load_questions(root, language))
    tables = [*_of_prompts(prompts), *_of_the_rest(scripts, lessons, questions)]
    return Counts(language, tuple(one for one in tables if one.rows), tuple(_gaps(prompts, lessons, questions)))


def _or_none(load: Callable[[], tuple[Any, ...]]) -> tuple[Any, ...]:
    """What is loaded, or nothing where a folder has none of it."""
    try:
        return load()
    except FileNotFoundError:
        return ()


def _by_level(title: str, names: Iterable[str], prompts: tuple[Prompt, ...], has: Callable[[Prompt, str], bool]) -> Table:
    rows = []
    for name in names:
        levels = Counter(one.level for one in prompts if has(one, name))
        rows.append((name, (*(levels[level] for level in LEVELS), levels.total())))
    columns = (*(f"depth {level}" for level in LEVELS), "all")
    return Table(title, columns, tuple(rows))


def _of_prompts(prompts: tuple[Prompt, ...]) -> Iterable[Table]:
    if not prompts:
        return
    yield _by_level("prompts: component", Component, prompts, lambda one, name: one.component == name)
    yield _by_level("prompts: kind of bond", BondKind, prompts, lambda one, name: name in one.kinds)
    yield _by_level("prompts: time", When, prompts, lambda one, name: name in one.when)
    practices = Counter(one.practice for one in prompts)
    names = [name for name, _count in sorted(practices.items(), key=lambda one: (-one[1], one[0]))]
    yield _by_level("prompts: practice", names, prompts, lambda one, name: one.practice == name)


def _of_the_rest(
    scripts: tuple[Script, ...], lessons: tuple[Lesson, ...], questions: tuple[Question, ...]
) -> Iterable[Table]:
    sorts: dict[str, tuple[Any, ...]] = {"conversations": scripts, "lessons": lessons, "questions": questions}
    there = {name: ones for name, ones in sorts.items() if ones}
    rows = tuple(
        (component.value, tuple(sum(one.component is component for one in ones) for ones in there.values()))
        for component in Component
    )
    yield Table("component", tuple(there), rows if there else ())
    kinds = {name: ones for name, ones in there.items() if name != "questions"}
    rows = tuple((kind.value, tuple(sum(kind in one.kinds for one in ones) for ones in kinds.values())) for kind in BondKind)
    yield Table("kind of bond", tuple(kinds), rows if kinds else ())


def _gaps(prompts: tuple[Prompt, ...], lessons: tuple[Lesson, ...], questions: tuple[Question, ...]) -> Iterable[str]:
    for component in Component:
        for level in LEVELS:
            number = sum(one.component is component and one.level == level for one in prompts)
            if prompts and number < THIN_CELL:
                yield f"{component.value} at depth {level}: {number} prompts"
    for kind in BondKind:
        for level in LEVELS:
            number = sum(kind in one.kinds and one.level == level for one in prompts)
            if prompts and number < THIN_KIND:
                yield f"{kind.value} at depth {level}: {number} prompts"
    for when in When:
        missing = [level for level in LEVELS if not any(when in one.when and one.level == level for one in prompts)]
        if prompts and missing:
            yield f"for the time “{when.value}” no prompt of depth {', '.join(map(str, missing))}"
    once = sorted(name for name, number in Counter(one.practice for one in prompts).items() if number == 1)
    if once:
        yield f"practised by one prompt alone: {', '.join(once)}"
    for component in Component:
        number = sum(one.component is component for one in lessons)
        if lessons and number < THIN_LESSONS:
            yield f"{component.value}: {number} lessons"
        if questions and not any(one.component is component for one in questions):
            yield f"{component.value}: no question for somebody who writes alone"
