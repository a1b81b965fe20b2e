"""Questions for somebody who writes alone. Pure: the folder and the day are arguments."""

from __future__ import annotations

from collections import Counter
from datetime import date
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from .content import Component, Problem, Report, in_order, plain_words, read_pack

#: How many are offered on one day.
A_DAY = 3


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Question(_Model):
    """One question. level: 1 (everyday) to 5 (seldom said)."""

    id: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]*$", max_length=30)]
    component: Component
    level: int = Field(ge=1, le=5)
    text: Annotated[str, StringConstraints(min_length=12, max_length=160, pattern=r"[?.]$")]


class Questions(_Model):
    """The file of questions."""

    language: str
    author: str
    licence: str
    questions: tuple[Question, ...] = Field(min_length=A_DAY)


def load_questions(root: Path, language: str = "en") -> tuple[Question, ...]:
    """The questions of one language, in the order of the file. Raises content.BrokenPack, or FileNotFoundError."""
    return read_pack(root / language / "alone" / "journal.yaml", root, Questions, "questions").need().questions


def of_the_day(questions: tuple[Question, ...], day: date) -> tuple[Question, ...]:
    """A few of them for a day, the lightest first: the same all day, and for everyone, so that nothing is remembered.

    Each comes round before any comes again.
    """
    # From different parts of the file, so that depth differs as well.
    third = -(-len(questions) // A_DAY)
    start = day.toordinal() % third
    found = [questions[index] for part in range(A_DAY) if (index := part * third + start) < len(questions)]
    return tuple(sorted(found, key=lambda one: one.level))


def check_questions(root: Path) -> Report:
    """What is wrong with the questions below `root`, and how many there are."""
    found: list[Problem] = []
    total = 0
    for path in sorted(root.glob("*/alone/journal.yaml")):
        read = read_pack(path, root, Questions, "questions")
        found += read.problems
        questions = read.pack.questions if read.pack is not None else ()
        total += len(questions)
        texts = Counter(one.text.casefold() for one in questions)
        for one in questions:
            problems = list(plain_words(one.text))
            if texts[one.text.casefold()] > 1:
                problems.append(("twin", "the same question stands here twice", "Keep one."))
            if one.text.count("?") > 1 or len(one.text.split()) > 25:
                problems.append(("long", "one question, of 25 words at most", "Ask one thing."))
            found += [Problem(read.file, read.lines[one.id], one.id, *problem) for problem in problems]
    return Report(in_order(found), {"questions": total})
