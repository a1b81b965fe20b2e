"""Rehearsals: a made-up person with a fixed set of lines, who answers what a reply does. Pure; nothing is kept here."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from .labels import HURT, Label
from .reading import Reading
from .tips import RulesError

TURNS = 3


class Move(StrEnum):
    """What a reply does, as far as the made-up person goes by it."""

    HEARD = "heard"
    ASKED = "asked"
    TOLD = "told"
    ADVISED = "advised"
    HURT = "hurt"
    PLAIN = "plain"


class Practice(StrEnum):
    """What is practised: to listen, or to say something hard."""

    LISTEN = "listen"
    SAY = "say"


Line = Annotated[str, StringConstraints(strip_whitespace=True, min_length=3, max_length=400)]
_LABELS = {
    Move.HEARD: {Label.REFLECTION, Label.VALIDATION, Label.REASSURANCE},
    Move.ASKED: {Label.OPEN_QUESTION},
    Move.TOLD: {
        *(Label.FEELING, Label.NEED, Label.I_STATEMENT, Label.DISCLOSURE),
        *(Label.REPAIR, Label.APPRECIATION, Label.REQUEST),
    },
    Move.ADVISED: {Label.ADVICE},
}
_ORDER = {
    Practice.LISTEN: (Move.HEARD, Move.ASKED, Move.ADVISED, Move.TOLD),
    Practice.SAY: (Move.TOLD, Move.HEARD, Move.ASKED, Move.ADVISED),
}


class Turn(BaseModel):
    """The person's answer, for each thing that a reply may do."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    heard: Line
    asked: Line
    told: Line
    advised: Line
    hurt: Line
    plain: Line

    def line(self, move: Move) -> str:
        """What the person says after a move."""
        return str(getattr(self, move.value))


class Rehearsal(BaseModel):
    """A made-up person, what is on their heart or yours, and what to try."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    id: Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=60)]
    title: Annotated[str, StringConstraints(strip_whitespace=True, min_length=3, max_length=60)]
    practice: Practice
    component: Annotated[str, StringConstraints(pattern="^(vulnerability|empathy|trust|authenticity|acceptance)$")]
    kinds: tuple[Annotated[str, StringConstraints(pattern="^(partners|friends|family|siblings|circle)$")], ...] = Field(
        min_length=1
    )
    level: int = Field(ge=1, le=3)
    person: Annotated[str, StringConstraints(min_length=1, max_length=30)]
    about: Line
    aim: Line = Field(alias="try")
    opening: Line
    turns: tuple[Turn, ...] = Field(min_length=TURNS, max_length=TURNS)


@dataclass(frozen=True, slots=True)
class Said:
    """One exchange so far: what the member wrote, what it did, and the person's answer."""

    text: str
    move: Move
    answer: str


def move_of(reading: Reading, practice: Practice) -> Move:
    """What a reply does: hurt before all else, then by what is practised."""
    seen = set(reading.labels)
    if seen & HURT:
        return Move.HURT
    return next((move for move in _ORDER[practice] if seen & _LABELS[move]), Move.PLAIN)


def answer(rehearsal: Rehearsal, number: int, reading: Reading) -> tuple[Move, str]:
    """(what the reply does, what the person says to it). number: which reply this is, from 0. Raises IndexError after the
    last."""
    move = move_of(reading, rehearsal.practice)
    return move, rehearsal.turns[number].line(move)


class Pack(BaseModel):
    """A file of rehearsals."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    language: str
    author: str
    licence: str
    rehearsals: tuple[Rehearsal, ...] = Field(min_length=1)


def made_of(data: Any) -> tuple[Rehearsal, ...]:
    """The rehearsals of a parsed file. Raises RulesError with what is wrong."""
    try:
        return Pack.model_validate(data).rehearsals
    except ValidationError as error:
        raise RulesError(str(error)) from None
