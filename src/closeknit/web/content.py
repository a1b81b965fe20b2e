"""Where the content packs are, inside the wheel or beside the source, and what is read from them once."""

from collections.abc import Iterator
from functools import cache
from pathlib import Path

from closeknit.coach import books
from closeknit.coach.rehearsal import Rehearsal
from closeknit.coach.tips import Book, RulesError
from closeknit.method.content import Problem, Report, plain_words


@cache
def content_root() -> Path:
    """The folder of our own packs."""
    packaged = Path(__file__).parents[1] / "content"
    return packaged if packaged.is_dir() else Path(__file__).parents[3] / "content"


@cache
def tips(language: str = "en") -> Book:
    """What the coach may say in one language. Raises RulesError."""
    return books.load_tips(content_root(), language)


@cache
def rehearsals(language: str = "en") -> tuple[Rehearsal, ...]:
    """The people one may practise with, in one language. Raises RulesError."""
    return books.load_rehearsals(content_root(), language)


def _lines(root: Path, language: str) -> Iterator[tuple[str, str]]:
    """(where, line) of all that is said to a member."""
    for rule in books.load_tips(root, language).rules:
        yield from ((f"tips: {rule.id}", line) for line in (*rule.say, rule.why))
    # A made-up person may have a wife, and say so; what is said to the member assumes nothing.
    for one in books.load_rehearsals(root, language):
        yield from ((f"rehearsals: {one.id}", line) for line in (one.title, one.aim))


def check_coach(root: Path) -> Report:
    """What is wrong with the coach's packs below `root`, and how many of each there are."""
    found = [
        Problem(file, 1, "", "coach", says, "docs/writing-content.md says what is allowed.")
        for file, says in books.problems(root)
    ]
    counts = {"tips": 0, "rehearsals": 0}
    for folder in sorted(root.glob("*/tips")) if not found else []:
        language = folder.parent.name
        try:
            for where, line in _lines(root, language):
                found += [Problem(language, 1, where, *problem) for problem in plain_words(line)]
            counts["tips"] += len(books.load_tips(root, language).rules)
            counts["rehearsals"] += len(books.load_rehearsals(root, language))
        except RulesError as error:
            found.append(Problem(language, 1, "", "coach", str(error), "docs/writing-content.md says what is allowed."))
    return Report(tuple(found), counts)
