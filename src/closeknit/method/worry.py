"""A thought record about opening up: what I want to say, what I fear, what speaks for and against it, one small step, and
afterwards what happened. Pure, and without a clock.

The steps are those of an ordinary thought record; a belief is a whole number from 0 to 100. One may
stop at any step, come back to an earlier one at any time, and leave anything but the thought itself empty.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

LEAST, MOST = 0, 100


class Step(StrEnum):
    """The steps, in their order."""

    WISH = "wish"
    THOUGHT = "thought"
    FOR = "for"
    AGAINST = "against"
    FRIEND = "friend"
    VIEW = "view"
    SMALL = "small"
    AFTER = "after"


ORDER = tuple(Step)
#: Where a number is asked for beside the words.
BELIEVED = frozenset({Step.THOUGHT, Step.VIEW, Step.AFTER})
#: What cannot be left empty: without it the later steps are about nothing.
NEEDED = frozenset({Step.THOUGHT})


class Refused(Exception):
    """A step that is not reached yet, or a number out of range, or nothing where something is needed."""


@dataclass(frozen=True, slots=True)
class Said:
    """What was written at one step. belief: 0 to 100, or None where none is asked for or none was given."""

    text: str
    belief: int | None = None


@dataclass(frozen=True, slots=True)
class Worry:
    """What was said so far."""

    said: dict[Step, Said]

    @property
    def at(self) -> Step | None:
        """The first step that was not answered; None at the end."""
        return next((step for step in ORDER if step not in self.said), None)

    @property
    def is_thought_through(self) -> bool:
        """Whether only what happens afterwards is left to write, or nothing."""
        return self.at in {Step.AFTER, None}

    def is_open(self, step: Step) -> bool:
        """Whether a step can be answered: those behind, and the one that is next."""
        return step in self.said or step is self.at

    def answer(self, step: Step, text: str, belief: int | None = None) -> Worry:
        """With that step said, for the first time or anew. Raises Refused with the word `early`, `empty` or `number`."""
        if not self.is_open(step):
            raise Refused("early")
        if step in NEEDED and not text.strip():
            raise Refused("empty")
        if belief is not None and (step not in BELIEVED or not LEAST <= belief <= MOST):
            raise Refused("number")
        return replace(self, said={**self.said, step: Said(text, belief)})

    def anew(self) -> Worry:
        """The same, answered once more from the first step. For one from elsewhere: what no answering leads to raises
        Refused."""
        made = Worry({})
        for step in ORDER:
            if step in self.said:
                made = made.answer(step, self.said[step].text, self.said[step].belief)
        return made

    def beliefs(self) -> tuple[tuple[Step, int], ...]:
        """How strongly the first thought was believed, in order: at first, beside another view, and after the step."""
        pairs = ((step, self.said[step].belief) for step in ORDER if step in self.said)
        return tuple((step, belief) for step, belief in pairs if belief is not None)

    def to_payload(self) -> dict[str, Any]:
        """Plain values."""
        return {"said": {step.value: [one.text, one.belief] for step, one in self.said.items()}}

    @classmethod
    def from_payload(cls, payload: dict[str, Any]) -> Worry:
        """What `to_payload` made. Raises KeyError, ValueError, TypeError for anything else."""
        said = {}
        for name, (text, belief) in payload["said"].items():
            said[Step(name)] = Said(str(text), None if belief is None else int(belief))
        return cls(said)
