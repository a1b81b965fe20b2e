"""What the coach has to say and to play, out of content packs. The folder is an argument."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from . import rehearsal
from .rehearsal import Rehearsal
from .tips import Book, RulesError, wrong_examples


def _parsed(path: Path) -> Any:
    try:
        return yaml.safe_load(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise RulesError(f"{path.name} cannot be read: {error}") from None


def load_tips(root: Path, language: str = "en") -> Book:
    """The tips of one language. root: the folder of packs. Raises RulesError."""
    return Book.made_of(_parsed(root / language / "tips" / "tips.yaml"))


def load_rehearsals(root: Path, language: str = "en") -> tuple[Rehearsal, ...]:
    """All rehearsals of one language, by level, then by file and place. Raises RulesError."""
    paths = sorted((root / language / "rehearsals").glob("*.yaml"))
    found = [one for path in paths for one in rehearsal.made_of(_parsed(path))]
    if len({one.id for one in found}) != len(found):
        raise RulesError("two rehearsals have one id")
    return tuple(sorted(found, key=lambda one: one.level))


def problems(root: Path) -> list[tuple[str, str]]:
    """(file, what is wrong) of every pack of tips and rehearsals under `root`: their form, and examples that contradict
    their rule."""
    found = []
    for path in sorted([*root.glob("*/tips/*.yaml"), *root.glob("*/rehearsals/*.yaml")]):
        where = str(path.relative_to(root))
        try:
            if path.parent.name == "tips":
                found += [(where, line) for line in wrong_examples(Book.made_of(_parsed(path)))]
            else:
                rehearsal.made_of(_parsed(path))
        except RulesError as error:
            found.append((where, str(error)))
    return found
