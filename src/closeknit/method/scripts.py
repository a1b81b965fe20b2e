"""Scripts of dialogues: what a guided conversation consists of, as data. Typed, checked as a graph, loaded. Pure.

A script is a list of *parts*; a part is a list of *stages*. A part is gone through `once`, once for `each` member as its
lead, or once for each of a number of `cards`. A stage says which *act* it consists of, whose it is, and what each side
reads meanwhile. `method/dialogue/` walks along it; nothing here knows about events.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from .content import MOST_WORDS, BondKind, Component, Problem, Report, Text, in_order, plain_words, read_pack

#: Where a goto may lead besides a stage of the same part or another part.
END = "end"
MOST_CHARACTERS = 600
#: What will happen is said in at most so many sentences.
MOST_BEFORE = 3
#: Names that a text may hold in braces; the page puts people's names there.
PLACEHOLDERS = frozenset({"lead", "listener", "speaker", "others"})


class Act(StrEnum):
    """What a stage consists of."""

    READY = "ready"
    SAY = "say"
    BUILD = "build"
    RESPOND = "respond"
    CHOOSE = "choose"
    LOOP = "loop"
    WISH = "wish"


class Who(StrEnum):
    """Whose a stage is. each and others go in order from the lead on; all act at once."""

    LEAD = "lead"
    LISTENER = "listener"
    OTHERS = "others"
    EACH = "each"
    ALL = "all"


class Repeat(StrEnum):
    """How often a part is gone through."""

    ONCE = "once"
    EACH = "each"
    CARDS = "cards"


class Way(StrEnum):
    """How a turn may be taken."""

    TYPED = "typed"
    SPOKEN = "spoken"


class Effort(StrEnum):
    """How much a script asks of people."""

    LIGHT = "light"
    SOME = "some"
    MUCH = "much"


Id = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=40)]
Line = Annotated[str, StringConstraints(strip_whitespace=True, min_length=2, max_length=160)]
Passage = Annotated[str, StringConstraints(strip_whitespace=True, min_length=3, max_length=420)]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Side(_Model):
    """What one side reads: a title in large type, at most three things to do, and ways to begin."""

    title: Line
    do: tuple[Line, ...] = Field(default=(), max_length=4)
    start: tuple[Line, ...] = Field(default=(), max_length=4)


class Option(_Model):
    """One answer to a `choose`. goto: a stage of this part, `part:ID`, or `end`; empty: the next stage."""

    id: Id
    label: Line
    goto: Annotated[str, StringConstraints(max_length=48)] = ""
    #: How often it may be taken in one round of its part; needed where it leads back.
    at_most: int | None = Field(default=None, ge=1, le=3)


class Field_(_Model):
    """One field of a `build`."""

    id: Id
    label: Line
    hint: Line


class Stage(_Model):
    """One thing on the screen: whose turn, what to do, how to begin.

    acting: for those whose stage it is; watching: for the others. seconds: when a quiet cue shows; nothing is ever cut.
    """

    id: Id
    act: Act
    who: Who
    seconds: int = Field(ge=0, le=1800)
    trains: Component | None = None
    acting: Side
    watching: Side | None = None
    #: What to do when stuck: one line, folded away.
    stuck: Line | None = None
    options: tuple[Option, ...] = Field(default=(), max_length=6)
    fields: tuple[Field_, ...] = Field(default=(), max_length=5)
    #: Only in loops: whether the listener also says that it makes sense and what it may have felt like.
    validates: bool = True
    #: Left out unless somebody answered "tell me more" before it in this round.
    after_tell_more: bool = False
    #: A turn of this stage may be passed, without a name on it. Off only where there is nothing to say.
    may_pass: bool = True
    #: What follows in its round hangs on it: if nobody takes this turn, the rest of the round is left out.
    carries_round: bool = False
    #: Only in `choose`: what was chosen is shown to nobody else; they see where it leads.
    quiet: bool = False
    #: Where it leads instead of the next stage: a later stage of this part, `part:ID` of a later part, or `end`.
    then: Annotated[str, StringConstraints(max_length=48)] = ""

    @model_validator(mode="after")
    def _fits(self) -> Stage:
        if (self.act is Act.CHOOSE) != bool(self.options):
            raise ValueError("options belong to `choose`, and a `choose` needs some")
        if (self.act is Act.BUILD) != bool(self.fields):
            raise ValueError("fields belong to `build`, and a `build` needs some")
        if self.options and all(option.at_most for option in self.options):
            raise ValueError("one option has to be without `at_most`, so that there is always a way on")
        if self.act in {Act.READY, Act.WISH} and self.who is not Who.ALL:
            raise ValueError(f"`{self.act.value}` is for all at once")
        if self.act in {Act.SAY, Act.BUILD} and self.who is Who.ALL:
            raise ValueError("one has the floor at a time: use `each`")
        if self.act is Act.RESPOND and self.who not in {Who.OTHERS, Who.ALL}:
            raise ValueError("`respond` is for the others, or for all to each other")
        if self.act is Act.LOOP and self.who is not Who.LEAD:
            raise ValueError("`loop` is the lead's")
        if self.act is Act.CHOOSE and self.who not in {Who.LEAD, Who.LISTENER}:
            raise ValueError("`choose` is for one: the lead or the listener")
        if self.carries_round and not (self.may_pass and self.act in {Act.SAY, Act.BUILD, Act.LOOP}):
            raise ValueError("`carries_round` belongs to a turn with words that may be passed")
        if self.act is not Act.CHOOSE and self.quiet:
            raise ValueError("`quiet` belongs to `choose`")
        if self.act is Act.CHOOSE and self.then:
            raise ValueError("in a `choose` each option says where it leads: `goto`")
        if self.watching is None and self.who is not Who.ALL:
            raise ValueError("say what the others read meanwhile: `watching`")
        if len({option.id for option in self.options}) != len(self.options):
            raise ValueError("two options with one id")
        return self


class Part(_Model):
    """Some stages that belong together. cards: how many, by length (short, middle, long), for `cards` alone."""

    id: Id
    title: Line
    repeat: Repeat = Repeat.ONCE
    cards: tuple[int, int, int] | None = None
    #: How many members lead it at most, in the order drawn, for `each` alone; empty: everyone.
    at_most: int | None = Field(default=None, ge=1, le=12)
    #: Anyone may leave this part out for everyone, without a reason.
    skippable: bool = False
    stages: tuple[Stage, ...] = Field(min_length=1, max_length=10)

    @model_validator(mode="after")
    def _fits(self) -> Part:
        if (self.repeat is Repeat.CARDS) != (self.cards is not None):
            raise ValueError("`cards` says how many for short, middle and long, in a part that repeats by cards")
        if self.at_most is not None and self.repeat is not Repeat.EACH:
            raise ValueError("`at_most` belongs to a part that repeats for each")
        if len({stage.id for stage in self.stages}) != len(self.stages):
            raise ValueError("two stages with one id")
        return self


class Script(_Model):
    """A guided conversation as its authors wrote it."""

    id: Id
    title: Line
    #: What it is for, in one line; then what will happen, in at most three sentences.
    purpose: Passage
    before: Passage
    minutes: tuple[int, int]
    effort: Effort
    #: Calm scripts are offered first, and two of them come before those that ask for more.
    calm: bool
    component: Component
    members: tuple[int, int] = (2, 2)
    kinds: tuple[BondKind, ...] = tuple(BondKind)
    #: Whether everyone goes through the private check first.
    gate: bool
    ways: tuple[Way, ...] = (Way.TYPED, Way.SPOKEN)
    #: Whether whoever starts may say in a line what it is about, and how it is asked for.
    topic: Line | None = None
    #: Why it opens only after two calm ones; None: open from the start.
    later_because: Passage | None = None
    caution: Passage | None = None
    #: Whether it follows something that went wrong between people; afterwards each is offered the view from outside.
    mends: bool = False
    #: What it comes from, and what is known about it: keys of docs/method/dialogues.md.
    sources: tuple[Id, ...] = Field(min_length=1)
    parts: tuple[Part, ...] = Field(min_length=1, max_length=12)

    @model_validator(mode="after")
    def _fits(self) -> Script:
        if not 2 <= self.members[0] <= self.members[1] <= 12:
            raise ValueError("members: from 2 to 12, fewest first")
        if not 1 <= self.minutes[0] <= self.minutes[1] <= 60:
            raise ValueError("minutes: from 1 to 60, fewest first")
        if len({part.id for part in self.parts}) != len(self.parts):
            raise ValueError("two parts with one id")
        return self

    @property
    def has_cards(self) -> bool:
        """Whether prompts are dealt for it."""
        return any(part.repeat is Repeat.CARDS for part in self.parts)

    def target(self, part: int, goto: str) -> tuple[int, int] | None:
        """(part, stage) that a goto of a stage in `part` leads to; None: the end. Raises KeyError if nowhere."""
        if goto == END:
            return None
        if goto.startswith("part:"):
            for index, one in enumerate(self.parts):
                if one.id == goto.removeprefix("part:"):
                    return index, 0
            raise KeyError(goto)
        for index, stage in enumerate(self.parts[part].stages):
            if stage.id == goto:
                return part, index
        raise KeyError(goto)


class ScriptPack(_Model):
    """A file of scripts with what is true of all of them."""

    language: Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}(-[A-Z]{2})?$")]
    author: Text
    licence: Text
    scripts: tuple[Script, ...] = Field(min_length=1)


# -- reading ------------------------------------------------------------------------------------------------------------


def load_scripts(root: Path, language: str = "en") -> dict[str, Script]:
    """All scripts below `root`/`language`/dialogues by id, in the order of files. Raises content.BrokenPack."""
    found: dict[str, Script] = {}
    for path in sorted(root.glob(f"{language}/dialogues/*.yaml")):
        read = read_pack(path, root, ScriptPack, "scripts")
        found |= {script.id: script for script in read.need().scripts}
    return found


def write_script_schema() -> dict[str, Any]:
    """The JSON Schema of a pack of scripts, for authors' editors."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **ScriptPack.model_json_schema()}


# -- the graph ----------------------------------------------------------------------------------------------------------

Node = tuple[int, int]


def edges(script: Script, node: Node) -> set[Node | None]:
    """The stages that may follow a stage; None: the end. Rounds of a part lead from its last stage to its first."""
    part_index, stage_index = node
    part = script.parts[part_index]
    stage = part.stages[stage_index]
    next_part = (part_index + 1, 0) if part_index + 1 < len(script.parts) else None
    round_over: set[Node | None] = {next_part} if part.repeat is Repeat.ONCE else {next_part, (part_index, 0)}
    after: set[Node | None]
    if stage.then:
        after = {script.target(part_index, stage.then)}
    elif stage_index + 1 < len(part.stages):
        after = {(part_index, stage_index + 1)}
    else:
        after = set(round_over)
    if stage.act is Act.CHOOSE:
        found = {script.target(part_index, one.goto) if one.goto else None for one in stage.options}
        plain = any(not one.goto for one in stage.options)
        after = {one for one in found if one is not None or any(o.goto == END for o in stage.options)} | (
            after if plain else set()
        )
    if stage.act is Act.WISH:
        last = len(script.parts) - 1
        after.add((last, 0) if part_index < last else None)
    if stage.carries_round:
        after |= round_over
    if part.skippable:
        after.add(next_part)
    return after


def nodes(script: Script) -> list[Node]:
    """All stages, in reading order."""
    return [(p, s) for p, part in enumerate(script.parts) for s in range(len(part.stages))]


def _reached(script: Script, start: Node) -> set[Node | None]:
    seen: set[Node | None] = {start}
    queue: deque[Node] = deque([start])
    while queue:
        for node in edges(script, queue.popleft()):
            if node not in seen:
                seen.add(node)
                if node is not None:
                    queue.append(node)
    return seen


def graph_problems(script: Script) -> Iterator[tuple[str, str, str]]:
    """(code, message, mend) for everything wrong with the way through a script."""
    for p, part in enumerate(script.parts):
        for s, stage in enumerate(part.stages):
            if stage.then:
                try:
                    ahead = script.target(p, stage.then)
                except KeyError:
                    says = f"{part.id}/{stage.id} leads to {stage.then}, which is not there"
                    yield "goto", says, "Name a later stage of this part, part:ID or end."
                    return
                if ahead is not None and ahead <= (p, s):
                    says = f"{part.id}/{stage.id} leads back without a choice"
                    yield "endless", says, "Lead on, or let an option with `at_most` lead back."
            for option in stage.options:
                where = f"{part.id}/{stage.id}/{option.id}"
                try:
                    target = script.target(p, option.goto) if option.goto else (p, s + 1)
                except KeyError:
                    says = f"{where} leads to {option.goto}, which is not there"
                    yield "goto", says, "Name a stage of this part, part:ID or end."
                    return
                if target is not None and option.goto and target <= (p, s) and option.at_most is None:
                    yield "endless", f"{where} leads back without a limit", "Say how often: `at_most`."
    all_nodes = nodes(script)
    reached = _reached(script, (0, 0))
    for node in all_nodes:
        part, stage = script.parts[node[0]], script.parts[node[0]].stages[node[1]]
        if node not in reached:
            yield "unreached", f"{part.id}/{stage.id} is never reached", "Lead to it, or take it out."
        elif None not in _reached(script, node):
            yield "no-end", f"no way leads from {part.id}/{stage.id} to the end", "Let something lead on."


# -- checking -----------------------------------------------------------------------------------------------------------


def texts(script: Script) -> Iterator[tuple[str, str]]:
    """(where, text) for every sentence that members read."""
    for name in ("title", "purpose", "before", "topic", "later_because", "caution"):
        value = getattr(script, name)
        if value:
            yield name, value
    for part in script.parts:
        yield part.id, part.title
        for stage in part.stages:
            where = f"{part.id}/{stage.id}"
            for side in (stage.acting, stage.watching):
                if side is not None:
                    yield from ((where, line) for line in (side.title, *side.do, *side.start))
            if stage.stuck:
                yield where, stage.stuck
            yield from ((f"{where}/{option.id}", option.label) for option in stage.options)
            for one in stage.fields:
                yield from ((f"{where}/{one.id}", line) for line in (one.label, one.hint))


def sentences(text: str) -> list[str]:
    """The sentences of a text, as they end with a full stop, a question mark or a line."""
    return [one for one in re.split(r"(?<=[.?…])[”\"']?\s+", text.strip()) if one]


def _single(file: str, line: int, script: Script) -> Iterator[Problem]:
    for code, message, mend in graph_problems(script):
        yield Problem(file, line, script.id, code, message, mend)
    for where, text in texts(script):
        for code, message, mend in plain_words(text):
            yield Problem(file, line, script.id, code, f"{where}: {message}", mend)
        longest = max((len(one.split()) for one in sentences(text)), default=0)
        if longest > MOST_WORDS:
            says, mend = f"{where}: a sentence of {longest} words", f"Say it in {MOST_WORDS} words or fewer."
            yield Problem(file, line, script.id, "long", says, mend)
        for name in re.findall(r"\{(\w*)\}", text):
            if name not in PLACEHOLDERS:
                mend = f"Only {', '.join(sorted(PLACEHOLDERS))} are filled in."
                yield Problem(file, line, script.id, "name", f"{where}: {{{name}}}", mend)
    if len(sentences(script.before)) > MOST_BEFORE:
        says = f"before: {len(sentences(script.before))} sentences"
        yield Problem(file, line, script.id, "before", says, f"Say what will happen in {MOST_BEFORE} at most.")
    if not script.calm and not script.gate:
        yield Problem(file, line, script.id, "gate", "not calm, and no private check before it", "Set `gate: true`.")
    if script.later_because and script.calm:
        yield Problem(file, line, script.id, "later", "calm, yet it opens later", "Take one of the two out.")


def check_scripts(root: Path) -> Report:
    """Everything that is wrong with the scripts below `root`, and how many there are. Never raises for bad content."""
    problems: list[Problem] = []
    seen: dict[tuple[str, str], str] = {}
    total = 0
    for path in sorted(root.glob("*/dialogues/*.yaml")):
        read = read_pack(path, root, ScriptPack, "scripts")
        problems += read.problems
        if read.pack is None:
            continue
        language = path.parts[-3]
        if read.pack.language.split("-")[0] != language:
            says = f"language {read.pack.language} in the folder {language}"
            problems.append(Problem(read.file, 1, "", "language", says, "Move the file or correct its language."))
        for script in read.pack.scripts:
            total += 1
            line = read.lines[script.id]
            if (language, script.id) in seen:
                says = f"also in {seen[language, script.id]}"
                problems.append(Problem(read.file, line, script.id, "id", says, "Give one of them another id."))
            seen.setdefault((language, script.id), f"{read.file}:{line}")
            problems += _single(read.file, line, script)
    return Report(in_order(problems), {"scripts": total})
