"""What a member may do that is nobody else's business, for whoever looks whether others could tell."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from closeknit.web.bonds import decisions
from closeknit.web.bonds import services as bonds
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
