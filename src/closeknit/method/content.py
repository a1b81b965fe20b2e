"""Content packs: prompts as plain files, typed, checked, and loaded. Pure: the folder is an argument."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Generic, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from .reading import grade

LEVELS = range(1, 6)
MOST_WORDS = 25
#: A prompt is read by somebody tired: no harder than this school year reads. Below so many words the measure says nothing.
MOST_GRADE = 7.0
LEAST_GRADED = 8
#: Two prompts that share this much of their word pairs (Jaccard, common words left out) say the same. Measured on the
#: starting deck: the closest two of its 60 prompts reach .15, a prompt with one word replaced .6 and more.
NEAR_DUPLICATE = 0.45
#: No more than this share of a deck may open with the same two words.
SAME_OPENING = 0.04


class Component(StrEnum):
    """What a prompt trains."""

    VULNERABILITY = "vulnerability"
    EMPATHY = "empathy"
    TRUST = "trust"
    AUTHENTICITY = "authenticity"
    ACCEPTANCE = "acceptance"


class BondKind(StrEnum):
    """Whom a prompt suits."""

    PARTNERS = "partners"
    FRIENDS = "friends"
    FAMILY = "family"
    CIRCLE = "circle"


class Theme(StrEnum):
    """What a prompt is about: a kind that a member may leave out."""

    EVERYDAY = "everyday"
    US = "us"
    SELF = "self"
    FEELINGS = "feelings"
    PAST = "past"
    WORK = "work"
    BODY = "body"
    PEOPLE = "people"
    FUTURE = "future"
    LOSS = "loss"


class When(StrEnum):
    """What is true of a bond just now. A prompt that is for such a time comes up only where everyone said that it holds."""

    APART = "apart"
    NEW = "new"
    LONG = "long"
    HARD = "hard"
    JOY = "joy"
    PARENTS = "parents"
    SIBLINGS = "siblings"


Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=3, max_length=240)]


class Prompt(BaseModel):
    """One question or invitation. `start`: beginnings for when it is hard; `stay`: for the other, after the reveal."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=60)]
    component: Component
    practice: Annotated[str, StringConstraints(min_length=3, max_length=40)]
    level: int = Field(ge=1, le=5)
    theme: Theme
    kinds: tuple[BondKind, ...] = tuple(BondKind)
    #: For which times it is; empty: for any.
    when: tuple[When, ...] = ()
    text: Text
    why: Text
    start: tuple[Text, ...] = Field(min_length=1, max_length=4)
    stay: Text


class Pack(BaseModel):
    """A file of prompts with what is true of all of them."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    language: Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}(-[A-Z]{2})?$")]
    author: Text
    licence: Text
    prompts: tuple[Prompt, ...] = Field(min_length=1)


@dataclass(frozen=True)
class Deck:
    """All prompts of one language, in a fixed order."""

    prompts: tuple[Prompt, ...]

    @cached_property
    def by_id(self) -> dict[str, Prompt]:
        return {prompt.id: prompt for prompt in self.prompts}


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing to mend: where, what is wrong, what to do. line: from 1."""

    file: str
    line: int
    id: str
    code: str
    message: str
    mend: str


@dataclass(frozen=True, slots=True)
class Report:
    """What a check found."""

    problems: tuple[Problem, ...]
    counts: dict[str, int] = field(default_factory=dict)

    def as_json(self) -> str:
        """{"problems": [...], "counts": {...}}"""
        problems = [{name: getattr(one, name) for name in Problem.__dataclass_fields__} for one in self.problems]
        return json.dumps({"problems": problems, "counts": self.counts}, ensure_ascii=False)


class BrokenPack(Exception):
    """A pack that cannot be loaded. `problem` says where and what to do."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(f"{problem.file}:{problem.line}: {problem.message}")
        self.problem = problem


# -- reading ------------------------------------------------------------------------------------------------------------


PackModel = TypeVar("PackModel", bound=BaseModel)
#: The same language read by libyaml, where it is there: about eight times as fast.
_LOADER: type[yaml.SafeLoader | yaml.CSafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(slots=True)
class Read(Generic[PackModel]):
    """A file that was read: its pack if it holds together, the line of each item by id, and what is wrong."""

    file: str
    pack: PackModel | None
    lines: dict[str, int]
    problems: list[Problem]

    def need(self) -> PackModel:
        """The pack. Raises BrokenPack if there is none."""
        if self.pack is None:
            raise BrokenPack(self.problems[0])
        return self.pack


def _files(root: Path, language: str | None = None) -> Iterator[Path]:
    yield from sorted(root.glob(f"{language or '*'}/prompts/*.yaml"))


def _node_line(node: yaml.Node | None, path: tuple[str | int, ...]) -> int:
    """The line of the node that a validation error's path leads to, as near as it goes."""
    line = 1
    while node is not None:
        line = node.start_mark.line + 1
        if not path:
            return line
        step, path, following = path[0], path[1:], None
        if isinstance(node, yaml.MappingNode):
            following = next((value for key, value in node.value if key.value == step), None)
            if following is None:
                key = next((key for key, _value in node.value if key.value == step), None)
                return key.start_mark.line + 1 if key is not None else line
        elif isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
            following = node.value[step]
        node = following
    return line


def read_pack(path: Path, root: Path, model: type[PackModel], key: str) -> Read[PackModel]:
    """One file as a pack of `model`, whose list of items is called `key`. Never raises for bad content."""
    name = str(path.relative_to(root))
    found: Read[PackModel] = Read(name, None, {}, [])
    try:
        text = path.read_text("utf-8")
        node = yaml.compose(text, Loader=_LOADER)
        raw = yaml.load(text, Loader=_LOADER)  # noqa: S506 - one of the two safe ones
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark is not None else 1
        says = str(getattr(error, "problem", "it is not UTF-8"))
        found.problems.append(Problem(name, line, "", "yaml", f"not readable: {says}", "Mend the YAML at this line."))
        return found
    try:
        found.pack = model.model_validate(raw)
    except ValidationError as error:
        for one in error.errors(include_url=False):
            line = _node_line(node, tuple(one["loc"]))
            where = ".".join(str(step) for step in one["loc"])
            mend = f"Correct `{where}`; docs/writing-content.md lists what is allowed."
            found.problems.append(Problem(name, line, _id_at(raw, key, one["loc"]), "schema", one["msg"], mend))
        return found
    for index, item in enumerate(getattr(found.pack, key)):
        found.lines.setdefault(item.id, _node_line(node, (key, index)))
    return found


def _id_at(raw: Any, key: str, path: tuple[Any, ...]) -> str:
    try:
        return str(raw[key][path[1]]["id"]) if path[0] == key else ""
    except (KeyError, IndexError, TypeError):
        return ""


def load_deck(root: Path, language: str = "en") -> Deck:
    """All prompts below `root`/`language`/prompts. Raises BrokenPack for a file that does not hold together."""
    prompts: list[Prompt] = []
    for path in _files(root, language):
        prompts += read_pack(path, root, Pack, "prompts").need().prompts
    return Deck(tuple(prompts))


def write_schema() -> dict[str, Any]:
    """The JSON Schema of a pack, for authors' editors."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **Pack.model_json_schema()}


# -- checking -----------------------------------------------------------------------------------------------------------

_BANNED = re.compile(
    r"\b(journeys?|hold space|attachment style|love language|unpack|toxic|boundar(y|ies)|husband|wife|"
    r"your kids|your children|make love|soulmate|trauma)\b",
    re.IGNORECASE,
)
_COMMON = frozenset(
    "a an and are as at be been by did do does for from had has have how i if in into is it its me my of on one or our "
    "since so than that the their them they this to us was we were what when where which who whom will with would you "
    "your".split()
)
_EMOJI = re.compile("[\U0001f000-\U0001faff☀-➿]")


def _words(text: str) -> list[str]:
    return re.findall(r"[a-z']+", text.lower().replace("’", "'"))


def _shingles(text: str) -> frozenset[tuple[str, ...]]:
    """Pairs of neighbouring words and the telling single ones, after leaving out common words."""
    words = [word.removesuffix("s") for word in _words(text) if word not in _COMMON]
    return frozenset([*((word,) for word in words), *zip(words, words[1:], strict=False)])


def plain_words(text: str) -> Iterator[tuple[str, str, str]]:
    """(code, message, mend) for words that assume too much about people, and for loudness."""
    banned = _BANNED.search(text)
    if banned:
        yield "word", f"“{banned.group(0)}”", "Say it in plain words that assume nothing about anyone."
    if "!" in text or _EMOJI.search(text):
        yield "loud", "an exclamation mark or emoji", "Let the words do it."


def likeness(one: str, other: str) -> float:
    """How alike two prompts are, 0 to 1: shared words and word pairs over all of them (Jaccard)."""
    a, b = _shingles(one), _shingles(other)
    return len(a & b) / len(a | b) if a | b else 1.0


def _single(file: str, line: int, prompt: Prompt) -> Iterator[Problem]:
    """What is wrong with one prompt on its own."""

    def problem(code: str, message: str, mend: str) -> Problem:
        return Problem(file, line, prompt.id, code, message, mend)

    text = prompt.text
    if len(_words(text)) > MOST_WORDS:
        yield problem("long", f"{len(_words(text))} words", f"Say it in {MOST_WORDS} words or fewer.")
    if text.count("?") != 1 or not text.endswith("?"):
        yield problem("question", "not exactly one question, asked at the end", "Ask one thing and end with it.")
    for part in (text, prompt.why, prompt.stay, *prompt.start):
        for code, message, mend in plain_words(part):
            yield problem(code, message, mend)
    if not prompt.stay.endswith("?"):
        yield problem("stay", "`stay` is no question", "Ask the other something that keeps them with it.")
    if len(set(prompt.kinds)) != len(prompt.kinds):
        yield problem("kinds", "a kind is listed twice", "List each kind once.")


def _hard(file: str, line: int, prompt: Prompt) -> Iterator[Problem]:
    """An English prompt that is hard to read."""
    if len(_words(prompt.text)) >= LEAST_GRADED and (hard := grade([prompt.text])) > MOST_GRADE:
        yield Problem(file, line, prompt.id, "grade", f"reads like school year {hard:.1f}", "Say it in shorter words.")


def _together(found: list[tuple[str, int, Prompt]]) -> Iterator[Problem]:
    """What is wrong between prompts of one language."""
    seen: dict[str, tuple[str, int]] = {}
    for file, line, prompt in found:
        if prompt.id in seen:
            other, at = seen[prompt.id]
            yield Problem(file, line, prompt.id, "id", f"also in {other}:{at}", "Give one of them another id.")
        seen.setdefault(prompt.id, (file, line))
    for index, (file, line, prompt) in enumerate(found):
        for _file, _line, before in found[:index]:
            score = likeness(prompt.text, before.text)
            if prompt.id != before.id and score >= NEAR_DUPLICATE:
                says = f"nearly the same as {before.id} ({score:.2f})"
                yield Problem(file, line, prompt.id, "twin", says, "Rewrite one so that it asks something else.")
    if len(found) >= 30:
        yield from _openings(found)
        yield from _balance(found)


def _openings(found: list[tuple[str, int, Prompt]]) -> Iterator[Problem]:
    openings = Counter(tuple(_words(prompt.text)[:2]) for _file, _line, prompt in found)
    for file, line, prompt in found:
        opening = tuple(_words(prompt.text)[:2])
        if openings[opening] > max(2, SAME_OPENING * len(found)):
            says = f"{openings[opening]} prompts open with “{' '.join(opening)}”"
            yield Problem(file, line, prompt.id, "opening", says, "Begin some of them in another way.")


def _balance(found: list[tuple[str, int, Prompt]]) -> Iterator[Problem]:
    file, line, _prompt = found[0]
    prompts = [prompt for _file, _line, prompt in found]
    components = Counter(prompt.component for prompt in prompts)
    for component in Component:
        if components[component] < len(prompts) / len(Component) * 0.6:
            says = f"only {components[component]} prompts for {component.value}"
            yield Problem(file, line, "", "balance", says, "Write more for it, or fewer for the others.")
    for kind in BondKind:
        reached = {prompt.level for prompt in prompts if kind in prompt.kinds}
        for level in LEVELS:
            if level not in reached:
                says = f"no prompt of depth {level} for {kind.value}"
                yield Problem(file, line, "", "reach", says, "Write one, or widen the kinds of another.")


def check(root: Path) -> Report:
    """Everything that is wrong with the packs below `root`, and how much is there. Never raises for bad content."""
    problems: list[Problem] = []
    languages: dict[str, list[tuple[str, int, Prompt]]] = {}
    for path in _files(root):
        read = read_pack(path, root, Pack, "prompts")
        problems += read.problems
        if read.pack is None:
            continue
        found = [(read.file, read.lines[prompt.id], prompt) for prompt in read.pack.prompts]
        languages.setdefault(path.parts[-3], []).extend(found)
        if read.pack.language.split("-")[0] != path.parts[-3]:
            says = f"language {read.pack.language} in the folder {path.parts[-3]}"
            problems.append(Problem(read.file, 1, "", "language", says, "Move the file or correct its language."))
        for file, line, prompt in found:
            problems += _single(file, line, prompt)
            if path.parts[-3] == "en":
                problems += _hard(file, line, prompt)
    for together in languages.values():
        problems += _together(together)
    total = sum(len(together) for together in languages.values())
    if not total and not problems:
        problems.append(Problem(str(root.name), 1, "", "empty", "no prompts here", "Point it at a folder of packs."))
    return Report(in_order(problems), {"prompts": total})


def merged(*reports: Report) -> Report:
    """Several reports as one, in the order of files. A folder needs one kind of pack at least, and not each."""
    counts = {kind: count for report in reports for kind, count in report.counts.items()}
    problems = in_order(problem for report in reports for problem in report.problems)
    if any(counts.values()):
        problems = tuple(problem for problem in problems if problem.code != "empty")
    return Report(problems, counts)


def in_order(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """Problems as one reads through the files."""
    return tuple(sorted(problems, key=lambda one: (one.file, one.line, one.code)))
