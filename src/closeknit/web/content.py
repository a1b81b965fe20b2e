"""Where the content packs are, inside the wheel or beside the source, and what is read from them once."""

from functools import cache
from pathlib import Path

from closeknit.coach import books
from closeknit.coach.rehearsal import Rehearsal
from closeknit.coach.tips import Book, RulesError
from closeknit.method.alone import Question, load_questions
from closeknit.method.content import BrokenPack, Problem, Report, load_deck, plain_words
from closeknit.method.depth import ENOUGH, LEAST_ORDER, rank_correlation
from closeknit.method.feelings import Family, load_feelings
from closeknit.method.library import Library, load_library


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


@cache
def library(language: str = "en") -> Library:
    """The lessons and the evidence, in one language. Raises content.BrokenPack."""
    return load_library(content_root(), language)


@cache
def feelings(language: str = "en") -> tuple[Family, ...]:
    """Words for feelings, in one language. Raises content.BrokenPack."""
    return load_feelings(content_root(), language)


@cache
def questions(language: str = "en") -> tuple[Question, ...]:
    """Questions for somebody who writes alone, in one language. Raises content.BrokenPack."""
    return load_questions(content_root(), language)


def check_coach(root: Path) -> Report:
    """What is wrong with the coach's packs below `root`, and how many of each there are."""
    mend = "docs/writing-content.md says what is allowed."
    found = [Problem(file, 1, "", "coach", says, mend) for file, says in books.problems(root)]
    counts = {"tips": 0, "rehearsals": 0}
    for folder in sorted(root.iterdir()) if not found else ():
        try:
            rules = books.load_tips(root, folder.name).rules if (folder / "tips").is_dir() else ()
            people = books.load_rehearsals(root, folder.name)
        except RulesError as error:
            found.append(Problem(folder.name, 1, "", "coach", str(error), mend))
            continue
        said = [(f"tips: {rule.id}", line) for rule in rules for line in (*rule.say, rule.why)]
        # A made-up person may have a wife, and say so; what is said to the member assumes nothing.
        said += [(f"rehearsals: {one.id}", line) for one in people for line in (one.title, one.aim)]
        for where, line in said:
            found += [Problem(folder.name, 1, where, *problem) for problem in plain_words(line)]
        counts["tips"] += len(rules)
        counts["rehearsals"] += len(people)
    return Report(tuple(found), counts)


def check_order(root: Path) -> Report:
    """Whether depth follows how intimate the coach finds a question, in each English deck that is large enough to tell."""
    from closeknit.coach.reader import ModelError, Reader

    try:
        prompts = load_deck(root, "en").prompts
        reader = Reader(threads=2)
    except (BrokenPack, ModelError):
        return Report((), {})  # the deck's own check names the one, the coach's page the other
    if len(prompts) < ENOUGH:
        return Report((), {})
    order = rank_correlation([one.level for one in prompts], [reader.read(one.text).intimacy for one in prompts])
    if order >= LEAST_ORDER:
        return Report((), {})
    says = f"depth follows what the coach measures with a rank correlation of {order:.2f}; {LEAST_ORDER} is asked for"
    mend = "`scripts/settle_depths.py` gives the measure its third."
    return Report((Problem("en/prompts", 1, "", "order", says, mend),), {})
