"""What a member may do that is nobody else's business, for whoever looks whether others could tell."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from closeknit.method.gate import Answer, Question
from closeknit.web.bonds import decisions
from closeknit.web.bonds import services as bonds
from closeknit.web.dialogues import gate
from closeknit.web.dialogues import services as dialogues
from closeknit.web.members import services as members
from closeknit.web.moments import services as moments
from closeknit.web.moments.models import Moment

_TEXT = "It was quiet in the kitchen. " * 20

#: Each takes a member (anyone with `bond()` and `member`) and a moment of theirs.
ACTS: dict[str, Callable[[Any, Moment], object]] = {
    "nothing": lambda mate, moment: None,
    "rests": lambda mate, moment: bonds.pause_write(mate.bond(), paused=True, openly=False),
    "lets it pass": lambda mate, moment: moments.draft_pass(mate.bond(), moment),
    "writes a draft": lambda mate, moment: moments.draft_write(mate.bond(), moment, _TEXT),
    "would rather not": lambda mate, moment: moments.wishes_write(mate.bond(), level=1, avoid=["trust", "time"]),
    "said yes to an end": lambda mate, moment: decisions.votes_write(mate.bond(), decisions.Votes(end=True)),
    "is locked out": lambda mate, moment: members.sessions_end(mate.member),
}

_OPEN = {Question.AFRAID: Answer.NO, Question.HURT: Answer.NO, Question.FREE: Answer.YES, Question.SHOWN: Answer.NO}


def _check(**answers: Answer) -> Callable[[Any, Any], object]:
    told = {**_OPEN, **{Question(name): answer for name, answer in answers.items()}}
    return lambda mate, dialogue: gate.work_out(mate.bond(), told)


#: Each takes a member and a dialogue that they were asked to, and leaves the asker with the same page.
ASKED: dict[str, Callable[[Any, Any], object]] = {
    "nothing": lambda mate, dialogue: None,
    "lays it aside": lambda mate, dialogue: dialogues.own_write(mate.bond(), dialogue.id, not_now=True),
    "the check is open": _check(),
    "afraid": _check(afraid=Answer.YES),
    "was hurt": _check(hurt=Answer.SOMETIMES),
    "not free to say no": _check(free=Answer.NO),
    "is locked out": lambda mate, dialogue: members.sessions_end(mate.member),
}
