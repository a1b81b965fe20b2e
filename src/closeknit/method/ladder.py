"""A ladder of things somebody would like to tell one person, hardest last: pure, and without a clock.

It grades telling. What still overwhelms somebody is no rung: `Ladder.add` refuses it, and the page says where help is.
That one learns from the gap between what was feared and what happened is Craske's idea (Craske et al. 2014, doi
10.1016/j.brat.2014.04.006); rungs, numbers and rules are ours. A next rung is offered and never due: nothing here knows
how long ago anything was.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

MOST_RUNGS = 40
#: How hard something may be to say, both ends included.
LEAST, MOST = 0, 10
#: A first rung is best neither nothing nor much.
FIRST = range(2, 5)


class Stage(StrEnum):
    """Where a rung stands."""

    WAITING = "waiting"
    CHOSEN = "chosen"
    TOLD = "told"


class Came(StrEnum):
    """Whether what was feared came."""

    NO = "no"
    PARTLY = "partly"
    YES = "yes"


class Advice(StrEnum):
    """What the ladder says about going on. None of it is pressing, and all of it may be ignored."""

    EMPTY = "empty"
    CHOSEN = "chosen"
    FIRST = "first"
    NEXT = "next"
    SMALLER = "smaller"
    REST = "rest"
    ALL_TOLD = "all_told"
    STOPPED = "stopped"


class Refused(Exception):
    """What was asked for does not fit where the ladder stands."""


class Overwhelms(Refused):
    """The thing still overwhelms whoever writes it: it belongs with somebody trained and on no ladder."""


@dataclass(frozen=True, slots=True)
class Plan:
    """When, where and how somebody means to say it, and how they would begin. Each may be empty."""

    when: str = ""
    how: str = ""
    words: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What happened when it was said. hard: how hard it would be to say now, 0 to 10; surprise: the same range."""

    happened: str
    came: Came
    hard: int
    surprise: int


@dataclass(frozen=True, slots=True)
class Rung:
    """One thing to tell. hard: how hard it seems, 0 to 10; fear: what might happen; helps: what would make it easier."""

    id: str
    thing: str
    hard: int
    fear: str = ""
    helps: str = ""
    stage: Stage = Stage.WAITING
    plan: Plan = Plan()
    outcome: Outcome | None = None

    @property
    def went_badly(self) -> bool:
        """Whether what was feared came, and it is no easier than before."""
        one = self.outcome
        return one is not None and one.came is Came.YES and one.hard >= self.hard


@dataclass(frozen=True, slots=True)
class Ladder:
    """Rungs for one person, in the order in which they were written; told: ids in the order in which they were told."""

    who: str
    rungs: tuple[Rung, ...] = ()
    told: tuple[str, ...] = ()
    stopped: bool = False

    # -- reading ------------------------------------------------------------------------------------------------------

    def rung(self, rung_id: str) -> Rung:
        """Raises KeyError."""
        for one in self.rungs:
            if one.id == rung_id:
                return one
        raise KeyError(rung_id)

    @property
    def climbing(self) -> tuple[Rung, ...]:
        """What is not told yet, easiest first; of two as hard, the one written first."""
        return tuple(sorted((one for one in self.rungs if one.stage is not Stage.TOLD), key=lambda one: one.hard))

    @property
    def done(self) -> tuple[Rung, ...]:
        """What was told, in that order."""
        return tuple(self.rung(one) for one in self.told)

    @property
    def chosen(self) -> Rung | None:
        return next((one for one in self.rungs if one.stage is Stage.CHOSEN), None)

    def advice(self) -> tuple[Advice, Rung | None]:
        """What may come next, and the rung it is about.

        After something that went badly only a smaller rung is offered, and none where there is none: then comes rest.
        """
        if self.stopped:
            return Advice.STOPPED, None
        if self.chosen is not None:
            return Advice.CHOSEN, self.chosen
        left = self.climbing
        if not left:
            return (Advice.ALL_TOLD if self.told else Advice.EMPTY), None
        if not self.told:
            small = [one for one in left if one.hard in FIRST]
            return Advice.FIRST, (small or list(left))[0]
        last = self.done[-1]
        if not last.went_badly:
            return Advice.NEXT, left[0]
        smaller = [one for one in left if one.hard < last.hard]
        return (Advice.SMALLER, smaller[-1]) if smaller else (Advice.REST, None)

    # -- changing -----------------------------------------------------------------------------------------------------

    def add(self, rung: Rung, *, overwhelms: bool) -> Ladder:
        """With one rung more. Raises Overwhelms where it still overwhelms; Refused on a full ladder or a bad number."""
        if overwhelms:
            raise Overwhelms
        if len(self.rungs) >= MOST_RUNGS:
            raise Refused("full")
        return replace(self, rungs=(*self.rungs, _within(replace(rung, stage=Stage.WAITING, plan=Plan(), outcome=None))))

    def change(self, rung_id: str, *, thing: str, hard: int, fear: str, helps: str, overwhelms: bool) -> Ladder:
        """With other words or another number for a rung that is not told. Raises as `add`; KeyError."""
        if overwhelms:
            raise Overwhelms
        if self.rung(rung_id).stage is Stage.TOLD:
            raise Refused("told")
        return self._with(rung_id, thing=thing, hard=hard, fear=fear, helps=helps)

    def remove(self, rung_id: str) -> Ladder:
        """Without that rung, told or not. Raises KeyError."""
        self.rung(rung_id)
        rungs = tuple(one for one in self.rungs if one.id != rung_id)
        return replace(self, rungs=rungs, told=tuple(one for one in self.told if one != rung_id))

    def choose(self, rung_id: str, plan: Plan) -> Ladder:
        """Take a rung up, one at a time; choosing another puts the first one back, with its plan. Raises Refused."""
        self._going()
        if self.rung(rung_id).stage is Stage.TOLD:
            raise Refused("told")
        back = self if self.chosen is None or self.chosen.id == rung_id else self.put_back()
        return back._with(rung_id, stage=Stage.CHOSEN, plan=plan)

    def put_back(self) -> Ladder:
        """The chosen rung waits again; its plan is kept for another day."""
        return self if self.chosen is None else self._with(self.chosen.id, stage=Stage.WAITING)

    def tell(self, rung_id: str, outcome: Outcome) -> Ladder:
        """Write down what happened; told again, it is the newer telling that counts. Raises Refused, KeyError.

        A rung may be told without having been chosen: people speak when it comes to them.
        """
        self._going()
        if not (_in_range(outcome.hard) and _in_range(outcome.surprise)):
            raise Refused("number")
        made = self._with(rung_id, stage=Stage.TOLD, outcome=outcome)
        return replace(made, told=(*(one for one in self.told if one != rung_id), rung_id))

    def stop(self) -> Ladder:
        """Leave it as it is. Nothing is lost, and it may be taken up again."""
        return replace(self.put_back(), stopped=True)

    def go_on(self) -> Ladder:
        return replace(self, stopped=False)

    def anew(self, ids: Iterable[str]) -> Ladder:
        """The same ladder, climbed once more from the ground, with other ids for its rungs, in their order.

        For a ladder from elsewhere: whatever no climbing leads to raises Refused, and so does an id that stands twice.
        """
        other = dict(zip((one.id for one in self.rungs), ids, strict=False))
        if len(other) != len(self.rungs):
            raise Refused("ids")
        wanted = replace(
            self,
            rungs=tuple(replace(one, id=other[one.id]) for one in self.rungs),
            told=tuple(other[one] for one in self.told),
        )
        made = Ladder(self.who)
        for one in wanted.rungs:
            made = made.add(one, overwhelms=False)
            made = made.choose(one.id, one.plan).put_back()
        for one in wanted.done:
            if one.outcome is None:
                raise Refused("told")
            made = made.tell(one.id, one.outcome)
        if wanted.chosen is not None:
            made = made.choose(wanted.chosen.id, wanted.chosen.plan)
        made = made.stop() if self.stopped else made
        if made != wanted:
            raise Refused("unlike")
        return made

    def _going(self) -> None:
        if self.stopped:
            raise Refused("stopped")

    def _with(self, rung_id: str, **changes: Any) -> Ladder:
        one = _within(replace(self.rung(rung_id), **changes))
        return replace(self, rungs=tuple(one if each.id == rung_id else each for each in self.rungs))

    # -- as it is sealed ----------------------------------------------------------------------------------------------

    def to_payload(self) -> dict[str, Any]:
        """Plain values."""
        return {"who": self.who, "rungs": [_out(one) for one in self.rungs], "told": list(self.told), "stopped": self.stopped}

    @classmethod
    def from_payload(cls, payload: dict[str, Any]) -> Ladder:
        """What `to_payload` made. Raises KeyError, ValueError, TypeError for anything else."""
        rungs = tuple(_in(one) for one in payload["rungs"])
        known = {one.id for one in rungs}
        told = tuple(str(one) for one in payload["told"] if one in known)
        return cls(str(payload["who"]), rungs, told, bool(payload["stopped"]))


def _in_range(number: int) -> bool:
    return LEAST <= number <= MOST


def _within(rung: Rung) -> Rung:
    if not _in_range(rung.hard):
        raise Refused("number")
    return rung


def _out(rung: Rung) -> dict[str, Any]:
    made: dict[str, Any] = {name: getattr(rung, name) for name in ("id", "thing", "hard", "fear", "helps")}
    made |= {"stage": rung.stage.value, "plan": [rung.plan.when, rung.plan.how, rung.plan.words]}
    if rung.outcome is not None:
        one = rung.outcome
        made["outcome"] = {"happened": one.happened, "came": one.came.value, "hard": one.hard, "surprise": one.surprise}
    return made


def _in(raw: dict[str, Any]) -> Rung:
    after = raw.get("outcome")
    outcome = None
    if after is not None:
        outcome = Outcome(str(after["happened"]), Came(after["came"]), int(after["hard"]), int(after["surprise"]))
    words = {name: str(raw[name]) for name in ("thing", "fear", "helps")}
    plan = Plan(*(str(one) for one in raw["plan"]))
    return Rung(str(raw["id"]), hard=int(raw["hard"]), stage=Stage(raw["stage"]), plan=plan, outcome=outcome, **words)
