"""Words for feelings, in families: how each may feel in the body, what may be needed. Pure: the folder is an argument."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from .content import Problem, Report, in_order, plain_words, read_pack

Word = Annotated[str, StringConstraints(strip_whitespace=True, min_length=2, max_length=40)]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Family(_Model):
    """Feelings that are akin. body: how they may feel in the body; need: what somebody who feels so may need."""

    id: Annotated[str, StringConstraints(pattern=r"^[a-z]+$", max_length=30)]
    says: Word
    body: Annotated[str, StringConstraints(min_length=3, max_length=120)]
    need: Annotated[str, StringConstraints(min_length=3, max_length=120)]
    words: tuple[Word, ...] = Field(min_length=2)


class Feelings(_Model):
    """The file of families."""

    language: str
    author: str
    licence: str
    families: tuple[Family, ...] = Field(min_length=1)


def load_feelings(root: Path, language: str = "en") -> tuple[Family, ...]:
    """The families of one language, in the order of the file. Raises content.BrokenPack, or FileNotFoundError."""
    return read_pack(root / language / "feelings" / "feelings.yaml", root, Feelings, "families").need().families


def check_feelings(root: Path) -> Report:
    """What is wrong with the words for feelings below `root`, and how many there are."""
    found: list[Problem] = []
    total = 0
    for path in sorted(root.glob("*/feelings/feelings.yaml")):
        read = read_pack(path, root, Feelings, "families")
        found += read.problems
        seen: set[str] = set()
        for family in read.pack.families if read.pack is not None else ():
            total += len(family.words)
            for word in family.words:
                if word.casefold() in seen:
                    says = f"“{word}” is in two places"
                    found.append(Problem(read.file, read.lines[family.id], family.id, "twin", says, "Keep it in one."))
                seen.add(word.casefold())
                found += [Problem(read.file, read.lines[family.id], family.id, *one) for one in plain_words(word)]
    return Report(in_order(found), {"feelings": total})
